"""`kineograph info`: what files hold."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kineograph.cli.options import MaxPixels


def info(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Videos, folders of frames, pictures, depth maps, .npz files, motion documents, "
            "poses, recordings.",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
    max_pixels: MaxPixels = None,
) -> None:
    """Tell what a file holds: video, picture, depth, tracks, boxes, cameras, poses, motion.

    [dim]kineograph info out.mp4 scene.motion.json[/dim]
    """
    import json

    from kineograph.cli import tables
    from kineograph.cli.describe import describe

    for path in files:
        facts = describe(path, max_pixels)
        if as_json:
            typer.echo(json.dumps(facts, ensure_ascii=False))
        else:
            tables.show(tables.pairs(facts["file"], _rows(facts)))


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Facts as lines of a table; what is not there is left out."""
    there = {name: value for name, value in facts.items() if value not in (None, [], {})}
    return [
        (name, "\n".join(value) if name == "gestures" else told(value))
        for name, value in there.items()
        if name != "file"
    ]


def told(value: Any) -> str:
    """A fact in words."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case dict():
            there = {name: inner for name, inner in value.items() if inner not in (None, [], {})}
            return ", ".join(f"{name} {told(inner)}" for name, inner in there.items())
        case [int() as width, int() as height]:
            return f"{width}x{height}"
        case list():
            return ", ".join(told(item) for item in value)
    return str(value)

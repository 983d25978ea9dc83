"""`kineograph info`: what files hold."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kineograph.cli.options import MaxPixels

if TYPE_CHECKING:
    from rich.table import Table


def info(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Videos, folders of frames, pictures, .npz files, motion documents.",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
    max_pixels: MaxPixels = None,
) -> None:
    """Tell what a video, picture, tracks, boxes, cameras or motion file holds.

    [dim]kineograph info out.mp4 scene.motion.json[/dim]
    """
    import json

    from rich.console import Console

    from kineograph.cli.describe import describe

    for path in files:
        facts = describe(path, max_pixels)
        if as_json:
            typer.echo(json.dumps(facts, ensure_ascii=False))
        else:
            Console(highlight=False).print(_table(facts))


def _table(facts: dict[str, Any]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(facts["file"]), title_justify="left", box=None, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(facts):
        table.add_row(name, escape(value))
    return table


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

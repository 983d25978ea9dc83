"""Options that several commands share, and the values they take."""

import re
from pathlib import Path
from typing import Annotated

import typer

from kineograph.core.errors import KineographError

AllowOutside = Annotated[
    bool,
    typer.Option(
        "--allow-outside",
        help="Let a document read files outside its own folder.",
        rich_help_panel="Limits",
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        metavar="N",
        min=1,
        help="The largest picture that is read or made, in pixels (default: 64 million).",
        rich_help_panel="Limits",
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel="Output")
]
Ids = Annotated[bool, typer.Option("--ids", help="Number every track.")]
Trail = Annotated[
    int | None,
    typer.Option(
        "--trail",
        metavar="N",
        min=0,
        help="How many past frames a trail shows (default: 12; all in a single picture).",
    ),
]


class UsageError(KineographError):
    """Options that say something impossible or contradict each other."""


def size_of(text: str | None) -> tuple[int, int] | None:
    """Width and height of `--size WxH`.

    Raises:
        UsageError: it is not written so, or a side is 0.
    """
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d{1,6})\s*[xX]\s*(\d{1,6})\s*", text)
    if match is None or "0" in (match[1].strip("0") or "0", match[2].strip("0") or "0"):
        raise UsageError(f"--size {text} was given; write width x height in pixels, as 832x480")
    return int(match[1]), int(match[2])


def check_distinct(places: dict[str, Path | None]) -> None:
    """Check that no two options name the same file, and none the standard streams.

    Args:
        places: option (or argument) name to the path given, or None.

    Raises:
        UsageError: two name the same file, or one is `-`.
    """
    seen: dict[Path, str] = {}
    for name, path in places.items():
        if path is None:
            continue
        if str(path) == "-":
            raise UsageError(f"{name} is -; standard input and output are not used; name a file")
        place = path.resolve()
        if place in seen:
            raise UsageError(f"{seen[place]} and {name} are both {path}; name two different files")
        seen[place] = name

"""Options of the commands that measure: what is measured, and what looks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.options import UsageError

if TYPE_CHECKING:
    from kineograph.evaluation.align import Alignment
    from kineograph.evaluation.eyes import Eyes

MEASURING = "Measuring"

Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...",
        help="What is measured; `kineograph bench --list` has the metrics.",
        rich_help_panel=MEASURING,
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where the networks of metrics lie: LPIPS, CLIP, I3D ... under their usual names.",
        envvar="KINEOGRAPH_WEIGHTS",
        rich_help_panel=MEASURING,
    ),
]
Backbone = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=PATH", help="A network that lies elsewhere.", rich_help_panel=MEASURING
    ),
]
Tracker = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[=FILE]",
        help="The tracker, with its weights (default: flow); see `kineograph doctor`.",
        rich_help_panel=MEASURING,
    ),
]
Device = Annotated[
    str,
    typer.Option(metavar="NAME", help="Where metrics' networks run.", rich_help_panel=MEASURING),
]
Align = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHAT=HOW",
        help="What may be done with videos that do not fit: size=stretch|crop, "
        "length=cut|resample, rate=ignore.",
        rich_help_panel=MEASURING,
    ),
]


def names(text: str | None) -> tuple[str, ...]:
    """The names between commas; none of none."""
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))


def pairs(option: str, given: Sequence[str] | None) -> Mapping[str, str]:
    """What an option that may come again states, each as NAME=VALUE.

    Raises:
        UsageError: one is not written so.
    """
    found = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise UsageError(f"--{option} {text} was given; write --{option} NAME=VALUE")
        found[name] = value
    return found


def alignment(given: Sequence[str] | None) -> "Alignment":
    """What `--align` allows.

    Raises:
        UsageError: it names something else.
        EvaluationError: there is no such choice.
    """
    from kineograph.evaluation.align import CHOICES, Alignment

    held = pairs("align", given)
    unknown = sorted(set(held) - set(CHOICES))
    if unknown:
        raise UsageError(f"--align {unknown[0]}= was given; there are {', '.join(CHOICES)}")
    return Alignment(**held)


def eyes(
    weights: Path | None, backbone: Sequence[str] | None, tracker: str | None, device: str
) -> "Eyes":
    """What looks, as the options say.

    Raises:
        UsageError: an option is not written as it has to be.
    """
    from kineograph.evaluation.eyes import Eyes

    name, _, file = (tracker or "").partition("=")
    places = pairs("backbone", backbone).items()
    return Eyes(
        tracker=name,
        tracker_weights=Path(file) if file else None,
        backbones=weights,
        places=tuple((key, Path(path)) for key, path in places),
        device=device,
    )

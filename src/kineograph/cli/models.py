"""`kineograph models`: what weights are, converting and packing them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.options import Quiet
from kineograph.cli.tables import size

if TYPE_CHECKING:
    from kineograph.models.inspecting.inspection import Inspection

models = typer.Typer(
    name="models",
    help="Say what weights are, convert and pack them.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@models.command()
def inspect(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER_OR_FILE...",
            help="Model folders, adapters, weights files of any layout.",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
) -> None:
    """Say what weights are: kind, version, size, what they read and which base they fit.

    Nothing is loaded but the heads of files.

    [dim]kineograph models inspect v3_sd15_mm.ckpt my-model/[/dim]
    """
    import dataclasses
    import json

    from kineograph.cli import tables
    from kineograph.models.inspecting.inspection import inspect as look

    for path in paths:
        told = look(path)
        if as_json:
            typer.echo(json.dumps(dataclasses.asdict(told), ensure_ascii=False))
            continue
        tables.show(tables.pairs(told.path, rows(told)))


@models.command()
def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A weights file, or a folder.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="The folder to write, or the .safetensors file of an original.",
            show_default=False,
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="LAYOUT",
            help="diffusers, kineograph or original (default: what suits IN).",
        ),
    ] = None,
    heads: Annotated[
        int,
        typer.Option(
            "--heads",
            metavar="N",
            min=1,
            help="Attention heads of an original, which its file does not tell.",
            rich_help_panel="Originals",
        ),
    ] = 8,
    groups: Annotated[
        int,
        typer.Option(
            "--groups",
            metavar="N",
            min=1,
            help="Groups of an original's normalisations, which its file does not tell.",
            rich_help_panel="Originals",
        ),
    ] = 32,
    quiet: Quiet = False,
) -> None:
    """Convert weights into another layout, every number as it was.

    Originals: AnimateDiff's motion modules, MotionLoRAs, domain adapter and SparseCtrl; GLIGEN;
    ModelScope's U-Net; SMCD (the folder of its three files). Folders can be written back as
    originals.

    [dim]kineograph models convert v3_sd15_mm.ckpt motion/[/dim]
    """
    from kineograph.cli.talk import Talk
    from kineograph.models.converting.conversion import convert as write

    talk = Talk(quiet)
    for made in write(source, out, to=to, heads=heads, groups=groups):
        talk.wrote(made.path, made.what)


@models.command()
def pack(
    export: Annotated[
        Path, typer.Argument(metavar="IN", help="What a stage exported.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The folder to write.", show_default=False)
    ],
    quiet: Quiet = False,
) -> None:
    """Write a trained model with its adapters as one folder, in half precision.

    [dim]kineograph models pack runs/mini/prompts/trained my-mini/[/dim]
    """
    from kineograph.cli.talk import Talk
    from kineograph.training.packing import pack as write

    Talk(quiet).wrote(write(export, out), "a model in half precision")


def rows(told: "Inspection") -> list[tuple[str, str]]:
    """An inspection as lines of a table; what is not known is left out."""
    lines = [
        ("what", told.what if told.version is None else f"{told.what}, {told.version}"),
        ("layout", told.layout),
        ("reads", ", ".join(told.reads)),
        ("base", told.base or ""),
        ("frames", "" if told.frames is None else f"at most {told.frames} at once"),
        ("ranks", ", ".join(map(str, told.ranks))),
        ("weights", _weights(told)),
        *((f"part {name}", said) for name, said in told.parts.items()),
        *((f"adapter {Path(one.path).name}", _adapter(one)) for one in told.adapters),
        *((f"card {name}", said) for name, said in told.training.items()),
    ]
    return [(name, value) for name, value in lines if value]


def _weights(told: "Inspection") -> str:
    types = ", ".join(told.dtypes)
    return f"{told.parameters:,} parameters in {told.tensors:,} tensors, {types}, {size(told.size)}"


def _adapter(told: "Inspection") -> str:
    reads = ", ".join(told.reads) or "nothing that a document holds"
    return f"{told.what}, reads {reads}, {told.parameters:,} parameters"

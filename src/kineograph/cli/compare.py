"""`kineograph compare`: two benchmark reports against each other, clip by clip."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.options import Quiet, UsageError
from kineograph.cli.talk import Talk

if TYPE_CHECKING:
    from kineograph.evaluation.reports.comparing import Comparison


def compare(
    first: Annotated[
        Path, typer.Argument(metavar="REPORT1", help="A report's folder.", show_default=False)
    ],
    second: Annotated[
        Path, typer.Argument(metavar="REPORT2", help="Another's.", show_default=False)
    ],
    rows: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROW1=ROW2",
            help="A row of the first and one of the second (default: the engines that both have).",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it: .html or .md."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Compare two reports of one suite: what changed, and is it more than chance?

    Differences are taken clip by clip, over the clips that both reports have, with 95 % intervals.
    """
    from kineograph.evaluation.bench.results import Results
    from kineograph.evaluation.reports.comparing import compare as compared

    _check(output)
    pairs = [_pair(text) for text in rows or ()]
    found = compared(Results.load(first), Results.load(second), pairs)
    talk = Talk(quiet)
    for note in found.notes:
        talk.note(note)
    _show(found)
    if output is not None:
        _write(found, output)
        talk.wrote(output, "the comparison")


def _pair(text: str) -> tuple[str, str]:
    one, equals, other = text.partition("=")
    if not one or (equals and not other):
        raise UsageError(f"--rows {text} was given; write --rows ROW1=ROW2, or one name for both")
    return one, other or one


def _check(output: Path | None) -> None:
    if output is not None and output.suffix not in (".html", ".md"):
        raise UsageError(f"--output {output} was given; name a file that ends in .html or .md")


def _show(found: "Comparison") -> None:
    from rich.markup import escape
    from rich.table import Table

    from kineograph.cli.tables import show
    from kineograph.evaluation.reports.compared_page import HEADS, cells

    styles: Mapping[str, str] = {"better": "green", "worse": "red"}
    table = Table(box=None)
    left: Sequence[int] = (0, 1, 2, len(HEADS) - 1)
    for index, name in enumerate(HEADS):
        table.add_column(name, justify="left" if index in left else "right")
    for held in found.differences:
        table.add_row(*map(escape, cells(held)), style=styles.get(held.verdict))
    show(table)


def _write(found: "Comparison", output: Path) -> None:
    from kineograph.core.files import whole_file
    from kineograph.evaluation.reports.compared_page import compared_html, compared_markdown

    page = compared_html if output.suffix == ".html" else compared_markdown
    with whole_file(output) as partial:
        partial.write_text(page(found), encoding="utf-8")

"""`kineograph bench`: a suite of clips through engines, measured, and a report of it."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kineograph.cli import stop
from kineograph.cli.engine_settings import engine_settings
from kineograph.cli.looking import (
    Align,
    Backbone,
    Device,
    Metrics,
    Tracker,
    Weights,
    alignment,
    eyes,
    names,
)
from kineograph.cli.options import Quiet, UsageError, size_of
from kineograph.cli.talk import Talk

if TYPE_CHECKING:
    from kineograph.evaluation.bench.report_folder import RowHead
    from kineograph.evaluation.bench.results import Results
    from kineograph.evaluation.eyes import Eyes
    from kineograph.evaluation.reports.table import Cell

ROWS, CLIPS, RUN = "Rows", "Clips", "Run"


def bench(
    suite: Annotated[
        str, typer.Argument(metavar="SUITE", help="Which suite; --list has them.")
    ] = "procedural",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Where the report goes (default: reports/<suite>); one that is there goes on.",
            rich_help_panel=RUN,
        ),
    ] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENGINE",
            help="An engine and its settings: [dim]warp[/dim], or "
            "[dim]'ours=unet model=FOLDER adapters=FOLDER steps=25'[/dim]; once for each row. "
            "The rows truth, still and warp are always there.",
            rich_help_panel=ROWS,
        ),
    ] = None,
    videos: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FOLDER",
            help="A row of another tool's videos, called like the cases (--cases has them).",
            rich_help_panel=ROWS,
        ),
    ] = None,
    align: Align = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The suite's data, in its public layout.",
            rich_help_panel=CLIPS,
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Only the first N clips.", rich_help_panel=CLIPS),
    ] = None,
    variants: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Only these variants of the suite, such as 16,512 tracks.",
            rich_help_panel=CLIPS,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Size to generate at (default: the suite's).", rich_help_panel=CLIPS
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Frames of a clip (default: the suite's).",
            rich_help_panel=CLIPS,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Of all that is drawn.", rich_help_panel=CLIPS)
    ] = 0,
    metrics: Metrics = None,
    weights: Weights = None,
    backbone: Backbone = None,
    tracker: Tracker = None,
    device: Device = "cpu",
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            "-j",
            metavar="N",
            min=1,
            help="How many work at once.",
            rich_help_panel=RUN,
        ),
    ] = 1,
    ray: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Work on the machines of a Ray cluster; all have to see the folders.",
            rich_help_panel=RUN,
        ),
    ] = "",
    listed: Annotated[
        bool, typer.Option("--list", help="List suites and metrics.", rich_help_panel=RUN)
    ] = False,
    cases: Annotated[
        bool,
        typer.Option(
            "--cases",
            help="List the cases: what other tools' videos are called.",
            rich_help_panel=RUN,
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Run a suite through engines, measure what they make, and write a report.

    [dim]kineograph bench[/dim] compares the built-in engines on procedural scenes with exact truth;
    nothing is needed for it.
    """
    if listed:
        _list()
        return
    from kineograph.evaluation.suites import suite_named

    looks = eyes(weights, backbone, tracker, device)
    given = {"size": size_of(size), "frames": frames, "count": count, "seed": seed}
    chosen = suite_named(suite, data, **given, **_followed(suite, looks))
    if cases:
        wanted = _variants(variants, chosen.variants) or chosen.variants
        for case in chosen.cases():
            if case.variant in wanted:
                typer.echo(case.key)
        return
    from kineograph.evaluation.bench.job import Bench
    from kineograph.evaluation.bench.report_folder import ReportFolder
    from kineograph.evaluation.bench.running import Crew, run
    from kineograph.evaluation.reports.folder import check_packages

    check_packages()
    talk = Talk(quiet)
    folder = out or Path("reports") / suite
    work = Bench(
        chosen,
        names(metrics) or chosen.metrics,
        ReportFolder(folder),
        looks,
        alignment(align),
        _variants(variants, chosen.variants),
    )
    rows = [*map(row_of, engine or []), *map(_videos_row, videos or [])]
    command = shlex.join(["kineograph", *sys.argv[1:]])
    try:
        with talk.progress("measuring") as advance:
            results = run(
                work,
                rows,
                crew=Crew(processes, ray),
                progress=lambda done, total: advance(done, total, "cases"),
                command=command,
            )
    except KeyboardInterrupt:
        talk.note(f"stopped; what was measured is in {folder}, and the same command goes on")
        raise typer.Exit(stop.exit_code()) from None
    _report(results, folder, talk)


def row_of(text: str) -> "RowHead":
    """The row that `--engine` states: "warp", or "label=unet model=FOLDER steps=25".

    Raises:
        UsageError: it is not written so.
        EngineError: there is no such engine.
    """
    from kineograph.engines import registry
    from kineograph.engines.weight_paths import absolute
    from kineograph.evaluation.bench.report_folder import RowHead

    try:
        first, *pairs = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--engine {text} cannot be read: {error}") from None
    label, equals, name = first.rpartition("=")
    settings = engine_settings(None, [], [], pairs)
    held = absolute(settings, registry.engine(name).settings.paths, Path.cwd())
    return RowHead(_label(label if equals else name), name, held)


def _label(text: str) -> str:
    """A row's label, which is a folder's name too."""
    from kineograph.evaluation.bench.report_files import LABEL

    if re.fullmatch(LABEL, text) is None:
        raise UsageError(
            f"a row is called {text!r}; begin with a letter or digit, then also '.', '_' and '-': "
            "--engine NAME=ENGINE"
        )
    return text


def _videos_row(text: str) -> "RowHead":
    from kineograph.evaluation.bench.generating import VIDEOS
    from kineograph.evaluation.bench.report_folder import RowHead

    label, equals, folder = text.partition("=")
    if not (equals and folder):
        raise UsageError(f"--videos {text} was given; write --videos NAME=FOLDER")
    return RowHead(_label(label), VIDEOS, {"folder": str(Path(folder).absolute())})


def _followed(suite: str, looks: "Eyes") -> dict[str, Any]:
    """The tracker, for suites whose tracks it measures on the true videos."""
    from kineograph.evaluation.suites import options_of

    held = {"tracker": looks.tracker or None, "weights": looks.tracker_weights}
    known = options_of(suite)
    return {name: value for name, value in held.items() if name in known and value is not None}


def _variants(text: str | None, known: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in names(text) if name not in known]
    if unknown:
        raise UsageError(f"the suite has no variant {unknown[0]}; it has {', '.join(known)}")
    return names(text)


def _report(results: "Results", folder: Path, talk: Talk) -> None:
    """Write the report's pages and show its table."""
    from kineograph.evaluation.reports.folder import write_report
    from kineograph.evaluation.reports.table import notes_of

    for path in write_report(results, folder):
        talk.wrote(path, "the report" if path.suffix == ".html" else "its table")
    for note in notes_of(results):
        talk.note(note)
    if not talk.quiet:
        _show(results)
    _check_rows(results)


def _check_rows(results: "Results") -> None:
    """A row of which nothing could be made is an error, though the report is written.

    Raises:
        EvaluationError: there is one.
    """
    from kineograph.core.errors import EvaluationError

    for row in results.head.rows:
        held = [case for case in results.cases if case.row == row.label]
        if held and all(case.failed and not case.values for case in held):
            raise EvaluationError(f"every case of {row.label} failed; the first: {held[0].failed}")


def _show(results: "Results") -> None:
    """The report's tables, as far as a terminal shows them well."""
    from rich.markup import escape
    from rich.table import Table

    from kineograph.cli.tables import show
    from kineograph.evaluation.reports.table import ARROWS, tables_of

    for held in tables_of(results):
        title = f"{results.head.axis} {held.variant}" if held.variant else results.head.title
        table = Table(title=escape(title), title_justify="left", box=None)
        table.add_column("")
        for metric in held.metrics:
            table.add_column(f"{metric['name']} {ARROWS[metric['better']]}", justify="right")
        for line in held.lines:
            found = [line.cells.get(metric["name"]) for metric in held.metrics]
            values = ["" if cell is None else _bold(cell) for cell in found]
            label = f"{line.label} (paper)" if line.kind == "paper" else line.label
            table.add_row(escape(label), *values, style="dim" if line.kind == "paper" else None)
        show(table)
        typer.echo("")


def _bold(cell: "Cell") -> str:
    from kineograph.evaluation.reports.writing import number

    said = number(cell.interval.value)
    return f"[bold]{said}[/]" if cell.best else said


def _list() -> None:
    """The suites and the metrics there are."""
    from kineograph.cli.tables import pairs, show
    from kineograph.evaluation.metrics import METRICS
    from kineograph.evaluation.suites import SUITES, suite_class

    show(pairs("Suites", [(name, suite_class(name).title) for name in SUITES]))
    typer.echo("")
    show(pairs("Metrics", [(name, metric.what) for name, metric in METRICS.items()]))

"""The tables of a report: a row an engine, a column a metric, one table a variant."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kineograph.evaluation.bench.report_folder import STILL, TRUTH, WARP
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.intervals import Interval

Kind = Literal["truth", "baseline", "engine", "paper"]
"""The true video; what every table has beside it; what is compared; what a paper says."""

ARROWS = {"lower": "↓", "higher": "↑", "neither": ""}
"""Which way is good."""


@dataclass(frozen=True)
class Cell:
    """One value of a table.

    Args:
        interval: the value with its interval; of a paper's figure the ends are NaN.
        best: whether no other engine has a better one.
    """

    interval: Interval
    best: bool = False


@dataclass(frozen=True)
class Line:
    """One row of a table.

    Args:
        label: whose values they are.
        kind: see `Kind`.
        cells: metric to value; what is not known is not there.
        note: what has to be said of it: failed cases, a paper's source.
    """

    label: str
    kind: Kind
    cells: Mapping[str, Cell]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """The table of one variant.

    Args:
        variant: which; empty where there is one.
        metrics: `Metric.plain()` of each column.
        lines: the true video first, then still and warp, the engines, and papers' figures.
    """

    variant: str
    metrics: tuple[Mapping[str, Any], ...]
    lines: tuple[Line, ...]


def tables_of(results: Results) -> tuple[Table, ...]:
    """The tables of a report, one a variant in their order.

    The best value of a column is sought among engines (still and warp among them), never in the
    truth's row and never in a paper's. Columns that no row has a value of are left out, and curves,
    which are drawn.
    """
    return tuple(_table(results, variant) for variant in results.head.variants)


def notes_of(results: Results) -> tuple[str, ...]:
    """What one has to know before believing the tables, a sentence each."""
    return (
        *_other_eyes(results),
        *_not_measured(results),
        *_failures(results),
        *_too_few(results),
        *_unequal(results),
    )


def _table(results: Results, variant: str) -> Table:
    columns = tuple(metric for metric in results.head.metrics if metric["kind"] != "curve")
    lines = [_line(results, row.label, variant, columns) for row in results.head.rows]
    papers = [_paper(row) for row in results.head.published if row["variant"] == variant]
    shown = [m for m in columns if any(m["name"] in line.cells for line in lines)]
    marked = _with_best([line for line in lines if line.cells or line.note], shown)
    return Table(variant, tuple(shown), (*marked, *papers))


def _line(results: Results, row: str, variant: str, columns: Sequence[Mapping[str, Any]]) -> Line:
    found = {m["name"]: results.interval(m["name"], row, variant) for m in columns}
    cells = {name: Cell(value) for name, value in found.items() if value is not None}
    kinds: dict[str, Kind] = {TRUTH: "truth", STILL: "baseline", WARP: "baseline"}
    failed = _failed(results, row, variant)
    note = f"{failed} of {len(results.names)} clips failed" if failed else ""
    return Line(row, kinds.get(row, "engine"), cells, note)


def _paper(row: Mapping[str, Any]) -> Line:
    nan = float("nan")
    values = {name: Cell(Interval(float(x), nan, nan, 0)) for name, x in row["values"].items()}
    note = ": ".join(x for x in (row["source"], row.get("note", "")) if x)
    return Line(str(row["system"]), "paper", values, note)


def _with_best(lines: Sequence[Line], columns: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    best = {m["name"]: _best(lines, m) for m in columns}
    for line in lines:
        compared = line.kind in ("baseline", "engine")
        cells = {
            name: Cell(cell.interval, compared and cell.interval.value == best[name])
            for name, cell in line.cells.items()
        }
        yield Line(line.label, line.kind, cells, line.note)


def _best(lines: Sequence[Line], metric: Mapping[str, Any]) -> float | None:
    """The best value of a column, if there are two to compare."""
    name, better = metric["name"], metric["better"]
    held = [
        line.cells[name].interval.value
        for line in lines
        if line.kind in ("baseline", "engine") and name in line.cells
    ]
    if better == "neither" or len(held) < 2:
        return None
    return min(held) if better == "lower" else max(held)


def _failed(results: Results, row: str, variant: str) -> int:
    held = (results.at(row, variant, name) for name in results.names)
    return sum(bool(x.failed) for x in held if x is not None)


def _other_eyes(results: Results) -> Iterator[str]:
    if results.unseen:
        yield (
            f"{results.unseen} measurements by another tracker or flow are left out; run bench "
            "again with these rows and clips to renew them"
        )


def _not_measured(results: Results) -> Iterator[str]:
    for metric, why in results.head.missing.items():
        yield f"{metric} was not measured: {why}"


def _failures(results: Results) -> Iterator[str]:
    for row in results.head.rows:
        said = [held.failed for held in results.cases if held.row == row.label and held.failed]
        if said:
            yield f"{row.label}: {len(said)} cases failed, the first with: {said[0]}"


def _too_few(results: Results) -> Iterator[str]:
    for metric in results.head.metrics:
        found = [
            value.count
            for row in results.head.rows
            for variant in results.head.variants
            if (value := results.interval(metric["name"], row.label, variant)) is not None
        ]
        if not found and metric["kind"] == "set" and metric["name"] not in results.head.missing:
            yield f"{metric['title']} compares sets of clips, and there are not two to compare"
        elif found and min(found) < metric["least"]:
            yield (
                f"{metric['title']} over {min(found)} clips is not to be trusted; it wants "
                f"{metric['least']} or more"
            )


def _unequal(results: Results) -> Iterator[str]:
    """Rows that were measured on different clips cannot be compared by their means."""
    for variant in results.head.variants:
        sets: dict[frozenset[str], list[str]] = {}
        for row in results.head.rows:
            held = frozenset(
                name
                for name in results.names
                if (x := results.at(row.label, variant, name)) is not None and not x.failed
            )
            if held:
                sets.setdefault(held, []).append(row.label)
        if len(sets) > 1:
            told = "; ".join(f"{', '.join(rows)}: {len(held)}" for held, rows in sets.items())
            named = f" of {results.head.axis} {variant}" if variant else ""
            yield f"not all rows{named} have the same clips ({told}); compare only what is common"

"""Two reports held against each other, clip by clip."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.report_folder import STILL, TRUTH, WARP
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.intervals import Interval, mean_interval

ALIKE = ("size", "frames", "seed", "tracker", "optical flow")
"""What two reports have to have alike, or their figures mean different things."""

WORST = 5
"""Of so many clips that differ most the names are kept."""


@dataclass(frozen=True)
class Difference:
    """What one metric says of two rows, over the clips that both have.

    Args:
        variant: of the suite.
        rows: the first report's row and the second's.
        metric: `Metric.plain()`.
        first: the mean of the first.
        second: the mean of the second.
        change: second minus first, clip by clip, with the interval of its mean.
        better: the share of clips in which the second is better; ties count half.
        clips: names of those that differ most, the largest difference first.
    """

    variant: str
    rows: tuple[str, str]
    metric: Mapping[str, Any]
    first: float
    second: float
    change: Interval
    better: float
    clips: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """In a word, if the interval leaves out 0: "better" or "worse"; else "unclear"."""
        low, high, way = self.change.low, self.change.high, self.metric["better"]
        if way == "neither" or not (low > 0 or high < 0):
            return "equal" if low == high == 0 else "unclear"
        return "better" if (low > 0) == (way == "higher") else "worse"


@dataclass(frozen=True)
class Comparison:
    """Two reports, compared.

    Args:
        titles: of the two.
        differences: variant by variant, row by row, metric by metric.
        notes: what one has to know: clips that only one has, settings that differ.
    """

    titles: tuple[str, str]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def compare(
    first: Results, second: Results, rows: Sequence[tuple[str, str]] | None = None
) -> Comparison:
    """Hold two reports against each other, over the clips that both have measured.

    Set metrics have no value a clip and are left to the tables.

    Args:
        first: a report.
        second: another, of the same suite.
        rows: pairs of a row of the first and one of the second; None takes the engines that both
            have, or if there are none, the rows that are always there.

    Raises:
        EvaluationError: they are of different suites, or settings, or have nothing in common.
    """
    _check_alike(first, second)
    chosen = _rows(first, second, rows)
    metrics = _metrics(first, second)
    found = [
        difference
        for variant in first.head.variants
        if variant in second.head.variants
        for pair in chosen
        for metric in metrics
        if (difference := _difference(first, second, variant, pair, metric)) is not None
    ]
    if not found:
        raise EvaluationError(
            f"{first.folder.where} and {second.folder.where} have no clip, variant and metric in "
            "common; measure the same ones"
        )
    titles = (str(first.folder.where), str(second.folder.where))
    return Comparison(titles, tuple(found), tuple(_notes(first, second, chosen)))


def _check_alike(first: Results, second: Results) -> None:
    if first.head.suite != second.head.suite:
        raise EvaluationError(
            f"{first.folder.where} is of suite {first.head.suite}, {second.folder.where} of "
            f"{second.head.suite}; compare reports of one suite"
        )
    for name in ALIKE:
        one, other = first.head.about.get(name), second.head.about.get(name)
        if one != other:
            raise EvaluationError(
                f"the reports differ in {name} ({one}, {other}), so their figures mean different "
                "things; run one of them again"
            )


def _rows(
    first: Results, second: Results, rows: Sequence[tuple[str, str]] | None
) -> Sequence[tuple[str, str]]:
    ours = [row.label for row in first.head.rows]
    theirs = [row.label for row in second.head.rows]
    if rows:
        for (one, other), known in ((pair, (ours, theirs)) for pair in rows):
            for label, there in ((one, known[0]), (other, known[1])):
                if label not in there:
                    raise EvaluationError(f"there is no row {label}; there are {', '.join(there)}")
        return rows
    both = [label for label in ours if label in theirs]
    engines = [label for label in both if label not in (TRUTH, STILL, WARP)]
    return [(label, label) for label in engines or both]


def _metrics(first: Results, second: Results) -> Sequence[Mapping[str, Any]]:
    """The metrics of both that have a value a clip.

    Raises:
        EvaluationError: one of a name means different things.
    """
    theirs = {metric["name"]: metric for metric in second.head.metrics}
    shared = [metric for metric in first.head.metrics if metric["name"] in theirs]
    for metric in shared:
        other = theirs[metric["name"]]
        for field in ("unit", "better", "kind"):
            if metric[field] != other[field]:
                raise EvaluationError(
                    f"{metric['name']} has {field} {metric[field]!r} in one report and "
                    f"{other[field]!r} in the other; run one of them again"
                )
    return [metric for metric in shared if metric["kind"] != "set"]


def _values(
    held: Results, metric: str, row: str, variant: str, names: Sequence[str]
) -> Float[np.ndarray, " clips"]:
    by_name = dict(zip(held.names, held.numbers(metric, row, variant).tolist(), strict=True))
    return np.array([by_name[name] for name in names], np.float64)


def _common(first: Results, second: Results) -> list[str]:
    theirs = set(second.names)
    return [name for name in first.names if name in theirs]


def _difference(
    first: Results,
    second: Results,
    variant: str,
    rows: tuple[str, str],
    metric: Mapping[str, Any],
) -> Difference | None:
    names = _common(first, second)
    one = _values(first, metric["name"], rows[0], variant, names)
    other = _values(second, metric["name"], rows[1], variant, names)
    there = ~(np.isnan(one) | np.isnan(other))
    if not there.any():
        return None
    change = (other - one)[there]
    rng = np.random.default_rng(zlib.crc32(f"{metric['name']} {variant}".encode()))
    order = np.argsort(-np.abs(change), kind="stable")[:WORST]
    gain = change if metric["better"] == "higher" else -change
    return Difference(
        variant=variant,
        rows=rows,
        metric=metric,
        first=float(one[there].mean()),
        second=float(other[there].mean()),
        change=mean_interval(change, rng),
        better=float(((gain > 0) + 0.5 * (gain == 0)).mean()),
        clips=tuple(np.array(names)[there][order].tolist()),
    )


def _notes(first: Results, second: Results, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What is not compared, and what may make a comparison unfair."""
    for one, other in ((first, second), (second, first)):
        where = one.folder.where
        yield from _only("clips", where, one.names, other.names)
        yield from _only("variants", where, one.head.variants, other.head.variants)
        names = [[metric["name"] for metric in held.head.metrics] for held in (one, other)]
        yield from _only("metrics", where, *names)
    sets = [metric["name"] for metric in first.head.metrics if metric["kind"] == "set"]
    if sets:
        yield f"{', '.join(sets)} compare whole sets and have no value a clip; see the tables"
    yield from _failed(first, [pair[0] for pair in rows])
    yield from _failed(second, [pair[1] for pair in rows])
    yield from _other_videos(first, second)
    for name in sorted(first.head.about):
        told, said = first.head.about[name], second.head.about.get(name)
        if name not in ("command", "date", *ALIKE) and told != said:
            yield f"the reports differ in {name}: {told}; {said}"


def _only(what: str, where: Path, these: Sequence[str], those: Sequence[str]) -> Iterator[str]:
    there = set(those)
    alone = [name for name in these if name not in there]
    if alone:
        told = ", ".join(alone[:WORST]) + (" ..." if len(alone) > WORST else "")
        yield f"{len(alone)} {what} are only in {where} and left out: {told}"


def _failed(held: Results, rows: Sequence[str]) -> Iterator[str]:
    """Cases of the compared rows that failed are missing in one report only."""
    for row in dict.fromkeys(rows):
        count = sum(case.row == row and bool(case.failed) for case in held.cases)
        if count:
            yield f"{count} cases of {row} failed in {held.folder.where} and are left out"


def _other_videos(first: Results, second: Results) -> Iterator[str]:
    """Clips of one name that are not the same request and true video."""
    if first.head.about.get("kineograph") != second.head.about.get("kineograph"):
        return  # another version prints the same clip in another way
    theirs = {case.key: case.print for case in second.cases if case.row == TRUTH}
    ours = {case.key: case.print for case in first.cases if case.row == TRUTH}
    others = [key for key, mark in ours.items() if theirs.get(key, mark) != mark]
    if others:
        told = ", ".join(others[:WORST])
        yield f"{len(others)} cases of one name are of other pictures or requests: {told}"

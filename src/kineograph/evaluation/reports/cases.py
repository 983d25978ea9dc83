"""The cases of a report, one by one: what each row's is worth, and which are the worst."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.report_folder import STILL, TRUTH, WARP, Measured
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.reports.videos import preview_of


@dataclass(frozen=True)
class Shown:
    """One clip of one variant, with what every row made of it.

    Args:
        variant: which.
        name: of the clip.
        key: its folder's name.
        rows: row to what was found.
        previews: row to its preview, of those that have one.
    """

    variant: str
    name: str
    key: str
    rows: Mapping[str, Measured]
    previews: Mapping[str, Path]

    def value(self, row: str, metric: str) -> float:
        """A row's value, of a curve its mean; NaN if there is none."""
        held = self.rows.get(row)
        return nan if held is None else value_of(held, metric)


@dataclass(frozen=True)
class Worst:
    """By what the cases are put in order.

    Args:
        metric: `Metric.plain()` of the one.
        row: whose values.
    """

    metric: Mapping[str, Any]
    row: str

    def order(self, shown: Sequence[Shown]) -> list[Shown]:
        """Worst first: what failed, then by value, then what has none; by name where alike.

        Where neither way is good the largest is first.
        """
        return sorted(shown, key=self._place)

    def _place(self, one: Shown) -> tuple[int, float, str]:
        held, value = one.rows.get(self.row), one.value(self.row, self.metric["name"])
        if held is not None and held.failed:
            return 0, 0.0, one.name
        if isnan(value):
            return 2, 0.0, one.name
        return 1, value if self.metric["better"] == "higher" else -value, one.name


def value_of(measured: Measured, metric: str) -> float:
    """The value of one case, of a curve its mean; NaN if there is none."""
    held = measured.values.get(metric, nan)
    if not isinstance(held, list | tuple):
        return float(held)
    there = [x for x in held if not isnan(x)]
    return float(np.mean(there)) if there else nan


def shown_of(results: Results) -> dict[str, list[Shown]]:
    """Variant to its cases, in the order of their names."""
    found: dict[str, list[Shown]] = {}
    for variant in results.head.variants:
        held = (_shown(results, variant, name) for name in results.names)
        found[variant] = [one for one in held if one is not None]
    return found


def _shown(results: Results, variant: str, name: str) -> Shown | None:
    labels = [row.label for row in results.head.rows]
    held = {label: results.at(label, variant, name) for label in labels}
    rows = {label: found for label, found in held.items() if found is not None}
    if not rows:
        return None
    key = next(iter(rows.values())).key
    paths = {label: preview_of(results.folder, label, key) for label in rows}
    return Shown(variant, name, key, rows, {x: path for x, path in paths.items() if path})


def single(results: Results) -> tuple[Mapping[str, Any], ...]:
    """The metrics that a single clip has a value of."""
    return tuple(m for m in results.head.metrics if m["kind"] != "set")


def worst_by(results: Results, metric: str | None = None) -> Worst | None:
    """By what the page puts cases in order at first.

    Args:
        results: of the report.
        metric: by name; the first that measures motion, or else the first, if None.

    Returns:
        That metric, of the first engine that was measured (or else the first row); None if no
        metric is of single clips.

    Raises:
        EvaluationError: the metric is not in the report, or is none of single clips.
    """
    held = {m["name"]: m for m in single(results)}
    if metric is not None and metric not in held:
        raise EvaluationError(
            f"clips cannot be put in order by {metric}; take one of {', '.join(held) or 'none'}"
        )
    if not held:
        return None
    ranked = [m for m in held.values() if m["better"] != "neither"] or list(held.values())
    first = next((m for m in ranked if m["motion"]), ranked[0])
    return Worst(held[metric] if metric else first, _first_row(results))


def _first_row(results: Results) -> str:
    measured = {held.row for held in results.cases}
    labels = [row.label for row in results.head.rows if row.label in measured]
    others = [label for label in labels if label not in (TRUTH, STILL, WARP)]
    return (others or [label for label in labels if label != TRUTH] or labels)[0]


def rounded(value: float) -> float | None:
    """A value as the page's script has it: five digits that matter, null for none."""
    if isnan(value):
        return None
    return float(f"{value:.5g}") if isfinite(value) else (1e300 if value == inf else -1e300)

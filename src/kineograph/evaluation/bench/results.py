"""What a report's folder holds, as numbers: values, curves and set metrics, with intervals."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.report_folder import Head, Measured, ReportFolder
from kineograph.evaluation.intervals import Interval, interval_of, mean_interval
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics import METRICS

Values = Float[np.ndarray, " cases"]

WIDE = 512
"""Features of more numbers take seconds a distance; fewer samples are drawn for intervals."""


@dataclass(eq=False)
class Results:
    """A report, read. Rows, cases and metrics are in the order of its head.

    Args:
        folder: of the report.

    Raises:
        EvaluationError: it is none, or is broken, or nothing has been measured.
    """

    folder: ReportFolder

    def __post_init__(self) -> None:
        self.head: Head = self.folder.read_head()
        self.unseen = 0
        """Measurements by other eyes, which are left out: their figures mean something else."""
        self._intervals: dict[tuple[str, str, str], Interval | None] = {}
        self.cases: tuple[Measured, ...] = tuple(self._read())
        if not self.cases:
            raise EvaluationError(f"{self.folder.where} holds no measurement; run bench again")

    @staticmethod
    def load(where: Path | str) -> "Results":
        """The results in a report's folder."""
        return Results(ReportFolder(where))

    def _read(self) -> list[Measured]:
        found = []
        for row in self.head.rows:
            for key in self.folder.keys(row.label):
                measured = self.folder.read(row.label, key)
                if measured is None or measured.variant not in self.head.variants:
                    continue
                if self.seen and measured.seen not in ("", self.seen):
                    self.unseen += 1
                    continue
                self._check(measured)
                found.append(measured)
        return found

    @property
    def seen(self) -> str:
        """What looked at the videos, as `Eyes.seen`."""
        return self.head.about.get("eyes", "")

    def _check(self, measured: Measured) -> None:
        """A clip metric has a number, a curve metric a list."""
        for metric in self.head.metrics:
            value = measured.values.get(metric["name"])
            if value is not None and isinstance(value, list) != (metric["kind"] == "curve"):
                place = self.folder.of(measured.row, measured.key)
                raise EvaluationError(
                    f"{place}: {metric['name']} is {value}, which no {metric['kind']} metric "
                    "gives; delete the folder and run bench again"
                )

    @cached_property
    def _by_place(self) -> dict[tuple[str, str, str], Measured]:
        return {(held.row, held.variant, held.case): held for held in self.cases}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The clips that were measured in any row, sorted."""
        return tuple(sorted({held.case for held in self.cases}))

    def at(self, row: str, variant: str, case: str) -> Measured | None:
        """What was found of one case; None if nothing."""
        return self._by_place.get((row, variant, case))

    def values(self, metric: str, row: str, variant: str = "") -> Values:
        """A clip metric's value of each of `names`; NaN where there is none."""
        held = (self.at(row, variant, name) for name in self.names)
        found = [float("nan") if x is None else x.values.get(metric, float("nan")) for x in held]
        return np.array(found, np.float64)

    def curves(self, metric: str, row: str, variant: str = "") -> Float[np.ndarray, "cases index"]:
        """A curve metric of each of `names`, padded with NaN to one length."""
        held = (self.at(row, variant, name) for name in self.names)
        found = [[] if x is None else x.values.get(metric, []) for x in held]
        padded = np.full((len(found), max(map(len, found), default=0)), np.nan)
        for index, curve in enumerate(found):
            padded[index, : len(curve)] = curve
        return padded

    def interval(self, metric: str, row: str, variant: str = "") -> Interval | None:
        """A metric's value over the clips and its interval; None if no clip was measured.

        The mean over clips of a number or of a curve's mean; of a set metric, its value over the
        set. The same report gives the same interval.
        """
        key = (metric, row, variant)
        if key not in self._intervals:
            self._intervals[key] = self._interval(metric, row, variant)
        return self._intervals[key]

    def _interval(self, metric: str, row: str, variant: str) -> Interval | None:
        told = self.kind(metric)
        rng = np.random.default_rng(zlib.crc32(f"{metric} {variant}".encode()))
        if told == "set":
            known = METRICS.get(metric)  # a report may be of another version
            return None if known is None else self._set_interval(known, row, variant, rng)
        values = self.numbers(metric, row, variant)
        return None if np.isnan(values).all() else mean_interval(values, rng)

    def kind(self, metric: str) -> str:
        """Of which kind a metric of the report is."""
        return next(str(held["kind"]) for held in self.head.metrics if held["name"] == metric)

    def numbers(self, metric: str, row: str, variant: str = "") -> Values:
        """One number a clip of `names`: its value, or the mean of its curve; NaN where none is."""
        if self.kind(metric) == "clip":
            return self.values(metric, row, variant)
        curves = self.curves(metric, row, variant)
        counts = (~np.isnan(curves)).sum(axis=1)
        sums = np.nansum(curves, axis=1)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def _set_interval(
        self, metric: Metric, row: str, variant: str, rng: np.random.Generator
    ) -> Interval | None:
        settle = metric.settle
        parts = [p for p in (self._part(metric.name, row, variant, n) for n in self.names) if p]
        if settle is None or len(parts) < 2:
            return None

        def statistic(drawn: np.ndarray) -> float:
            chosen = [parts[index] for index in drawn]
            assert settle is not None
            return settle(*(np.concatenate([part[i] for part in chosen]) for i in (0, 1)))

        wide = parts[0][0].shape[1] > WIDE
        groups = 10 if wide else 20
        return interval_of(len(parts), statistic, rng, samples=groups, bounds=metric.range)

    def _part(self, metric: str, row: str, variant: str, case: str) -> Any:
        held = self.at(row, variant, case)
        if held is None:
            return None
        features = self.folder.features(row, held.key)
        names = (f"{metric}.generated", f"{metric}.reference")
        return tuple(features[name] for name in names) if names[0] in features else None

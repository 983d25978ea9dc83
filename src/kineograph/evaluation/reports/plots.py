"""The plots of a report: metrics over its variants, and curves along their axis."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from jaxtyping import Float

from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.intervals import LEVEL, draws
from kineograph.evaluation.reports.drawing import Across, Series, draw
from kineograph.evaluation.reports.inks import Ink, inks_of
from kineograph.evaluation.reports.table import Table

SAMPLES = 400
"""Bootstrap samples of a curve's band."""

Curve = Float[np.ndarray, " index"]


@dataclass(frozen=True)
class Plot:
    """One plot.

    Args:
        metric: `Metric.plain()` of what is drawn.
        along: what the axis across counts.
        svg: the drawing, an element to be put into a page.
    """

    metric: Mapping[str, Any]
    along: str
    svg: str


def numbers_of(variants: Sequence[str]) -> tuple[float, ...] | None:
    """The variants as numbers; None if they are none, are fewer than two or come twice."""
    try:
        found = tuple(float(variant) for variant in variants)
    except ValueError:
        return None
    alone = len(set(found)) == len(found) > 1
    return found if alone and all(map(isfinite, found)) else None


def over_variants(results: Results, tables: Sequence[Table]) -> tuple[Plot, ...]:
    """Each metric of clips or sets against the variants, if they are numbers; else nothing.

    The axis is logarithmic where all of them are above 0. Values and intervals are the tables';
    papers' figures are not drawn.

    Args:
        results: of the report.
        tables: of the report, one a variant.

    Raises:
        EvaluationError: matplotlib is not installed.
    """
    at = numbers_of(results.head.variants)
    if at is None:
        return ()
    across = Across(results.head.axis, tuple(sorted(at)), min(at) > 0)
    return tuple(_over(results, tables, across, at))


def _over(
    results: Results, tables: Sequence[Table], across: Across, at: Sequence[float]
) -> Iterator[Plot]:
    inks = inks_of([row.label for row in results.head.rows])
    for place, metric in enumerate(results.head.metrics):
        if metric["kind"] == "curve":
            continue
        rows = (_row(tables, at, row, metric["name"], ink) for row, ink in inks.items())
        series = [one for one in rows if not np.isnan(one.y).all()]
        if series:
            yield Plot(metric, across.title, draw(series, across, f"over-{place}"))


def _row(tables: Sequence[Table], at: Sequence[float], row: str, metric: str, ink: Ink) -> Series:
    """A row's values of a metric at each variant, from left to right."""
    held = np.full((len(at), 3), np.nan)
    for place, table in enumerate(tables):
        for line in table.lines:
            if line.label == row and line.kind != "paper" and metric in line.cells:
                found = line.cells[metric].interval
                held[place] = found.value, found.low, found.high
    order = np.argsort(at)
    return Series(row, ink, np.asarray(at, np.float64)[order], *held[order].T)


def along_curves(results: Results, place: int) -> tuple[Plot, ...]:
    """Each curve metric of a variant along its axis: the mean over clips of all rows.

    Args:
        results: of the report.
        place: which of its variants.

    Raises:
        EvaluationError: matplotlib is not installed.
    """
    variant = results.head.variants[place]
    inks = inks_of([row.label for row in results.head.rows])
    found = []
    for number, metric in enumerate(results.head.metrics):
        if metric["kind"] != "curve":
            continue
        series = list(_curves(results, metric["name"], variant, inks))
        if series:
            drawn = draw(series, Across(metric["axis"]), f"along-{place}-{number}")
            found.append(Plot(metric, metric["axis"], drawn))
    return tuple(found)


def _curves(
    results: Results, metric: str, variant: str, inks: Mapping[str, Ink]
) -> Iterator[Series]:
    for row, ink in inks.items():
        held = results.curves(metric, row, variant)
        if held.size and not np.isnan(held).all():
            rng = np.random.default_rng(zlib.crc32(f"{metric} {variant}".encode()))
            mean, low, high = mean_curve(held, rng)
            yield Series(row, ink, np.arange(len(mean), dtype=np.float64), mean, low, high)


def mean_curve(
    curves: Float[np.ndarray, "clips index"], rng: np.random.Generator
) -> tuple[Curve, Curve, Curve]:
    """The mean over clips at each index, and the ends of its percentile interval there.

    Clips are drawn whole, and each mean is over the drawn clips that have a value there. NaN where
    no clip has one; the ends also where fewer than two have.

    Args:
        curves: one a clip; NaN where it has no value.
        rng: draws the samples.
    """
    held = ~np.isnan(curves)
    filled = np.where(held, curves, 0.0)
    mean = _ratio(filled.sum(axis=0), held.sum(axis=0))
    drawn = draws(len(curves), rng, SAMPLES)
    times = np.stack([np.bincount(row, minlength=len(curves)) for row in drawn]).astype(np.float64)
    means = _ratio(times @ filled, times @ held.astype(np.float64))
    low, high = np.full((2, len(mean)), np.nan)
    several = held.sum(axis=0) >= 2
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    if several.any():
        low[several], high[several] = np.nanquantile(means[:, several], ends, axis=0)
    return mean, low, high


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

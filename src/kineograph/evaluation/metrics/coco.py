"""COCO's average precision of boxes: detections held against true boxes, in one number."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from kineograph.evaluation.metric import Features

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""The overlaps that COCO averages over."""

RECALLS = np.linspace(0, 1, 101)
"""The recalls that precision is read off at."""

MOST = 100
"""Detections of a group that count, those of the highest scores."""


def average_precision(
    found: Features, true: Features, thresholds: Sequence[float] | np.ndarray = THRESHOLDS
) -> float:
    """The mean average precision of detections, 0 to 1, higher is better; NaN without any truth.

    COCO's (Lin et al. 2014): detections of all groups in the order of their scores, each matched to
    the free true box of its group that it overlaps most, if at or above the threshold; precision
    made to fall monotonously and read off at 101 recalls; the mean over the thresholds. All areas,
    at most `MOST` detections a group.

    Args:
        found: (n, 8) rows of a `Part`: group in three numbers, box in four, score.
        true: (m, 8) the same of the true boxes; their scores mean nothing.
        thresholds: overlaps from which a detection counts.
    """
    if not len(true):
        return float("nan")
    groups = {key: rows[:, 3:7] for key, rows in _grouped(true).items()}
    hits, scores = [np.zeros((len(thresholds), 0), bool)], [np.zeros(0)]
    for key, rows in _grouped(found).items():
        ranked = rows[np.argsort(-rows[:, 7], kind="mergesort")][:MOST]
        truth = groups.get(key, np.zeros((0, 4)))
        hits.append(_hits(ranked[:, 3:7], truth, np.asarray(thresholds)))
        scores.append(ranked[:, 7])
    order = np.argsort(-np.concatenate(scores), kind="mergesort")
    return float(np.mean([_area(row[order], len(true)) for row in np.concatenate(hits, axis=1)]))


def _grouped(rows: Features) -> dict[tuple[float, ...], Features]:
    """Rows by their group, in the order they came in."""
    found: dict[tuple[float, ...], list[Any]] = {}
    for row in np.asarray(rows, np.float64):
        found.setdefault(tuple(row[:3]), []).append(row)
    return {key: np.stack(held) for key, held in found.items()}


def _hits(
    found: Float64[np.ndarray, "found 4"],
    true: Float64[np.ndarray, "true 4"],
    thresholds: Float64[np.ndarray, " thresholds"],
) -> Bool[np.ndarray, "thresholds found"]:
    """Which detections, in order, take a true box that is still free, at each threshold."""
    hits = np.zeros((len(thresholds), len(found)), bool)
    free = np.ones((len(thresholds), len(true)), bool)
    if not len(true):
        return hits
    rows, overlap = np.arange(len(thresholds)), _pairs(found, true)
    for index in range(len(found)):
        candidates = np.where(free, overlap[index], -1.0)
        best = len(true) - 1 - candidates[:, ::-1].argmax(axis=1)  # of equals the last, as COCO's
        took = candidates[rows, best] >= np.minimum(thresholds, 1 - 1e-10)
        hits[:, index] = took
        free[rows[took], best[took]] = False
    return hits


def _pairs(
    one: Float64[np.ndarray, "first 4"], other: Float64[np.ndarray, "second 4"]
) -> Float64[np.ndarray, "first second"]:
    """Intersection over union of every pair."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(np.maximum(box[:, 2:] - box[:, :2], 0), axis=1) for box in (one, other)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def _area(hits: Bool[np.ndarray, " found"], count: int) -> float:
    """The area under the interpolated curve of precision over recall."""
    if not len(hits):
        return 0.0
    good = np.cumsum(hits)
    recall, precision = good / count, good / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    read = np.where(places < len(hits), precision[np.minimum(places, len(hits) - 1)], 0)
    return float(read.mean())

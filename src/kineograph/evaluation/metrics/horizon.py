"""Accuracy against horizon: how following goes wrong the longer a track is."""

import numpy as np
from jaxtyping import Bool, Float64

from kineograph.evaluation.following import Following, following
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics.tapvid import THRESHOLDS
from kineograph.evaluation.scale import UNIT

Curve = Float64[np.ndarray, " frames"]


def epe_horizon(look: Look) -> Curve:
    """(T,) the mean distance of visible points from their asked places, by frames since the query.

    0 and up, lower is better; pixels of 256x256. Entry k is over all tracks that are asked to be
    visible k frames after their query; entry 0 is 0, and an entry that no track reaches NaN.
    """
    found = following(look)
    return by_horizon(found, found.distances)


def within_horizon(look: Look) -> Curve:
    """(T,) the share of visible points within TAP-Vid's thresholds, by frames since the query.

    0 to 1, higher is better: TAP-Vid's delta average (Doersch et al. 2022) of each horizon, that
    is the mean share nearer than 1, 2, 4, 8 and 16 pixels of 256x256. Entry 0 is 1.
    """
    found = following(look)
    near = found.distances[None] < np.array(THRESHOLDS)[:, None, None]
    return by_horizon(found, near.mean(axis=0))


def by_horizon(found: Following, values: Float64[np.ndarray, "tracks frames"]) -> Curve:
    """The mean of values of visible entries by frames since the query; NaN where there is none."""
    counts: Bool[np.ndarray, "tracks frames"] = found.asked.visible & (found.since >= 0)
    since, frames = found.since[counts], found.asked.frames
    held = np.bincount(since, minlength=frames)
    total = np.bincount(since, values[counts], minlength=frames)
    return np.divide(total, held, out=np.full(frames, np.nan), where=held > 0)


METRICS = (
    Metric(
        name="epe-horizon",
        title="EPE by horizon",
        what="EPE so many frames after a track's query",
        measure=epe_horizon,
        better="lower",
        unit=UNIT,
        needs=frozenset({"tracks"}),
        kind="curve",
        axis="frame",
        motion=True,
        source="Kineograph",
    ),
    Metric(
        name="within-horizon",
        title="Within thresholds by horizon",
        what="share of visible points within 1, 2, 4, 8 and 16 px of 256 (mean), so many frames "
        "after a track's query",
        measure=within_horizon,
        better="higher",
        range=(0.0, 1.0),
        needs=frozenset({"tracks"}),
        kind="curve",
        axis="frame",
        motion=True,
        source="TAP-Vid (Doersch et al. 2022), delta average of each frame",
    ),
)
"""This family."""

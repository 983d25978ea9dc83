"""Following to a fraction of a pixel: tracks that move by a few pixels, or swing by a few."""

import numpy as np
from jaxtyping import Bool, Float64

from kineograph.evaluation.following import Following, following
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.scale import UNIT

SMALL = (1.0, 4.0)
"""The least and the largest extent of a small motion, in pixels of 256x256."""

Numbers = Float64[np.ndarray, " tracks"]


def small(found: Following) -> Bool[np.ndarray, " tracks"]:
    """Which tracks have a small motion: the diagonal of the box around a track's visible places is
    within `SMALL`, whether it goes there once or swings.
    """
    counts = (found.asked.visible & (found.since >= 0))[..., None]
    points = found.asked_moves
    low = np.where(counts, points, np.inf).min(axis=1, initial=np.inf)
    high = np.where(counts, points, -np.inf).max(axis=1, initial=-np.inf)
    extent = np.linalg.norm(high - low, axis=1)
    return np.asarray((extent >= SMALL[0]) & (extent <= SMALL[1]))


def gains(found: Following) -> Numbers:
    """The slope of found on asked displacements from the query, through 0, of each small motion.

    By least squares over a track's visible entries, x and y alike; the tracks that have any.
    """
    counts = (found.seen & small(found)[:, None])[..., None]
    asked, got = (np.where(counts, moves, 0) for moves in (found.asked_moves, found.found_moves))
    square = (asked**2).sum(axis=(1, 2))
    return np.asarray((asked * got).sum(axis=(1, 2))[square > 0] / square[square > 0])


def errors(found: Following) -> Numbers:
    """The root mean square distance from the asked places, of each small motion.

    In pixels of 256x256, over a track's visible entries; the tracks that have any.
    """
    counts = found.seen & small(found)[:, None]
    held = counts.any(axis=1)
    square = np.where(counts, found.distances**2, 0).sum(axis=1)
    return np.asarray(np.sqrt(square[held] / counts[held].sum(axis=1)))


def subpixel_gain(look: Look) -> float:
    """How much of a small motion is followed: 1 all of it, 0 none, below 0 the other way.

    The median over tracks of `gains`, so that one that is lost altogether, which EPE tells, does
    not drown the fine measure; best at 1, so neither lower nor higher is better. NaN where no
    track has a small motion.
    """
    return _median(gains(following(look)))


def subpixel_error(look: Look) -> float:
    """How far a point with a small motion is from its asked places: the median of `errors`.

    0 and up, lower is better; pixels of 256x256. NaN where no track has a small motion.
    """
    return _median(errors(following(look)))


def _median(values: Numbers) -> float:
    return float(np.median(values)) if len(values) else float("nan")


METRICS = (
    Metric(
        name="subpixel-gain",
        title="Gain, small motions",
        what="slope of found on asked displacements of tracks that move or swing by 1 to 4 px of "
        "256, the median track's: 1 is perfect, 0 nothing",
        measure=subpixel_gain,
        better="neither",
        range=(-np.inf, np.inf),
        needs=frozenset({"tracks"}),
        motion=True,
        source="Kineograph",
    ),
    Metric(
        name="subpixel-error",
        title="RMS, small motions",
        what="root mean square distance from the asked places of tracks that move or swing by 1 to "
        "4 px of 256, the median track's",
        measure=subpixel_error,
        better="lower",
        unit=UNIT,
        needs=frozenset({"tracks"}),
        motion=True,
        source="Kineograph",
    ),
)
"""This family."""

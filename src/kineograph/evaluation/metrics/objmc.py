"""Trajectories of objects and of drags: one point of each, hidden or not."""

import numpy as np
from jaxtyping import Float32, Float64, Int64

from kineograph.core.tracks import Tracks
from kineograph.evaluation.following import Following, following
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.objects import object_tracks
from kineograph.evaluation.scale import UNIT, mean_where

BLOCK = 8
"""Pixels a side of the block of queries around the start of a drag."""

DRAGS = 16
"""More tracks than this, all from the first frame, are no drags but a dense field."""


def objmc(look: Look) -> float:
    """The mean distance of objects' trajectories from the asked ones, in pixels of 256x256.

    0 and up, lower is better. One track stands for each object (see `objects.object_tracks`), and
    all frames after the first count in which a place was given, visible or not, of all objects
    together: DragAnything's ObjMC (Wu et al. 2024), which takes a point of a 10x10 grid over its
    own size, and counts the first frame as a 0 too. Papers give it at various sizes: compare with
    none of them. NaN if no object has a track.
    """
    found = following(look)
    mine = np.isin(look.queries[1], object_tracks(look.sample))
    return mean_where(found.distances[mine], found.given[mine])


def drag_distance(look: Look) -> float:
    """The mean distance of drags from their targets, in pixels of the video's own size.

    0 and up, lower is better. MC-Bench's DM (Zhang et al. 2025): around the start of each drag, 64
    queries in a block of 8x8 pixels are followed together, and the one in the middle is held
    against the target in every later frame for which there is one, visible or not; the mean over
    frames, then over drags and clips. A query lies in the middle of a pixel, so up to 0.7 pixels
    of the distance are rounding, as in the original. NaN if no asked track is visible in the first
    frame, or more than `DRAGS` are.
    """
    asked = look.asked.hide_outside()
    drags = asked.select(asked.visible[:, 0])
    if not 1 <= drags.count <= DRAGS or drags.frames < 2:
        return float("nan")
    queries, middle = blocks(drags)
    found = look.once("blocks at drags", lambda: look.follow(look.sample.frames, queries))
    paired = Following(drags, found.select(middle), np.zeros(drags.count, np.int64))
    return _mean_of_drags(paired)


def blocks(
    drags: Tracks,
) -> tuple[Float32[np.ndarray, "queries 3"], Int64[np.ndarray, " drags"]]:
    """Queries in the first frame in the middles of the `BLOCK` x `BLOCK` pixels around each start,
    those beyond the picture moved to its nearest pixel; and which of them is in each middle.
    """
    steps = np.arange(BLOCK) - BLOCK // 2
    around = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    pixels = np.floor(drags.points[:, 0]).astype(np.int64)[:, None] + around
    places = pixels.clip(0, np.array(drags.size) - 1).reshape(-1, 2) + 0.5
    queries = np.concatenate([np.zeros((len(places), 1)), places], axis=1)
    middle = np.flatnonzero((around == 0).all(axis=1))[0]
    return queries.astype(np.float32), np.arange(drags.count) * len(around) + middle


def _mean_of_drags(found: Following) -> float:
    """The mean over frames of each drag, and of those; NaN if no drag has a target."""
    given = found.given
    apart = found.found.points.astype(np.float64) - found.asked.points
    far: Float64[np.ndarray, "drags frames"] = np.linalg.norm(apart, axis=-1)
    held = given.any(axis=1)
    each = (far * given).sum(axis=1)[held] / given.sum(axis=1)[held]
    return float(each.mean()) if held.any() else float("nan")


METRICS = (
    Metric(
        name="objmc",
        title="ObjMC",
        what="mean distance of the trajectory of each object's middle from the asked one, hidden "
        "frames too",
        measure=objmc,
        better="lower",
        unit=UNIT,
        needs=frozenset({"tracks"}),
        motion=True,
        source="DragAnything (2403.07420), section 4.2",
    ),
    Metric(
        name="drag-distance",
        title="MC-Bench DM",
        what="mean distance of the start of each drag from its target in every frame, followed "
        "together with the 8x8 pixels around it",
        measure=drag_distance,
        better="lower",
        unit="px of the video",
        needs=frozenset({"tracks"}),
        motion=True,
        source="MotionPro (2025), MC-Bench",
    ),
)
"""This family."""

"""Leakage: what moves that was pinned, or that has no reason to."""

import numpy as np
from jaxtyping import Bool, Float64

from kineograph.core.tracks import Tracks
from kineograph.evaluation.background import background, knows_objects, rests
from kineograph.evaluation.following import Following, following, true_following
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.scale import UNIT, distances, mean_where

REST = 0.5
"""A track rests if its places are at most this far from its query, in pixels of 256x256."""

MOVES = 1.0
"""What is farther from its place than this has moved, in pixels of 256x256."""

Moved = Float64[np.ndarray, " entries"]


def leakage(look: Look) -> float:
    """How far what was to rest is from its place, the mean in pixels of 256x256.

    0 and up, lower is better. What rests: asked tracks that never leave their place, in the frames
    in which they are visible; and, where the true video knows its objects (masks, else boxes) and
    its camera rests, and the video begins with its picture, the points of an even grid that no
    object ever covers. All points and frames after the first count alike. NaN if nothing rests.
    """
    return _mean(_moved(look))


def leakage_excess(look: Look) -> float:
    """How much more than in the true video: `leakage` less that of the true video.

    Lower is better, 0 is the true video's own; it may be negative where the tracker does better on
    the generated video. Pixels of 256x256.
    """
    moved = _moved(look)
    return _mean(moved) - _mean(_true_moved(look)) if len(moved) else float("nan")


def leakage_share(look: Look) -> float:
    """The share of what was to rest that is more than a pixel of 256x256 off its place.

    0 to 1, lower is better; the points and frames of `leakage`.
    """
    moved = _moved(look)
    return float((moved > MOVES).mean()) if len(moved) else float("nan")


def pinned(found: Following) -> Bool[np.ndarray, " tracks"]:
    """Which asked tracks rest, wherever a place is given for them."""
    far = np.linalg.norm(found.asked_moves, axis=2)
    return np.asarray((np.where(found.asked.specified, far, 0) <= REST).all(axis=1))


def resting(look: Look) -> Bool[np.ndarray, " grid"]:
    """Which points of the look's grid have no reason to move; see `leakage`."""
    none = np.zeros(len(look.grid), bool)
    if not {"truth", "cameras"} <= look.sample.holds or "picture" not in look.sample.holds:
        return none
    clip = look.truth
    if clip.cameras is None or not rests(clip.cameras) or not knows_objects(clip):
        return none
    found = background(look)
    none[found.which] = found.clear.all(axis=1)
    return none


def _moved(look: Look) -> Moved:
    asked = look.sample.request.tracks is not None
    return _all(look, following(look) if asked else None, look.grid_followed)


def _true_moved(look: Look) -> Moved:
    asked = look.sample.request.tracks is not None
    return _all(look, true_following(look) if asked else None, look.truth_grid_followed)


def _all(look: Look, found: Following | None, grid: Tracks) -> Moved:
    """How far each entry that counts is from its place: of the grid, and of the asked tracks."""
    ground = grid.select(resting(look)).points
    parts = [distances(ground[:, 1:], ground[:, :1], look.sample.size).ravel()]
    if found is not None:
        counts = found.seen & pinned(found)[:, None]
        parts.append(np.linalg.norm(found.found_moves[counts], axis=1))
    return np.concatenate(parts)


def _mean(moved: Moved) -> float:
    return mean_where(moved, np.ones(len(moved), bool))


METRICS = (
    Metric(
        name="leakage",
        title="Leakage",
        what="mean distance from their places of points that were asked to rest, or are background "
        "under a resting camera",
        measure=leakage,
        better="lower",
        unit=UNIT,
        motion=True,
        source="Kineograph",
    ),
    Metric(
        name="leakage-excess",
        title="Leakage above truth",
        what="leakage less what the same points do in the true video, as the tracker sees it",
        measure=leakage_excess,
        better="lower",
        unit=UNIT,
        range=(-np.inf, np.inf),
        needs=frozenset({"truth"}),
        motion=True,
        source="Kineograph",
    ),
    Metric(
        name="leakage-share",
        title="Leakage, share",
        what="share of the points and frames of leakage that are more than 1 px of 256 off",
        measure=leakage_share,
        better="lower",
        range=(0.0, 1.0),
        motion=True,
        source="Kineograph",
    ),
)
"""This family."""

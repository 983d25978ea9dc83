"""What is on no object: where the camera takes it, and when nothing is before it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from kineograph.core.cameras import Cameras
from kineograph.core.state import State
from kineograph.data.clip import Clip
from kineograph.evaluation.look import Look
from kineograph.vision.depth import SAME, Depth

RESTS = 1e-6
"""A camera rests if no entry of its matrices changes by more."""


@dataclass(frozen=True, eq=False)
class Background:
    """Those points of a look's grid that are on no object in the first frame.

    Convention: raster pixels. Where nobody knows the objects, every point counts as background.

    Args:
        which: their indices in the grid.
        points: where they are in the first frame.
        depth: how deep they lie there, infinite where nobody knows; None where nobody knows any.
        paths: where the true camera takes them, NaN behind it and where nobody can tell; None
            where nobody can tell for any.
        clear: where on these paths they are in the picture, on no object, and nothing is nearer.
    """

    which: Int64[np.ndarray, " points"]
    points: Float64[np.ndarray, "points 2"]
    depth: Float64[np.ndarray, " points"] | None
    paths: Float64[np.ndarray, "points frames 2"] | None
    clear: Bool[np.ndarray, "points frames"]


def background(look: Look) -> Background:
    """The background of the true video, as far as it is known.

    Raises:
        EvaluationError: there is no true video.
    """
    found: Background = look.once("background", lambda: _background(look))
    return found


def rests(cameras: Cameras) -> bool:
    """Whether a camera does nothing at all."""
    still = np.abs(cameras.w2c - cameras.w2c[0]).max() <= RESTS
    return bool(still and np.abs(cameras.K - cameras.K[0]).max() <= RESTS)


def knows_objects(clip: Clip) -> bool:
    """Whether a clip says where its objects are."""
    return clip.masks is not None or clip.boxes is not None


def _background(look: Look) -> Background:
    clip, points = look.truth, look.grid[:, 1:].astype(np.float64)
    which = np.flatnonzero(~_on_objects(clip, points[:, None], slice(1))[:, 0])
    points, depth = points[which], None
    if clip.depth is not None:
        depth = depth_at(clip.depth[0], points)
    paths, clear = None, np.zeros((len(which), clip.frames), bool)
    if clip.cameras is not None:
        turns = bool(np.ptp(clip.cameras.centres, axis=0).max() <= RESTS)
        if depth is not None or turns:
            paths, clear = _filmed(clip, clip.cameras, points, depth, turns)
    return Background(which, points, depth, paths, clear)


def _filmed(
    clip: Clip,
    cameras: Cameras,
    points: Float64[np.ndarray, "points 2"],
    depth: Float64[np.ndarray, " points"] | None,
    turns: bool,
) -> tuple[Float64[np.ndarray, "points frames 2"], Bool[np.ndarray, "points frames"]]:
    """`Background.paths` and `Background.clear`.

    A camera that only `turns` takes a point to one place, however deep it lies.
    """
    known = np.zeros(len(points), bool) if depth is None else np.isfinite(depth)
    deep = np.ones(len(points)) if depth is None else np.where(known, depth, 1.0)
    paths, lie = cameras.project(cameras.unproject(points, deep))
    paths[~(known | turns)] = np.nan
    lie[~known] = 0
    return paths.astype(np.float64), _clear(clip, paths.astype(np.float64), lie)


def _clear(
    clip: Clip,
    paths: Float64[np.ndarray, "points frames 2"],
    lie: Float[np.ndarray, "points frames"],
) -> Bool[np.ndarray, "points frames"]:
    inside = np.asarray(((paths >= 0) & (paths < np.array(clip.size))).all(axis=-1))
    places = np.where(inside[..., None], paths, 0)
    clear = inside & ~_on_objects(clip, places, slice(None))
    if clip.depth is not None:
        column, row = np.floor(places).astype(np.int64).transpose(2, 0, 1)
        clear &= clip.depth[np.arange(clip.frames), row, column] * (1 + SAME) >= lie
    return clear


def depth_at(
    depth: Float[np.ndarray, "height width"], points: Float64[np.ndarray, "points 2"]
) -> Float64[np.ndarray, " points"]:
    """Depths at raster points inside the picture; infinite where nobody knows."""
    if not (np.isfinite(depth) & (depth > 0)).any():
        return np.full(len(points), np.inf)
    column, row = np.floor(points).astype(np.int64).T
    own = depth[row, column]
    held = Depth.filled(depth.astype(np.float32)).at(points).astype(np.float64)
    return np.where(np.isfinite(own) & (own > 0), held, np.inf)


def _on_objects(
    clip: Clip, points: Float64[np.ndarray, "points _ 2"], frames: slice
) -> Bool[np.ndarray, "points _"]:
    """Whether points, one place a frame, are on an object: on its mask, or where there are no masks
    in its box.
    """
    if clip.masks is not None:
        column, row = np.floor(points).astype(np.int64).transpose(2, 0, 1)
        covered = np.asarray(clip.masks[:, frames].any(axis=0))
        return covered[np.arange(len(covered)), row, column]
    if clip.boxes is None:
        return np.zeros(points.shape[:2], bool)
    boxes = clip.boxes.boxes[:, None, frames].astype(np.float64)
    inside = ((points >= boxes[..., :2]) & (points <= boxes[..., 2:])).all(axis=-1)
    known = clip.boxes.state[:, None, frames] != State.UNSPECIFIED
    return np.asarray((inside & known).any(axis=0))

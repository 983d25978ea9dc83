"""A point tracker for very small videos, where optical flow has too few pixels to go by."""

import numpy as np
from jaxtyping import Float, Float32

from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.vision.tracker import check_queries, with_queries

Pixels = Float32[np.ndarray, "height width 3"]

COLOUR, PLACE = 0.12, 0.2
"""How unlike in colour (of 1) and how far (of the longer side) what supports a point may be."""

REACH = 0.7
"""How far a point may go from where it was asked for, of each side."""

UNLIKE = 0.15
"""Squared differences of colour are cut off here: what is hidden counts as unlike, no more."""

REST = 0.15
"""What a jump by a whole side costs: plain things fit in many places, and stay if nothing speaks
against it. Chosen on scenes of 32 pixels, where half of what is measured rests."""


class SmallTracker:
    """Follows points by matching what belongs to them with every place of each frame.

    Every pixel of the query's frame supports a query by how near it is and how alike in colour
    (adaptive support weights, Yoon and Kweon, TPAMI 2006), so a point on a plain shape is carried
    by the whole shape and not by a patch that is plain. The displacement under which the support
    fits a frame best is found among all whole pixels and refined by a parabola. Each frame is
    matched with the query's own, so errors do not add up; everything counts as visible.

    A `PointTracker` for videos of up to about 48 pixels a side; time grows with the fourth power of
    it. It sees translation of what supports a point, and is blind to turns of a plain disc as
    everyone is.
    """

    def __call__(self, video: Video, queries: Float[np.ndarray, "queries 3"]) -> Tracks:
        """See `PointTracker`.

        Raises:
            TracksError: a query is outside the video.
        """
        check_queries(video, queries)
        frames = video.frames.astype(np.float32) / 255
        points = np.zeros((len(queries), len(frames), 2), np.float32)
        for start in np.unique(queries[:, 0]).astype(int):
            which = np.flatnonzero(queries[:, 0] == start)
            support = _support(frames[start], queries[which, 1:].astype(np.float32))
            for order in (range(start, len(frames)), range(start, -1, -1)):
                moved = np.zeros((len(which), 2), np.float32)
                for frame in order:
                    moved = _displacement(support, frames[start], frames[frame], moved)
                    points[which, frame] = queries[which, 1:] + moved
        seen = np.ones(points.shape[:2], bool)
        return with_queries(points, seen, video, queries)


def _support(
    image: Pixels, points: Float32[np.ndarray, "queries 2"]
) -> Float32[np.ndarray, "queries pixels"]:
    """How much each pixel belongs to each query, in sum 1."""
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    places = np.stack([x, y], -1).reshape(-1, 2).astype(np.float32)
    colours = image.reshape(-1, 3)
    column = np.clip(points.astype(int), 0, [width - 1, height - 1])
    own = image[column[:, 1], column[:, 0]]
    unlike = ((own[:, None] - colours[None]) ** 2).sum(-1) / (2 * COLOUR**2)
    away = ((points[:, None] - places[None]) ** 2).sum(-1) / (2 * (PLACE * max(width, height)) ** 2)
    weights = np.exp(-unlike - away)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _displacement(
    support: Float32[np.ndarray, "queries pixels"],
    first: Pixels,
    frame: Pixels,
    before: Float32[np.ndarray, "queries 2"],
) -> Float32[np.ndarray, "queries 2"]:
    """How far each query has gone, given how far it had gone in the frame before."""
    height, width = first.shape[:2]
    dy, dx = (max(1, round(REACH * side)) for side in (height, width))
    shape = (2 * dy + 1, 2 * dx + 1)
    unlike = _unlike(first, frame, dy, dx)
    cost = (support @ unlike).reshape(-1, *shape)
    grid = np.stack(np.meshgrid(np.arange(-dx, dx + 1), np.arange(-dy, dy + 1)), -1)
    left = grid[None].astype(np.float32) - before[:, None, None]
    cost = cost + REST * np.linalg.norm(left, axis=-1) / max(width, height)
    best = cost.reshape(len(cost), -1).argmin(axis=1)
    row, column = np.unravel_index(best, shape)
    return np.stack(
        [column - dx + _fraction(cost, row, column, 2), row - dy + _fraction(cost, row, column, 1)],
        axis=-1,
    ).astype(np.float32)


def _unlike(
    first: Pixels, frame: Pixels, dy: int, dx: int
) -> Float32[np.ndarray, "pixels displacements"]:
    """The squared difference of every pixel to the frame's at every displacement, cut off."""
    height, width = first.shape[:2]
    padded = np.pad(frame, ((dy, dy), (dx, dx), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * dy + 1, 2 * dx + 1), (0, 1))
    held = np.zeros((height * width, (2 * dy + 1) * (2 * dx + 1)), np.float32)
    for channel in range(3):
        flat = windows[:, :, channel].reshape(height * width, -1)
        held += (flat - first[..., channel].reshape(-1, 1)) ** 2
    return np.where(np.isnan(held), np.float32(UNLIKE), np.minimum(held, np.float32(UNLIKE)))


def _fraction(
    cost: np.ndarray, row: np.ndarray, column: np.ndarray, axis: int
) -> Float32[np.ndarray, " queries"]:
    """Where between whole pixels the least cost is, from its neighbours along an axis."""
    place = row if axis == 1 else column
    inside = (place > 0) & (place < cost.shape[axis] - 1)
    step = np.where(inside, 1, 0)
    which = np.arange(len(cost))
    if axis == 1:
        low, high = cost[which, row - step, column], cost[which, row + step, column]
    else:
        low, high = cost[which, row, column - step], cost[which, row, column + step]
    here = cost[which, row, column]
    bend = low + high - 2 * here
    safe = np.where(bend > 1e-9, bend, 1)
    return np.where(inside & (bend > 1e-9), (low - high) / (2 * safe), 0).astype(np.float32)

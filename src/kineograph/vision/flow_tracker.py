"""The default point tracker: dense flow both ways, registration, and search for what was hidden."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from kineograph.core.errors import TracksError
from kineograph.core.picture import fit
from kineograph.core.points import scale
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.vision.dis import DisFlow
from kineograph.vision.flow_pass import FlowPass
from kineograph.vision.tracker import check_queries, with_queries

SIDE = 512
"""The longer side of what is worked on; larger videos are tracked at this size."""

STRIDES = (1, 4, 16)
"""Frames that flow is taken over."""


class FlowTracker:
    """Follows points by dense optical flow. A `PointTracker` that needs no weights.

    See `FlowPass` for how. Deterministic; a point's track does not depend on what else is asked.
    Memory holds the video, the tracks and a few frames of flow, however long the video.

    Args:
        side: videos whose longer side is larger are tracked at this size in pixels; positions are
            given at the video's own, to about a twentieth of a pixel of the smaller one.
        progress: told (steps done, steps in all).

    Raises:
        TracksError: `side` is below 64.
    """

    def __init__(
        self, side: int = SIDE, *, progress: Callable[[int, int], None] | None = None
    ) -> None:
        if side < 64:
            raise TracksError(f"a working side of {side} pixels was asked for; give 64 or more")
        self._side, self._progress = side, progress
        self._flow = DisFlow()

    def __call__(self, video: Video, queries: Float[np.ndarray, "queries 3"]) -> Tracks:
        """See `PointTracker`.

        Raises:
            TracksError: a query is outside the video.
        """
        check_queries(video, queries)
        size = self._working_size(video.size)
        asked = queries.astype(np.float32)
        asked[:, 1:] = scale(asked[:, 1:], video.size, size)
        points, seen = self._both_ways(video, asked, size)
        return with_queries(scale(points, size, video.size), seen, video, queries)

    def _working_size(self, size: tuple[int, int]) -> tuple[int, int]:
        factor = min(1.0, self._side / max(size))
        return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))

    def _both_ways(
        self, video: Video, queries: Float32[np.ndarray, "queries 3"], size: tuple[int, int]
    ) -> tuple[Float32[np.ndarray, "queries frames 2"], Bool[np.ndarray, "queries frames"]]:
        count, last = len(queries), len(video) - 1
        points = np.zeros((count, last + 1, 2), np.float32)
        seen = np.zeros((count, last + 1), bool)
        before = queries[:, 0] > 0
        total = (last + 1) * (2 if before.any() else 1)
        for backwards in (False, True):
            which = np.flatnonzero(before) if backwards else np.arange(count)
            if len(which) == 0:
                continue
            asked = queries[which]
            order = range(last, -1, -1) if backwards else range(last + 1)
            if backwards:
                asked[:, 0] = last - asked[:, 0]
            walk = FlowPass(asked, last + 1, size, self._flow.between_grey, STRIDES)
            for frame in walk.run(_greys(video, order, size)):
                if self._progress is not None:
                    self._progress(frame + 1 + backwards * (last + 1), total)
            _fill(points, seen, walk, which, queries[which, 0], backwards)
        return points, seen


def _greys(
    video: Video, order: range, size: tuple[int, int]
) -> Iterator[UInt8[np.ndarray, "height width"]]:
    for frame in order:
        yield cv2.cvtColor(fit(video.frames[frame], size), cv2.COLOR_RGB2GRAY)


def _fill(
    points: Float32[np.ndarray, "queries frames 2"],
    seen: Bool[np.ndarray, "queries frames"],
    walk: FlowPass,
    which: np.ndarray,
    start: np.ndarray,
    backwards: bool,
) -> None:
    """Put the tracks of a pass where they belong: from the query on, or before it."""
    time = np.arange(points.shape[1])[None]
    mine = time < start[:, None] if backwards else time >= start[:, None]
    step = -1 if backwards else 1
    rows = np.broadcast_to(which[:, None], mine.shape)[mine]
    columns = np.broadcast_to(time, mine.shape)[mine]
    points[rows, columns] = walk.points[:, ::step][mine]
    seen[rows, columns] = walk.seen[:, ::step][mine]

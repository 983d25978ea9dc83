"""Point trackers: where chosen points of a video are in all its frames."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32

from kineograph.core.errors import TracksError
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video


@runtime_checkable
class PointTracker(Protocol):
    """Follows points through a video, forwards and backwards from where each is asked for."""

    def __call__(self, video: Video, queries: Float[np.ndarray, "queries 3"]) -> Tracks:
        """The track of each query, over all frames.

        Convention: a query is (frame, x, y): frame counted from 0, x and y raster pixels of the
        video. At its own frame a track is visible at exactly the query; elsewhere it is visible
        or occluded, never unspecified.

        Raises:
            TracksError: a query is outside the video (see `check_queries`).
        """
        ...


def grid_queries(
    size: tuple[int, int], across: int, frame: int = 0
) -> Float32[np.ndarray, "queries 3"]:
    """Queries in the middles of a grid of square cells, row by row.

    Args:
        size: (width, height) of the video.
        across: cells along the longer side; the shorter gets as many as fit the same spacing.
        frame: which frame they are asked for in.

    Raises:
        TracksError: `across` is below 1.
    """
    if across < 1:
        raise TracksError(f"a grid of {across} points across was asked for; give 1 or more")
    spacing = max(size) / across
    columns, rows = (max(1, round(side / spacing)) for side in size)
    x = (np.arange(columns) + 0.5) * size[0] / columns
    y = (np.arange(rows) + 0.5) * size[1] / rows
    points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    frames = np.full((len(points), 1), frame)
    return np.concatenate([frames, points], axis=1).astype(np.float32)


def check_queries(video: Video, queries: np.ndarray) -> None:
    """Check that every query is at a frame and a place of the video.

    Raises:
        TracksError: one is not a number, not at a whole frame, or outside.
    """
    width, height = video.size
    if queries.ndim != 2 or queries.shape[1] != 3:
        raise TracksError(f"queries are {queries.shape}; they have to be (N, 3): frame, x, y")
    fits = ((queries >= 0) & (queries < np.array([len(video), width, height]))).all(axis=1)
    fits &= queries[:, 0] == np.floor(queries[:, 0])
    if not fits.all():
        frame, x, y = queries[np.flatnonzero(~fits)[0]]
        raise TracksError(
            f"the query at frame {frame:g}, x {x:g}, y {y:g} is outside the video; give whole "
            f"frames 0 to {len(video) - 1}, x from 0 to below {width} and y to below {height}"
        )


def with_queries(
    points: Float[np.ndarray, "queries frames 2"],
    seen: Bool[np.ndarray, "queries frames"],
    video: Video,
    queries: Float[np.ndarray, "queries 3"],
) -> Tracks:
    """Tracks in which every query is visible, at its own frame, exactly where it was asked for.

    Trackers predict the query's frame too, and may miss it or call it hidden.
    """
    points, seen = np.array(points, np.float32), np.array(seen, bool)
    at = (np.arange(len(queries)), queries[:, 0].astype(np.int64))
    points[at], seen[at] = queries[:, 1:], True
    return Tracks.of(points, seen, size=video.size, fps=video.fps).hide_outside()

"""Following points through generated videos, whatever their size."""

from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.core.picture import fit
from kineograph.core.points import scale
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.evaluation.small_tracker import SmallTracker
from kineograph.vision.flow_tracker import FlowTracker

Frames = UInt8[np.ndarray, "frames height width 3"]

SMALL, WORKING = 96, 32
"""Videos whose longer side is below `SMALL` pixels are followed by `SmallTracker`, at most at
`WORKING` pixels; larger ones by `FlowTracker`."""


def follow(frames: Frames, queries: Float32[np.ndarray, "queries 3"]) -> Tracks:
    """The track of each query (frame, x, y) in raster pixels of the video, at 1 frame a second.

    Raises:
        TracksError: a query is outside the video.
    """
    size = (frames.shape[2], frames.shape[1])
    if max(size) >= SMALL:
        return FlowTracker()(Video(frames, 1), queries)
    working = _working(size)
    small = np.stack([fit(frame, working) for frame in frames])
    moved = queries.astype(np.float32)
    moved[:, 1:] = scale(moved[:, 1:], size, working)
    found: Any = SmallTracker()(Video(small, 1), moved)
    return found.resize(size)


def _working(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, WORKING / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))

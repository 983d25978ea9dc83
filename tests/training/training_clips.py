"""Clips for the tests of the training step: a square that moves, with all that is known of it."""

from typing import Any

import numpy as np

from kineograph.core.boxes import Boxes
from kineograph.core.tracks import Tracks
from kineograph.data.batch import Batch, collate
from kineograph.data.clip import Clip

SIZE, FRAMES = (16, 16), 3


def clip(number: int, frames: int = FRAMES, **changed: Any) -> Clip:
    """A bright square on a dark ground, two pixels further right in every frame."""
    rng = np.random.default_rng(number)
    video = rng.integers(0, 80, (frames, SIZE[1], SIZE[0], 3), np.uint8)
    left, top = 1 + number % 3, 2 + number % 5
    flow = np.zeros((frames - 1, SIZE[1], SIZE[0], 2), np.float32)
    corners = np.array([left, top, left + 6, top + 6], np.float32)
    placed = corners + 2.0 * np.arange(frames)[:, None] * np.array([1, 0, 1, 0], np.float32)
    for frame, (x0, y0, x1, y1) in enumerate(placed.astype(int)):
        video[frame, y0:y1, x0:x1] = 200
        if frame < frames - 1:
            flow[frame, y0:y1, x0:x1, 0] = 2
    points = placed[None, :, :2] + rng.uniform(0, 6, (5, 1, 2))
    held: dict[str, Any] = {
        "caption": ("a red square moves right", "a fox", "a green ball moves left")[number % 3],
        "name": f"clip {number}",
        "tracks": Tracks.of(points, size=SIZE, fps=8),
        "boxes": Boxes.of(placed[None], size=SIZE, fps=8, labels=("square",)),
        "flow": flow,
    }
    return Clip(video, 8, **(held | changed))


def batch(count: int = 2, frames: int = FRAMES, **changed: Any) -> Batch:
    """A few of them, each different."""
    return collate([clip(number, frames, **changed) for number in range(count)])

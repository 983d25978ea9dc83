"""Random tracks that meet, hide, leave the picture, are let go and enter late."""

import numpy as np

from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.tracks import Tracks


def wandering(
    seed: int,
    count: int = 30,
    frames: int = 9,
    size: tuple[int, int] = (48, 32),
    deep: bool = False,
    firm: bool = False,
) -> Tracks:
    """Tracks with every state, some points outside the picture, and strengths unless `firm`."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(-4, np.array(size) + 4, (count, 1, 2))
    points = start + np.cumsum(rng.normal(0, 3, (count, frames, 2)), axis=1)
    state = rng.choice(3, (count, frames), p=[0.2, 0.6, 0.2])
    return Tracks.of(
        points,
        state.astype(np.uint8),
        size=size,
        fps=16,
        depth=rng.choice([1.0, 2.0, np.inf], (count, frames)) if deep else None,
        strength=None if firm else rng.uniform(0.2, 1, count),
    )


def batch(*tracks: Tracks | None) -> TrackBatch:
    """The clips as a batch; the first says frames and size."""
    first = next(clip for clip in tracks if clip is not None)
    return TrackBatch.of(tracks, frames=first.frames, size=first.size)


def seen(points: list, size: tuple[int, int], **more: object) -> TrackBatch:
    """One clip of tracks that are visible throughout; points is (N, T, 2)."""
    more.setdefault("state", None)
    return batch(Tracks.of(np.array(points, float), size=size, fps=16, **more))

"""Samples whose followed tracks are known: a tracker that says what it is told to."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.engines.base import Request
from kineograph.evaluation.look import Look
from kineograph.evaluation.sample import Sample

FPS = 8


class Says:
    """A tracker that answers with places and visibilities that are made of the queries alone."""

    def __init__(self, places: Callable[[np.ndarray, int], np.ndarray], seen: Any = True) -> None:
        self.places, self.seen, self.asked = places, seen, 0

    def __call__(self, video: Video, queries: np.ndarray) -> Tracks:
        self.asked += len(queries)
        points = self.places(queries.astype(np.float64), len(video)).astype(np.float32)
        points[np.arange(len(queries)), queries[:, 0].astype(int)] = queries[:, 1:]
        seen = np.broadcast_to(self.seen, points.shape[:2])
        return Tracks.of(points, seen, size=video.size, fps=video.fps)


def stays(queries: np.ndarray, frames: int) -> np.ndarray:
    """Every point rests."""
    return np.repeat(queries[:, None, 1:], frames, axis=1)


def drifts(by: tuple[float, float]) -> Callable[[np.ndarray, int], np.ndarray]:
    """Every point goes by so many pixels a frame."""

    def places(queries: np.ndarray, frames: int) -> np.ndarray:
        since = np.arange(frames)[None] - queries[:, :1]
        return queries[:, None, 1:] + since[..., None] * np.array(by)

    return places


def shakes(seed: int, much: float) -> Callable[[np.ndarray, int], np.ndarray]:
    """Every point is somewhere near its query."""

    def places(queries: np.ndarray, frames: int) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(0, much, (len(queries), frames, 2))
        return queries[:, None, 1:] + noise

    return places


def sample_of(tracks: Tracks | None, frames: int, size: tuple[int, int], **more: Any) -> Sample:
    """A sample of black frames, asked for some tracks."""
    black = np.zeros((frames, size[1], size[0], 3), np.uint8)
    fps = FPS if tracks is None else tracks.fps
    request = Request(size=size, frames=frames, fps=fps, tracks=tracks, picture=black[0])
    return Sample(black, request, **more)


def look_at(
    tracks: Tracks | None, tracker: Any, *, size: tuple[int, int] = (256, 256), **more: Any
) -> Look:
    """A look at such a sample."""
    frames = tracks.frames if tracks is not None else more.pop("frames")
    return Look(sample_of(tracks, frames, size, **more), tracker)


def tracks_of(points: Any, state: Any = None, *, size: tuple[int, int] = (256, 256)) -> Tracks:
    """Tracks from nested lists of places (and states or visibilities)."""
    return Tracks.of(np.array(points, float), state, size=size, fps=FPS)


def wild_tracks(seed: int, size: tuple[int, int], count: int = 30, frames: int = 9) -> Tracks:
    """Tracks of all kinds: hidden, let go, never visible, begun late, outside the picture."""
    rng = np.random.default_rng(seed)
    begin = rng.uniform(-0.2, 1.2, (count, 1, 2)) * size
    steps = rng.normal(0, 0.05, (count, frames, 2)) * size
    state = rng.choice([State.UNSPECIFIED, State.VISIBLE, State.OCCLUDED], (count, frames))
    state[rng.random((count, frames)) < 0.4] = State.VISIBLE
    state[0], state[1] = State.OCCLUDED, State.UNSPECIFIED
    points = begin + steps.cumsum(axis=1)
    return Tracks.of(points, state.astype(np.uint8), size=size, fps=FPS)

"""Which of a clip's tracks are given, and for how long: as the papers draw them."""

from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Bool

from kineograph.conditioning.first_motion import motion_of
from kineograph.core.errors import DataError
from kineograph.core.state import State
from kineograph.data.clip import Clip

Counts = Literal["dense", "sparse", "log-uniform"]
"""How many tracks: the three arms of Motion Prompting's ablation (`draw_count`)."""

DENSE = (1000, 2000)
"""Motion Prompting trains on uniformly so many, both ends included (Geng et al. 2024, 3.2)."""

SPARSE = (1, 8)
"""Its sparse ablation."""

LOG_UNIFORM = (0, 13)
"""The exponents of two of its dense and sparse ablation: 1 to 8192 tracks."""

RELEASE = 0.2
"""How often tracks end early (ATI, Wang et al. 2025) or pause (MotionStream, Shin et al. 2025)."""


def draw_count(how: Counts, rng: np.random.Generator) -> int:
    """How many tracks a clip is trained with.

    "dense" is uniform over 1000..2000, "sparse" over 1..8, "log-uniform" 2 to a power uniform
    over 0..13, rounded.
    """
    if how == "log-uniform":
        return round(2 ** rng.uniform(*LOG_UNIFORM))
    low, high = DENSE if how == "dense" else SPARSE
    return int(rng.integers(low, high + 1))


def subset(clip: Clip, count: int, rng: np.random.Generator) -> Clip:
    """The clip with `count` of its tracks, chosen uniformly; with all where it has fewer.

    Raises:
        DataError: it has no tracks at all.
    """
    if clip.tracks is None:
        raise DataError(f"clip {clip.name} has no tracks; run `kineograph data prepare` with them")
    return replace(clip, tracks=clip.tracks.subsample(min(count, clip.tracks.count), rng))


def draw_tracks(clip: Clip, how: Counts, rng: np.random.Generator) -> Clip:
    """The clip with a random number of its tracks; see `draw_count` and `subset`.

    Raises:
        DataError: it has no tracks.
    """
    return subset(clip, draw_count(how, rng), rng)


def with_motion(clip: Clip, stride: int | None) -> Clip:
    """The clip with its motion on the first frame's grid, as its tracks tell it.

    Args:
        clip: with dense tracks, so before some of them are drawn.
        stride: pixels a cell; None leaves the clip as it is.

    Raises:
        DataError: it has no tracks.
    """
    if stride is None:
        return clip
    if clip.tracks is None:
        raise DataError(f"clip {clip.name} has no tracks; run `kineograph data prepare` with them")
    return replace(clip, motion=motion_of(clip.tracks, stride))


def truncate(clip: Clip, rng: np.random.Generator, probability: float | int = RELEASE) -> Clip:
    """With a probability, nothing is said of the tracks from some frame on (ATI's tail dropout).

    All tracks of the clip end at the same random frame, at least one frame being left; from there
    they are unspecified, not occluded: the model is to learn that it is free.
    """
    if rng.random() >= probability or clip.tracks is None or clip.frames < 2:
        return clip
    end = int(rng.integers(1, clip.frames))
    return _released(clip, np.arange(clip.frames) >= end)


def gap(clip: Clip, rng: np.random.Generator, probability: float | int = RELEASE) -> Clip:
    """With a probability, nothing is said of the tracks for some frames in the middle.

    As MotionStream's second stage, so that a model tells what was let go from what is hidden. The
    first and the last frame always keep their tracks.
    """
    if rng.random() >= probability or clip.tracks is None or clip.frames < 3:
        return clip
    first, last = np.sort(rng.integers(1, clip.frames - 1, 2))
    time = np.arange(clip.frames)
    return _released(clip, (time >= first) & (time <= last))


def _released(clip: Clip, frames: Bool[np.ndarray, " frames"]) -> Clip:
    """The clip with nothing said of its tracks in these frames."""
    assert clip.tracks is not None
    state = np.where(frames, np.uint8(State.UNSPECIFIED), clip.tracks.state)
    return replace(clip, tracks=replace(clip.tracks, state=state))

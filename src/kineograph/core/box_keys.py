"""The box of one object at every frame, out of its boxes at some instants."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from kineograph.core import checks
from kineograph.core.errors import TracksError
from kineograph.core.resampling import ON_A_FRAME
from kineograph.core.state import State


def at_frames(
    times: Sequence[float | int],
    boxes: Any,
    hard: bool | Sequence[bool],
    *,
    frames: int,
    fps: float,
    held: bool,
) -> tuple[
    Float64[np.ndarray, "frames 4"], UInt8[np.ndarray, " frames"], Bool[np.ndarray, " frames"]
]:
    """Boxes, states and hardness at each frame; the arguments are those of `Boxes.keyframes`."""
    keys, corners, firm = _checked(times, boxes, hard)
    if frames < 1:
        raise TracksError(f"boxes of {frames} frames were asked for; give at least 1 frame")
    # in frames; a key a hair beside a frame is meant to be on it
    at = keys * fps
    at = np.where(np.abs(at - np.round(at)) < ON_A_FRAME, np.round(at), at)
    index = np.arange(frames, dtype=np.float64)
    placed = np.stack([np.interp(index, at, corners[:, side]) for side in range(4)], axis=1)
    spoken = np.full(frames, True) if held else (index >= at[0]) & (index <= at[-1])
    if not spoken.any():
        raise TracksError(
            f"box keys from {keys[0]:g} s to {keys[-1]:g} s meet no frame of a clip of "
            f"{frames} frames at {fps:g} fps; move a key onto a frame"
        )
    state = np.where(spoken, np.uint8(State.VISIBLE), np.uint8(State.UNSPECIFIED))
    before = np.clip(np.searchsorted(at, index, side="right") - 1, 0, len(at) - 1)
    after = np.clip(np.searchsorted(at, index, side="left"), 0, len(at) - 1)
    return placed, state, firm[before] & firm[after]


def _checked(
    times: Sequence[float | int], boxes: Any, hard: bool | Sequence[bool]
) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, "k 4"], Bool[np.ndarray, " k"]]:
    """The keys as arrays, in order of time."""
    keys = np.asarray(times, dtype=np.float64)
    corners = np.asarray(boxes, dtype=np.float64)
    if keys.ndim != 1 or not len(keys) or corners.shape != (len(keys), 4):
        raise TracksError(
            f"box keys have times {keys.shape} and boxes {corners.shape}; give at least one time "
            "and a box x0, y0, x1, y1 for each"
        )
    if not (np.isfinite(keys).all() and np.isfinite(corners).all()):
        raise TracksError("a box key holds a number that is not finite; give finite numbers")
    if (np.diff(keys) <= 0).any():
        raise TracksError(
            "box keys are not in order of time; give each key a later time than the one before"
        )
    return keys, corners, checks.as_filled("hard", hard, np.bool_, (len(keys),))

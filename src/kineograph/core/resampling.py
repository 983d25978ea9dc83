"""Values followed through time, with a state each: at other instants, and across gaps."""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, UInt8

from kineograph.core.checks import checked_fps
from kineograph.core.errors import TracksError
from kineograph.core.state import State

ON_A_FRAME = 1e-6
"""Nearer than this part of a frame, an instant counts as the frame itself."""


class Instants:
    """The frames of a new clip, placed among the frames of an old one.

    Attributes:
        before: (frames,) the old frame at or before each new one.
        after: (frames,) the old frame at or after each new one.
        weight: (frames,) how far from `before` to `after`, 0 to 1.
        inside: (frames,) false beyond the old clip's last frame.
    """

    def __init__(self, old_frames: int, old_fps: float, frames: int, fps: float) -> None:
        position = np.arange(frames, dtype=np.float64) * (old_fps / fps)
        nearest = np.round(position)
        position = np.where(np.abs(position - nearest) < ON_A_FRAME, nearest, position)
        self.inside: Bool[np.ndarray, " frames"] = position <= old_frames - 1
        position = np.minimum(position, old_frames - 1)
        self.before: Int[np.ndarray, " frames"] = np.floor(position).astype(np.int64)
        self.after: Int[np.ndarray, " frames"] = np.ceil(position).astype(np.int64)
        self.weight: Float64[np.ndarray, " frames"] = position - self.before

    @classmethod
    def of(
        cls, old_frames: int, old_fps: float, frames: int | None, fps: float | int | None
    ) -> tuple["Instants", int, float]:
        """Instants with the number of frames and the fps they amount to.

        Without `fps` the clip keeps its own; without `frames` it covers the same time.

        Raises:
            TracksError: `frames` or `fps` is not positive.
        """
        new_fps = old_fps if fps is None else checked_fps(fps)
        if frames is None:
            last = (old_frames - 1) * (new_fps / old_fps)
            frames = int(np.floor(last + ON_A_FRAME)) + 1
        if frames < 1:
            raise TracksError(f"resampling to {frames} frames was asked for; give at least 1")
        return cls(old_frames, old_fps, frames, new_fps), frames, new_fps

    def values(
        self, values: Float[np.ndarray, "items old *rest"]
    ) -> Float[np.ndarray, "items new *rest"]:
        """Values between the two frames, linearly."""
        first, second = values[:, self.before], values[:, self.after]
        weight = self.weight.reshape(1, -1, *[1] * (values.ndim - 2))
        with np.errstate(invalid="ignore"):  # inf * 0, where both depths are infinite
            mixed = first * (1.0 - weight) + second * weight
        return np.where(first == second, first, mixed).astype(values.dtype)

    def states(self, state: UInt8[np.ndarray, "items old"]) -> UInt8[np.ndarray, "items new"]:
        """The more cautious of the two frames' states; beyond the end nobody says."""
        mixed = cautious(state[:, self.before], state[:, self.after])
        mixed[:, ~self.inside] = State.UNSPECIFIED
        return mixed


def cautious(
    first: UInt8[np.ndarray, "items frames"], second: UInt8[np.ndarray, "items frames"]
) -> UInt8[np.ndarray, "items frames"]:
    """Any unspecified gives unspecified, else any occluded gives occluded, else visible."""
    unspecified = (first == State.UNSPECIFIED) | (second == State.UNSPECIFIED)
    return np.where(unspecified, np.uint8(State.UNSPECIFIED), np.maximum(first, second))


def fill_gaps(
    values: Float[np.ndarray, "items frames size"],
    known: Bool[np.ndarray, "items frames"],
    max_gap: int | None = None,
) -> tuple[Float[np.ndarray, "items frames size"], Bool[np.ndarray, "items frames"]]:
    """Values filled linearly between known frames, and where that was done.

    What lies before the first known frame or after the last is left as it is, and so is a gap of
    more than `max_gap` frames.
    """
    frames = known.shape[1]
    index = np.broadcast_to(np.arange(frames), known.shape)
    before = np.maximum.accumulate(np.where(known, index, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, index, frames)[:, ::-1], axis=1)[:, ::-1]
    filled = ~known & (before >= 0) & (after < frames)
    if max_gap is not None:
        filled &= after - before - 1 <= max_gap
    row, frame = np.nonzero(filled)
    start, end = before[row, frame], after[row, frame]
    weight = ((frame - start) / (end - start))[:, None]
    result = values.copy()
    result[row, frame] = values[row, start] * (1.0 - weight) + values[row, end] * weight
    return result, filled

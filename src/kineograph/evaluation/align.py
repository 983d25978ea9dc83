"""Aligning videos that differ in size, length or rate, as far as one says that they may."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from kineograph.core.errors import EvaluationError
from kineograph.core.picture import fit
from kineograph.core.video import Video

Held = UInt8[np.ndarray, "_ _ _ 3"]

CHOICES = {
    "size": ("refuse", "stretch", "crop"),
    "length": ("refuse", "cut", "resample"),
    "rate": ("refuse", "ignore"),
}
"""What may be done about each."""


@dataclass(frozen=True)
class Alignment:
    """What is done with a video that does not fit; nothing, unless it is said.

    Args:
        size: of another size: "refuse" it, "stretch" it, or "crop" the middle of the wanted
            proportions and resize that.
        length: of another length: "refuse" it, "cut" it to its first frames (one that is too short
            is refused), or "resample" it: the nearest frames, first to last.
        rate: of another frame rate: "refuse" it, or "ignore" that: its frames are taken as they
            are.

    Raises:
        EvaluationError: there is no such choice.
    """

    size: str = "refuse"
    length: str = "refuse"
    rate: str = "refuse"

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise EvaluationError(
                    f"{name}={getattr(self, name)} was given; choose one of {', '.join(known)}"
                )


def aligned(
    video: Video,
    size: tuple[int, int],
    frames: int,
    fps: float | int,
    how: Alignment,
    name: str = "the video",
) -> Held:
    """The frames of a video, brought to a size and a length.

    Args:
        video: what is aligned.
        size: wanted (width, height).
        frames: wanted length.
        fps: wanted rate.
        how: what may be done.
        name: of the video, for messages.

    Raises:
        EvaluationError: it differs in something that may not be changed.
    """
    if abs(video.fps - fps) > 1e-3 * fps and how.rate == "refuse" and how.length != "resample":
        raise EvaluationError(
            f"{name} is at {video.fps:g} fps where {fps:g} are wanted; allow it with --align "
            "rate=ignore, or resample its length"
        )
    return _sized(_timed(video.frames, frames, how, name), size, how, name)


def _timed(held: Held, frames: int, how: Alignment, name: str) -> Held:
    if len(held) == frames:
        return held
    if how.length == "resample":
        return held[np.linspace(0, len(held) - 1, frames).round().astype(int)]
    if how.length == "cut" and len(held) > frames:
        return held[:frames]
    raise EvaluationError(
        f"{name} has {len(held)} frames where {frames} are wanted; allow --align length=cut (for "
        "what is longer) or length=resample"
    )


def _sized(held: Held, size: tuple[int, int], how: Alignment, name: str) -> Held:
    given = (held.shape[2], held.shape[1])
    if given == size:
        return held
    if how.size == "refuse":
        raise EvaluationError(
            f"{name} is {given[0]}x{given[1]} where {size[0]}x{size[1]} is wanted; allow --align "
            "size=stretch or size=crop"
        )
    if how.size == "crop":
        held = _cropped(held, size)
    return np.stack([fit(frame, size) for frame in held])


def _cropped(held: Held, size: tuple[int, int]) -> Held:
    """The largest middle part with the proportions of a size."""
    height, width = held.shape[1:3]
    factor = min(width / size[0], height / size[1])
    wide, high = max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
    left, top = (width - wide) // 2, (height - high) // 2
    return held[:, top : top + high, left : left + wide]

"""Timing: when a motion happens. Keyframes with easing, and the clock of frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Float64

from kineograph.core.errors import DocumentError

EASINGS: Mapping[str, tuple[float, float, float, float] | None] = MappingProxyType(
    {
        "linear": (0.0, 0.0, 1.0, 1.0),
        "ease": (0.25, 0.1, 0.25, 1.0),
        "ease-in": (0.42, 0.0, 1.0, 1.0),
        "ease-out": (0.0, 0.0, 0.58, 1.0),
        "ease-in-out": (0.42, 0.0, 0.58, 1.0),
        "hold": None,
    }
)
"""Names of easings and their cubic Bezier curves (x1, y1, x2, y2), the curves that CSS gives them.

`hold` has no curve: the value stays as it is until the next key, and jumps there.
"""


@dataclass(frozen=True)
class Key:
    """A value at an instant, and how the curve leaves it.

    Args:
        time: seconds, or any other unit of time that the whole curve shares.
        value: what the curve is worth at `time`.
        easing: name out of `EASINGS`, for the segment that starts at this key.

    Raises:
        DocumentError: a number is not finite, or the easing is unknown.
    """

    time: float | int
    value: float | int
    easing: str = "linear"

    def __post_init__(self) -> None:
        if not (isfinite(self.time) and isfinite(self.value)):
            raise DocumentError(
                f"a timing key has time {self.time} and value {self.value}; give finite numbers"
            )
        if self.easing not in EASINGS:
            raise DocumentError(
                f"easing {self.easing!r} is unknown; choose one of {', '.join(EASINGS)}"
            )
        object.__setattr__(self, "time", float(self.time))
        object.__setattr__(self, "value", float(self.value))


@dataclass(frozen=True)
class Curve:
    """A value that changes with time: keys in order, eased in between, constant outside.

    Raises:
        DocumentError: there is no key, or a key is not later than the one before it.
    """

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise DocumentError("a timing curve has no keys; give at least one")
        for before, after in zip(self.keys, self.keys[1:], strict=False):
            if not after.time > before.time:
                raise DocumentError(
                    f"a timing key at {after.time:g} follows one at {before.time:g}; "
                    "give the keys in order of time, no two at the same instant"
                )

    @classmethod
    def named(cls, easing: str) -> "Curve":
        """The curve from 0 at time 0 to 1 at time 1 with the easing of that name.

        Raises:
            DocumentError: the easing is unknown.
        """
        return cls((Key(0.0, 0.0, easing), Key(1.0, 1.0)))

    def __call__(self, times: Float[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """The value at each of `times`: the first key's before it, the last key's after it."""
        times = np.asarray(times, dtype=np.float64)
        starts = np.array([key.time for key in self.keys])
        values = np.array([key.value for key in self.keys])
        if len(self.keys) == 1:
            return np.full(times.shape, values[0])
        segment = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(starts) - 2)
        progress = np.clip(
            (times - starts[segment]) / (starts[segment + 1] - starts[segment]), 0.0, 1.0
        )
        easings = np.array([key.easing for key in self.keys])[segment]
        for easing in np.unique(easings):
            chosen = easings == easing
            progress[chosen] = _ease(progress[chosen], EASINGS[str(easing)])
        # written so that progress 0 and 1 give the two values exactly
        return values[segment] * (1.0 - progress) + values[segment + 1] * progress


def frame_times(frames: int, fps: float | int) -> Float64[np.ndarray, " frames"]:
    """The instant of each frame in seconds: t = i / fps.

    Raises:
        DocumentError: `frames` or `fps` is not positive.
    """
    if frames < 1:
        raise DocumentError(f"a clip has {frames} frames; give at least 1")
    if not (isfinite(fps) and fps > 0):
        raise DocumentError(f"a clip has {fps} frames a second; give a positive number")
    return np.arange(frames, dtype=np.float64) / fps


def _ease(
    progress: Float64[np.ndarray, " n"], bezier: tuple[float, float, float, float] | None
) -> Float64[np.ndarray, " n"]:
    """Eased progress: the y of a cubic Bezier from (0, 0) to (1, 1) where its x is `progress`."""
    if bezier is None:
        return np.where(progress >= 1.0, 1.0, 0.0)
    x1, y1, x2, y2 = bezier
    if (x1, x2) == (y1, y2):
        return progress
    # x grows with the parameter for every control point within 0..1, so halving always finds it
    low, high = np.zeros_like(progress), np.ones_like(progress)
    for _ in range(52):
        middle = (low + high) / 2
        short = _bezier(middle, x1, x2) < progress
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(progress >= 1.0, 1.0, _bezier(high, y1, y2) * (progress > 0.0))


def _bezier(s: Float64[np.ndarray, " n"], first: float, second: float) -> Float64[np.ndarray, " n"]:
    """One coordinate of a cubic Bezier whose ends are 0 and 1."""
    return 3 * (1 - s) ** 2 * s * first + 3 * (1 - s) * s**2 * second + s**3

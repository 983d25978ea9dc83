"""Light: how bright and of what colour the pictures are, a soft lamp that moves, and shadows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from kineograph.data.procedural.chance import between, signed


@dataclass(frozen=True, eq=False)
class Light:
    """What multiplies the colours of a world; it leaves tracks, masks and depth as they are.

    Convention: raster pixels of each frame's picture; `gain` is 1 where nothing changes.
    """

    gain: Float64[np.ndarray, "frames 3"]
    """Factors of red, green and blue at each frame."""
    lamp: Float64[np.ndarray, "frames 2"] | None = None
    """The middle of a soft lamp at each frame, or None without one."""
    reach: float = 1.0
    """Pixels from the lamp's middle to where it is weaker by e to the power of a half."""
    power: float = 0.0
    """How much brighter than the rest the lamp's middle is."""
    shadow: tuple[float | int, float | int] | None = None
    """Where shadows fall, as (dx, dy) pixels for a layer a unit before the background, or None."""
    dark: float = 0.0
    """The share of light that a shadow takes."""

    @classmethod
    def plain(cls, frames: int) -> "Light":
        """Light that changes nothing."""
        return cls(np.ones((frames, 3)))

    def drop(self, lift: float | int) -> tuple[float, float]:
        """How far from its layer a shadow falls, in pixels, for a layer lifted so much."""
        dx, dy = self.shadow or (0.0, 0.0)
        return dx * lift, dy * lift


BRIGHTEST = 1.25
"""The most that light multiplies a colour by; more would burn pictures out."""


def draw_light(
    rng: np.random.Generator,
    size: tuple[int, int],
    frames: int,
    *,
    drift: float | int,
    shadows: float | int,
) -> Light:
    """Light that drifts in brightness and colour, or a lamp, with a probability; so shadows.

    Args:
        rng: the randomness.
        size: (width, height) of the picture.
        frames: how many.
        drift: how likely it is that the light changes.
        shadows: how likely it is that layers throw shadows.
    """
    gain, lamp, reach, power = np.ones((frames, 3)), None, 1.0, 0.0
    time = np.linspace(0, 1, frames)[:, None]
    if rng.random() < drift:
        ends = np.exp(rng.normal(0, 0.16, (2, 1)) + rng.normal(0, 0.06, (2, 3)))
        gain = ends[0] * (1 - time) + ends[1] * time
        if rng.random() < 0.5:
            ways = rng.uniform(0, 1, (2, 2)) * np.array(size)
            lamp = ways[0] * (1 - time) + ways[1] * time
            reach, power = between(rng, 0.25, 0.6) * min(size), between(rng, 0.3, 0.9)
        gain = gain * min(1.0, BRIGHTEST / (float(gain.max()) * (1 + power)))
    shadow, dark = None, 0.0
    if rng.random() < shadows:
        side = min(size)
        shadow = (signed(rng, 0.004, 0.012) * side, between(rng, 0.006, 0.014) * side)
        dark = between(rng, 0.25, 0.5)
    return Light(gain, lamp, reach, power, shadow, dark)

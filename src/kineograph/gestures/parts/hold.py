"""Holds: what keeps points of a part in their place or takes them along, and for how long."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex128

Points = Complex128[np.ndarray, " points"]
"""x + iy in canvas pixels."""

Path = Complex128[np.ndarray, " frames"]


@dataclass(frozen=True, eq=False)
class Hold:
    """A drag's press or a pin's region, on one part.

    Convention: points are x + iy in canvas pixels.

    Args:
        points: where it takes hold, at its first frame.
        way: how far from there it takes them, at each frame; 0 before its first.
        first: its first frame.
        last: its last frame.
        radius: how far around each point the part is held with it, in pixels.
        pins: whether it holds still.
        before: whether it holds still what it takes along later.
        centre: the middle of what it holds, if not that of its points.
    """

    points: Points
    way: Path
    first: int
    last: int
    radius: float
    pins: bool = False
    before: bool = False
    centre: complex | None = None

    @property
    def middle(self) -> complex:
        """What the part turns about if it does not bend."""
        return complex(self.points.mean()) if self.centre is None else self.centre

    def pressed(self) -> Bool[np.ndarray, " frames"]:
        """The frames from its first to its last."""
        frame = np.arange(len(self.way))
        return (frame >= self.first) & (frame <= self.last)

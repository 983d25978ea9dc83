"""Ways in which a camera moves, each as what becomes of the camera's own space."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

Amounts = Float64[np.ndarray, " frames"]
Place = Float64[np.ndarray, "3"]


@dataclass(frozen=True, eq=False)
class Movement:
    """How a camera has moved at each frame, seen from where it was.

    Convention: OpenCV axes. A point x of the space of the camera at rest is at `w2c @ x` for the
    moved one. `zoom` multiplies the focal length.

    Args:
        w2c: (T, 4, 4).
        zoom: (T,) above 0.
    """

    w2c: Float64[np.ndarray, "frames 4 4"]
    zoom: Float64[np.ndarray, " frames"]

    @classmethod
    def still(cls, frames: int) -> "Movement":
        """A camera at rest."""
        return cls(np.broadcast_to(np.eye(4), (frames, 4, 4)).copy(), np.ones(frames))

    @classmethod
    def of(
        cls,
        turned: Float64[np.ndarray, "frames 3 3"],
        centres: Float64[np.ndarray, "frames 3"],
        zoom: Float64[np.ndarray, " frames"] | None = None,
    ) -> "Movement":
        """The movement that brings the camera to `centres` and turns its axes.

        Args:
            turned: the moved camera's axes, in columns.
            centres: where it is.
            zoom: None for none.
        """
        w2c = cls.still(len(turned)).w2c
        w2c[:, :3, :3] = turned.transpose(0, 2, 1)
        w2c[:, :3, 3] = -np.einsum("tji,tj->ti", turned, centres)
        return cls(w2c, np.ones(len(turned)) if zoom is None else zoom)

    def after(self, earlier: "Movement") -> "Movement":
        """The same movement, made by a camera that has moved already."""
        return Movement(self.w2c @ earlier.w2c, self.zoom * earlier.zoom)

    def around(self, pivot: Place) -> "Movement":
        """The same turn, around a point instead of around the camera: that point stays in view."""
        w2c = self.w2c.copy()
        w2c[:, :3, 3] = pivot - w2c[:, :3, :3] @ pivot
        return replace(self, w2c=w2c)


def turn(axis: int, degrees: Amounts) -> Movement:
    """The camera turned about its own axis: 0 right, 1 down, 2 forward; right-hand rule."""
    turned = Rotation.from_rotvec(np.radians(degrees)[:, None] * np.eye(3)[axis]).as_matrix()
    return Movement.of(turned, np.zeros((len(degrees), 3)))


def shift(direction: tuple[float | int, ...], lengths: Amounts) -> Movement:
    """The camera moved along a direction of its own space, without turning."""
    centres = lengths[:, None] * np.array(direction, np.float64)
    return Movement.of(np.broadcast_to(np.eye(3), (len(lengths), 3, 3)), centres)


def zoom(factor: float | int, progress: Amounts) -> Movement:
    """The focal length multiplied, evenly in steps of the eye: by the same factor in each part."""
    return replace(Movement.still(len(progress)), zoom=float(factor) ** progress)


def dolly_zoom(lengths: Amounts, distance: float) -> Movement:
    """Forward while zooming so that what is at `distance` keeps its size."""
    return replace(shift((0, 0, 1), lengths), zoom=1 - lengths / distance)


TURNS: Mapping[str, Callable[[Amounts, Place], Movement]] = MappingProxyType(
    {
        "orbit": lambda degrees, pivot: turn(1, -degrees).around(pivot),
        "arc": lambda degrees, pivot: turn(0, -degrees).around(pivot),
        "pan": lambda degrees, pivot: turn(1, degrees),
        "tilt": lambda degrees, pivot: turn(0, degrees),
        "roll": lambda degrees, pivot: turn(2, degrees),
    }
)
"""Moves told in degrees, around the camera itself or around what it looks at."""

SHIFTS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {"dolly": (0, 0, 1), "truck": (1, 0, 0), "pedestal": (0, -1, 0)}
)
"""Moves told as a length, and where they go: forward, to the right, up."""

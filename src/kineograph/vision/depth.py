"""Depth: how far away what is seen at each pixel is, and whoever measures it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64, Shaped, UInt8

from kineograph.core import checks
from kineograph.core.cameras import intrinsics
from kineograph.core.errors import VisionError
from kineograph.core.points import scale_factors

FOV = 50.0
"""The field of view across the picture, in degrees, of a lens that nobody knows: a phone or a 35 mm
lens sees about that much."""

REACH = 10.0
"""How many times farther the farthest is than the nearest where only nearness on an unknown scale
is known: nobody says, and a room or a street has about that much."""

SAME = 0.05
"""Neighbouring pixels whose depths differ by at most this share are one surface."""


@dataclass(frozen=True, eq=False, repr=False)
class Depth:
    """How deep what is seen at each pixel lies, along the axis of the camera.

    Convention: OpenCV axes, so depth is z, not the distance from the lens; larger is farther.
    `K` takes camera points to raster pixels of this depth map, whose top-left corner is (0, 0).

    Args:
        depth: (H, W), finite and above 0.
        K: (3, 3) intrinsics in pixels of the map, or None where nobody knows the lens.
        metric: whether the unit is metres; else it is whatever it is.

    Raises:
        VisionError: a value is not as said above.
    """

    depth: Float32[np.ndarray, "height width"]
    K: Float64[np.ndarray, "3 3"] | None = None
    metric: bool = False

    def __post_init__(self) -> None:
        if self.depth.ndim != 2 or self.depth.size == 0 or self.depth.dtype != np.float32:
            raise VisionError(
                f"a depth map is {self.depth.dtype.name} {self.depth.shape}; it has to be float32 "
                "(height, width) with at least one pixel"
            )
        bad = ~(np.isfinite(self.depth) & (self.depth > 0))
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise VisionError(
                f"a depth map holds {self.depth[row, column]} at x {column}, y {row}; depths have "
                "to be above 0; leave it out or fill it with Depth.filled"
            )

    def __repr__(self) -> str:
        width, height = self.size
        near, far = self.depth.min(), self.depth.max()
        unit = " m" if self.metric else ""
        return f"Depth({width}x{height}, {near:.4g} to {far:.4g}{unit})"

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.depth.shape[1], self.depth.shape[0]

    @classmethod
    def filled(
        cls,
        depth: Float[np.ndarray, "height width"],
        K: Float64[np.ndarray, "3 3"] | None = None,
        metric: bool = False,
    ) -> "Depth":
        """A depth map out of one with holes: NaN, infinite, 0 and below are not known.

        A hole takes the farther of the known depths to its left and right: what a stereo pair or a
        depth sensor leaves open mostly lies behind an edge.

        Raises:
            VisionError: nothing is known at all.
        """
        given = np.asarray(depth, np.float32)
        known = np.asarray(np.isfinite(given) & (given > 0))
        if not known.any():
            raise VisionError("a depth map holds no depth above 0; give one that does")
        if not known.all():
            rows = np.asarray(known.any(axis=1))
            given = given.copy()
            given[rows] = _filled_across(given[rows], known[rows])
            index = np.flatnonzero(rows)
            nearest = np.abs(np.arange(len(rows))[:, None] - index).argmin(axis=1)
            given = given[index[nearest]]
        return cls(given, K, metric)

    def resize(self, size: Iterable[int]) -> "Depth":
        """The same depths on a map of another size (width, height).

        Each new pixel takes one old pixel's depth: between two surfaces there is no third one.

        Raises:
            TracksError: `size` is not two positive whole numbers.
        """
        new = checks.checked_size(size)
        if new == self.size:
            return self
        columns, rows = (
            ((np.arange(count) + 0.5) * old / count).astype(np.int64)
            for count, old in zip(new, self.size, strict=True)
        )
        K = self.K
        if K is not None:
            K = K * np.append(scale_factors(self.size, new), 1.0)[:, None]
        return replace(self, depth=np.ascontiguousarray(self.depth[rows[:, None], columns]), K=K)

    def at(self, points: Float[np.ndarray, "points 2"]) -> Float32[np.ndarray, " points"]:
        """Depths at raster points of this map; beyond its border those of the nearest pixel.

        On one surface the inverse depths of the four pixels around are mixed, which is exact on
        planes; where they belong to different surfaces the nearest pixel's is taken.
        """
        width, height = self.size
        place = points.astype(np.float64) - 0.5
        corner = np.floor(place).astype(np.int64)
        share = place - corner
        total = np.zeros(len(points))
        low, high = np.full(len(points), np.inf), np.zeros(len(points))
        for step in ((0, 0), (1, 0), (0, 1), (1, 1)):
            found = self.depth[_pixel(corner + step, width, height)].astype(np.float64)
            weight = np.abs(1 - np.array(step) - share).prod(axis=1)
            total += weight / found
            low, high = np.minimum(low, found), np.maximum(high, found)
        nearest = self.depth[_pixel(np.floor(points).astype(np.int64), width, height)]
        return np.where(high <= low * (1 + SAME), 1 / total, nearest).astype(np.float32)

    def lens(self, fov: float | int | None = None) -> Float64[np.ndarray, "3 3"]:
        """Intrinsics in pixels of this map.

        Args:
            fov: the field of view across the map in degrees; None takes the map's own lens, or, if
                nobody knows it, one of `FOV`.

        Raises:
            TracksError: the angle is not between 0 and 180 degrees.
        """
        if fov is None and self.K is not None:
            return self.K
        return intrinsics(FOV if fov is None else fov, self.size)


class DepthEstimator(Protocol):
    """Whoever can say how far away things in a picture are."""

    def __call__(self, picture: UInt8[np.ndarray, "height width 3"]) -> Depth:
        """The depth of an RGB picture, on a map of the picture's size."""
        ...


def from_nearness(
    nearness: Shaped[np.ndarray, "height width"],
) -> Float32[np.ndarray, "height width"]:
    """Depth out of inverse depth on an unknown scale (larger is nearer); 1 to `REACH`.

    Raises:
        VisionError: a number is not finite.
    """
    given = nearness.astype(np.float64)
    if not np.isfinite(given).all():
        raise VisionError("a map of nearness holds numbers that are not finite; fill them first")
    share = (given - given.min()) / max(float(np.ptp(given)), 1e-12)
    return (1 / (share + (1 - share) / REACH)).astype(np.float32)


def _pixel(
    cell: Int64[np.ndarray, "points 2"], width: int, height: int
) -> tuple[Int64[np.ndarray, " points"], Int64[np.ndarray, " points"]]:
    """Row and column of a cell, on the border where it lies beyond."""
    return np.clip(cell[:, 1], 0, height - 1), np.clip(cell[:, 0], 0, width - 1)


def _filled_across(
    depth: Float32[np.ndarray, "rows width"], known: np.ndarray
) -> Float32[np.ndarray, "rows width"]:
    """Rows whose holes take the farther of their two neighbours; each row knows something."""
    width = depth.shape[1]
    index = np.broadcast_to(np.arange(width), depth.shape)
    left = np.maximum.accumulate(np.where(known, index, -1), axis=1)
    right = np.minimum.accumulate(np.where(known, index, width)[:, ::-1], axis=1)[:, ::-1]
    left, right = np.where(left < 0, right, left), np.where(right == width, left, right)
    row = np.arange(len(depth))[:, None]
    return np.maximum(depth[row, left], depth[row, right])

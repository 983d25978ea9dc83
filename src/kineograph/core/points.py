"""Points: the one place where other conventions for pixels become Kineograph's, and back.

Convention: a point is (x, y) in raster pixels. The picture spans [0, W] x [0, H] and the centre of
its top-left pixel is (0.5, 0.5). So a picture is resized by multiplying its points, and nothing
else. OpenCV, CoTracker, ATI and others put (0, 0) at the centre of the top-left pixel; whatever
comes from them or goes to them passes through here.
"""

from typing import TypeVar

import numpy as np
from jaxtyping import Float, Int64

from kineograph.core.checks import checked_size
from kineograph.core.errors import TracksError

Points = TypeVar("Points", bound=Float[np.ndarray, "*shape 2"])


def from_pixel_centres(points: Points) -> Points:
    """Raster points from points whose (0, 0) is the centre of the top-left pixel (OpenCV)."""
    return points + points.dtype.type(0.5)


def to_pixel_centres(points: Points) -> Points:
    """The inverse of `from_pixel_centres`: what OpenCV calls the same points."""
    return points - points.dtype.type(0.5)


def scale(points: Points, from_size: tuple[int, int], to_size: tuple[int, int]) -> Points:
    """The same points on a picture of another size (width, height): multiplication.

    Raises:
        TracksError: a size is not two positive whole numbers.
    """
    return (points * scale_factors(from_size, to_size)).astype(points.dtype)


def scale_factors(from_size: tuple[int, int], to_size: tuple[int, int]) -> Float[np.ndarray, "2"]:
    """What x and y are multiplied by when a picture goes from one size to another."""
    before, after = checked_size(from_size), checked_size(to_size)
    return np.array(after, dtype=np.float64) / np.array(before, dtype=np.float64)


def latent_cell(
    points: Float[np.ndarray, "*shape 2"], stride: int
) -> Int64[np.ndarray, "*shape 2"]:
    """The cell (column, row) of a latent grid with `stride` pixels a cell: floor(x / stride).

    Points outside the picture get cells outside the grid; x = W belongs to the cell after the last.

    Raises:
        TracksError: `stride` is not positive, or a point is not finite.
    """
    if stride < 1:
        raise TracksError(f"a latent stride of {stride} was given; it has to be 1 or more")
    if not np.isfinite(points).all():
        raise TracksError("a point that is not finite has no latent cell; leave such points out")
    return np.floor(points / stride).astype(np.int64)

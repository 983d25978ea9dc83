"""The scale that motion is measured at: 256x256, whatever a video's own size."""

import numpy as np
from jaxtyping import Bool, Float, Float64

from kineograph.core.points import scale_factors

MEASURED_SIZE = (256, 256)
"""Both axes are brought to 256 pixels before distances are taken, also of pictures that are not
square, as TAP-Vid does; Motion Prompting's pictures are square."""

UNIT = "px at 256x256"


def measured(
    points: Float[np.ndarray, "*shape 2"], size: tuple[int, int]
) -> Float64[np.ndarray, "*shape 2"]:
    """Raster points of a picture of `size` (width, height), in pixels of `MEASURED_SIZE`."""
    return points.astype(np.float64) * scale_factors(size, MEASURED_SIZE)


def distances(
    one: Float[np.ndarray, "... 2"], other: Float[np.ndarray, "... 2"], size: tuple[int, int]
) -> Float64[np.ndarray, "..."]:
    """How far points of a picture of `size` are apart, in pixels of `MEASURED_SIZE`; broadcast."""
    return np.asarray(np.linalg.norm(measured(one, size) - measured(other, size), axis=-1))


def mean_where(values: Float[np.ndarray, "*shape"], counts: Bool[np.ndarray, "*shape"]) -> float:
    """The mean of what counts; NaN if nothing does, or if a value that counts is NaN."""
    return float(values[counts].mean()) if counts.any() else float("nan")

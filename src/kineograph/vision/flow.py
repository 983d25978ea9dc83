"""Optical flow: where everything in one picture went in another."""

from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.core.errors import PictureError


@runtime_checkable
class OpticalFlow(Protocol):
    """Estimates dense motion between two pictures of one size.

    Convention: the result at row j, column i is the displacement (dx, dy), in pixels, of what is at
    the centre of that pixel of `first`: it is at (i + 0.5 + dx, j + 0.5 + dy) in `second`.
    """

    def __call__(
        self,
        first: UInt8[np.ndarray, "height width 3"],
        second: UInt8[np.ndarray, "height width 3"],
    ) -> Float32[np.ndarray, "height width 2"]:
        """The displacement of every pixel of `first`.

        Raises:
            PictureError: the pictures differ in size.
        """
        ...


def check_pair(first: np.ndarray, second: np.ndarray) -> None:
    """Check that two pictures are of one size.

    Raises:
        PictureError: they are not.
    """
    if first.shape != second.shape:
        raise PictureError(
            f"optical flow was asked for between pictures of {first.shape[1]}x{first.shape[0]} "
            f"and {second.shape[1]}x{second.shape[0]}; give two of one size"
        )


def sample_field(
    field: Float32[np.ndarray, "height width *channels"],
    points: Float32[np.ndarray, " n 2"],
) -> Float32[np.ndarray, " n *channels"]:
    """A field's value at raster points, bilinear; outside, that of the nearest pixel."""
    if len(points) == 0:
        return np.zeros((0, *field.shape[2:]), np.float32)
    at = points[None] - np.float32(0.5)
    rows = [
        cv2.remap(
            field, part[..., 0], part[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )[0]
        for part in np.split(at, range(30_000, at.shape[1], 30_000), axis=1)  # remap's limit
    ]
    return np.concatenate(rows)

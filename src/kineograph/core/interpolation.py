"""Interpolation: pictures sampled between their pixels, true to a thousandth of a pixel."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.core.points import to_pixel_centres

POLE = np.sqrt(3.0) - 2.0
"""The pole of the cubic B-spline's prefilter (Unser 1999)."""

TAPS = 12
"""Coefficients beyond this many pixels are below a ten-millionth."""


class Spline:
    """A picture as a cubic B-spline surface that passes through its pixels.

    OpenCV's own cubic and Lanczos kernels displace what they sample by up to a hundredth of a
    pixel; this one reproduces polynomials of degree three, so that it can be measured with.

    Args:
        image: (H, W) or (H, W, C), float32 or uint8; it is mirrored beyond its border.
    """

    def __init__(
        self,
        image: Float32[np.ndarray, "height width *channels"]
        | UInt8[np.ndarray, "height width *channels"],
    ) -> None:
        taps = np.sqrt(3.0) * POLE ** np.abs(np.arange(-TAPS, TAPS + 1))
        mirror = cv2.BORDER_REFLECT_101
        self._coefficients = cv2.sepFilter2D(
            np.asarray(image, np.float32), cv2.CV_32F, taps, taps, borderType=mirror
        )

    def at(
        self, points: Float32[np.ndarray, "rows columns 2"]
    ) -> Float32[np.ndarray, "rows columns *channels"]:
        """The values at (x, y) in raster pixels (the top-left pixel's centre is 0.5, 0.5).

        The sum over 4 x 4 coefficients is taken by four bilinear look-ups at displaced places
        (Sigg and Hadwiger 2005).
        """
        place = to_pixel_centres(points)
        cell = np.floor(place)
        near, far, share = _pairs(place - cell)
        low, high = cell - 1 + near, cell + 1 + far
        x, y = share[..., 0], share[..., 1]
        top = self._mixed(low[..., 0], high[..., 0], low[..., 1], x)
        bottom = self._mixed(low[..., 0], high[..., 0], high[..., 1], x)
        return _mix(top, bottom, y)

    def _mixed(
        self,
        left: Float32[np.ndarray, "rows columns"],
        right: Float32[np.ndarray, "rows columns"],
        y: Float32[np.ndarray, "rows columns"],
        share: Float32[np.ndarray, "rows columns"],
    ) -> Float32[np.ndarray, "rows columns *channels"]:
        return _mix(self._linear(left, y), self._linear(right, y), share)

    def _linear(
        self, x: Float32[np.ndarray, "rows columns"], y: Float32[np.ndarray, "rows columns"]
    ) -> Float32[np.ndarray, "rows columns *channels"]:
        mirror = cv2.BORDER_REFLECT_101
        return cv2.remap(self._coefficients, x, y, cv2.INTER_LINEAR, borderMode=mirror)


def _pairs(t: Float32[np.ndarray, "rows columns 2"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the four B-spline weights: where each pair is sampled, and the second pair's share."""
    u = 1 - t
    first, last = u**3 / 6, t**3 / 6
    second = (4 - 6 * t**2 + 3 * t**3) / 6
    third = (4 - 6 * u**2 + 3 * u**3) / 6
    return second / (first + second), last / (third + last), third + last


def _mix(
    first: Float32[np.ndarray, "rows columns *channels"],
    second: Float32[np.ndarray, "rows columns *channels"],
    share: Float32[np.ndarray, "rows columns"],
) -> Float32[np.ndarray, "rows columns *channels"]:
    share = share.reshape(*share.shape, *[1] * (first.ndim - 2))
    return first + (second - first) * share

"""A transparent sheet to draw on, and laying it over a picture with a dark halo."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8

from kineograph.core.points import to_pixel_centres

Colour = tuple[int, int, int]
"""RGB, 0..255 each."""

SUBPIXEL_BITS = 4
"""OpenCV draws in sixteenths of a pixel."""

FAR = 1e6
"""Pixels; what lies farther outside is drawn from here, where OpenCV's integers still hold it."""

HALO_STRENGTH = 0.6
"""How dark the halo is: 0 none, 1 black."""


def to_fixed(points: Float[np.ndarray, "*shape 2"]) -> Int32[np.ndarray, "*shape 2"]:
    """Raster points as the fixed-point numbers that OpenCV's drawing takes with SUBPIXEL_BITS."""
    centred = np.clip(to_pixel_centres(points), -FAR, FAR)
    return np.rint(centred * (1 << SUBPIXEL_BITS)).astype(np.int32)


class Drawing:
    """A transparent sheet of a picture's size, drawn on with anti-aliased lines and discs.

    Convention: the points of lines are fixed-point numbers from `to_fixed`, those of discs raster
    pixels, and lengths are pixels. The colours are premultiplied with their opacity, so what is
    drawn later replaces what lay there and a line drawn in pieces does not darken where they meet.

    Args:
        size: (width, height) in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._rgba = np.zeros((size[1], size[0], 4), np.uint8)

    def lines(
        self,
        lines: Sequence[Int32[np.ndarray, "_ 2"]],
        colour: Colour,
        *,
        width: int = 1,
        opacity: float | int = 1.0,
        closed: bool = False,
    ) -> None:
        """Draw open or closed lines through their points, all of one colour."""
        ink = _ink(colour, opacity)
        cv2.polylines(self._rgba, lines, closed, ink, width, cv2.LINE_AA, SUBPIXEL_BITS)

    def fill(
        self, corners: Int32[np.ndarray, "corners 2"], colour: Colour, *, opacity: float = 1.0
    ) -> None:
        """Fill a convex outline."""
        ink = _ink(colour, opacity)
        cv2.fillConvexPoly(self._rgba, corners, ink, cv2.LINE_AA, SUBPIXEL_BITS)

    def discs(
        self,
        centres: Float[np.ndarray, "discs 2"],
        colours: UInt8[np.ndarray, "discs 3"],
        radius: float | int,
        *,
        hole: float | int = 0.0,
        edge: float | int = 0.0,
    ) -> None:
        """Draw discs, or rings where there is a hole; a later one covers an earlier one.

        Coverage is computed from the distance to the centre and not left to OpenCV, which draws
        small circles as squares.

        Args:
            centres: raster pixels, sub-pixel exact; those outside the picture cost nothing.
            colours: RGB of each.
            radius: pixels.
            hole: radius of the part that is cut out, through which the picture shows; 0 for none.
            edge: width of a dark edge outside the radius, which parts a disc from what it lies on.
        """
        height, width = self._rgba.shape[:2]
        outer = radius + edge
        reach = int(np.ceil(outer)) + 1
        near = ((centres > -reach) & (centres < (width + reach, height + reach))).all(axis=1)
        centres, colours = centres[near].astype(np.float32), colours[near]
        # the pixels around each centre: their columns and rows, and how far those are from it
        cells = np.floor(centres)[..., None] + np.arange(-reach, reach + 1, dtype=np.float32)
        columns, rows = cells[:, 0], cells[:, 1]
        across, down = np.moveaxis((cells + 0.5 - centres[..., None]) ** 2, 1, 0)
        across[(columns < 0) | (columns >= width)] = np.inf
        down[(rows < 0) | (rows >= height)] = np.inf
        square = down[:, :, None] + across[:, None, :]
        item, row, column = np.nonzero(square < (outer + 0.5) ** 2)
        distance = np.sqrt(square[item, row, column])
        where = (rows[item, row] * width + columns[item, column]).astype(np.int64)
        ink = np.full((len(item), 4), 255, np.float32)
        ink[:, :3] = colours[item]
        if edge:
            ink[:, :3] *= _within(radius, distance)[:, None]
        if hole:
            ink *= 1 - _within(hole, distance)[:, None]
        pixels = self._rgba.reshape(-1, 4)
        below = pixels[where].astype(np.float32)
        blended = below + (ink - below) * _within(outer, distance)[:, None]
        pixels[where] = np.rint(blended).astype(np.uint8)

    def over(
        self, image: UInt8[np.ndarray, "height width 3"], *, halo: int = 0
    ) -> UInt8[np.ndarray, "height width 3"]:
        """A new picture: this drawing on top of `image`, with a dark halo `halo` pixels wide."""
        opacity = self._rgba[..., 3]
        kept = cv2.bitwise_not(opacity)
        if halo:
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * halo + 1, 2 * halo + 1))
            lit = cv2.convertScaleAbs(cv2.dilate(opacity, disc), alpha=-HALO_STRENGTH, beta=255)
            kept = cv2.multiply(kept, lit, scale=1 / 255)
        below = cv2.multiply(image, cv2.cvtColor(kept, cv2.COLOR_GRAY2RGB), scale=1 / 255)
        return np.asarray(cv2.add(below, cv2.cvtColor(self._rgba, cv2.COLOR_RGBA2RGB)), np.uint8)


def _ink(colour: Colour, opacity: float) -> tuple[float, float, float, float]:
    red, green, blue = (part * opacity for part in colour)
    return red, green, blue, 255 * opacity


def _within(
    radius: float | int, distance: Float32[np.ndarray, " pixels"]
) -> Float32[np.ndarray, " pixels"]:
    """How much of a pixel at this distance from the centre lies within the radius, 0 to 1."""
    return np.clip(radius + 0.5 - distance, 0, 1)

"""Small text on pictures."""

from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
"""RGB, 0..255 each."""


def text_size(text: str, height: int) -> tuple[int, int]:
    """(width, height) in pixels of `text` in a line of this height."""
    return _mask(text, height, 0).shape[1], height


def write_text(
    image: UInt8[np.ndarray, "height width 3"],
    text: str,
    corner: tuple[float | int, float | int],
    height: int,
    colour: Colour = (255, 255, 255),
    *,
    outline: bool = False,
) -> None:
    """Write one line of text onto `image` itself.

    Args:
        image: the picture that is changed; what falls outside it is cut off.
        text: one line.
        corner: (x, y) of the line's upper left corner in raster pixels, taken to whole pixels.
        height: of the line, pixels; digits and capitals fill about 70 % of it.
        colour: of the letters.
        outline: a dark edge around the letters, so that they read on any background.
    """
    if outline:
        edge = max(1, round(height / 9))
        shifted = (corner[0] - edge, corner[1] - edge)
        _stamp(image, _mask(text, height, edge), shifted, (16, 16, 18))
    _stamp(image, _mask(text, height, 0), corner, colour)


@lru_cache(maxsize=8192)
def _mask(text: str, height: int, edge: int) -> UInt8[np.ndarray, "rows columns"]:
    """Coverage 0..255 of a line of text, `edge` pixels thicker and wider on all sides."""
    font = ImageFont.load_default(size=max(height * 0.86, 1))
    width = max(int(np.ceil(font.getlength(text))), 1)
    canvas = Image.new("L", (width + 2 * edge, height + 2 * edge))
    middle = (edge, edge + height * 0.8)  # the base line
    ImageDraw.Draw(canvas).text(middle, text, 255, font, anchor="ls", stroke_width=edge)
    mask = np.asarray(canvas).copy()
    mask.flags.writeable = False  # it is shared by all who ask for it
    return mask


def _stamp(
    image: UInt8[np.ndarray, "height width 3"],
    mask: UInt8[np.ndarray, "rows columns"],
    corner: tuple[float | int, float | int],
    colour: Colour,
) -> None:
    left, top = round(corner[0]), round(corner[1])
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + mask.shape[1], image.shape[1]), min(top + mask.shape[0], image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    cover = mask[y0 - top : y1 - top, x0 - left : x1 - left, None].astype(np.float32) / 255
    part = image[y0:y1, x0:x1]
    mixed = part + (np.array(colour, np.float32) - part) * cover
    part[...] = cv2.convertScaleAbs(mixed)

"""Reading an image between its pixels."""

from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32


def read_at(
    image: np.ndarray,
    at: Float32[np.ndarray, "rows columns 2"],
    how: int = cv2.INTER_LINEAR,
    border: int = cv2.BORDER_REPLICATE,
) -> np.ndarray:
    """The image at the places `at`.

    Convention: OpenCV's, the centre of the top-left pixel is (0, 0); subtract 0.5 from raster
    pixels first. Places are rounded to 1/32 pixel.

    Args:
        image: (height, width) or (height, width, channels up to 4).
        at: (x, y) of every place.
        how: OpenCV's interpolation flag.
        border: OpenCV's flag for what lies beyond the image; a constant border is 0.
    """
    no_second_map: Any = None
    return cv2.remap(image, at, no_second_map, how, borderMode=border, borderValue=0)

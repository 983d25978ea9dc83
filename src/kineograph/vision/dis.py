"""The default optical flow: Dense Inverse Search (Kroeger et al. 2016), which OpenCV has."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.vision.flow import check_pair

SMALLEST = 32
"""Pictures with a shorter side are padded; the search needs a few patches a side."""


class DisFlow:
    """Dense Inverse Search, refined at full resolution. An `OpticalFlow`.

    Deterministic, needs no weights, and takes about 40 ms for 512x512 on one core. It follows
    motion of up to about a tenth of the picture's side between the two pictures.

    Args:
        finest: the finest level of the pyramid: 0 is full resolution, each more halves it and
            takes a third of the time.
        refinements: variational refinement steps at each level.
    """

    def __init__(self, finest: int = 0, refinements: int = 10) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._dis.setFinestScale(finest)
        self._dis.setVariationalRefinementIterations(refinements)

    def __call__(
        self,
        first: UInt8[np.ndarray, "height width 3"],
        second: UInt8[np.ndarray, "height width 3"],
    ) -> Float32[np.ndarray, "height width 2"]:
        """See `OpticalFlow`.

        Raises:
            PictureError: the pictures differ in size.
        """
        check_pair(first, second)
        return self.between_grey(_grey(first), _grey(second))

    def between_grey(
        self,
        first: UInt8[np.ndarray, "height width"],
        second: UInt8[np.ndarray, "height width"],
    ) -> Float32[np.ndarray, "height width 2"]:
        """The same between grey pictures, for callers that need many flows of one frame."""
        height, width = first.shape
        if min(height, width) < SMALLEST:
            first, second = _padded(first), _padded(second)
        flow = np.zeros((*first.shape, 2), np.float32)
        return np.asarray(self._dis.calc(first, second, flow), np.float32)[:height, :width]


def _grey(image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width"]:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _padded(grey: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "rows columns"]:
    height, width = grey.shape
    below, right = max(0, SMALLEST - height), max(0, SMALLEST - width)
    return cv2.copyMakeBorder(grey, 0, below, 0, right, cv2.BORDER_REPLICATE)

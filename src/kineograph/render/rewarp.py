"""A video's own frames, each pushed a little further: pictures for motion that is made larger."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.core.interpolation import Spline
from kineograph.render.sampling import read_at

ROUNDS = 12
"""Steps in which the way back from the new place to the old one is found."""

Cells = Float32[np.ndarray, "rows columns 2"]


class Rewarp:
    """Frames of one size, pushed by displacements that are given on a coarse grid.

    Args:
        size: (width, height) of the frames.
        cells: (columns, rows) of the grid; its places are the centres of equal cells.
    """

    def __init__(self, size: tuple[int, int], cells: tuple[int, int]) -> None:
        self.size, self.cells = size, cells
        self._pitch = np.array(size, np.float32) / np.array(cells, np.float32)
        self._places = _centres(*cells) * self._pitch
        self._pixels = _centres(*size)

    def __call__(
        self, frame: UInt8[np.ndarray, "height width 3"], present: Cells, further: Cells
    ) -> UInt8[np.ndarray, "height width 3"]:
        """The frame with what is at `place + present` brought to `place + present + further`.

        Convention: raster pixels. Where nothing is to go further the pixels stay as they are; what
        comes in over the border is mirrored.

        Args:
            frame: RGB, of the size.
            present: where each place of the grid is in this frame, as displacement.
            further: how far it is to be pushed.
        """
        if not further.any():
            return frame.copy()
        push = self._at_target(present + further, further)
        smooth = cv2.resize(push, self.size, interpolation=cv2.INTER_LINEAR)
        moved = Spline(frame).at(self._pixels - smooth)
        return np.clip(np.rint(moved), 0, 255).astype(np.uint8)

    def _at_target(self, total: Cells, further: Cells) -> Cells:
        """`further`, at the places where it arrives: total motion undone by damped steps."""
        place = self._places.copy()
        for _ in range(ROUNDS):
            # half steps still converge where the motion is compressed to nothing
            place += (self._places - place - self._sampled(total, place)) / 2
        return self._sampled(further, place)

    def _sampled(self, field: Cells, place: Cells) -> Cells:
        at = place / self._pitch - np.float32(0.5)
        return read_at(field, at.astype(np.float32))


def _centres(width: int, height: int) -> Cells:
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    return np.stack(np.meshgrid(x, y), axis=2) + np.float32(0.5)

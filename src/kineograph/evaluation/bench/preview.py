"""Previews: a generated video with what was asked drawn over it, for people and browsers."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from kineograph.core.picture import fit
from kineograph.core.video_writer import VideoWriter
from kineograph.engines.base import Request
from kineograph.evaluation.sample import Frames
from kineograph.render.overlay import draw_boxes, draw_tracks

SIDE = 320
"""Previews of smaller videos are enlarged to about so many pixels; of larger ones halved to it."""

SHOWN = 48
"""At most so many tracks are drawn."""


def write_preview(path: Path, frames: Frames, request: Request) -> None:
    """Write a video with what was asked (tracks, boxes) drawn over it.

    Args:
        path: of an `.mp4`.
        frames: the video.
        request: what was asked of it.

    Raises:
        OutputError: it cannot be written.
    """
    size = _shown_size(request.size)
    drawn = Asked(request, size)
    with VideoWriter(path, size, request.fps) as writer:
        for index, frame in enumerate(frames):
            writer.write(drawn.over(enlarged(frame, size), index))


class Asked:
    """What a request asks, ready to be drawn over frames of a size.

    Args:
        request: its tracks (a sample of them, if there are many) and boxes are drawn.
        size: (width, height) of the frames.
    """

    def __init__(self, request: Request, size: tuple[int, int]) -> None:
        tracks, boxes = request.tracks, request.boxes
        if tracks is not None and tracks.count > SHOWN:
            tracks = tracks.select(np.linspace(0, tracks.count - 1, SHOWN).round().astype(int))
        self.tracks = None if tracks is None else tracks.resize(size)
        self.boxes = None if boxes is None else replace(boxes, depth=None).resize(size)

    def over(self, image: np.ndarray, index: int) -> np.ndarray:
        """A frame with what was asked for it drawn over."""
        if self.boxes is not None:
            image = draw_boxes(image, self.boxes, index, ids=False)
        if self.tracks is not None:
            image = draw_tracks(image, self.tracks, index)
        return image


def enlarged(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A frame at another size; each pixel a square where it is enlarged, to be seen as it is."""
    if size[0] > image.shape[1]:
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST))
    return fit(image, size)


def _shown_size(size: tuple[int, int]) -> tuple[int, int]:
    """Even sides, which every browser plays."""
    factor = SIDE / max(size)
    factor = max(1, round(factor)) if factor >= 1 else factor
    width, height = (max(2, 2 * round(side * factor / 2)) for side in size)
    return width, height

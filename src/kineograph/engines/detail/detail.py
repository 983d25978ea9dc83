"""The photograph's own detail on a generated clip, at the photograph's size."""

from collections.abc import Iterator
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.core.errors import EngineError
from kineograph.core.picture import fit
from kineograph.core.tracks import Tracks
from kineograph.engines.base import Frame
from kineograph.engines.detail.dense_motion import DenseMotion, dense_motion
from kineograph.engines.detail.forward import Thrown, throw
from kineograph.engines.detail.points import cell_points, given_points
from kineograph.engines.detail.seams import faith_in, joined
from kineograph.render.trajectories import few_frames

WIDEST = 1 / 16
"""Share of the longer side that a lone given track is taken to speak for."""

APART = 1.0
"""Pixels of a small picture by which neighbours move apart at an outline."""

INSTANTS = 4
"""Frames, the first left out, in which it is looked how faithful the generated ones are."""

SMALL = 256
"""Longer side of the picture that such pixels are of."""


class Detail:
    """A picture that is moved as a model generated it, and as was asked, at its own size.

    What the first frame shows is carried from the picture; behind what moves away, beyond the
    border and where new things come in there is what the model generated.

    Args:
        picture: the first frame, RGB.
        motion: generated; see `conditioning.first_motion`.
        generated: the generated frames, of the size that the motion was generated at.
        tracks: what was asked for, of the picture's size, or None.
        fps: frames a second.

    Raises:
        EngineError: motion, frames or tracks are not of one length.
    """

    def __init__(
        self,
        picture: UInt8[np.ndarray, "height width 3"],
        motion: Float32[np.ndarray, "3 frames rows columns"],
        generated: UInt8[np.ndarray, "_ generated_height generated_width 3"],
        tracks: Tracks | None = None,
        fps: float | int = 16,
    ) -> None:
        self.frames = motion.shape[1]
        lengths = {self.frames, len(generated), self.frames if tracks is None else tracks.frames}
        if len(lengths) > 1:
            raise EngineError(
                f"a motion of {self.frames} frames was given with {len(generated)} generated ones; "
                "give as many of each, and of tracks"
            )
        height, width = picture.shape[:2]
        asked = tracks if tracks is not None else _none(self.frames, (width, height), fps)
        self._picture, self._generated = picture, generated
        self._moves: DenseMotion = dense_motion(
            picture,
            cell_points(motion, (generated.shape[2], generated.shape[1]), (width, height)),
            given_points(asked, WIDEST * max(width, height)),
        )
        self._nearness = self._moves.nearness

    def __iter__(self) -> Iterator[Frame]:
        """Every frame in turn."""
        return (self.at(frame) for frame in range(self.frames))

    def at(self, frame: int) -> Frame:
        """One frame, whichever was made before."""
        thrown = self._thrown(frame)
        if thrown is None:
            return Frame(self._picture.copy(), np.full_like(self._picture[..., 0], 255))
        image = joined(thrown.image, thrown.share, self._painted(frame), self._faith)
        return Frame(
            image.round().clip(0, 255).astype(np.uint8),
            (thrown.share * 255).round().astype(np.uint8),
        )

    def _thrown(self, frame: int) -> Thrown | None:
        """The picture moved to a frame; None where nothing has moved."""
        displacement, shown = self._moves.at(frame)
        if not displacement.any() and float(shown.min()) > 0:
            return None
        lost = (shown <= 0) | _left_behind(displacement, self._nearness)
        return throw(self._picture, displacement, self._nearness, lost)

    def _painted(self, frame: int) -> Float32[np.ndarray, "height width 3"]:
        """The generated frame at the picture's size."""
        height, width = self._picture.shape[:2]
        return fit(self._generated[frame], (width, height)).astype(np.float32)

    @cached_property
    def _faith(self) -> float:
        """How much the generated frames are believed; one number, so that nothing flickers."""
        found = []
        for frame in few_frames(self.frames, INSTANTS)[1:]:
            thrown = self._thrown(frame)
            if thrown is not None:
                found.append(faith_in(thrown.image, thrown.share, self._painted(frame)))
        return float(np.mean(found)) if found else 1.0


def _left_behind(
    displacement: Float32[np.ndarray, "height width 2"],
    nearness: Float32[np.ndarray, "height width"],
) -> np.ndarray:
    """The rim of what something nearer moves away from.

    Its colours are of both, and would stay as the outline of a ghost.
    """
    wide = max(1, round(max(nearness.shape) / SMALL))
    kernel = np.ones((2 * wide + 1, 2 * wide + 1), np.uint8)
    apart = np.zeros(nearness.shape, np.float32)
    for k in range(2):
        part = np.ascontiguousarray(displacement[..., k])
        apart = np.maximum(apart, cv2.dilate(part, kernel) - cv2.erode(part, kernel))
    torn = apart > APART * wide
    highest = cv2.dilate(nearness, kernel)
    return np.asarray(torn & (nearness < highest - 0.02))


def _none(frames: int, size: tuple[int, int], fps: float | int) -> Tracks:
    return Tracks.of(np.zeros((0, frames, 2)), size=size, fps=fps)

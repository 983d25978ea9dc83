"""A sample: a generated video beside what was asked for and, where it is known, the truth."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from kineograph.core.errors import EvaluationError
from kineograph.data.clip import Clip
from kineograph.engines.base import Request

Frames = UInt8[np.ndarray, "frames height width 3"]


@dataclass(frozen=True, eq=False)
class Sample:
    """One generated video, ready to be measured.

    Convention: video, request and truth have one size, one number of frames and one rate; see
    `align` for videos that do not. Nothing is resized, cut or repeated silently.

    Args:
        frames: (T, H, W, 3) the generated video, uint8 RGB.
        request: what the engine was asked: text, picture, tracks, boxes.
        truth: the true video with all that is known of it; None where there is none.
        name: of the case, for messages.

    Raises:
        EvaluationError: they differ in size, length or rate.
    """

    frames: Frames
    request: Request
    truth: Clip | None = None
    name: str = ""

    def __post_init__(self) -> None:
        asked = self.request
        self._check("what was asked", asked.frames, asked.size, asked.fps)
        if self.truth is not None:
            self._check("the true video", self.truth.frames, self.truth.size, self.truth.fps)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.frames.shape[2], self.frames.shape[1]

    @property
    def fps(self) -> float | int:
        """Frames a second."""
        return self.request.fps

    @property
    def holds(self) -> frozenset[str]:
        """What there is of "truth", what the request holds ("picture", "text", "tracks", "boxes"),
        and what is known of the true video ("true tracks", "true boxes", "masks", "depth",
        "cameras", "facts", "flow").
        """
        held = {str(name) for name in self.request.given() if name != "negative text"}
        if (truth := self.truth) is not None:
            known = {
                "truth": True,
                "true tracks": truth.tracks is not None and truth.tracks.count > 0,
                "true boxes": truth.boxes is not None and truth.boxes.count > 0,
                "masks": truth.masks is not None and len(truth.masks) > 0,
                "depth": truth.depth is not None,
                "cameras": truth.cameras is not None,
                "facts": bool(truth.facts),
                "flow": truth.flow is not None,
            }
            held |= {name for name, there in known.items() if there}
        return frozenset(held)

    def _check(self, what: str, frames: int, size: tuple[int, int], fps: float | int) -> None:
        count, (width, height) = len(self.frames), self.size
        same = (count, self.size) == (frames, size) and abs(fps - self.fps) <= 1e-3 * self.fps
        if not same:
            raise EvaluationError(
                f"{self.name or 'a sample'}: the video is {count} frames of {width}x{height} at "
                f"{self.fps:g} fps, {what} {frames} of {size[0]}x{size[1]} at {fps:g}; align them "
                "first"
            )

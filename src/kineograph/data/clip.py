"""A clip: one training example, the pictures with all that is known of them."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from kineograph.core.boxes import Boxes
from kineograph.core.cameras import Cameras
from kineograph.core.errors import DataError
from kineograph.core.tracks import Tracks


@dataclass(frozen=True)
class Fact:
    """One thing a caption says, in a form that can be measured on a generated video.

    Args:
        subject: what it is said of, as in the caption: "red square", "camera".
        verb: "moves", "rotates", "zooms", "grows", "bounces" and the like.
        direction: "left", "right", "up", "down", "clockwise", "in", "out" and the like, or None.
        amount: how much over the whole clip, in pixels, degrees or as a factor; or None.
        group: the id of the subject in the clip's tracks and boxes, or None.

    Raises:
        DataError: the subject or the verb is empty, or the amount is not finite.
    """

    subject: str
    verb: str
    direction: str | None = None
    amount: float | int | None = None
    group: int | None = None

    def __post_init__(self) -> None:
        if not self.subject or not self.verb:
            raise DataError("a fact lacks its subject or its verb; name both")
        if self.amount is not None and not isfinite(self.amount):
            raise DataError(f"the amount of a fact is {self.amount}; give a finite number or none")


@dataclass(frozen=True, eq=False, repr=False)
class Clip:
    """One training example of T frames.

    Convention: everything is in raster pixels of the clip's own size and on its own frames; frame
    i is at i / fps seconds.

    Args:
        video: (T, H, W, 3) uint8 RGB.
        fps: frames a second.
        caption: the text; empty where there is none.
        name: where the clip comes from, for messages.
        tracks: tracks of points, or None.
        boxes: boxes of objects, or None.
        flow: (T-1, H, W, 2) where each pixel of frame t is at t+1, as (dx, dy) pixels; or None.
        depth: (T, H, W), smaller is nearer, infinity farthest; or None.
        masks: (O, T, H, W) which pixels show each object; or None.
        cameras: the camera at each frame, or None.
        motion: (4, T, rows, columns) where each cell of the first frame's grid has gone, as of
            `conditioning.first_motion.motion_of`; or None.
        facts: what the caption says, for measuring.

    Raises:
        DataError: something does not fit the video, or a number is not finite.
    """

    video: UInt8[np.ndarray, "frames height width 3"]
    fps: float | int
    caption: str = ""
    name: str = ""
    tracks: Tracks | None = None
    boxes: Boxes | None = None
    flow: Float[np.ndarray, "_ _ _ 2"] | None = None
    depth: Float32[np.ndarray, "_ _ _"] | None = None
    masks: Bool[np.ndarray, "_ _ _ _"] | None = None
    cameras: Cameras | None = None
    motion: Float32[np.ndarray, "4 _ _ _"] | None = None
    facts: tuple[Fact, ...] = ()

    def __post_init__(self) -> None:
        shape = self.video.shape
        if len(shape) != 4 or shape[3] != 3 or 0 in shape or self.video.dtype != np.uint8:
            raise DataError(
                f"{self._said}: the video is {self.video.dtype} {shape}; it has to be uint8 "
                "(frames, height, width, 3)"
            )
        if not (isfinite(self.fps) and self.fps > 0):
            raise DataError(f"{self._said}: {self.fps} frames a second; give a positive number")
        for name in ("tracks", "boxes", "cameras"):
            self._check_held(name)
        width, height = self.size
        self._check_array("flow", (self.frames - 1, height, width, 2), finite=True)
        self._check_array("depth", (self.frames, height, width))
        self._check_array("masks", (None, self.frames, height, width))

    def __repr__(self) -> str:
        w, h = self.size
        held = [n for n in ("tracks", "boxes", "flow", "depth", "masks", "cameras") if self._has(n)]
        return (
            f"Clip({self.name or 'unnamed'}: {self.frames} frames of {w}x{h} at {self.fps:g} fps, "
            f"{', '.join(held) or 'pictures only'})"
        )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.video.shape[2], self.video.shape[1]

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return self.video.shape[0]

    @property
    def _said(self) -> str:
        return f"clip {self.name}" if self.name else "a clip"

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None

    def _check_held(self, name: str) -> None:
        """Tracks, boxes or cameras are of the same frames, size and rate as the video."""
        held = getattr(self, name)
        if held is None:
            return
        if held.frames != self.frames or held.size != self.size:
            w, h = self.size
            raise DataError(
                f"{self._said}: its {name} are of {held.frames} frames of {held.size[0]}x"
                f"{held.size[1]}, its video of {self.frames} frames of {w}x{h}; they have to fit"
            )
        if abs(held.fps - self.fps) > 1e-3 * self.fps:
            raise DataError(
                f"{self._said}: its {name} are at {held.fps:g} frames a second, its video at "
                f"{self.fps:g}; they have to be alike"
            )

    def _check_array(
        self, name: str, wanted: tuple[int | None, ...], *, finite: bool = False
    ) -> None:
        """An optional array has the shape that fits the video (None: any) and no NaN in it."""
        array = getattr(self, name)
        if array is None:
            return
        fits = len(array.shape) == len(wanted) and all(
            length in (None, given) for length, given in zip(wanted, array.shape, strict=True)
        )
        if not fits:
            told = ", ".join("any" if n is None else str(n) for n in wanted)
            raise DataError(f"{self._said}: its {name} is {array.shape}; it has to be ({told})")
        if np.isnan(array).any() or (finite and not np.isfinite(array).all()):
            raise DataError(f"{self._said}: its {name} holds a number that is not finite")

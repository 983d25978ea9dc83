"""What boxes are made of: their arrays, checked. What can be done with them is in boxes.py."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8

from kineograph.core import checks
from kineograph.core.errors import TracksError
from kineograph.core.state import State

Made = TypeVar("Made", bound="BoxFields")


@dataclass(frozen=True, eq=False, repr=False)
class BoxFields:
    """The arrays of `Boxes`: O objects boxed through T frames.

    Convention: x0, y0, x1, y1 in raster pixels of a picture of `size`, which spans
    [0, W] x [0, H]: the box of the whole picture is 0, 0, W, H. Frame i is at i / fps seconds.
    `of` makes boxes from looser arrays.

    Args:
        boxes: (O, T, 4) corners, finite everywhere, x0 <= x1 and y0 <= y1; where the state is
            unspecified they mean nothing.
        state: (O, T) values of `State`.
        labels: a name for each object; may be empty.
        hard: (O, T) true where the object fills the box exactly, false where it is somewhere in it.
        size: (width, height) of the picture in pixels.
        fps: frames a second.
        group: (O,) ids, or None.
        depth: (O,) order in depth, smaller is nearer, infinity farthest; or None.

    Raises:
        TracksError: a type, a shape or a value is not as said above.
    """

    boxes: Float32[np.ndarray, "objects frames 4"]
    state: UInt8[np.ndarray, "objects frames"]
    labels: tuple[str, ...]
    hard: Bool[np.ndarray, "objects frames"]
    size: tuple[int, int]
    fps: float
    group: Int32[np.ndarray, " objects"] | None = None
    depth: Float32[np.ndarray, " objects"] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checks.checked_size(self.size))
        object.__setattr__(self, "fps", checks.checked_fps(self.fps))
        checks.check_array("boxes", self.boxes, np.float32, (None, None, 4))
        count, frames, _ = self.boxes.shape
        if frames == 0:
            raise TracksError("boxes of 0 frames were given; give at least 1 frame")
        checks.check_array("state", self.state, np.uint8, (count, frames))
        checks.check_array("hard", self.hard, np.bool_, (count, frames))
        checks.check_finite("boxes", self.boxes)
        checks.check_state("state", self.state)
        self._check_labels(count)
        self._check_corners()
        if self.group is not None:
            checks.check_array("group", self.group, np.int32, (count,))
        if self.depth is not None:
            checks.check_array("depth", self.depth, np.float32, (count,))
            checks.check_depth("depth", self.depth)

    def _check_labels(self, count: int) -> None:
        if len(self.labels) != count:
            raise TracksError(f"{len(self.labels)} labels were given for {count} boxed objects")
        if any("\0" in label for label in self.labels):
            raise TracksError("a label holds a NUL character; give plain text")

    def _check_corners(self) -> None:
        turned = (self.boxes[..., :2] > self.boxes[..., 2:]).any(axis=2) & self.specified
        if turned.any():
            item, frame = np.argwhere(turned)[0]
            corners = ", ".join(f"{value:g}" for value in self.boxes[item, frame])
            raise TracksError(
                f"the box {corners} of object {item} at frame {frame} is inside out; give the "
                "left, top, right and bottom side in this order"
            )

    @classmethod
    def of(
        cls: type[Made],
        boxes: Any,
        state: Any = None,
        *,
        size: Iterable[Any],
        fps: float | int,
        labels: Sequence[str] | None = None,
        hard: Any = True,
        group: Any = None,
        depth: Any = None,
    ) -> Made:
        """Boxes from looser arrays.

        Convention: raster pixels, as in the class.

        Args:
            boxes: (O, T, 4) numbers; a NaN makes that entry unspecified.
            state: (O, T) states; or booleans, visible or occluded; or None, visible throughout.
            size: (width, height).
            fps: frames a second.
            labels: a name for each object, or None for empty ones.
            hard: (O, T), (O, 1) or one for all.
            group: (O,) whole numbers, or one for all.
            depth: (O,) or one for all.

        Raises:
            TracksError: something does not fit, or a corner is infinite.
        """
        given = np.asarray(boxes, dtype=np.float64)
        if given.ndim != 3 or given.shape[2] != 4:
            raise TracksError(f"boxes is {given.shape}; it has to be (objects, frames, 4)")
        count, frames, _ = given.shape
        states = checks.as_state(state, (count, frames))
        checks.check_array("state", states, np.uint8, (count, frames))
        unknown = np.asarray(np.isnan(given).any(axis=2))
        return cls(
            boxes=np.where(unknown[..., None], 0.0, given).astype(np.float32),
            state=np.where(unknown, np.uint8(State.UNSPECIFIED), states),
            labels=("",) * count if labels is None else tuple(str(label) for label in labels),
            hard=checks.as_filled("hard", hard, np.bool_, (count, frames)),
            size=checks.checked_size(size),
            fps=checks.checked_fps(fps),
            group=checks.as_group(group, count),
            depth=None if depth is None else checks.as_filled("depth", depth, np.float32, (count,)),
        )

    def __repr__(self) -> str:
        w, h = self.size
        return (
            f"{type(self).__name__}({self.count} objects, {self.frames} frames of {w}x{h} at "
            f"{self.fps:g} fps)"
        )

    @property
    def count(self) -> int:
        """The number of objects."""
        return self.boxes.shape[0]

    @property
    def frames(self) -> int:
        """The number of frames."""
        return self.boxes.shape[1]

    @property
    def visible(self) -> Bool[np.ndarray, "objects frames"]:
        """Where an object can be seen."""
        return self.state == State.VISIBLE

    @property
    def specified(self) -> Bool[np.ndarray, "objects frames"]:
        """Where an object's box is known, seen or hidden."""
        return self.state != State.UNSPECIFIED

"""Boxes: where things are at each frame, as rectangles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from kineograph.core import box_keys, checks, npz, resampling
from kineograph.core.box_fields import BoxFields
from kineograph.core.box_tracks import box_tracks
from kineograph.core.errors import TracksError
from kineograph.core.points import scale_factors
from kineograph.core.state import State
from kineograph.core.tracks import NO_GROUP, Tracks


@dataclass(frozen=True, eq=False, repr=False)
class Boxes(BoxFields):
    """O objects boxed through T frames, and what can be done with them.

    Fields (see `BoxFields`, which checks them): `boxes` (O, T, 4) as x0, y0, x1, y1 in raster
    pixels, `state` (O, T), `labels`, `hard` (O, T), `size` (width, height), `fps`, and optionally
    `group` (O,) and `depth` (O,). `Boxes.of` makes boxes from looser arrays. Every operation gives
    new boxes and leaves these as they are.
    """

    @classmethod
    def keyframes(
        cls,
        times: Sequence[float | int],
        boxes: Any,
        *,
        frames: int,
        size: Iterable[int],
        fps: float | int,
        label: str = "",
        hard: bool | Sequence[bool] = True,
        held: bool = False,
    ) -> "Boxes":
        """One object whose box is given at some instants and linear in between.

        Convention: raster pixels, as in the class; times in seconds, frame i is at i / fps.

        Args:
            times: (K,) seconds, each later than the one before.
            boxes: (K, 4) the box at each of them.
            frames: frames of the clip.
            size: (width, height) of the picture.
            fps: frames a second.
            label: the object's name.
            hard: whether the box is meant exactly, for all keys or one for each; between two keys
                it is hard if both are.
            held: before the first key and after the last the box rests there; otherwise it is
                unspecified there.

        Raises:
            TracksError: the keys do not fit, are out of order, or miss every frame of the clip.
        """
        placed, state, firm = box_keys.at_frames(
            times, boxes, hard, frames=frames, fps=checks.checked_fps(fps), held=held
        )
        return cls.of(
            placed[None], state[None], size=size, fps=fps, labels=(label,), hard=firm[None]
        )

    @property
    def centres(self) -> Float32[np.ndarray, "objects frames 2"]:
        """The middle (x, y) of each box in raster pixels."""
        return (self.boxes[..., :2] + self.boxes[..., 2:]) / np.float32(2)

    @property
    def areas(self) -> Float32[np.ndarray, "objects frames"]:
        """The area of each box in square pixels; 0 where unspecified."""
        return np.where(self.specified, _area(self.boxes), np.float32(0))

    def resize(self, size: Iterable[int]) -> "Boxes":
        """The same boxes on a picture resized to `size` (width, height).

        Raises:
            TracksError: `size` is not two positive whole numbers.
        """
        new_size = checks.checked_size(size)
        factors = np.tile(scale_factors(self.size, new_size), 2)
        return replace(self, boxes=(self.boxes * factors).astype(np.float32), size=new_size)

    def crop(self, box: Iterable[float | int]) -> "Boxes":
        """The boxes on the part x0, y0, x1, y1 of the picture; what leaves it becomes occluded.

        A box that is partly inside keeps its corners; `clip` cuts them.

        Raises:
            TracksError: the crop is not a part of the picture in whole pixels.
        """
        corner, new_size = checks.checked_crop(box, self.size)
        moved = self.boxes - np.tile(np.array(corner, np.float32), 2)
        return replace(self, boxes=moved, size=new_size).hide_outside()

    def clip(self) -> "Boxes":
        """The part of each box that is inside the picture; what has none becomes occluded."""
        limit = np.array(self.size * 2, np.float32)
        cut = np.clip(self.boxes, np.float32(0), limit)
        return replace(self.hide_outside(), boxes=cut)

    def hide_outside(self) -> "Boxes":
        """Visible boxes with no part inside the picture become occluded."""
        width, height = self.size
        x0, y0, x1, y1 = np.moveaxis(self.boxes, -1, 0)
        # a box without an extent is a point, and 0 belongs to the picture while W does not
        outside = (x0 >= width) | (y0 >= height) | (x1 < 0) | (y1 < 0)
        outside |= ((x1 <= 0) & (x0 < x1)) | ((y1 <= 0) & (y0 < y1))
        state = np.where(self.visible & outside, np.uint8(State.OCCLUDED), self.state)
        return replace(self, state=state)

    def iou(self, other: "Boxes") -> Float32[np.ndarray, "objects frames"]:
        """Intersection over union with the boxes of the same objects in `other`, 0 to 1.

        NaN where either is unspecified; two empty boxes at the same place give 1.

        Raises:
            TracksError: numbers of objects, frames, sizes or fps differ.
        """
        checks.check_alike("the boxes to compare", (self, other))
        if self.count != other.count:
            raise TracksError(
                f"{self.count} boxed objects were to be compared with {other.count}; give one each"
            )
        mine, its = self.boxes.astype(np.float64), other.boxes.astype(np.float64)
        low = np.maximum(mine[..., :2], its[..., :2])
        high = np.minimum(mine[..., 2:], its[..., 2:])
        shared = np.prod(np.maximum(high - low, 0.0), axis=-1)
        union = _area(mine) + _area(its) - shared
        same = (mine == its).all(axis=-1).astype(np.float64)
        ratio = np.divide(shared, union, out=same, where=union > 0)
        known = self.specified & other.specified
        return np.where(known, ratio, np.nan).astype(np.float32)

    def resample(self, frames: int | None = None, fps: float | int | None = None) -> "Boxes":
        """The same boxes at other instants, by the rules of `Tracks.resample`.

        A box between two frames is hard if both are.

        Raises:
            TracksError: `frames` or `fps` is not positive.
        """
        instants, _, new_fps = resampling.Instants.of(self.frames, self.fps, frames, fps)
        state = instants.states(self.state)
        unknown = (state == State.UNSPECIFIED)[..., None]
        placed = np.where(unknown, np.float32(0), instants.values(self.boxes))
        hard = self.hard[:, instants.before] & self.hard[:, instants.after]
        return replace(self, boxes=placed, state=state, hard=hard, fps=new_fps)

    def merge(*boxes: "Boxes") -> "Boxes":
        """All objects of several boxes, in order: `Boxes.merge(a, b, ...)` or `a.merge(b, ...)`.

        Where only some have a group or a depth, the others get the group -1 and an infinite depth.

        Raises:
            TracksError: nothing was given, or frames, sizes or fps differ.
        """
        if not boxes:
            raise TracksError("no boxes to merge were given; give at least one")
        checks.check_alike("the boxes to merge", boxes)
        return replace(
            boxes[0],
            boxes=np.concatenate([item.boxes for item in boxes]),
            state=np.concatenate([item.state for item in boxes]),
            labels=tuple(label for item in boxes for label in item.labels),
            hard=np.concatenate([item.hard for item in boxes]),
            group=checks.joined(boxes, "group", np.int32(NO_GROUP)),
            depth=checks.joined(boxes, "depth", np.float32(np.inf)),
        )

    def to_tracks(self, spacing: float | int | None = None) -> Tracks:
        """Tracks that move and scale with the boxes: a regular grid in each first specified box.

        States are those of the box, except that what leaves the picture is occluded. The group is
        the box's, or else its index; depth is the box's.

        Args:
            spacing: pixels between tracks in the first box, at most; None gives six tracks along
                its shorter side.

        Raises:
            TracksError: `spacing` is not positive, or would make more than a million tracks.
        """
        return box_tracks(self, spacing)

    def save(self, path: Path | str) -> None:
        """Write the boxes to a `.npz` file of plain arrays, named as the fields, and `version`.

        Raises:
            OutputError: the name does not end in `.npz`, or it cannot be written.
        """
        npz.save_arrays(
            Path(path),
            {
                "boxes": self.boxes,
                "state": self.state,
                "labels": np.array(self.labels, dtype=np.str_),
                "hard": self.hard,
                "size": np.array(self.size, np.int64),
                "fps": np.float64(self.fps),
                "group": self.group,
                "depth": self.depth,
            },
        )

    @classmethod
    def load(cls, path: Path | str) -> "Boxes":
        """Read what `save` wrote; pickles are never loaded.

        Raises:
            TracksError: the file is missing, broken, of a newer version or of something else.
        """
        needed = ("boxes", "state", "labels", "hard", "size", "fps")
        held = npz.load_arrays(Path(path), "boxes", needed, ("group", "depth"))
        with npz.reading(path):
            return cls.of(**held)


def _area(boxes: np.ndarray) -> np.ndarray:
    """Width times height, of the same type."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])

"""The box: say where an object is, by rectangles at a few instants."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Bool, Float64
from pydantic import Field, model_validator

from kineograph.core.boxes import Boxes
from kineograph.core.errors import DocumentError
from kineograph.core.motion import Motion
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.base import Gesture
from kineograph.gestures.scene import INSTANT, Scene
from kineograph.gestures.writing.model import PLAIN, Corners, Strict, check_corners

PROBES = 6
"""Into how many patches a side a box is divided to find gestures that contradict it."""


class BoxKey(Strict):
    """Where an object is at one instant."""

    box: Corners
    """The box [x0, y0, x1, y1] in canvas pixels: its left, top, right and bottom side."""
    at: Annotated[float, Field(ge=0), PLAIN] | None = None
    """When it is there, in seconds from the beginning of the clip. Left out, the first key is at
    the start of the gesture, the last at its end, and others are spread evenly in between."""
    hard: bool = True
    """Whether the object fills the box exactly; if not, it is somewhere in it. Between two keys
    it fills the box if it does so at both."""

    @model_validator(mode="after")
    def _check_box(self) -> "BoxKey":
        check_corners(self.box)
        return self


class Box(Gesture):
    """Say where an object is, by boxes at a few instants; in between they are interpolated."""

    kind: Literal["box"] = "box"
    """Say where an object is, by boxes at a few instants."""
    keys: Annotated[tuple[BoxKey, ...], Field(min_length=1)]
    """The boxes in order of time; with only one, the object stays there."""
    label: str = ""
    """What the object is, in a word or two, for engines that read text."""
    persist: bool = False
    """Whether the first box holds before the start and the last after the end. If not, the engine
    is free to put the object where it likes then."""
    leave: bool = False
    """Whether boxes may reach outside the picture, for an object that enters or leaves it."""

    @classmethod
    def through(cls, *boxes: Sequence[float | int], **fields: Any) -> "Box":
        """A box that goes through several, spread evenly over its time span.

        Args:
            boxes: x0, y0, x1, y1 in canvas pixels.
            fields: the other fields of `Box`.

        Raises:
            DocumentError: a value is not allowed.
        """
        return cls(keys=[{"box": box} for box in boxes], **fields)  # type: ignore[arg-type]

    @model_validator(mode="after")
    def _check_keys(self) -> "Box":
        if self.strength != 1:
            raise ValueError(
                "has a strength; a box takes none, so leave it out or make its keys soft "
                '("hard": false)'
            )
        given = [key.at for key in self.keys if key.at is not None]
        for before, after in pairwise(given):
            if not after > before:
                raise ValueError(
                    f"has a key at {after:g} s after one at {before:g} s; give the keys in order "
                    "of time, no two at the same instant"
                )
        return self

    def check(self, scene: Scene) -> None:
        """Check the time span, and that the boxes lie on the picture and their keys in the span.

        Raises:
            DocumentError: one does not.
        """
        super().check(scene)
        self.key_times(scene)
        width, height = scene.size
        for number, key in enumerate(self.keys, start=1):
            x0, y0, x1, y1 = key.box
            if not self.leave and (min(x0, y0) < 0 or x1 > width or y1 > height):
                raise DocumentError(
                    f"box {number} at {x0:g},{y0:g},{x1:g},{y1:g} reaches outside the picture of "
                    f"{width}x{height}; move it inside, or allow it with leave"
                )

    def key_times(self, scene: Scene) -> Float64[np.ndarray, " keys"]:
        """The instant of each key in seconds, with those that were left out filled in.

        Raises:
            DocumentError: one lies outside the time span, or there is no room for one.
        """
        start, end = self.span(scene)
        times = np.array([np.nan if key.at is None else key.at for key in self.keys])
        late = (times < start - INSTANT) | (times > end + INSTANT)
        if late.any():
            raise DocumentError(
                f"box {np.argmax(late) + 1} is at {times[np.argmax(late)]:g} s; the gesture lasts "
                f"from {start:g} s to {end:g} s; put it in there or make the time span longer"
            )
        if np.isnan(times[0]):
            times[0] = start
        if np.isnan(times[-1]):
            times[-1] = end
        known = ~np.isnan(times)
        times = np.interp(np.arange(len(times)), np.flatnonzero(known), times[known])
        if not (np.diff(times) > 0).all():
            raise DocumentError(
                f"{len(times)} boxes do not fit between {start:g} s and {end:g} s in this order; "
                "make the time span longer or say when each is there"
            )
        return times

    def expand(self, scene: Scene) -> Motion:
        """One boxed object, interpolated linearly between its keys.

        Raises:
            DocumentError: as `check`.
        """
        self.check(scene)
        start, end = self.span(scene)
        now = start + (end - start) * self.progress(scene)
        keys, corners = self.key_times(scene), np.array([key.box for key in self.keys])
        boxes = np.stack([np.interp(now, keys, side) for side in corners.T], axis=-1)
        shown = self.active(scene) | self.persist
        return Motion(
            boxes=Boxes.of(
                boxes[None],
                np.where(shown, _state(boxes, scene), np.uint8(State.UNSPECIFIED))[None],
                size=scene.size,
                fps=scene.fps,
                labels=[self.label],
                hard=self._hard(keys, now)[None],
                group=0,
                depth=self.depth,
            )
        )

    def held(self, scene: Scene, motion: Motion) -> Tracks | None:
        """A grid of points that move with the box wherever it is hard."""
        boxes = motion.boxes
        if boxes is None or not boxes.hard.any():
            return None
        share = (np.arange(PROBES) + 0.5) / PROBES
        shares = np.stack(np.meshgrid(share, share), axis=-1).reshape(-1, 1, 2)
        low, high = boxes.boxes[0, :, :2], boxes.boxes[0, :, 2:]
        points = (low + shares * (high - low)).astype(np.float64)
        return self.tracks(scene, points, boxes.hard[0] & boxes.visible[0])

    def cell(self, scene: Scene) -> tuple[float, float]:
        """The patches of `held`, as large as in the first box."""
        x0, y0, x1, y1 = self.keys[0].box
        return (x1 - x0) / PROBES, (y1 - y0) / PROBES

    def _hard(
        self, keys: Float64[np.ndarray, " keys"], now: Float64[np.ndarray, " frames"]
    ) -> Bool[np.ndarray, " frames"]:
        """Hard at hard keys, and between two of them."""
        hard = np.array([key.hard for key in self.keys], dtype=np.float64)
        return np.interp(now, keys, hard) > 1 - 1e-6


def _state(boxes: Float64[np.ndarray, "frames 4"], scene: Scene) -> np.ndarray:
    """Visible where a part of the box is on the picture, else occluded."""
    low, high = boxes[:, :2], boxes[:, 2:]
    seen = ((np.minimum(high, scene.size) - np.maximum(low, 0)) > 0).all(axis=1)
    return np.where(seen, np.uint8(State.VISIBLE), np.uint8(State.OCCLUDED))

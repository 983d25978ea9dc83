"""The drag: take hold of the picture at a point and move it along a path."""

from typing import Annotated, Literal

import numpy as np
from jaxtyping import Bool, Float64
from pydantic import Field, model_validator

from kineograph.core.errors import DocumentError
from kineograph.core.motion import Motion
from kineograph.gestures.base import Gesture, Grip, check_amount
from kineograph.gestures.parts.part import (
    Mask,
    PartRef,
    Whole,
    looks_at_picture,
    mask_of,
    seeds_of,
    spacing_of,
)
from kineograph.gestures.path import Path
from kineograph.gestures.scene import Scene, on_canvas
from kineograph.gestures.writing.model import LISTED, PLAIN, Point

RADIUS = 0.05
"""The default brush reaches this share of the picture's short side in each direction."""


class Drag(Gesture):
    """Take hold of the picture at a point and move it along a path.

    A square grid of tracks around the cursor keeps the offsets that it has at the press and moves
    rigidly with the cursor. The tracks are there only while it is pressed, from `start` to `end`;
    with `persist` they rest at the first point before and at the last one after. (Motion Prompting,
    Geng et al. 2024, appendix A.4.) With `whole` the tracks cover all of the part under the press;
    drags and pins on one part then move it together.
    """

    file_fields = ("part",)

    kind: Literal["drag"] = "drag"
    """Take hold of the picture at a point and move it along a path."""
    path: Annotated[tuple[Point, ...], Field(min_length=2), LISTED]
    """The points [x, y], in canvas pixels, that the cursor passes, the press first. It goes
    through all of them in a smooth curve, with constant speed unless `timing` says otherwise."""
    radius: Annotated[float, Field(gt=0, le=1e6), PLAIN] | None = None
    """How far the brush reaches from the cursor to each side, in pixels; left out, it is 5 % of
    the picture's short side."""
    stride: Annotated[float, Field(ge=0.1, le=1e6), PLAIN] | None = None
    """The distance between tracks, in pixels; left out, it is a third of the radius."""
    persist: bool = False
    """Whether what is dragged is held still before the press and after the release. If not, the
    engine is free to do what it likes with it then."""
    straight: bool = False
    """Whether to go in straight lines from point to point instead of a smooth curve."""
    leave: bool = False
    """Whether points after the first may lie outside the picture, to drag something out of it."""
    whole: Whole | None = None
    """Whether all of the part under the press goes along: "rigid" (moved and turned), "similarity"
    (also larger and smaller), or "bend" (bent as little as it can). One drag alone moves the part
    as it is; more drags on it turn, scale or bend it, and pins hold places of it. Left out, only
    the brush is moved."""
    part: PartRef | None = None
    """The part that goes along: the file of a mask (white is in it), a box [x0, y0, x1, y1] around
    it, or a polygon, its outline, in canvas pixels. Left out, it is what the picture shows under
    the press."""
    joints: Annotated[tuple[Point, ...], LISTED] | None = None
    """Points [x, y] at which a part that bends does so easily: elbows, knees."""

    @model_validator(mode="after")
    def _check_path(self) -> "Drag":
        try:
            self.curve_of_path()
        except DocumentError as error:
            raise ValueError(str(error)) from error
        return self

    @model_validator(mode="after")
    def _check_whole(self) -> "Drag":
        if self.part is not None and self.whole is None:
            raise ValueError('has a part, but not how it goes along; give "whole", such as "rigid"')
        if self.joints and self.whole != "bend":
            raise ValueError('has joints; only a part that bends has any: give "whole": "bend"')
        return self

    @property
    def looks(self) -> bool:
        """Whether the part is found on the picture."""
        return self.whole is not None and looks_at_picture(self.part)

    def curve_of_path(self) -> Path:
        """The path as a curve.

        Raises:
            DocumentError: it has no length.
        """
        return Path.through(np.array(self.path, dtype=np.float64), straight=self.straight)

    def check(self, scene: Scene) -> None:
        """Check the time span, and that the path lies on the picture.

        Raises:
            DocumentError: the span is not in the clip or too short, or a point lies outside the
                picture.
        """
        super().check(scene)
        if self.active(scene).sum() < 2:
            raise DocumentError(
                "the time span holds only 1 frame of the clip; a drag needs 2 or more to move"
            )
        points = np.array(self.path, dtype=np.float64)
        fine = on_canvas(points, scene) | self.leave
        fine[0] = scene.inside(points[:1])[0]
        if not fine.all():
            raise DocumentError(_outside(int(np.argmin(fine)), points, scene))
        check_amount(self._steps(scene) ** 2, scene, "give a larger stride or a smaller radius")

    def expand(self, scene: Scene) -> Motion:
        """One set of tracks: the grid at the press, displaced with the cursor.

        Raises:
            DocumentError: as `check`.
        """
        self.check(scene)
        seeds = self.seeds(scene)
        points = seeds[:, None] + self.grip(scene).displacement
        return Motion(tracks=self.tracks(scene, points, self.shown(scene)))

    def shown(self, scene: Scene) -> Bool[np.ndarray, " frames"]:
        """The frames in which the tracks are there: while pressed, or with persist all."""
        return self.active(scene) | self.persist

    def seeds(self, scene: Scene) -> Float64[np.ndarray, "tracks 2"]:
        """The grid at the press, or over the whole part, in pixels; what is outside is left out."""
        if self.whole is not None:
            return seeds_of(self.mask(scene), self.path[0], self.cell(scene)[0], scene)
        side = np.arange(self._steps(scene)) - self._steps(scene) // 2
        offsets = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
        seeds = np.array(self.path[0], dtype=np.float64) + offsets * self._stride(scene)
        return seeds[scene.inside(seeds)]

    def cell(self, scene: Scene) -> tuple[float, float]:
        """The grid's own cells."""
        step = self._stride(scene)
        if self.whole is not None:
            step = spacing_of(self.mask(scene), self.stride)
        return step, step

    def mask(self, scene: Scene) -> Mask:
        """The pixels of the part that goes along.

        Raises:
            KineographError: it cannot be found, or the press is beside it.
        """
        return mask_of(self.part, self.path[0], scene)

    def grip(self, scene: Scene) -> Grip:
        """The press, and the way of the cursor from there."""
        cursor = self.curve_of_path().at(self.progress(scene))
        return Grip(self.path[0], cursor - np.array(self.path[0], dtype=np.float64))

    def reach(self, scene: Scene) -> float:
        """How far the brush reaches from the cursor to each side, in pixels."""
        return RADIUS * scene.short_side if self.radius is None else self.radius

    def _stride(self, scene: Scene) -> float:
        return self.reach(scene) / 3 if self.stride is None else self.stride

    def _steps(self, scene: Scene) -> int:
        """The number of tracks along a side of the grid, an odd one."""
        return 2 * int(self.reach(scene) / self._stride(scene) + 1e-9) + 1


def _outside(index: int, points: Float64[np.ndarray, "points 2"], scene: Scene) -> str:
    """What to say of a point that is not on the picture."""
    (x, y), (width, height) = points[index], scene.size
    what = "the press" if index == 0 else f"point {index + 1} of the path"
    remedy = "move it inside" if index == 0 else "move it inside, or allow it with leave"
    return f"{what} at {x:g},{y:g} lies outside the picture of {width}x{height}; {remedy}"

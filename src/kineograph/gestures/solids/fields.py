"""What a solid is told: its shape, how it stands, and how it is turned and moved."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from kineograph.core.errors import DocumentError
from kineograph.gestures.base import Gesture
from kineograph.gestures.keying import Instant, check_order
from kineograph.gestures.path import Path
from kineograph.gestures.solids.shapes import Cuboid, Cylinder, Ellipsoid, Plane, Shape
from kineograph.gestures.writing.model import LISTED, PLAIN, Point

MEASURES: Mapping[str, tuple[str, ...]] = {
    "sphere": ("radius",),
    "ellipsoid": ("size",),
    "cylinder": ("radius", "height"),
    "plane": ("size",),
    "box": ("size",),
}
"""What each shape is measured by."""

ANGLES = ("yaw", "pitch", "roll")

Length = Annotated[float, Field(gt=0, le=1e6), PLAIN]
Angle = Annotated[float, Field(ge=-1e6, le=1e6), PLAIN]
Extents = Annotated[tuple[Length, ...], Field(min_length=2, max_length=3), LISTED]


class SolidKey(Instant):
    """How a solid stands and where it is at one instant; what is left out is not changed by it."""

    yaw: Angle | None = None
    """Degrees by which the front has turned to the right; more than 360 is more than once."""
    pitch: Angle | None = None
    """Degrees by which the front has turned up."""
    roll: Angle | None = None
    """Degrees by which it has turned clockwise in the picture."""
    centre: Point | None = None
    """Where its centre is, [x, y] in canvas pixels."""
    scale: Annotated[float, Field(gt=0, le=1e3), PLAIN] | None = None
    """How many times as large as at the start it is."""

    @model_validator(mode="after")
    def _check_change(self) -> "SolidKey":
        if all(getattr(self, name) is None for name in (*ANGLES, "centre", "scale")):
            raise ValueError("changes nothing; give it yaw, pitch, roll, centre or scale")
        return self


class SolidFields(Gesture):
    """What a solid is told, checked as far as that needs no canvas; what it does is in solid.py."""

    kind: Literal["solid"] = "solid"
    """Turn and move a simple body laid over a thing."""
    shape: Literal["sphere", "ellipsoid", "cylinder", "plane", "box"] = "sphere"
    """What it is."""
    centre: Point
    """Where its centre is at the start, [x, y] in canvas pixels."""
    radius: Length | None = None
    """Of a sphere or a cylinder, in pixels."""
    height: Length | None = None
    """Of a cylinder, in pixels, along its axis."""
    size: Extents | None = None
    """Of an ellipsoid or box [width, height, depth], of a plane [width, height], in pixels."""
    yaw: Angle = 0.0
    """How it stands at the start: degrees by which its front is turned to the right."""
    pitch: Angle = 0.0
    """Degrees by which its front is then turned up."""
    roll: Angle = 0.0
    """Degrees by which it is then turned clockwise in the picture."""
    path: Annotated[tuple[Point, ...], Field(min_length=2), LISTED] | None = None
    """The points [x, y], in canvas pixels, that the cursor passes; it presses the solid at the
    first one, and what is under it there stays under it. Beside the solid, its rim follows."""
    straight: bool = False
    """Whether the cursor goes in straight lines from point to point instead of a smooth curve."""
    keys: Annotated[tuple[SolidKey, ...], Field(min_length=1)] | None = None
    """How it stands and where it is at a few instants, in order of time. It begins as the fields
    of the gesture say."""
    stride: Annotated[float, Field(ge=0.1, le=1e6), PLAIN] | None = None
    """About the distance between tracks on the surface, in pixels; left out, about 1000 tracks
    cover all of it."""
    fov: Annotated[float, Field(gt=0, lt=170), PLAIN] | None = None
    """The field of view across the width of the canvas in degrees, for a perspective in which near
    parts are larger; left out, rays are parallel."""
    persist: bool = False
    """Whether it rests before the start and after the end. If not, the engine is free to do what
    it likes with it then."""
    leave: bool = False
    """Whether keys may put the centre outside the picture."""

    @model_validator(mode="after")
    def _check_shape(self) -> "SolidFields":
        needed = MEASURES[self.shape]
        for name in ("radius", "height", "size"):
            given = getattr(self, name) is not None
            if given != (name in needed):
                what = f"has a {name}" if given else f"has no {name}"
                raise ValueError(
                    f"{what}; a {self.shape} is measured by {' and '.join(needed)}"
                    f"{self._form()}, so {'leave it out' if given else 'give it'}"
                )
        if self.size is not None and len(self.size) != (2 if self.shape == "plane" else 3):
            raise ValueError(
                f"has a size of {len(self.size)} numbers; a {self.shape} needs{self._form()}"
            )
        return self

    def _form(self) -> str:
        forms = {"plane": " [width, height]", "ellipsoid": " [width, height, depth]"}
        return forms.get("ellipsoid" if self.shape == "box" else self.shape, "")

    @model_validator(mode="after")
    def _check_motion(self) -> "SolidFields":
        if self.path is None and self.keys is None:
            raise ValueError(
                "has neither a cursor path nor keys; give one, or use a pin to hold still"
            )
        turned = [
            name for key in self.keys or () for name in ANGLES if getattr(key, name) is not None
        ]
        if self.path is not None and turned:
            raise ValueError(
                f"is turned by its path and by {turned[0]} in its keys; keep one of them"
            )
        if self.path is not None:
            try:
                self._cursor()
            except DocumentError as error:
                raise ValueError(str(error)) from error
        check_order(self.keys or ())
        return self

    @cached_property
    def body(self) -> Shape:
        """Its shape, in its own place: around the origin, upright, its front to the viewer."""
        match self.shape:
            case "sphere":
                assert self.radius is not None
                return Ellipsoid((self.radius, self.radius, self.radius))
            case "cylinder":
                assert self.radius is not None and self.height is not None
                return Cylinder(self.radius, self.height)
        assert self.size is not None
        if self.shape == "plane":
            return Plane(self.size[0], self.size[1])
        w, h, d = self.size
        return Cuboid((w, h, d)) if self.shape == "box" else Ellipsoid((w / 2, h / 2, d / 2))

    def _cursor(self) -> Path:
        assert self.path is not None
        return Path.through(np.array(self.path, dtype=np.float64), straight=self.straight)

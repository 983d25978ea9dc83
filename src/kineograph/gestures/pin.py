"""The pin: hold a region of the picture still."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Bool, Float64
from pydantic import Discriminator, Field, Tag, model_validator

from kineograph.core.errors import DocumentError
from kineograph.core.motion import Motion
from kineograph.gestures.base import Gesture, check_amount
from kineograph.gestures.scene import Scene, on_canvas
from kineograph.gestures.writing.model import LISTED, PLAIN, Corners, Point, check_corners

STRIDE = 0.04
"""The default distance between pins, as a share of the picture's short side."""


MIN_BREADTH = 1e-3
"""A region narrower than this many pixels has no area."""

NO_AREA = "the region of {} points has no area; give corners that enclose some"


def _shape(value: Any) -> str:
    """Whether a region is given as four numbers or as a list of points."""
    first = value[0] if isinstance(value, Sequence) and len(value) else None
    return "polygon" if isinstance(first, Sequence) else "box"


Polygon = Annotated[tuple[Point, ...], Field(min_length=3)]
Region = Annotated[
    Annotated[Corners, Tag("box")] | Annotated[Polygon, Tag("polygon")],
    Discriminator(_shape),
    LISTED,
]


class Pin(Gesture):
    """Hold a region of the picture still with a grid of tracks that do not move.

    (Motion Prompting, Geng et al. 2024, appendix A.4.)
    """

    kind: Literal["pin"] = "pin"
    """Hold a region of the picture still."""
    region: Region
    """What is held: the box [x0, y0, x1, y1], or a polygon of three or more points [x, y], in
    canvas pixels."""
    stride: Annotated[float, Field(ge=0.1, le=1e6), PLAIN] | None = None
    """The largest distance between tracks, in pixels; left out, it is 4 % of the picture's short
    side."""

    @model_validator(mode="after")
    def _check_region(self) -> "Pin":
        if len(self.region) == 4 and not isinstance(self.region[0], tuple):
            check_corners(self.region)
        if _breadth(self.outline) < MIN_BREADTH:
            raise ValueError(NO_AREA.format(len(self.outline)))
        if self.timing != "linear":
            raise ValueError("has a timing; a pin holds still and takes none, so leave it out")
        return self

    @property
    def outline(self) -> Float64[np.ndarray, "points 2"]:
        """The region's corners in order, in canvas pixels."""
        region = np.array(self.region, dtype=np.float64)
        if region.ndim == 2:
            return region
        x0, y0, x1, y1 = region
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])

    def check(self, scene: Scene) -> None:
        """Check the time span, and that the region lies on the picture.

        Raises:
            DocumentError: the span is not in the clip, or the region reaches outside the picture or
                has no area.
        """
        super().check(scene)
        outline = self.outline
        fine = on_canvas(outline, scene)
        if not fine.all():
            (x, y), (width, height) = outline[int(np.argmin(fine))], scene.size
            raise DocumentError(
                f"the region's corner {x:g},{y:g} lies outside the picture of {width}x{height}; "
                "move it inside"
            )
        low, high = outline.min(axis=0), outline.max(axis=0)
        count = np.prod(np.ceil((high - low) / self._stride(scene)))
        check_amount(float(count), scene, "give a larger stride")
        self._grid(scene)

    def expand(self, scene: Scene) -> Motion:
        """One set of tracks that rest at a grid within the region.

        Raises:
            DocumentError: as `check`.
        """
        self.check(scene)
        seeds, _ = self._grid(scene)
        points = np.repeat(seeds[:, None], scene.frames, axis=1)
        return Motion(tracks=self.tracks(scene, points, self.active(scene)))

    def cell(self, scene: Scene) -> tuple[float, float]:
        """The cells that the region is divided into."""
        return self._grid(scene)[1]

    def _stride(self, scene: Scene) -> float:
        return STRIDE * scene.short_side if self.stride is None else self.stride

    def _grid(self, scene: Scene) -> tuple[Float64[np.ndarray, "tracks 2"], tuple[float, float]]:
        """The centres of equal cells that cover the region, and the cells' width and height.

        A region finer than the grid is given a finer one.
        """
        outline = self.outline
        low, extent = outline.min(axis=0), np.ptp(outline, axis=0)
        counts = np.maximum(1, np.ceil(extent / self._stride(scene) - 1e-9)).astype(np.int64)
        for _ in range(6):
            columns, rows = counts
            steps = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)
            seeds = low + (steps.reshape(-1, 2) + 0.5) * (extent / counts)
            kept = within(seeds, outline)
            if kept.any():
                width, height = extent / counts
                return seeds[kept], (float(width), float(height))
            counts = np.maximum(counts, np.minimum(counts * 2, 256))
        raise DocumentError(NO_AREA.format(len(outline)))


def _breadth(outline: Float64[np.ndarray, "corners 2"]) -> float:
    """How far the corners are off one straight line, in pixels."""
    return float(np.linalg.svd(outline - outline.mean(axis=0), compute_uv=False)[-1])


def within(
    points: Float64[np.ndarray, "points 2"], outline: Float64[np.ndarray, "corners 2"]
) -> Bool[np.ndarray, " points"]:
    """Which points lie in a polygon, by the number of its sides to the right of each (even-odd)."""
    inside = np.zeros(len(points), dtype=bool)
    x, y = points.T
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if ay == by:
            continue
        crosses = (ay > y) != (by > y)
        inside ^= crosses & (x < ax + (y - ay) / (by - ay) * (bx - ax))
    return inside

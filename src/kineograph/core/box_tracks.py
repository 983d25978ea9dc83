"""Boxes lowered to tracks: a grid in the first box that moves and scales with it."""

from math import ceil, isfinite

import numpy as np
from jaxtyping import Float64

from kineograph.core.box_fields import BoxFields
from kineograph.core.errors import TracksError
from kineograph.core.tracks import Tracks

MAX_TRACKS = 1_000_000
"""The most tracks that one set of boxes may be lowered to."""

ALONG_SHORTER_SIDE = 6
"""Tracks along the shorter side of a box when no spacing is given."""


def box_tracks(boxes: BoxFields, spacing: float | int | None = None) -> Tracks:
    """See `Boxes.to_tracks`."""
    if spacing is not None and not (isfinite(spacing) and spacing > 0):
        raise TracksError(f"a spacing of {spacing} px was given; give a positive number")
    objects = np.flatnonzero(boxes.specified.any(axis=1))
    first = boxes.specified.argmax(axis=1)
    shapes = [_grid_shape(boxes.boxes[item, first[item]], spacing) for item in objects]
    total = sum(columns * rows for columns, rows in shapes)
    if total > MAX_TRACKS:
        raise TracksError(
            f"a spacing of {spacing:g} px makes {total} tracks of the boxes; they may make "
            f"{MAX_TRACKS}; give a larger spacing"
        )
    grids = [_unit_grid(columns, rows) for columns, rows in shapes]
    owner = np.repeat(objects, [len(grid) for grid in grids]).astype(np.int64)
    inside = np.concatenate([np.zeros((0, 2)), *grids])[:, None]
    corner, extent = boxes.boxes[..., :2], boxes.boxes[..., 2:] - boxes.boxes[..., :2]
    return Tracks.of(
        corner[owner] + inside * extent[owner],
        boxes.state[owner],
        size=boxes.size,
        fps=boxes.fps,
        group=owner if boxes.group is None else boxes.group[owner],
        depth=None if boxes.depth is None else boxes.depth[owner][:, None],
    ).hide_outside()


def _grid_shape(box: np.ndarray, spacing: float | int | None) -> tuple[int, int]:
    """Columns and rows of the grid in a box: one at least, no two farther apart than `spacing`."""
    sides = (float(box[2] - box[0]), float(box[3] - box[1]))
    step = spacing or min(sides) / ALONG_SHORTER_SIDE
    if step == 0:  # a box without an extent has one track along what it lacks
        step = max(sides) / ALONG_SHORTER_SIDE or 1.0
    # a hair less, so that 6 steps of a sixth are not 7
    columns, rows = (max(1, ceil(side / step - 1e-6)) for side in sides)
    return columns, rows


def _unit_grid(columns: int, rows: int) -> Float64[np.ndarray, "points 2"]:
    """The middles of the cells of a grid over [0, 1] x [0, 1], row by row."""
    x, y = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    return np.stack([x.ravel(), y.ravel()], axis=1)

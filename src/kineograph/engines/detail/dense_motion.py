"""Where every pixel of a picture goes: given tracks and a generated motion, told to its pixels."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.engines.detail.correction import corrected, crowded_out
from kineograph.engines.detail.local_fit import NEAR, Fit, fit
from kineograph.engines.detail.points import Points
from kineograph.render.trajectories import few_frames
from kineograph.render.walker import Grid

WORK = 128
"""Places along the longer side at which motion is fitted; pixels between them follow by colour."""

CALMED = 3
"""Places along the side of what specks are smaller than half of."""

INSTANTS = 9
"""In how many frames it is looked how far things get."""


@dataclass(frozen=True, eq=False)
class DenseMotion:
    """The motion of a whole picture; memory does not grow with its size and length at once.

    Args:
        grid: the places at which it is fitted.
        points: what is known.
        fit: what they say of the places.
        picks: for pictures larger than the grid: by how much each pixel heeds the four places
            around it, and which they are; None where every pixel is a place.
    """

    grid: Grid
    points: Points
    fit: Fit
    picks: tuple[np.ndarray, np.ndarray] | None = None

    @cached_property
    def nearness(self) -> Float32[np.ndarray, "height width"]:
        """What is the nearer where several things meet: it is hidden more seldom, and moves more.

        One value for all frames, so that nothing changes places.
        """
        gone, seen = self.points.displacement, self.points.seen
        moves = np.stack([self.fit.motion(gone[:, t]) for t in few_frames(gone.shape[1], INSTANTS)])
        far = np.linalg.norm(moves, axis=2).max(axis=0) / max(self.grid.size)
        near = self.fit.seen(seen.mean(axis=1)) + np.float32(0.5) * far
        return self._at_pixels(near)

    def at(
        self, frame: int
    ) -> tuple[Float32[np.ndarray, "height width 2"], Float32[np.ndarray, "height width"]]:
        """(displacement, above 0 where it can be seen) of every pixel in one frame."""
        gone = self._calm(self.fit.motion(self.points.displacement[:, frame]))
        seen = self._calm(self.fit.seen(self.points.seen[:, frame])[:, None])[:, 0]
        return self._at_pixels(gone), self._at_pixels(seen)

    def _calm(self, values: np.ndarray) -> np.ndarray:
        """Values at the places without specks: what is alone in a texture goes with its neighbours.

        A median, so that outlines stay.
        """
        shape = self.grid.cells[::-1]
        columns = [cv2.medianBlur(part.reshape(shape), CALMED).ravel() for part in values.T.copy()]
        return np.stack(columns, axis=1)

    def _at_pixels(self, values: np.ndarray) -> np.ndarray:
        """Values at the places, told to every pixel."""
        if self.picks is None:
            return values.reshape(*self.grid.cells[::-1], *values.shape[1:])
        weight, index = self.picks
        if values.ndim == 2:
            return np.stack([self._at_pixels(column) for column in values.T], axis=-1)
        total = values[index[0]] * weight[0]
        for k in range(1, 4):
            total += values[index[k]] * weight[k]
        return np.asarray(total)


def dense_motion(
    picture: UInt8[np.ndarray, "height width 3"], cells: Points, given: Points
) -> DenseMotion:
    """The motion of a picture's pixels.

    Cells near given tracks are corrected by what they miss, and count little where tracks are
    dense; then every place follows the points that are near it, look like it and move together.

    Args:
        picture: RGB.
        cells: a generated motion.
        given: what was asked for; it is followed more than the cells.
    """
    height, width = picture.shape[:2]
    grid = Grid.over((width, height), WORK)
    lab = _lab(picture, grid)
    places = grid.centres.reshape(-1, 2)
    if given.count:
        cells = _agreeing(cells, given, lab, grid)
        points = cells.joined(given)
    else:
        points = cells
    away, index = cells.nearest(places, NEAR)
    if given.count:
        more, which = given.nearest(places, NEAR)
        away = np.concatenate([away, more], axis=1)
        index = np.concatenate([index, which + cells.count], axis=1)
    own = lab[grid.cell_of(points.anchors)]
    made = fit(places, lab, points, own, index, away, max(grid.size))
    return DenseMotion(
        grid, points, made, None if grid.cells == grid.size else _picks(picture, grid)
    )


def _lab(
    picture: UInt8[np.ndarray, "height width 3"], grid: Grid
) -> Float32[np.ndarray, "cells 3"]:
    """CIE Lab colours of the grid's cells, fine texture smoothed away."""
    small = np.ascontiguousarray(grid.shrink(picture))
    calm = cv2.pyrMeanShiftFiltering(small, sp=3, sr=10, maxLevel=0)
    return cv2.cvtColor(calm.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)


def _agreeing(cells: Points, given: Points, lab: np.ndarray, grid: Grid) -> Points:
    """The cells, corrected by what they say of the given tracks and crowded out by them."""
    away, index = cells.nearest(given.anchors, NEAR)
    own, asked = lab[grid.cell_of(cells.anchors)], lab[grid.cell_of(given.anchors)]
    said = fit(given.anchors, asked, cells, own, index, away, max(grid.size))
    told = said.motion(cells.displacement)
    return crowded_out(corrected(cells, given, told, (own, asked), grid), given)


def _picks(
    picture: UInt8[np.ndarray, "height width 3"], grid: Grid
) -> tuple[Float32[np.ndarray, "4 height width"], np.ndarray]:
    """Joint bilateral upsampling (Kopf et al. 2007) from the four places around each pixel."""
    height, width = picture.shape[:2]
    soft = cv2.GaussianBlur(picture, (0, 0), 0.6).astype(np.float32) / 255
    full = cv2.cvtColor(soft, cv2.COLOR_RGB2LAB)
    small = cv2.cvtColor(grid.shrink(picture).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    columns, rows = grid.cells
    x = (np.arange(width, dtype=np.float32) + 0.5) / grid.pitch[0] - 0.5
    y = (np.arange(height, dtype=np.float32) + 0.5) / grid.pitch[1] - 0.5
    left, top = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    weights, indices = [], []
    for down in (0, 1):
        for right in (0, 1):
            i = (top + down).clip(0, rows - 1)
            j = (left + right).clip(0, columns - 1)
            index = i[:, None] * columns + j[None]
            share_x = np.where(right, x - left, 1 - x + left)
            share_y = np.where(down, y - top, 1 - y + top)
            unlike = ((full - small.reshape(-1, 3)[index]) ** 2).sum(axis=2)
            near = share_y[:, None] * share_x[None] + np.float32(0.02)
            weights.append(near * np.exp(-0.5 * unlike / 6.0**2) + np.float32(1e-6) * near)
            indices.append(index)
    weight = np.stack(weights).astype(np.float32)
    return weight / weight.sum(axis=0), np.stack(indices)

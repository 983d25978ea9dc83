"""How far every place of the picture moves: an affine part from the tracks, and what bends."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from scipy import sparse
from scipy.sparse.linalg import SuperLU

from kineograph.render.trajectories import Trajectories
from kineograph.render.walker import Grid, Walker

RIGID = 0.05
"""Tracks that stay this near (pixels) to one affine motion are taken to follow it exactly."""

GRIP = 30.0
"""How firmly a track holds its cell against the smoothness of the field."""


FADE = 2e-4
"""Pull of the bend towards zero; it fades over about 1 / sqrt(FADE) cells from the last track."""


def fit_affine(
    anchors: Float32[np.ndarray, "n 2"],
    displacement: Float32[np.ndarray, "n frames 2"],
    weight: Float32[np.ndarray, " n"],
) -> Float64[np.ndarray, "frames 2 3"]:
    """The affine displacement (x, y, 1) -> (dx, dy) of every frame, by robust least squares.

    Tracks that lie in one place, or on one line, say nothing of what changes across it: a small
    ridge keeps those parts of the matrix at zero. Reweighted (Cauchy) from the median motion on, so
    that what a minority does is left to the bend. No tracks: zero.
    """
    frames = displacement.shape[1]
    if len(anchors) == 0:
        return np.zeros((frames, 2, 3))
    centre = np.average(anchors, axis=0, weights=weight).astype(np.float64)
    design = np.concatenate([anchors - centre, np.ones((len(anchors), 1))], axis=1)
    design = design.astype(np.float64)
    target = displacement.reshape(len(anchors), -1).astype(np.float64)
    followed = np.median(target, axis=0)
    for _ in range(8):
        miss = np.sqrt(((target - followed) ** 2).mean(axis=1))
        w = weight / (1 + (miss / (1.5 * np.median(miss) + 0.25)) ** 2)
        weighted = design * w[:, None]
        ridge = np.diag([0.25, 0.25, 0.0]) * w.sum() + 1e-9 * np.eye(3)
        solution = np.linalg.solve(weighted.T @ design + ridge, weighted.T @ target)
        followed = design @ solution
    affine = solution.reshape(3, frames, 2).transpose(1, 2, 0)
    affine[..., 2] -= affine[..., :2] @ centre
    return affine


@dataclass(frozen=True, eq=False)
class MotionField:
    """The displacement of one body at every frame, over the whole grid.

    Args:
        affine: (frames, 2, 3) displacement of (x, y, 1), pixels.
        grid: the raster of everything that is not affine.
        bend: what the tracks do beyond the affine part, or None where they follow it.
        damp: (rows, columns) factor on the whole displacement in [0, 1], or None for 1: below 1
            where the body stretches towards what holds still.
        drawn: other fields that carry parts of this one along, each with its (rows, columns) share.
    """

    affine: Float64[np.ndarray, "frames 2 3"]
    grid: Grid
    bend: "Bend | None" = None
    damp: Float32[np.ndarray, "rows columns"] | None = None
    drawn: "tuple[tuple[MotionField, Float32[np.ndarray, 'rows columns']], ...]" = ()

    @property
    def is_affine(self) -> bool:
        """Whether one matrix a frame says it all."""
        return self.bend is None and self.damp is None and not self.drawn

    @property
    def is_still(self) -> bool:
        """Whether nothing moves at any frame by as much as a hundredth of a pixel."""
        reach = np.abs(self.affine).max(axis=0) * [*self.grid.size, 1]
        return self.is_affine and bool((reach.sum(axis=1) < 0.01).all())

    def at(self, frame: int) -> Float32[np.ndarray, "rows columns 2"]:
        """Displacement at the grid's cell centres in one frame, pixels."""
        matrix = self.affine[frame].astype(np.float32)
        field = self.grid.centres @ matrix[:, :2].T + matrix[:, 2]
        if self.bend is not None:
            field = field + self.bend.at(frame)
        if self.damp is not None:
            field = field * self.damp[..., None]
        for other, share in self.drawn:
            field = field + other.at(frame) * share[..., None]
        return field


@dataclass(frozen=True, eq=False)
class Bend:
    """Residuals of tracks spread over the grid: smooth, and reluctant to cross picture edges.

    Args:
        system: the factorised smoothness of the grid plus the grip of the tracks.
        spread: (cells, tracks) bilinear weights times grip.
        residual: the value of each track at each frame: what the affine part leaves, in pixels.
    """

    system: SuperLU
    spread: sparse.csr_matrix
    residual: Float32[np.ndarray, "n frames values"]
    grid: Grid

    def at(self, frame: int) -> Float32[np.ndarray, "rows columns values"]:
        """The values spread over the grid in one frame."""
        field = self.system.solve(self.spread @ self.residual[:, frame].astype(np.float64))
        return field.astype(np.float32).reshape(*self.grid.cells[::-1], -1)


def field_of(
    members: np.ndarray,
    trajectories: Trajectories,
    walker: Walker,
) -> MotionField:
    """The motion of the tracks `members`, carried to the whole grid."""
    anchors = trajectories.anchors[members]
    motion = trajectories.displacement[members]
    weight = np.maximum(trajectories.strength[members], 1e-3)
    affine = fit_affine(anchors, motion, weight)
    flat = np.concatenate([anchors, np.ones((len(anchors), 1), np.float32)], axis=1)
    followed = np.einsum("tij,nj->nti", affine, flat).astype(np.float32)
    residual = motion - followed
    if len(members) == 0 or float(np.abs(residual).max()) < RIGID:
        return MotionField(affine, walker.grid)
    return MotionField(affine, walker.grid, spread_over(anchors, residual, weight, walker))


def spread_over(
    anchors: Float32[np.ndarray, "n 2"],
    residual: Float32[np.ndarray, "n frames values"],
    weight: Float32[np.ndarray, " n"],
    walker: Walker,
) -> Bend:
    """Values of tracks over the whole grid.

    Bilinear grips, shared where tracks crowd, so that density does not harden the field. The
    picture's edges count the more, the sparser the tracks: dense tracks know better.
    """
    cells = walker.grid.cell_of(anchors)
    crowd = np.bincount(cells, weight, walker.grid.count)
    grip = GRIP * weight / np.maximum(crowd[cells], 1.0)
    sample = walker.grid.sampler(anchors)
    spread = (sample.T @ sparse.diags(grip)).tocsr()
    fade = sparse.diags(np.full(walker.grid.count, FADE))
    spacing = float(np.sqrt(walker.grid.count / np.count_nonzero(crowd)))
    system = walker.heeding(spacing).factor(spread @ sample + fade)
    return Bend(system, spread, residual, walker.grid)

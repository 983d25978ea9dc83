"""Forward splatting of a coarse displacement field, and the backward map it amounts to."""

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from kineograph.render.sampling import read_at
from kineograph.render.walker import Grid

COARSEST, FINEST = 2, 6
"""Fewest and most pieces that a side of a cell is thrown in."""

REFINEMENTS = 3
"""Newton steps after the splat; each squares the error where the field is smooth."""


def invert(
    displacement: Float32[np.ndarray, "rows columns 2"],
    grid: Grid,
    solid: Bool[np.ndarray, "rows columns"] | None = None,
) -> Float32[np.ndarray, "rows columns 2"]:
    """Where in the source the content of every target cell comes from, minus the target itself.

    Every cell is thrown forward to where it lands; where several land on one target, the one that
    moved farthest is in front. Targets that nothing reaches take the answer of their neighbours,
    and Newton steps on x + d(x) = y then make the answer exact between the cells.

    Convention: raster pixels of the picture; `displacement[i, j]` is how far the content at
    `grid.centres[i, j]` moves. Returns b with source = target + b.

    Args:
        displacement: pixels.
        grid: what the displacement is on.
        solid: the cells that have any content, and so are thrown; None for all.
    """
    jacobian = _jacobian(displacement, grid)
    thrown = _ringed(solid) if solid is not None else np.ones(displacement.shape[:2], bool)
    fine = _fineness(jacobian, thrown)
    landed = _splat(displacement, thrown, grid, fine, folds=_folds(jacobian, thrown))
    source = grid.centres + _close(landed)
    miss, step = _newton(source, displacement, jacobian, grid)
    for _ in range(REFINEMENTS):
        further = source + step
        new_miss, new_step = _newton(further, displacement, jacobian, grid)
        better = (new_miss < miss)[..., None]
        source = np.where(better, further, source)
        miss, step = np.minimum(new_miss, miss), np.where(better, new_step, 0.5 * step)
    back = source - grid.centres
    lost = miss > float(grid.pitch.max()) ** 2
    return _close(np.where(lost[..., None], np.nan, back)) if lost.any() else back


def _ringed(solid: Bool[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """The solid cells and two more around them, for the slope at their rim."""
    return cv2.dilate(solid.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def _fineness(
    jacobian: Float32[np.ndarray, "rows columns 4"], thrown: Bool[np.ndarray, "rows columns"]
) -> int:
    """Into how many pieces a side of a cell is divided, so that what grows leaves no gaps."""
    if not thrown.any():
        return COARSEST
    growth = np.abs(jacobian[thrown]).max(axis=1)
    whole = growth[growth < FINEST]  # what grows more is torn, and its gap is not to be closed
    most = float(np.quantile(whole, 0.95)) if len(whole) else 1.0
    return int(np.clip(np.ceil(1.3 * most), COARSEST, FINEST))


def _splat(
    displacement: Float32[np.ndarray, "rows columns 2"],
    thrown: Bool[np.ndarray, "rows columns"],
    grid: Grid,
    pieces: int,
    *,
    folds: bool,
) -> Float32[np.ndarray, "rows columns 2"]:
    """Nearest-cell splat of -displacement; NaN where nothing lands.

    Where the field folds over itself, far movers come last, so that they win.
    """
    columns, rows = grid.cells
    fine = cv2.resize(displacement, (pieces * columns, pieces * rows))
    x = (np.arange(pieces * columns, dtype=np.float32) + 0.5) / pieces
    y = (np.arange(pieces * rows, dtype=np.float32) + 0.5) / pieces
    j = np.floor(x + fine[..., 0] / grid.pitch[0]).astype(np.int64).ravel()
    i = np.floor(y[:, None] + fine[..., 1] / grid.pitch[1]).astype(np.int64).ravel()
    flat = fine.reshape(-1, 2)
    there = np.repeat(np.repeat(thrown, pieces, axis=0), pieces, axis=1).ravel()
    kept = np.flatnonzero(there & (i >= 0) & (i < rows) & (j >= 0) & (j < columns))
    if folds:
        kept = kept[np.argsort((flat[kept] ** 2).sum(axis=1), kind="stable")]
    landed = np.full((rows * columns, 2), np.nan, np.float32)
    landed[i[kept] * columns + j[kept]] = -flat[kept]
    return landed.reshape(rows, columns, 2)


def _close(
    landed: Float32[np.ndarray, "rows columns 2"],
) -> Float32[np.ndarray, "rows columns 2"]:
    """Fill what nothing reached from the nearest answers, coarse to fine (push and pull)."""
    known = np.isfinite(landed[..., 0]).astype(np.float32)
    return push_pull(np.nan_to_num(landed), known)


def push_pull(
    values: Float32[np.ndarray, "rows columns channels"],
    weight: Float32[np.ndarray, "rows columns"],
) -> Float32[np.ndarray, "rows columns channels"]:
    """Smooth completion of `values` where `weight` is 0 (Gortler et al., 1996).

    Averages known values into ever coarser levels, then fills each level from the next coarser
    one. Values of weight 1 come back unchanged.
    """
    rows, columns = weight.shape
    if float(weight.min()) >= 1.0 or min(rows, columns) <= 1:
        return values
    half = ((columns + 1) // 2, (rows + 1) // 2)
    mass = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    total = cv2.resize(values * weight[..., None], half, interpolation=cv2.INTER_AREA)
    mean = total.reshape(half[1], half[0], -1) / np.maximum(mass, 1e-6)[..., None]
    coarse = push_pull(mean, np.minimum(mass * 4, 1))
    coarse = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return values * weight[..., None] + coarse.reshape(values.shape) * (1 - weight[..., None])


def _jacobian(
    displacement: Float32[np.ndarray, "rows columns 2"], grid: Grid
) -> Float32[np.ndarray, "rows columns 4"]:
    """(1 + dx/dx, dx/dy, dy/dx, 1 + dy/dy) by central differences."""
    along_y, along_x = np.gradient(displacement, axis=(0, 1))
    jacobian = np.concatenate([along_x / grid.pitch[0], along_y / grid.pitch[1]], axis=2)
    jacobian = jacobian[..., [0, 2, 1, 3]]
    jacobian[..., 0] += 1
    jacobian[..., 3] += 1
    return np.ascontiguousarray(jacobian, dtype=np.float32)


def _folds(
    jacobian: Float32[np.ndarray, "rows columns 4"], thrown: Bool[np.ndarray, "rows columns"]
) -> bool:
    """Whether neighbours change sides anywhere."""
    a, b, c, d = cv2.split(jacobian)
    return bool((a * d - b * c)[thrown].min(initial=1.0) < 0.05)


def _newton(
    source: Float32[np.ndarray, "rows columns 2"],
    displacement: Float32[np.ndarray, "rows columns 2"],
    jacobian: Float32[np.ndarray, "rows columns 4"],
    grid: Grid,
) -> tuple[Float32[np.ndarray, "rows columns"], Float32[np.ndarray, "rows columns 2"]]:
    """(squared distance by which source + d(source) misses its target, the step that mends it)."""
    at = source / grid.pitch - 0.5
    moved = source + read_at(displacement, at)
    error = grid.centres - moved
    a, b, c, d = cv2.split(read_at(jacobian, at))
    determinant = np.maximum(a * d - b * c, 0.2)
    step = np.stack(
        [
            (d * error[..., 0] - b * error[..., 1]) / determinant,
            (a * error[..., 1] - c * error[..., 0]) / determinant,
        ],
        axis=2,
    )
    bound = 4 * float(grid.pitch.max())
    return (error**2).sum(axis=2), step.clip(-bound, bound)

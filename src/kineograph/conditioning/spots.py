"""Soft spots around points on a grid, and the heaviest of each cell.

Convention: places are (x, y) in units of half the picture's short edge, which spans [-1, 1]. The
weight of a spot at distance d is exp(-temperature d^2).
"""

from dataclasses import dataclass
from math import ceil, log, sqrt

import torch
from einops import rearrange
from jaxtyping import Float32, Int64
from torch import Tensor

NOTHING = 1e-8
"""A weight below which float32 cannot tell a spot from nothing: where the search for it ends."""

CHUNK = 1 << 20
"""Pairs of track and cell looked at together; about 40 bytes of memory each."""

LOW = (1 << 32) - 1
"""The lower half of a 64-bit number."""


@dataclass(frozen=True)
class Axes:
    """Where the cells of a grid (height, width) are, in units of half the short edge."""

    grid: tuple[int, int]
    start: tuple[float, float]
    """x and y of the first cell."""
    step: tuple[float, float]
    """From one cell to the next."""

    @classmethod
    def of(cls, grid: tuple[int, int], *, stretched: bool) -> "Axes":
        """The cells' middles; or, `stretched` as in ATI, with the outer ones on the border."""
        half = [side / min(grid) for side in (grid[1], grid[0])]
        cells = [grid[1], grid[0]]
        if stretched:
            step = [2 * h / max(n - 1, 1) for h, n in zip(half, cells, strict=True)]
            return cls(grid, (-half[0], -half[1]), (step[0], step[1]))
        step = [2 * h / n for h, n in zip(half, cells, strict=True)]
        start = [s / 2 - h for s, h in zip(step, half, strict=True)]
        return cls(grid, (start[0], start[1]), (step[0], step[1]))


def _reach(step: float, cells: int, temperature: float) -> int:
    """How many cells from a track's own its weight can still be told from nothing."""
    return min(ceil(sqrt(-log(NOTHING) / temperature) / step + 0.5), cells - 1)


def chunks(groups: int, count: int, axes: Axes, temperature: float) -> list[slice]:
    """The groups in slices that keep the pairs of track and cell within `CHUNK`."""
    height, width = axes.grid
    across = 2 * _reach(axes.step[0], width, temperature) + 1
    down = 2 * _reach(axes.step[1], height, temperature) + 1
    each = max(1, CHUNK // max(1, count * across * down))
    return [slice(g, min(g + each, groups)) for g in range(0, groups, each)]


def _near(
    place: Float32[Tensor, "latents tracks"], axes: Axes, axis: int, temperature: float
) -> tuple[Int64[Tensor, "latents tracks near"], Float32[Tensor, "latents tracks near"]]:
    """Columns (axis 0) or rows (1) near each track, and their factor of its weight.

    The Gaussian is the product of one along x and one along y. Off the grid the factor is 0.
    """
    cells = (axes.grid[1], axes.grid[0])[axis]
    start, step = axes.start[axis], axes.step[axis]
    reach = _reach(step, cells, temperature)
    # beyond the border the nearest cell is the outer one; the search around it loses none
    own = ((place - start) / step).round().clamp(0, cells - 1)
    line = own[..., None] + torch.arange(-reach, reach + 1, device=place.device)
    factor = torch.exp(-temperature * (place[..., None] - (start + line * step)) ** 2)
    on = (line >= 0) & (line < cells)
    return line.clamp(0, cells - 1).to(torch.int64), factor * on


def heaviest(
    points: Float32[Tensor, "latents tracks 2"],
    strength: Float32[Tensor, "latents tracks"],
    axes: Axes,
    temperature: float,
    top: int,
) -> tuple[Float32[Tensor, "latents cells {top}"], Int64[Tensor, "latents cells {top}"]]:
    """The `top` heaviest tracks of every cell, heaviest first; weight 0 where there are fewer.

    Each pair of a cell and a track near it is one number, the weight's bits above the track's:
    the largest number of a cell is its heaviest track (positive floats are ordered as their bits).
    So a race of scattered maxima finds the heaviest, and a second one, that the first winners do
    not enter, the next. Of equal weights the earlier track wins, on every machine.
    """
    height, width = axes.grid
    column, along_x = _near(points[..., 0], axes, 0, temperature)
    row, along_y = _near(points[..., 1], axes, 1, temperature)
    weight = along_y[..., :, None] * (along_x * strength[..., None])[..., None, :]
    latent = torch.arange(points.shape[0], device=points.device)[:, None, None, None]
    cell = (latent * height + row[..., :, None]) * width + column[..., None, :]
    number = torch.arange(points.shape[1], device=points.device)[:, None, None]
    key = weight.view(torch.int32).to(torch.int64).mul_(1 << 32).add_(LOW - number)
    key, cell = key.masked_fill_(weight < NOTHING, 0).reshape(-1), cell.reshape(-1)
    winners = []
    for _ in range(top):
        best = key.new_zeros(points.shape[0] * height * width)
        best.scatter_reduce_(0, cell, key, "amax")
        winners.append(best)
        # winners leave by a zero: picking out the others takes ten times as long
        key.masked_fill_(key == best.gather(0, cell), 0)
    found = rearrange(torch.stack(winners, dim=1), "(l cell) top -> l cell top", l=len(points))
    track = torch.where(found > 0, LOW - (found & LOW), 0)
    return (found >> 32).to(torch.int32).view(torch.float32), track

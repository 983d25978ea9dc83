"""Which pixels belong together: random walks that find it hard to cross the picture's edges."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int64, UInt8
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

LONG_SIDE = 144
"""Cells along the longer side of the working grid; the cost of a solve grows with its square."""

EDGE = 5.0
"""Colour difference (CIE Lab units) that a walker crosses with probability 1/e, without texture."""

HEED = 3.0
"""Spacing of known values, in cells, up to which the picture's edges do not count at all."""

HIDDEN = 0.25
"""How much of the mean difference around it an edge has to exceed to count."""

WINDOW = 7
"""Side, in cells, of the window whose mean difference is taken for texture."""

LEAK = 2e-4
"""Conductance that is left across the strongest edge; keeps every system solvable."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A coarse raster over the picture; cell (i, j) has its centre at ((j + .5) W/w, (i + .5) H/h).

    Args:
        size: (width, height) of the picture, pixels.
        cells: (columns, rows).
    """

    size: tuple[int, int]
    cells: tuple[int, int]

    @staticmethod
    def over(size: tuple[int, int], long_side: int = LONG_SIDE) -> "Grid":
        """The grid with about square cells whose longer side has `long_side` of them."""
        scale = min(1.0, long_side / max(size))
        return Grid(size, (max(2, round(size[0] * scale)), max(2, round(size[1] * scale))))

    @property
    def count(self) -> int:
        """How many cells there are."""
        return self.cells[0] * self.cells[1]

    @cached_property
    def pitch(self) -> Float32[np.ndarray, "2"]:
        """Width and height of a cell in pixels."""
        return (np.asarray(self.size) / np.asarray(self.cells)).astype(np.float32)

    @cached_property
    def centres(self) -> Float32[np.ndarray, "rows columns 2"]:
        """(x, y) of every cell's centre, raster pixels."""
        x = (np.arange(self.cells[0], dtype=np.float32) + 0.5) * self.pitch[0]
        y = (np.arange(self.cells[1], dtype=np.float32) + 0.5) * self.pitch[1]
        return np.stack(np.meshgrid(x, y), axis=-1)

    def cell_of(self, points: Float[np.ndarray, "n 2"]) -> Int64[np.ndarray, " n"]:
        """Flat index of the cell under each point; points outside take the nearest cell."""
        ij = np.floor(points / self.pitch).astype(np.int64)
        column = ij[:, 0].clip(0, self.cells[0] - 1)
        return ij[:, 1].clip(0, self.cells[1] - 1) * self.cells[0] + column

    def sampler(self, points: Float[np.ndarray, "n 2"]) -> sparse.csr_matrix:
        """(n, cells) matrix that reads cell values at points, bilinearly; clamped at the border."""
        most = np.asarray(self.cells) - 1
        at = (points / self.pitch - 0.5).clip(0, most)
        low = np.minimum(np.floor(at).astype(np.int64), most - 1)
        share = at - low
        row, column, weight = [], [], []
        for dy in (0, 1):
            for dx in (0, 1):
                row.append(np.arange(len(points)))
                column.append((low[:, 1] + dy) * self.cells[0] + low[:, 0] + dx)
                wx = share[:, 0] if dx else 1 - share[:, 0]
                weight.append(wx * (share[:, 1] if dy else 1 - share[:, 1]))
        index = (np.concatenate(row), np.concatenate(column))
        shape = (len(points), self.count)
        return sparse.csr_matrix((np.concatenate(weight), index), shape=shape)

    def shrink(self, image: np.ndarray) -> np.ndarray:
        """An image of the picture's size averaged into cells."""
        return cv2.resize(image, self.cells, interpolation=cv2.INTER_AREA)

    def grow(self, values: np.ndarray) -> np.ndarray:
        """Values at cells, bilinearly at every pixel of the picture."""
        return cv2.resize(values, self.size, interpolation=cv2.INTER_LINEAR)


@dataclass(frozen=True, eq=False)
class Walker:
    """Random walks on a grid whose steps across picture edges are unlikely (Grady, 2006).

    Args:
        grid: the raster that is walked on.
        across: conductance between a cell and the next in its row, in (0, 1].
        down: conductance between a cell and the one below.
    """

    grid: Grid
    across: Float32[np.ndarray, "rows columns_1"]
    down: Float32[np.ndarray, "rows_1 columns"]

    @staticmethod
    def on(picture: UInt8[np.ndarray, "height width 3"], grid: Grid) -> "Walker":
        """Conductances from the picture's colours, after its fine texture is smoothed away."""
        small = np.ascontiguousarray(grid.shrink(picture))
        calm = cv2.pyrMeanShiftFiltering(small, sp=3, sr=14, maxLevel=0)
        lab = cv2.cvtColor(calm.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        return Walker(grid, _conductance(lab[:, 1:], lab[:, :-1]), _conductance(lab[1:], lab[:-1]))

    @cached_property
    def laplacian(self) -> sparse.csc_matrix:
        """(cells, cells) graph Laplacian of the conductances."""
        return _laplacian(self.across, self.down)

    def heeding(self, spacing: float) -> "Walker":
        """The walker for values known every `spacing` cells: the closer, the less edges count."""
        least = np.float32(min(1.0, (HEED / spacing) ** 2))
        return Walker(self.grid, np.maximum(self.across, least), np.maximum(self.down, least))

    def settle(
        self,
        pull: Float[np.ndarray, " cells"],
        targets: Float[np.ndarray, "cells values"],
    ) -> Float32[np.ndarray, "cells values"]:
        """Values that vary little where walking is easy and obey `targets` where `pull` is large.

        Minimises sum w_ij |u_i - u_j|^2 + sum pull_i |u_i - target_i|^2.
        """
        system = self.factor(sparse.diags(pull))
        return system.solve(pull[:, None] * targets).astype(np.float32)

    def factor(self, pull: sparse.spmatrix) -> SuperLU:
        """The factorised system of `settle`, for many targets under one (cells, cells) `pull`."""
        floor = sparse.diags(np.full(self.grid.count, 1e-6))
        system = (self.laplacian + pull + floor).tocsc()
        return splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})


def _conductance(
    a: Float32[np.ndarray, "rows columns 3"], b: Float32[np.ndarray, "rows columns 3"]
) -> Float32[np.ndarray, "rows columns"]:
    """How easily neighbours are reached: an edge counts as far as it stands out of its texture."""
    difference = ((a - b) ** 2).sum(axis=2)
    texture = cv2.blur(difference, (WINDOW, WINDOW), borderType=cv2.BORDER_REFLECT)
    texture = cv2.erode(texture, np.ones((WINDOW, WINDOW), np.uint8))  # of the calmer side
    return np.exp(-difference / (EDGE**2 + HIDDEN * texture)).astype(np.float32) + np.float32(LEAK)


def _laplacian(
    across: Float32[np.ndarray, "rows columns_1"], down: Float32[np.ndarray, "rows_1 columns"]
) -> sparse.csc_matrix:
    rows, columns = across.shape[0], down.shape[1]
    index = np.arange(rows * columns).reshape(rows, columns)
    i = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    j = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    w = np.concatenate([across.ravel(), down.ravel()]).astype(np.float64)
    shape = (rows * columns, rows * columns)
    adjacency = sparse.coo_matrix((w, (i, j)), shape=shape)
    adjacency = adjacency + adjacency.T
    return (sparse.diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency).tocsc()


def refine(
    share: Float32[np.ndarray, "rows columns"],
    picture: UInt8[np.ndarray, "height width 3"],
    grid: Grid,
) -> Float32[np.ndarray, "height width"]:
    """Bring a share known on the grid to full size along the picture's own edges.

    A guided filter (He et al., 2010) with the grey picture as guide; returns values in [0, 1].
    """
    radius = int(np.ceil(2.0 * float(grid.pitch.max()))) | 1
    guide = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    coarse = grid.grow(share)
    window = (2 * radius + 1, 2 * radius + 1)

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, window, borderType=cv2.BORDER_REFLECT)

    guide_mean, share_mean = mean(guide), mean(coarse)
    variance = mean(guide * guide) - guide_mean**2
    slope = (mean(guide * coarse) - guide_mean * share_mean) / (variance + 4e-4)
    offset = share_mean - slope * guide_mean
    return (mean(slope) * guide + mean(offset)).clip(0, 1)


def inside_depth(region: Bool[np.ndarray, "rows columns"]) -> Float32[np.ndarray, "rows columns"]:
    """How deep each cell lies in `region`: 0 outside, near 0 at its rim, 1 at its innermost."""
    padded = np.pad(region.astype(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    return (depth / max(float(depth.max()), 1.0)).astype(np.float32)

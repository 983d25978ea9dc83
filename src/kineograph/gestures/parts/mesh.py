"""A mesh of equal squares over a part of the picture, to bend it by."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Complex128, Float64, Int64
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Points = Complex128[np.ndarray, " points"]
"""x + iy in pixels: a rotation is then a factor of length 1."""

FAINT = 0.05
"""A square that the part hardly reaches into is as firm as one that it covers to this share."""

EDGES = np.array([(0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2)])
"""The sides and diagonals of a square with corners top left, top right, bottom left and right."""

FIRM = np.array([1.0, 1.0, 1.0, 1.0, 0.5, 0.5])
"""How firm each of them is."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Squares of one pitch that cover a mask, and what links their corners.

    Convention: points are x + iy in raster pixels.

    Args:
        pitch: the side of a square, in pixels.
        places: (row, column) of each square; square (0, 0) has its top-left corner at 0, 0.
        cover: the share of each square that is in the mask.
    """

    pitch: float
    places: Int64[np.ndarray, "squares 2"]
    cover: Float64[np.ndarray, " squares"]

    @staticmethod
    def over(mask: Bool[np.ndarray, "height width"], pitch: float | int) -> "Mesh":
        """The squares that hold a pixel of the mask."""
        rows, columns = np.nonzero(mask)
        cells = np.stack([rows + 0.5, columns + 0.5], axis=1) // pitch
        places, count = np.unique(cells.astype(np.int64), axis=0, return_counts=True)
        cover = np.clip(count / pitch**2, FAINT, 1.0)
        return Mesh(float(pitch), places, cover)

    @cached_property
    def _numbering(self) -> tuple[Int64[np.ndarray, "squares 4"], Points]:
        """The corners of each square, and where each corner is."""
        around = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])
        corners = (self.places[:, None] + around).reshape(-1, 2)
        unique, number = np.unique(corners, axis=0, return_inverse=True)
        return number.reshape(-1, 4), (unique[:, 1] + 1j * unique[:, 0]) * self.pitch

    @property
    def squares(self) -> Int64[np.ndarray, "squares 4"]:
        """The corners of each square: top left, top right, bottom left, bottom right."""
        return self._numbering[0]

    @property
    def rest(self) -> Points:
        """Where each corner is in the picture."""
        return self._numbering[1]

    @cached_property
    def middles(self) -> Points:
        """The middle of each square."""
        return (self.places[:, 1] + 0.5 + 1j * (self.places[:, 0] + 0.5)) * self.pitch

    def links(
        self, firmness: Float64[np.ndarray, " squares"]
    ) -> tuple[Int64[np.ndarray, "edges 2"], Float64[np.ndarray, " edges"], np.ndarray]:
        """All that is to keep its length: the corners of each edge, how firm, and whose it is.

        Edges of one square turn together. Where the mask is in several pieces, they are linked
        across the narrowest gaps, so that they go along with each other.

        Args:
            firmness: of each square.
        """
        edges = self.squares[:, EDGES].reshape(-1, 2)
        weight = (firmness[:, None] * FIRM).ravel()
        owner = np.repeat(np.arange(len(self.squares)), len(EDGES))
        for bridge in self._bridges(edges):
            edges = np.concatenate([edges, bridge])
            weight = np.concatenate([weight, np.full(len(bridge), 0.5)])
            owner = np.concatenate([owner, np.full(len(bridge), owner[-1] + 1)])
        return edges, weight, owner

    def _bridges(self, edges: Int64[np.ndarray, "edges 2"]) -> list[Int64[np.ndarray, "links 2"]]:
        """Links from every piece but the largest to the nearest of the others."""
        count = len(self.rest)
        graph = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
        pieces, label = connected_components(graph, directed=False)
        where = np.stack([self.rest.real, self.rest.imag], axis=1)
        joined = label == np.bincount(label).argmax()
        found = []
        for _ in range(pieces - 1):
            inside, outside = np.flatnonzero(joined), np.flatnonzero(~joined)
            gap, nearest = cKDTree(where[inside]).query(where[outside])
            a, b = outside[gap.argmin()], inside[nearest[gap.argmin()]]
            piece = np.flatnonzero(label == label[a])
            ends = [
                side[np.argsort(np.abs(self.rest[side] - self.rest[other]))[:6]]
                for side, other in ((piece, b), (inside, a))
            ]
            found.append(np.stack(np.meshgrid(*ends), axis=-1).reshape(-1, 2))
            joined |= label == label[a]
        return found

    def sampler(self, points: Points) -> sparse.csr_matrix:
        """(points, corners) matrix that reads values of corners at points, bilinearly.

        Points beside the mesh continue the nearest square.
        """
        if len(points) == 0:
            return sparse.csr_matrix((0, len(self.rest)))
        square = self._square_of(points)
        at = points / self.pitch
        x = at.real - self.places[square, 1]
        y = at.imag - self.places[square, 0]
        weight = np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], axis=1)
        row = np.repeat(np.arange(len(points)), 4)
        index = (row, self.squares[square].ravel())
        return sparse.csr_matrix((weight.ravel(), index), (len(points), len(self.rest)))

    def _square_of(self, points: Points) -> Int64[np.ndarray, " points"]:
        """The square that each point is in, or the nearest one."""
        middles = np.stack([self.middles.real, self.middles.imag], axis=1)
        tree = cKDTree(middles)
        return tree.query(np.stack([points.real, points.imag], axis=1), p=np.inf)[1]

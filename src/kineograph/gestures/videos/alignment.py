"""Alignment: how one picture's places correspond to another's, from a few pairs of points."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from kineograph.core.errors import DocumentError

NO_SPREAD = 1e-3
"""Points spread over fewer pixels than this are one point, or one line."""

Points = Float64[np.ndarray, "points 2"]
Matrices = Float64[np.ndarray, "points 2 2"]


class Alignment(ABC):
    """A smooth map from the points of one picture to those of another.

    Convention: (x, y) in pixels of each.
    """

    @abstractmethod
    def at(self, points: Points) -> Points:
        """Where the points come to lie."""

    @abstractmethod
    def jacobian(self, points: Points) -> Matrices:
        """How a small step at each of the points is turned and stretched: d(x', y') / d(x, y)."""


@dataclass(frozen=True, eq=False)
class Affine(Alignment):
    """One 2x3 matrix for all points."""

    matrix: Float64[np.ndarray, "2 3"]

    @classmethod
    def scaling(cls, from_size: tuple[int, int], to_size: tuple[int, int]) -> "Affine":
        """A picture stretched over another of `to_size` (width, height)."""
        (w, h), (to_w, to_h) = from_size, to_size
        return cls(np.array([[to_w / w, 0.0, 0.0], [0.0, to_h / h, 0.0]]))

    @classmethod
    def similarity(cls, source: Points, target: Points) -> "Affine":
        """Turned, scaled alike in all directions and moved, to fit best (Umeyama 1991).

        Raises:
            DocumentError: there are fewer than two pairs, or they lie on one point.
        """
        _check_pairs(source, target, 2, "a similarity")
        middle, goal = source.mean(axis=0), target.mean(axis=0)
        a, b = (source - middle) @ np.array([1, 1j]), (target - goal) @ np.array([1, 1j])
        if min(np.linalg.norm(a), np.linalg.norm(b)) < NO_SPREAD:
            side = "source" if np.linalg.norm(a) < NO_SPREAD else "canvas"
            raise DocumentError(
                f"the pairs' {side} points all lie on {middle[0]:g},{middle[1]:g}; give points "
                "that are apart"
                if side == "source"
                else f"the pairs' canvas points all lie on {goal[0]:g},{goal[1]:g}; give points "
                "that are apart"
            )
        turn = np.vdot(a, b) / np.vdot(a, a).real  # a complex number turns and scales
        linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
        return cls(np.column_stack([linear, goal - linear @ middle]))

    def at(self, points: Points) -> Points:
        """Where the points come to lie."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def jacobian(self, points: Points) -> Matrices:
        """The same matrix at all of them."""
        return np.broadcast_to(self.matrix[:, :2], (len(points), 2, 2)).copy()


@dataclass(frozen=True, eq=False)
class ThinPlate(Alignment):
    """The thin-plate spline: passes through every pair, and bends as little as it can.

    (Bookstein 1989, "Principal warps".) Far from all pairs it becomes affine.
    """

    knots: Points
    bend: Float64[np.ndarray, "knots 2"]
    affine: Float64[np.ndarray, "3 2"]
    unit: float

    @classmethod
    def through(cls, source: Points, target: Points) -> "ThinPlate":
        """The spline through pairs of points.

        Raises:
            DocumentError: there are fewer than three pairs, they lie on one line, two of them begin
                at the same point, or the spline folds the picture over.
        """
        _check_pairs(source, target, 3, "a thin-plate spline")
        apart = np.linalg.norm(source[:, None] - source[None], axis=2)
        np.fill_diagonal(apart, np.inf)
        if apart.min() < NO_SPREAD:
            i, j = sorted(divmod(int(apart.argmin()), len(source)))
            raise DocumentError(
                f"pairs {i + 1} and {j + 1} both begin at {source[i, 0]:g},{source[i, 1]:g}; take "
                "one out"
            )
        _check_spread(source, "source")
        _check_spread(target, "canvas")
        unit = float(np.linalg.norm(np.ptp(source, axis=0)))
        knots, count = source / unit, len(source)
        system = np.zeros((count + 3, count + 3))
        system[:count, :count] = _kernel(((knots[:, None] - knots[None]) ** 2).sum(axis=2))
        system[:count, count:] = np.column_stack([np.ones(count), knots])
        system[count:, :count] = system[:count, count:].T
        solution = np.linalg.solve(system, np.vstack([target, np.zeros((3, 2))]))
        spline = cls(knots, solution[:count], solution[count:], unit)
        check_unfolded(spline, source)
        return spline

    def at(self, points: Points) -> Points:
        """Where the points come to lie."""
        placed = points / self.unit
        squared = ((placed[:, None] - self.knots[None]) ** 2).sum(axis=2)
        flat = np.column_stack([np.ones(len(placed)), placed])
        return flat @ self.affine + _kernel(squared) @ self.bend

    def jacobian(self, points: Points) -> Matrices:
        """The derivative of the spline at each of the points."""
        offset = points[:, None] / self.unit - self.knots[None]
        squared = np.maximum((offset**2).sum(axis=2), 1e-24)
        slope = (np.log(squared) + 1)[..., None] * offset  # of r^2 log r, with log r^2 / 2
        slope[squared <= 1e-24] = 0
        bent = np.einsum("pki,kj->pji", slope, self.bend)
        return (bent + self.affine[1:].T[None]) / self.unit


def _kernel(squared: Float64[np.ndarray, "a b"]) -> Float64[np.ndarray, "a b"]:
    """r^2 log r of squared distances."""
    return squared * np.log(np.maximum(squared, 1e-300)) / 2


def _check_pairs(source: Points, target: Points, least: int, what: str) -> None:
    if len(source) < least:
        raise DocumentError(
            f"{what} was asked for with {len(source)} pair{'s' * (len(source) != 1)} of points; "
            f"give {least} or more"
        )
    if source.shape != target.shape:
        raise DocumentError(
            f"{len(source)} source points were given for {len(target)} on the canvas; give pairs"
        )


def _check_spread(points: Points, side: str) -> None:
    if np.linalg.svd(points - points.mean(axis=0), compute_uv=False)[-1] < NO_SPREAD:
        raise DocumentError(
            f"the pairs' {side} points lie on one line; add one beside it, or align by similarity"
        )


def check_unfolded(alignment: Alignment, points: Float[np.ndarray, "points 2"]) -> None:
    """Check that neighbours do not change sides.

    Raises:
        DocumentError: they do, at one of the points.
    """
    determinant = np.linalg.det(alignment.jacobian(np.asarray(points, np.float64)))
    if (np.sign(determinant) != np.sign(np.median(determinant))).any():
        x, y = points[int(np.argmin(determinant * np.sign(np.median(determinant))))]
        raise DocumentError(
            f"the pairs fold the picture over near {x:.0f},{y:.0f} of the source; check that their "
            "points lie in the same order"
        )


def alignment_of(how: str, pairs: Any) -> Alignment:
    """The alignment by "similarity" or "thin-plate" from (N, 2, 2) pairs of points.

    Raises:
        DocumentError: the pairs are too few, or lie badly.
    """
    given = np.asarray(pairs, dtype=np.float64).reshape(-1, 2, 2)
    source, target = given[:, 0], given[:, 1]
    if how == "similarity":
        return Affine.similarity(source, target)
    return ThinPlate.through(source, target)

"""Paths: curves through points, walked at constant speed."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float64

from kineograph.core.errors import DocumentError

NO_LENGTH = 1e-6
"""Pixels below which two points are the same."""

SAMPLES = 4096
"""Into about how many pieces a path is cut to measure its length."""


@dataclass(frozen=True, eq=False)
class Path:
    """A curve from the first of its points through all others to the last.

    The curve is a centripetal Catmull-Rom spline (Yuksel et al. 2011, "Parameterization and
    applications of Catmull-Rom curves"): smooth, without loops or cusps between the points, and
    through two points a straight line. It is measured along its length, so that equal steps of
    progress are equal distances.

    Convention: (x, y) in pixels.

    Attributes:
        points: the points that it passes, without repetitions.
        knots: the spline's parameter at each of them.
        slopes: the derivative with respect to the parameter at each of them.
        parameters: finely spaced parameters.
        lengths: the length of the path up to each of these.
    """

    points: Float64[np.ndarray, "points 2"]
    knots: Float64[np.ndarray, " points"]
    slopes: Float64[np.ndarray, "points 2"] | None
    parameters: Float64[np.ndarray, " samples"]
    lengths: Float64[np.ndarray, " samples"]

    @classmethod
    def through(cls, points: Float[np.ndarray, "points 2"], *, straight: bool = False) -> "Path":
        """The path through `points`, smooth or with straight lines between them.

        Raises:
            DocumentError: a point is not finite, or the path has no length.
        """
        passed = _apart(np.asarray(points, dtype=np.float64))
        steps = np.linalg.norm(np.diff(passed, axis=0), axis=1)
        straight = straight or len(passed) == 2
        knots = np.concatenate([[0.0], np.cumsum(steps if straight else np.sqrt(steps))])
        slopes = None if straight else _slopes(passed, knots)
        pieces = int(np.clip(SAMPLES // len(steps), 16, 1024))
        parameters = np.concatenate(
            [np.linspace(a, b, pieces, endpoint=False) for a, b in pairwise(knots)] + [knots[-1:]]
        )
        samples = _evaluate(passed, knots, slopes, parameters)
        lengths = np.cumsum(np.linalg.norm(np.diff(samples, axis=0), axis=1))
        return cls(passed, knots, slopes, parameters, np.concatenate([[0.0], lengths]))

    @property
    def length(self) -> float:
        """Its length in pixels."""
        return float(self.lengths[-1])

    def at(self, progress: Float[np.ndarray, " n"]) -> Float64[np.ndarray, "n 2"]:
        """The point after each share of the length: 0 is the first point, 1 the last."""
        wanted = np.clip(np.asarray(progress, dtype=np.float64), 0.0, 1.0) * self.length
        parameters = np.interp(wanted, self.lengths, self.parameters)
        return _evaluate(self.points, self.knots, self.slopes, parameters)


def _apart(points: Float64[np.ndarray, "points 2"]) -> Float64[np.ndarray, "apart 2"]:
    """The points without those that only repeat the one before."""
    if not np.isfinite(points).all():
        raise DocumentError("a point of the path is not finite; give numbers")
    kept = np.ones(len(points), dtype=bool)
    kept[1:] = np.linalg.norm(np.diff(points, axis=0), axis=1) > NO_LENGTH
    if kept.sum() < 2:
        raise DocumentError(
            "the path has no length; give points that are apart, or use a pin to hold still"
        )
    return points[kept]


def _slopes(
    points: Float64[np.ndarray, "points 2"], knots: Float64[np.ndarray, " points"]
) -> Float64[np.ndarray, "points 2"]:
    """Catmull-Rom derivatives on uneven knots; beyond the ends the path is reflected."""
    steps = np.diff(knots)[:, None]
    rates = np.diff(points, axis=0) / steps
    inner = (rates[:-1] * steps[1:] + rates[1:] * steps[:-1]) / (steps[:-1] + steps[1:])
    return np.concatenate([rates[:1], inner, rates[-1:]])


def _evaluate(
    points: Float64[np.ndarray, "points 2"],
    knots: Float64[np.ndarray, " points"],
    slopes: Float64[np.ndarray, "points 2"] | None,
    parameters: Float64[np.ndarray, " n"],
) -> Float64[np.ndarray, "n 2"]:
    """Points of the spline: cubic Hermite pieces, or straight ones without slopes."""
    piece = np.clip(np.searchsorted(knots, parameters, side="right") - 1, 0, len(knots) - 2)
    step = (knots[piece + 1] - knots[piece])[:, None]
    s = (parameters - knots[piece])[:, None] / step
    first, second = points[piece], points[piece + 1]
    if slopes is None:
        return first * (1 - s) + second * s
    return (
        first * (1 + 2 * s) * (1 - s) ** 2
        + second * s**2 * (3 - 2 * s)
        + step * s * (1 - s) * (slopes[piece] * (1 - s) - slopes[piece + 1] * s)
    )

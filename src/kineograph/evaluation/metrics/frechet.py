"""The Fréchet distance of two sets of features, taken as Gaussians (Dowson and Landau 1982)."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float, Float64

from kineograph.core.errors import EvaluationError

Features = Float[np.ndarray, "_ _"]
"""(items, features)"""

CHUNK = 1024
"""Items that are taken into double precision at once."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of features, gathered piece by piece: what they take does not grow.

    Args:
        count: of items.
        mean: of each feature.
        scatter: the sum over items of the outer product of what they differ from the mean by.
    """

    count: int
    mean: Float64[np.ndarray, " features"]
    scatter: Float64[np.ndarray, "features features"]

    @staticmethod
    def of(features: Features) -> "Moments":
        """The moments of some items.

        Raises:
            EvaluationError: there are none, or a number is not finite.
        """
        _check(features)
        parts = (features[at : at + CHUNK] for at in range(0, len(features), CHUNK))
        return reduce(Moments.merged, map(_moments, parts))

    def merged(self, other: "Moments") -> "Moments":
        """The moments of both sets of items (Chan, Golub, LeVeque 1979).

        Raises:
            EvaluationError: they have different numbers of features.
        """
        _check_pair(len(self.mean), len(other.mean))
        count = self.count + other.count
        apart = other.mean - self.mean
        share = other.count / count
        between = np.outer(apart, apart * (self.count * share))
        return Moments(count, self.mean + share * apart, self.scatter + other.scatter + between)

    @property
    def covariance(self) -> Float64[np.ndarray, "features features"]:
        """The unbiased one, divided by count - 1.

        Raises:
            EvaluationError: a single item has none.
        """
        _check_count(self.count)
        return self.scatter / (self.count - 1)


def frechet(one: Features, other: Features) -> float:
    """The squared Fréchet distance of two sets of features.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), with means and unbiased covariances, in double
    precision (Heusel et al. 2017, arXiv 1706.08500, equation 6). 0 and up, lower is better; only
    comparable between sets of about the same number of items, for it is biased upwards by few.

    Where there are fewer items than features the last term is taken without the covariances: with
    C = A'A the trace of (C1 C2)^(1/2) is the sum of the singular values of A1 A2', a matrix of
    items by items.

    Args:
        one: (n, D).
        other: (m, D); which is which does not matter.

    Raises:
        EvaluationError: a set has fewer than two items, they have different numbers of features,
            or a number is not finite.
    """
    for features in (one, other):
        _check(features)
        _check_count(len(features))
    _check_pair(one.shape[1], other.shape[1])
    if min(len(one), len(other)) > one.shape[1]:
        return frechet_of(Moments.of(one), Moments.of(other))
    (mean, spread), (other_mean, other_spread) = _factor(one), _factor(other)
    mixed = float(np.linalg.svd(spread @ other_spread.T, compute_uv=False).sum())
    traces = float((spread**2).sum() + (other_spread**2).sum())
    return _distance(mean - other_mean, traces, mixed)


def frechet_of(one: Moments, other: Moments) -> float:
    """The same of moments.

    With C1 = F F' the eigenvalues of C1 C2 are those of the symmetric F' C2 F, which has none that
    are complex or, but for rounding, negative: so no root of a matrix is needed.

    Raises:
        EvaluationError: a set has fewer than two items, or they have different numbers of features.
    """
    _check_pair(len(one.mean), len(other.mean))
    first, second = one.covariance, other.covariance
    root = _root(first)
    mixed = np.linalg.eigvalsh(root.T @ second @ root)
    traces = float(np.trace(first) + np.trace(second))
    return _distance(one.mean - other.mean, traces, float(np.sqrt(mixed.clip(0)).sum()))


def _distance(apart: Float64[np.ndarray, " features"], traces: float, mixed: float) -> float:
    return max(0.0, float(apart @ apart) + traces - 2 * mixed)  # rounding may go below


def _root(covariance: Float64[np.ndarray, "_ _"]) -> Float64[np.ndarray, "_ _"]:
    """Some F with F F' = C: Cholesky's, or by eigenvalues where C is singular."""
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return np.asarray(vectors * np.sqrt(values.clip(0)))


def _factor(
    features: Features,
) -> tuple[Float64[np.ndarray, " features"], Float64[np.ndarray, "rows features"]]:
    """The mean, and A with A'A the covariance; of no more rows than there are features."""
    if len(features) > features.shape[1]:
        moments = Moments.of(features)
        return moments.mean, _root(moments.covariance).T
    exact = features.astype(np.float64)
    mean = exact.mean(axis=0)
    exact -= mean
    exact /= np.sqrt(len(exact) - 1)
    return mean, exact


def _moments(features: Features) -> Moments:
    exact = features.astype(np.float64)
    mean = exact.mean(axis=0)
    exact -= mean
    return Moments(len(exact), mean, exact.T @ exact)


def _check(features: Features) -> None:
    if features.ndim != 2 or not features.size:
        raise EvaluationError(
            f"features of shape {features.shape} are no set; they have to be (items, features)"
        )
    if not np.isfinite(features).all():
        raise EvaluationError("a feature is not finite; leave its clip out, or mend its network")


def _check_count(count: int) -> None:
    if count < 2:
        raise EvaluationError(
            "a Fréchet distance needs a covariance, and one item has none; give at least two clips"
        )


def _check_pair(one: int, other: int) -> None:
    if one != other:
        raise EvaluationError(
            f"sets of {one} and {other} features cannot be compared; use one network for both"
        )

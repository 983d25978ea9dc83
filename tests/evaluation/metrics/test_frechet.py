"""The Fréchet distance: closed forms, scipy's root, torchmetrics, few items, many pieces."""

from collections.abc import Callable
from functools import reduce

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.stats import ortho_group
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.metrics.frechet import Moments, frechet, frechet_of


def slow(one: np.ndarray, other: np.ndarray) -> float:
    """The definition, with a root of the product of the covariances."""
    first, second = np.cov(one.T), np.cov(other.T)
    root = np.real(sqrtm(first @ second))
    apart = one.mean(axis=0) - other.mean(axis=0)
    return float(apart @ apart + np.trace(first + second - 2 * root))


def some(seed: int, count: int, width: int, *, off: float = 0.0) -> np.ndarray:
    """Features that hang together, of very different spreads."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(width, width)) * np.linspace(3, 0.1, width)
    return rng.normal(size=(count, width)) @ mixing + off


def exact(count: int, mean: np.ndarray, spread: np.ndarray, seed: int = 0) -> np.ndarray:
    """Items whose mean and covariance are exactly these."""
    drawn = np.random.default_rng(seed).normal(size=(count, len(mean)))
    drawn -= drawn.mean(axis=0)
    white = drawn @ np.linalg.inv(np.linalg.cholesky(np.cov(drawn.T))).T
    return white @ np.linalg.cholesky(spread).T + mean


def test_spheres_have_a_closed_form() -> None:
    """D |m1 - m2|^2 = 4 * 0.25; covariances s^2 I: 4 (s1 - s2)^2."""
    one = exact(50, np.zeros(4), np.eye(4) * 9)
    other = exact(70, np.full(4, 0.5), np.eye(4) * 4, seed=1)
    assert frechet(one, other) == pytest.approx(4 * 0.25 + 4 * (3 - 2) ** 2, rel=1e-10)


def test_covariances_that_commute_have_a_closed_form() -> None:
    turn = ortho_group.rvs(5, random_state=0)
    a, b = np.array([1.0, 2, 3, 4, 0.5]), np.array([2.0, 0.1, 3, 1, 7])
    one, other = (exact(40, np.zeros(5), turn @ np.diag(x) @ turn.T) for x in (a, b))
    assert frechet(one, other) == pytest.approx(((np.sqrt(a) - np.sqrt(b)) ** 2).sum(), rel=1e-10)


def test_one_feature_is_the_distance_of_two_gaussians() -> None:
    one, other = some(0, 30, 1), some(1, 40, 1, off=2)
    spreads = (x.std(ddof=1) for x in (one, other))
    known = (one.mean() - other.mean()) ** 2 + np.subtract(*spreads) ** 2
    assert frechet(one, other) == pytest.approx(float(known), rel=1e-10)


@pytest.mark.parametrize(("counts", "width"), [((300, 200), 20), ((60, 400), 64), ((30, 25), 100)])
def test_it_is_what_the_definition_says(counts: tuple[int, int], width: int) -> None:
    """Enough of both, too few of one, too few of both; the root loses digits where singular."""
    one, other = some(0, counts[0], width), some(1, counts[1], width, off=0.3)
    close = 1e-8 if min(counts) > width else 1e-4
    assert frechet(one, other) == pytest.approx(slow(one, other), rel=close)
    assert frechet(other, one) == pytest.approx(frechet(one, other), rel=1e-9)


class AsTheyAre(nn.Module):
    """A network that gives back its features."""

    num_features = 16

    def forward(self, features: Tensor) -> Tensor:
        return features


def test_it_is_that_of_torchmetrics() -> None:
    one, other = some(2, 200, 16), some(3, 150, 16, off=1)
    theirs = FrechetInceptionDistance(AsTheyAre()).set_dtype(torch.float64)
    theirs.update(torch.from_numpy(one), real=True)
    theirs.update(torch.from_numpy(other), real=False)
    assert frechet(one, other) == pytest.approx(float(theirs.compute()), rel=1e-6)


def test_few_items_are_exact_where_a_root_is_not() -> None:
    """Items on two lines at right angles, among 500 features: nothing in common, so the traces."""
    one, other = np.zeros((6, 500)), np.zeros((9, 500))
    one[:, 3], other[:, 77] = np.arange(6), np.arange(9) * 2.0
    means = 2.5**2 + 8.0**2
    known = means + np.var(np.arange(6), ddof=1) + 4 * np.var(np.arange(9), ddof=1)
    assert frechet(one, other) == pytest.approx(known, rel=1e-12)


def test_the_same_set_is_at_no_distance() -> None:
    for count, width in ((500, 30), (20, 200)):
        features = some(4, count, width)
        assert 0 <= frechet(features, features) < 1e-6 * np.var(features) * width
        moved = features + 0.5
        assert frechet(features, moved) == pytest.approx(0.25 * width, rel=1e-5)


@pytest.mark.filterwarnings("ignore:Matrix is singular")
def test_features_that_do_not_vary() -> None:
    """Dead channels make covariances singular."""
    one, other = some(5, 100, 12), some(6, 100, 12)
    one[:, 3:6], other[:, 5:9] = 1, 2
    assert frechet(one, other) == pytest.approx(slow(one, other), rel=1e-5)


def test_single_precision_far_from_zero() -> None:
    """Sums of squares would lose all digits here; deviations from the mean do not."""
    one, other = some(7, 4000, 6), some(8, 3000, 6)
    near = frechet(one, other)
    assert frechet(one + 1e6, other + 1e6) == pytest.approx(near, rel=1e-6)


def test_moments_of_pieces_are_those_of_the_whole() -> None:
    features = some(9, 2500, 10, off=5)
    whole = Moments.of(features)
    pieces = reduce(Moments.merged, map(Moments.of, np.split(features, (1, 7, 900, 2400))))
    for found in (whole, pieces):
        assert found.count == 2500
        np.testing.assert_allclose(found.mean, features.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(found.covariance, np.cov(features.T), rtol=1e-9, atol=1e-9)
    other = some(10, 300, 10)
    assert frechet_of(pieces, Moments.of(other)) == pytest.approx(frechet(features, other))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda x: x[:1], "one item has none; give at least two clips"),
        (lambda x: x[:0], r"features of shape \(0, 8\) are no set"),
        (lambda x: x[:, :5], "sets of 8 and 5 features cannot be compared"),
        (lambda x: np.where(x > 3, np.nan, x), "a feature is not finite"),
        (lambda x: np.where(x > 3, np.inf, x), "a feature is not finite"),
    ],
)
@pytest.mark.parametrize("count", (5, 40))
def test_what_is_no_set(broken: Callable[[np.ndarray], np.ndarray], said: str, count: int) -> None:
    good = some(11, count, 8)
    with pytest.raises(EvaluationError, match=said):
        frechet(good, broken(good))


def test_a_single_item_has_no_covariance() -> None:
    with pytest.raises(EvaluationError, match="give at least two clips"):
        frechet_of(Moments.of(some(0, 1, 4)), Moments.of(some(0, 9, 4)))

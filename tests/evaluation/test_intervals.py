"""Bootstrap intervals hold the truth as often as they say."""

import numpy as np
import pytest

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.intervals import interval_of, mean_interval
from kineograph.evaluation.metrics.frechet import frechet


def test_the_interval_holds_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        found = mean_interval(rng.normal(3.0, 2.0, 40), rng, samples=400)
        held += found.low <= 3.0 <= found.high
    assert 0.90 <= held / 400 <= 0.98  # 0.95; a percentile interval of 40 is a little too narrow


def test_it_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(1).normal(0, 1, 1000)
    found = mean_interval(values, np.random.default_rng(2))
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 1000**0.5, rel=0.08)
    assert found.value == pytest.approx(values.mean()) and found.count == 1000


def test_nan_is_left_out_and_one_clip_has_no_interval() -> None:
    found = mean_interval(np.array([np.nan, 2.0, np.nan]), np.random.default_rng(0))
    assert found.value == 2.0 and found.count == 1 and np.isnan(found.low) and np.isnan(found.high)


def test_the_same_generator_gives_the_same_interval() -> None:
    values = np.random.default_rng(3).normal(size=30)
    one, other = (mean_interval(values, np.random.default_rng(4)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    ("values", "message"),
    [([np.nan], "no value to average"), ([1.0, np.inf], "a value is infinite")],
)
def test_refused(values: list[float], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        mean_interval(np.array(values), np.random.default_rng(0))


def test_any_statistic() -> None:
    values = np.random.default_rng(5).normal(10, 1, 400)
    found = interval_of(
        400, lambda kept: float(np.log(values[kept].mean())), np.random.default_rng(6), samples=400
    )
    assert found.low < np.log(values.mean()) < found.high
    assert found.high - found.low == pytest.approx(
        2 * 1.966 * values.std() / values.mean() / 20, rel=0.01
    )


def test_the_interval_of_a_frechet_distance_is_around_it_and_as_wide_as_it_scatters() -> None:
    rng = np.random.default_rng(7)

    def sets() -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=(100, 32)), 1.1 * rng.normal(size=(100, 32))

    scatter = float(np.std([frechet(*sets()) for _ in range(100)]))
    one, other = sets()
    found = interval_of(100, lambda kept: frechet(one[kept], other[kept]), rng)
    assert found.low < found.value < found.high
    assert 1 < (found.high - found.low) / (2 * 1.96 * scatter) < 2.5  # never too narrow


def test_the_interval_of_a_set_stays_within_bounds_and_needs_three_clips() -> None:
    values = np.array([1.0, 1.0, 0.9, 1.0])
    rng = np.random.default_rng(8)
    held = interval_of(4, lambda kept: float(values[kept].mean()), rng, bounds=(0.0, 1.0))
    assert held.low < 0.975 < held.high == 1.0
    few = interval_of(2, lambda kept: float(values[kept].mean()), rng)
    assert few.value == 1.0 and np.isnan(few.low) and np.isnan(few.high)

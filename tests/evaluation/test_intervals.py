"""Bootstrap intervals hold the truth as often as they say."""

import numpy as np
import pytest

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.intervals import interval_of, mean_interval


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
    values = np.random.default_rng(5).normal(10, 1, 200)
    found = interval_of(
        200, lambda drawn: float(np.median(values[drawn])), np.random.default_rng(6)
    )
    assert found.low < np.median(values) < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * 1.2533 / 200**0.5, rel=0.4)

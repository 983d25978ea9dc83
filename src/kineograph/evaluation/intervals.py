"""Confidence intervals by bootstrap over clips, or over raters and pairs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from kineograph.core.errors import EvaluationError

LEVEL = 0.95
SAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A value and the interval that holds it with probability `LEVEL`.

    `low` and `high` are NaN where there are too few clips (fewer than 2) to say.
    """

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


def draws(count: int, rng: np.random.Generator, samples: int = SAMPLES) -> Int64[np.ndarray, "_ _"]:
    """(samples, count) indices drawn with replacement: one bootstrap sample a row."""
    return rng.integers(0, count, (samples, count))


def mean_interval(
    values: Float[np.ndarray, " clips"],
    rng: np.random.Generator,
    *,
    samples: int = SAMPLES,
    level: float = LEVEL,
) -> Interval:
    """The mean over clips and its percentile interval (Efron 1979). NaN values are left out.

    Args:
        values: one a clip.
        rng: draws the samples.
        samples: how many.
        level: the probability that the interval is to hold.

    Raises:
        EvaluationError: nothing is left, or a value is infinite.
    """
    held = values[~np.isnan(values)].astype(np.float64)
    if not len(held):
        raise EvaluationError("there is no value to average; no clip could be measured")
    if not np.isfinite(held).all():
        raise EvaluationError("a value is infinite, and has no mean; leave it out or bound it")
    mean = float(held.mean())
    if len(held) < 2:
        return Interval(mean, float("nan"), float("nan"), len(held))
    means = held[draws(len(held), rng, samples)].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high), len(held))


def interval_of(
    count: int,
    statistic: Callable[[Int64[np.ndarray, " drawn"]], float],
    rng: np.random.Generator,
    *,
    samples: int = 200,
    level: float = LEVEL,
) -> Interval:
    """The percentile interval of any statistic of a set of clips (a Fréchet distance).

    Args:
        count: how many clips there are.
        statistic: of the clips with these indices, which may repeat.
        rng: draws the samples.
        samples: how many; each computes the statistic.
        level: the probability that the interval is to hold.
    """
    value = statistic(np.arange(count))
    if count < 2:
        return Interval(value, float("nan"), float("nan"), count)
    found = [statistic(row) for row in draws(count, rng, samples)]
    low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), count)

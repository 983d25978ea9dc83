"""Confidence intervals over clips: by bootstrap of a mean, by jackknife of what is of a set."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from scipy.stats import t

from kineograph.core.errors import EvaluationError

LEVEL = 0.95
SAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A value and the interval that holds it with probability `LEVEL`.

    `low` and `high` are NaN where there are too few clips to say (fewer than 2; of a set, than 3).
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
    statistic: Callable[[Int64[np.ndarray, " kept"]], float],
    rng: np.random.Generator,
    *,
    samples: int = 20,
    level: float = LEVEL,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """The interval of any smooth statistic of a set of clips, such as a Fréchet distance.

    By the grouped jackknife (Shao and Tu 1995, section 2.3): the set is parted into groups, the
    statistic taken without each of them in turn, and Student's t of what these differ by laid
    around its value. No clip ever counts twice: in a bootstrap sample a third of the clips are
    repeats, which shrinks the covariances of a Fréchet distance and moves all of its samples above
    its value.

    Args:
        count: how many clips there are.
        statistic: of the clips with these indices.
        rng: parts them.
        samples: how many groups at most; each computes the statistic once.
        level: the probability that the interval is to hold.
        bounds: the smallest and largest value there can be.

    Returns:
        NaN ends for fewer than 3 clips.
    """
    value = statistic(np.arange(count))
    nothing = Interval(value, float("nan"), float("nan"), count)
    if count < 3:
        return nothing
    groups = np.array_split(rng.permutation(count), min(samples, count))
    without = np.array([statistic(np.delete(np.arange(count), group)) for group in groups])
    held = without[~np.isnan(without)]
    if len(held) < 2:
        return nothing
    error = np.sqrt((len(held) - 1) * held.var())
    reach = float(t.ppf((1 + level) / 2, len(held) - 1) * error)
    low, high = np.clip([value - reach, value + reach], *bounds)
    return Interval(value, float(low), float(high), count)

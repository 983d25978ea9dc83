"""Intervals of shares of votes that are not independent: raters vote often, pairs are shared."""

from math import exp, log

import numpy as np
from jaxtyping import Bool, Int
from scipy.stats import beta, t

from kineograph.evaluation.intervals import LEVEL, Interval


def clustered_interval(
    said: Bool[np.ndarray, " votes"],
    raters: Int[np.ndarray, " votes"],
    pairs: Int[np.ndarray, " votes"],
    *,
    level: float = LEVEL,
) -> Interval:
    """The share of votes that say something, with an interval for other raters and other pairs.

    Votes of one rater are alike, and so are votes on one pair. The variance of the share is that
    by raters, plus that by pairs, less that of single votes (Cameron, Gelbach and Miller 2011,
    "Robust Inference with Multiway Clustering", equation 2.13, each part with its C / (C - 1)), and
    never less than one of the first two. That is what resampling raters, pairs and votes would
    give, without the noise of resampling; resampling raters and pairs at once would count a vote's
    own noise three times (Owen 2007, "The Pigeonhole Bootstrap"). The interval is of Student's t
    with one less than the fewer of raters and pairs, on the scale of log odds. Where all votes are
    alike it is Clopper and Pearson's for as many votes as the fewer of the two.

    Args:
        said: whether each vote says it.
        raters: whose vote it is, any numbers.
        pairs: which pair it is on, any numbers.
        level: the probability that the interval is to hold.

    Returns:
        NaN ends where there are fewer than 2 raters or 2 pairs.
    """
    fewest = min(len(np.unique(raters)), len(np.unique(pairs)))
    by_rater, by_pair = _variance(said, raters), _variance(said, pairs)
    both = by_rater + by_pair - _variance(said, np.arange(len(said)))
    return _interval(said, max(both, by_rater, by_pair), fewest, level)


def plain_interval(said: Bool[np.ndarray, " votes"], *, level: float = LEVEL) -> Interval:
    """The same as if all votes were independent: too narrow, to show the difference."""
    return _interval(said, _variance(said, np.arange(len(said))), len(said), level)


def _variance(said: Bool[np.ndarray, " votes"], cluster: Int[np.ndarray, " votes"]) -> float:
    """Of the mean, if clusters are independent of each other; NaN for a single one."""
    _, which = np.unique(cluster, return_inverse=True)
    sums = np.bincount(which, weights=said - said.mean())
    if len(sums) < 2:
        return float("nan")
    return float((sums**2).sum() / len(said) ** 2 * len(sums) / (len(sums) - 1))


def _interval(
    said: Bool[np.ndarray, " votes"], variance: float, units: int, level: float
) -> Interval:
    share, tail = float(said.mean()), (1 - level) / 2
    if units < 2 or np.isnan(variance):
        return Interval(share, float("nan"), float("nan"), len(said))
    if share == 0:
        return Interval(0.0, 0.0, float(beta.ppf(1 - tail, 1, units)), len(said))
    if share == 1:
        return Interval(1.0, float(beta.ppf(tail, units, 1)), 1.0, len(said))
    reach = float(t.ppf(1 - tail, units - 1)) * variance**0.5 / (share * (1 - share))
    odds = log(share / (1 - share))
    return Interval(share, _share(odds - reach), _share(odds + reach), len(said))


def _share(odds: float) -> float:
    """A share from log odds."""
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0

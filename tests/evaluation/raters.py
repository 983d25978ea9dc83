"""Simulated raters with known preferences."""

import numpy as np
from scipy.special import expit

from kineograph.evaluation.study.votes import Vote, Votes

ASPECTS = ("motion", "text", "image", "quality")


def vote(
    rater: int | str,
    pair: int | str,
    chosen: str | tuple[str, ...],
    *,
    question: str = "overall",
    systems: tuple[str, str] = ("a", "b"),
    first: str | None = None,
    seconds: float = 70.0,
) -> Vote:
    """One answer; the first system is on the left unless another is named."""
    return Vote(
        rater=f"r{rater}",
        pair=f"p{pair}",
        case=f"c{pair}",
        systems=systems,
        question=question,
        chosen=(chosen,) if isinstance(chosen, str) else chosen,
        first=first or systems[0],
        seconds=seconds,
    )


def votes_of(*votes: Vote) -> Votes:
    return Votes(tuple(votes))


def simulated(
    rng: np.random.Generator,
    *,
    raters: int = 20,
    pairs: int = 30,
    each: int = 15,
    lean: float = 0.8,
    by_rater: float = 0.0,
    by_pair: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Choices with log odds `lean` plus an effect of the rater and of the pair.

    Returns:
        Whether the first was chosen, by which rater, on which pair.
    """
    who = np.repeat(np.arange(raters), each)
    what = np.concatenate([rng.permutation(pairs)[:each] for _ in range(raters)])
    odds = lean + rng.normal(0, by_rater, raters)[who] + rng.normal(0, by_pair, pairs)[what]
    return rng.random(len(who)) < expit(odds), who, what


def true_share(lean: float, spread: float) -> float:
    """The share over all raters and pairs there could be."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return float((expit(lean + spread * nodes) * weights).sum() / weights.sum())

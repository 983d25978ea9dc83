"""Comparisons: how often one system was preferred to another, and how sure that is."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kineograph.evaluation.intervals import Interval, mean_interval
from kineograph.evaluation.study.ballots import Ballots
from kineograph.evaluation.study.clustered import clustered_interval, plain_interval


@dataclass(frozen=True)
class Comparison:
    """Two systems on one question.

    Args:
        question: its id.
        systems: the one whose share it is, and the other.
        wins: share of votes for the first, with its interval clustered by rater and pair.
        plain: the same with the interval as if votes were independent, to show the difference.
        majority: share of pairs whose majority chose the first, a tie counting half, with a
            bootstrap interval over pairs (MotiF's TI2V score, arXiv 2412.16153, section 5).
        ties: pairs without a majority.
        raters: how many there were.
        pairs: how many there were.
        votes_a_pair: the least and the most.
        alpha: Krippendorff's alpha over pairs; NaN where it is not defined.
    """

    question: str
    systems: tuple[str, str]
    wins: Interval
    plain: Interval
    majority: Interval
    ties: int
    raters: int
    pairs: int
    votes_a_pair: tuple[int, int]
    alpha: float

    @staticmethod
    def of(question: str, ballots: Ballots, rng: np.random.Generator) -> "Comparison":
        """What ballots say; there has to be at least one.

        Args:
            question: its id.
            ballots: the votes.
            rng: draws the bootstrap samples of the majority.
        """
        won, all_of = ballots.counts
        outcome = np.where(2 * won == all_of, 0.5, np.where(2 * won > all_of, 1.0, 0.0))
        return Comparison(
            question,
            ballots.systems,
            wins=clustered_interval(ballots.won, ballots.raters, ballots.pairs),
            plain=plain_interval(ballots.won),
            majority=mean_interval(outcome, rng),
            ties=int((outcome == 0.5).sum()),
            raters=len(np.unique(ballots.raters)),
            pairs=len(all_of),
            votes_a_pair=(int(all_of.min()), int(all_of.max())),
            alpha=ballots.alpha(),
        )

    def data(self) -> dict[str, Any]:
        """As plain data; what is not defined is None."""
        return {
            "question": self.question,
            "system": self.systems[0],
            "against": self.systems[1],
            "win_rate": interval_data(self.wins),
            "win_rate_if_votes_were_independent": interval_data(self.plain),
            "majority": interval_data(self.majority),
            "ties": self.ties,
            "raters": self.raters,
            "pairs": self.pairs,
            "votes_a_pair": list(self.votes_a_pair),
            "alpha": defined(self.alpha),
        }


def interval_data(interval: Interval) -> dict[str, Any]:
    """An interval as plain data."""
    return {
        "value": defined(interval.value),
        "low": defined(interval.low),
        "high": defined(interval.high),
        "count": interval.count,
    }


def defined(value: float) -> float | None:
    """A number, or None for NaN, which JSON has not."""
    return None if np.isnan(value) else value

"""Ballots: the votes on one question about two systems, as arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from kineograph.core.errors import StudyError
from kineograph.evaluation.study.agreement import MISSING, nominal_alpha
from kineograph.evaluation.study.votes import Vote


@dataclass(frozen=True, eq=False)
class Ballots:
    """Forced choices, one a rater and pair.

    Args:
        systems: the two; of several comparisons together, any two names.
        won: whether the first of `systems` was chosen.
        left: whether what was shown on the left was chosen.
        raters: whose votes they are, numbered from 0.
        pairs: what they are on, numbered from 0.
    """

    systems: tuple[str, str]
    won: Bool[np.ndarray, " votes"]
    left: Bool[np.ndarray, " votes"]
    raters: Int64[np.ndarray, " votes"]
    pairs: Int64[np.ndarray, " votes"]

    @staticmethod
    def of(votes: Sequence[Vote], systems: tuple[str, str]) -> "Ballots":
        """The votes on a choice between two systems.

        Raises:
            StudyError: a vote is no choice of one of its two systems, or a rater voted twice.
        """
        check_choices(votes)
        return Ballots(
            systems,
            won=np.array([vote.chosen[0] == systems[0] for vote in votes], bool),
            left=np.array([vote.chosen[0] == vote.first for vote in votes], bool),
            raters=numbered(vote.rater for vote in votes),
            pairs=numbered(vote.pair for vote in votes),
        )

    @property
    def counts(self) -> tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]:
        """Of each pair, the votes for the first system and all votes."""
        count = int(self.pairs.max(initial=-1)) + 1
        return (
            np.bincount(self.pairs[self.won], minlength=count),
            np.bincount(self.pairs, minlength=count),
        )

    def alpha(self) -> float:
        """Krippendorff's alpha of the raters, pair by pair; see `nominal_alpha`."""
        sizes = (int(x.max(initial=-1)) + 1 for x in (self.raters, self.pairs))
        answers = np.full(tuple(sizes), MISSING)
        answers[self.raters, self.pairs] = self.won
        return nominal_alpha(answers)


def check_choices(votes: Iterable[Vote]) -> None:
    """Check that each is a choice of one of its two systems, and that nobody voted twice.

    Raises:
        StudyError: one is not, or somebody did.
    """
    seen = set()
    for vote in votes:
        if len(vote.chosen) != 1 or vote.chosen[0] not in vote.systems:
            raise StudyError(
                f"rater {vote.rater} answered {vote.question} on pair {vote.pair} by "
                f"{', '.join(vote.chosen) or 'nothing'}; it has to be one of "
                f"{', '.join(vote.systems)}"
            )
        if (vote.rater, vote.pair, vote.question) in seen:
            raise StudyError(
                f"rater {vote.rater} answered {vote.question} on pair {vote.pair} twice; leave "
                "one out"
            )
        seen.add((vote.rater, vote.pair, vote.question))


def numbered(names: Iterable[str]) -> Int64[np.ndarray, " votes"]:
    """Names as numbers from 0, in the order of their first appearance."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)

"""Justifications: why raters preferred a system, as JUICE and MotiF count it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kineograph.core.errors import StudyError
from kineograph.evaluation.intervals import Interval
from kineograph.evaluation.study.ballots import numbered
from kineograph.evaluation.study.clustered import clustered_interval
from kineograph.evaluation.study.comparison import defined, interval_data
from kineograph.evaluation.study.votes import Vote


@dataclass(frozen=True)
class Reason:
    """How often an aspect was why a system was preferred to another.

    Args:
        question: id of the question why.
        systems: the system and the other.
        aspect: id of the aspect.
        share: of all votes of the comparison, those that chose the system and ticked the aspect;
            with its interval clustered by rater and pair. "The percentage of times a particular
            aspect is chosen for the model in the entire evaluation set without majority vote"
            (MotiF, arXiv 2412.16153, section 5). That "all votes" is all of both systems follows
            from its figures: for each system they add up to more than 100 only together.
        among_own: of the votes that chose the system, those that ticked the aspect; NaN if none
            chose it.
        ticked: how many votes did both.
    """

    question: str
    systems: tuple[str, str]
    aspect: str
    share: Interval
    among_own: float
    ticked: int

    def data(self) -> dict[str, Any]:
        """As plain data; what is not defined is None."""
        return {
            "question": self.question,
            "system": self.systems[0],
            "against": self.systems[1],
            "aspect": self.aspect,
            "share": interval_data(self.share),
            "share_among_own": defined(self.among_own),
            "ticked": self.ticked,
        }


def reasons_of(
    votes: Sequence[Vote],
    chosen: Mapping[tuple[str, str], str],
    systems: tuple[str, str],
    aspects: Sequence[str],
) -> list[Reason]:
    """The reasons for either of two systems, aspect by aspect.

    Args:
        votes: on a question why, of one comparison.
        chosen: (rater, pair) to the system that was chosen there.
        systems: the two, in the order of the rows.
        aspects: ids, in the order of the rows.

    Raises:
        StudyError: somebody says why without having chosen, or ticked something unknown.
    """
    _check(votes, chosen, aspects)
    raters, pairs = numbered(v.rater for v in votes), numbered(v.pair for v in votes)
    rows = []
    for system, other in (systems, systems[::-1]):
        own = np.array([chosen[vote.rater, vote.pair] == system for vote in votes], bool)
        for aspect in aspects:
            both = own & np.array([aspect in vote.chosen for vote in votes], bool)
            rows.append(
                Reason(
                    votes[0].question,
                    (system, other),
                    aspect,
                    share=clustered_interval(both, raters, pairs),
                    among_own=float(both.sum() / own.sum()) if own.any() else float("nan"),
                    ticked=int(both.sum()),
                )
            )
    return rows


def _check(
    votes: Sequence[Vote], chosen: Mapping[tuple[str, str], str], aspects: Sequence[str]
) -> None:
    seen = set()
    for vote in votes:
        where = f"rater {vote.rater} on pair {vote.pair}"
        if (vote.rater, vote.pair) not in chosen:
            raise StudyError(f"{where} says why without a choice; leave the answer out")
        if (vote.rater, vote.pair) in seen:
            raise StudyError(f"{where} answered {vote.question} twice; leave one out")
        seen.add((vote.rater, vote.pair))
        unknown = sorted({*vote.chosen} - {*aspects})
        if unknown:
            raise StudyError(
                f"{where} ticked {unknown[0]}; the aspects are {', '.join(aspects) or 'none'}"
            )

"""Votes: what raters said, as plain records that the analysis reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kineograph.core.errors import StudyError


@dataclass(frozen=True)
class Vote:
    """One answer of one rater to one question about one pair of videos.

    Args:
        rater: who answered.
        pair: the comparison: a case and two systems; the same for all who answered it.
        case: what the videos show.
        systems: the two systems of the pair, in alphabetical order.
        question: its id: "follows", "overall", "why".
        chosen: the system that was chosen, alone; or the aspects that were ticked.
        first: the system that was shown on the left.
        seconds: from the pair's first sight to the answer.
    """

    rater: str
    pair: str
    case: str
    systems: tuple[str, str]
    question: str
    chosen: tuple[str, ...]
    first: str
    seconds: float

    def __post_init__(self) -> None:
        if self.first not in self.systems:
            raise StudyError(f"a vote on pair {self.pair} shows {self.first}, not one of its two")


@dataclass(frozen=True)
class Votes:
    """The votes of a study, hidden test questions apart.

    Args:
        votes: of raters who passed every hidden test question.
        discarded: the raters who failed one, whose votes are left out.
        unfinished: raters who have not come to the end; their votes are in `votes`.
    """

    votes: tuple[Vote, ...]
    discarded: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()

    def of(self, question: str) -> tuple[Vote, ...]:
        """The votes on one question."""
        return tuple(vote for vote in self.votes if vote.question == question)


def questions_of(votes: Iterable[Vote]) -> Sequence[str]:
    """The questions that were answered, in the order of their first answer."""
    return tuple(dict.fromkeys(vote.question for vote in votes))

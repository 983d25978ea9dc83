"""What the votes of a study say: win rates, agreement, reasons, times, and whether sides matter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kineograph.core.errors import StudyError
from kineograph.evaluation.intervals import Interval
from kineograph.evaluation.study.ballots import Ballots
from kineograph.evaluation.study.clustered import clustered_interval
from kineograph.evaluation.study.comparison import Comparison, interval_data
from kineograph.evaluation.study.justification import Reason, reasons_of
from kineograph.evaluation.study.protocols import Protocol
from kineograph.evaluation.study.strengths import strengths_of
from kineograph.evaluation.study.votes import Vote, Votes, questions_of


@dataclass(frozen=True)
class Times:
    """Seconds from a pair's first sight to its answer: median, quartiles, and the ends."""

    median: float
    low: float
    high: float
    shortest: float
    longest: float
    count: int


@dataclass(frozen=True)
class Analysis:
    """Everything that votes say.

    Args:
        comparisons: of each question and each two systems.
        reasons: why a system was preferred, if that was asked.
        strengths: of each question on three systems or more, `strengths_of` them.
        left: of each choice, the share that fell on what was shown on the left, with its interval
            clustered by rater and pair; 0.5 if sides do not matter.
        times: how long pairs took.
        raters: whose votes are counted.
        discarded: raters who failed a hidden test question; their votes are left out.
        unfinished: raters who have not come to the end; their votes are counted.
    """

    comparisons: tuple[Comparison, ...]
    reasons: tuple[Reason, ...]
    strengths: Mapping[str, Mapping[str, float]]
    left: Mapping[str, Interval]
    times: Times
    raters: int
    discarded: tuple[str, ...]
    unfinished: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """As plain data for JSON; what is not defined is None."""
        return {
            "comparisons": [row.data() for row in self.comparisons],
            "justification": [row.data() for row in self.reasons],
            "strengths": {name: dict(found) for name, found in self.strengths.items()},
            "left": {name: interval_data(share) for name, share in self.left.items()},
            "seconds": vars(self.times),
            "raters": self.raters,
            "discarded": list(self.discarded),
            "unfinished": list(self.unfinished),
        }


def analyse(
    votes: Votes, protocol: Protocol | None = None, *, system: str | None = None, seed: int = 0
) -> Analysis:
    """What votes say.

    Args:
        votes: of a study.
        protocol: what was asked; without it a question is a choice if every answer is one of the
            two systems, and there may be one choice beside questions why.
        system: whose shares are told wherever it is compared; else those of the first by name.
        seed: of the bootstrap.

    Raises:
        StudyError: there is no vote, the system is unknown, or a vote does not fit its question.
    """
    if not votes.votes:
        raise StudyError(
            f"there is no vote to analyse ({len(votes.discarded)} raters are discarded); wait for "
            "raters, or count those who failed"
        )
    known = sorted({name for vote in votes.votes for name in vote.systems})
    if system is not None and system not in known:
        raise StudyError(f"there is no system {system}; there are: {', '.join(known)}")
    choices, why = _questions(votes, protocol)
    rng = np.random.default_rng(seed)
    held = {question: votes.of(question) for question in (*choices, *why)}
    comparisons = [
        Comparison.of(question, Ballots.of(part, systems), rng)
        for question in choices
        for systems, part in _by_systems(held[question], system)
    ]
    return Analysis(
        tuple(comparisons),
        tuple(_reasons(held, why, protocol, system)),
        {question: found for question in choices if (found := strengths_of(held[question]))},
        {question: _left(held[question]) for question in choices},
        _times(votes.votes),
        len({vote.rater for vote in votes.votes}),
        votes.discarded,
        votes.unfinished,
    )


def _questions(votes: Votes, protocol: Protocol | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """The choices; and of each question why, the choice that it is about."""
    answered = questions_of(votes.votes)
    if protocol is None:
        choices = tuple(q for q in answered if all(map(_is_choice, votes.of(q))))
        rest = [question for question in answered if question not in choices]
        if rest and len(choices) != 1:
            raise StudyError(
                f"it is not clear which choice {rest[0]} is about, there are "
                f"{len(choices)}; give the protocol"
            )
        return choices, dict.fromkeys(rest, choices[0])
    unknown = set(answered) - {question.id for question in protocol.questions}
    if unknown:
        raise StudyError(
            f"there are votes on {', '.join(sorted(unknown))}, which protocol {protocol.name} "
            "does not ask; give the study's own"
        )
    found, why = [], {}
    for question in protocol.questions:
        if question.kind == "choice":
            found.append(question.id)
        else:
            why[question.id] = found[-1]
    return (
        tuple(question for question in found if question in answered),
        {question: choice for question, choice in why.items() if question in answered},
    )


def _is_choice(vote: Vote) -> bool:
    return len(vote.chosen) == 1 and vote.chosen[0] in vote.systems


def _by_systems(
    votes: Iterable[Vote], system: str | None
) -> list[tuple[tuple[str, str], list[Vote]]]:
    """Votes by the two systems that they compare, `system` first where it is one of them."""
    found: dict[tuple[str, str], list[Vote]] = {}
    for vote in votes:
        one, other = sorted(vote.systems)
        found.setdefault((other, one) if other == system else (one, other), []).append(vote)
    return sorted(found.items(), key=lambda item: (item[0][0] != system, item[0]))


def _reasons(
    held: Mapping[str, Sequence[Vote]],
    why: Mapping[str, str],
    protocol: Protocol | None,
    system: str | None,
) -> Iterable[Reason]:
    for question, choice in why.items():
        chosen = {(vote.rater, vote.pair): vote.chosen[0] for vote in held[choice]}
        if protocol is None:
            aspects = sorted({aspect for vote in held[question] for aspect in vote.chosen})
        else:
            asked = next(q for q in protocol.questions if q.id == question)
            aspects = [aspect.id for aspect in asked.aspects]
        for systems, votes in _by_systems(held[question], system):
            yield from reasons_of(votes, chosen, systems, aspects)


def _left(votes: Sequence[Vote]) -> Interval:
    ballots = Ballots.of(votes, votes[0].systems)
    return clustered_interval(ballots.left, ballots.raters, ballots.pairs)


def _times(votes: Iterable[Vote]) -> Times:
    """Of each rater and pair, the time of its last answer."""
    last: dict[tuple[str, str], float] = {}
    for vote in votes:
        key = (vote.rater, vote.pair)
        last[key] = max(last.get(key, 0.0), vote.seconds)
    low, median, high = np.quantile([*last.values()], [0.25, 0.5, 0.75])
    ends = float(min(last.values())), float(max(last.values()))
    return Times(float(median), float(low), float(high), *ends, len(last))

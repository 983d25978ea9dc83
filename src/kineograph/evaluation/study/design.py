"""Who sees which pairs, in which order, which system on which side: balanced, and random else.

Raters come one after the other and some never finish, so no table can be drawn beforehand. Each
rater instead gets the pairs that the fewest have, and sides that even out what those before had.
Ties are broken by a generator of the study's seed and the rater's number: the same raters coming
in the same order get the same tasks.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kineograph.evaluation.study.study_folder import Pair, Study


@dataclass(frozen=True)
class Task:
    """What a rater sees at one position.

    Args:
        item: id of the pair, or of the test question.
        is_test: which of the two.
        swapped: for a pair, whether its second system is the first video; for a test question,
            whether the worse one is.
    """

    item: str
    is_test: bool
    swapped: bool


@dataclass
class Load:
    """What has been given out of one pair.

    Args:
        raters: how many have it.
        swapped: how many of them with its second system as the first video.
    """

    raters: int = 0
    swapped: int = 0


@dataclass
class _Sides:
    """Where the systems of each comparison have been for one rater."""

    lead: Counter[tuple[str, str]] = field(default_factory=Counter)

    def would_swap(self, pair: Pair, load: Load) -> bool | None:
        """The side that evens out: first the pair's raters, then this rater; None if all even."""
        straight = load.raters - load.swapped
        if straight != load.swapped:
            return straight > load.swapped
        lead = self.lead[pair.systems]
        return None if lead == 0 else lead > 0

    def uneven(self, pair: Pair, load: Load) -> int:
        """How uneven this rater's sides become with this pair; smaller is better."""
        swap = self.would_swap(pair, load)
        lead = self.lead[pair.systems]
        return 0 if swap is None else abs(lead + (-1 if swap else 1))

    def put(self, pair: Pair, swap: bool) -> None:
        self.lead[pair.systems] += -1 if swap else 1


def tasks_for(study: Study, number: int, loads: Mapping[str, Load]) -> tuple[Task, ...]:
    """The tasks of a rater in their order; none if every pair has its raters.

    Args:
        study: says how many.
        number: the rater's, counted from 0 in the order of coming.
        loads: pair to what has been given out of it.
    """
    rng = np.random.default_rng([study.seed, number])
    chosen = _chosen(study, loads, rng)
    if not chosen:
        return ()
    tasks = [chosen[index] for index in rng.permutation(len(chosen))]
    for place, test in zip(*_tests(study, number, len(tasks), rng), strict=True):
        tasks.insert(place, test)
    return tuple(tasks)


def _chosen(study: Study, loads: Mapping[str, Load], rng: np.random.Generator) -> list[Task]:
    """The pairs that the fewest have, and their sides."""
    order = rng.permutation(len(study.pairs))
    waiting: dict[int, list[Pair]] = {}
    for index in order:
        pair = study.pairs[int(index)]
        held = loads.get(pair.id, Load()).raters
        if held < study.protocol.raters:
            waiting.setdefault(held, []).append(pair)
    sides = _Sides()
    tasks: list[Task] = []
    cases: Counter[str] = Counter()
    for held in sorted(waiting):
        level = waiting[held]
        while level and len(tasks) < study.tasks:
            pair = _next(level, study.tasks - len(tasks), sides, cases, loads)
            load = loads.get(pair.id, Load())
            swap = sides.would_swap(pair, load)
            swap = bool(rng.integers(2)) if swap is None else swap
            sides.put(pair, swap)
            cases[pair.case] += 1
            tasks.append(Task(pair.id, False, swap))
    return tasks


def _next(
    level: list[Pair],
    wanted: int,
    sides: _Sides,
    cases: Counter[str],
    loads: Mapping[str, Load],
) -> Pair:
    """The next of equally needed pairs: a case that is new to the rater, sides that stay even."""
    if len(level) <= wanted:  # all of them are taken, so their order does not matter
        return level.pop()

    def cost(index: int) -> tuple[int, int]:
        pair = level[index]
        return cases[pair.case], sides.uneven(pair, loads.get(pair.id, Load()))

    return level.pop(min(range(len(level)), key=cost))


def _tests(
    study: Study, number: int, pairs: int, rng: np.random.Generator
) -> tuple[list[int], Sequence[Task]]:
    """Where test questions go, one in each equal part of the way, and which; never the first."""
    count = min(study.protocol.tests, len(study.tests))
    chosen = [study.tests[(number + i) % len(study.tests)] for i in range(count)]
    sides = rng.permutation(np.arange(count) + rng.integers(2)) % 2
    bounds = np.linspace(min(1, pairs), pairs + 1, count + 1)
    places = [int(rng.uniform(bounds[i], bounds[i + 1])) for i in range(count)]
    tasks = [Task(test.id, True, bool(side)) for test, side in zip(chosen, sides, strict=True)]
    return [place + i for i, place in enumerate(places)], tasks

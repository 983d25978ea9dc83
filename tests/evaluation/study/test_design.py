"""Who sees what: balanced over pairs, sides and raters, and the same again from the same seed."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from small_studies import bare_study, quick

from kineograph.evaluation.study.design import Load, Task, tasks_for
from kineograph.evaluation.study.study_folder import Study


def run(study: Study, raters: int) -> list[tuple[Task, ...]]:
    """The tasks of raters who come one after the other and all stay."""
    loads: dict[str, Load] = defaultdict(Load)
    given = []
    for number in range(raters):
        tasks = tasks_for(study, number, loads)
        for task in tasks:
            if not task.is_test:
                loads[task.item].raters += 1
                loads[task.item].swapped += task.swapped
        given.append(tasks)
    return given


def pairs_of(tasks: tuple[Task, ...]) -> list[Task]:
    return [task for task in tasks if not task.is_test]


@pytest.mark.parametrize(("cases", "systems", "tasks"), [(6, 2, None), (10, 3, 7), (30, 2, 20)])
def test_every_pair_gets_its_raters_and_no_more(cases: int, systems: int, tasks: int) -> None:
    protocol = quick("motif", raters=5, tasks=tasks)
    study = bare_study(protocol, cases, tuple("abc"[:systems]))
    given = run(study, 5 * len(study.pairs))
    counts = Counter(task.item for tasks in given for task in pairs_of(tasks))
    assert set(counts.values()) == {5} and len(counts) == len(study.pairs)
    assert given[-1] == ()  # nothing is left for those who come after


@pytest.mark.parametrize("tasks", [None, 5, 8])
def test_sides_are_balanced_for_each_pair_at_any_time(tasks: int | None) -> None:
    study = bare_study(quick("motif", raters=50, tasks=tasks), 10, ("a", "b", "c"))
    lead: Counter[str] = Counter()
    for given in run(study, 40):
        for task in pairs_of(given):
            lead[task.item] += 1 if task.swapped else -1
            assert abs(lead[task.item]) <= 1


@pytest.mark.parametrize(("tasks", "bound"), [(None, 0), (10, 2)])
def test_sides_are_balanced_for_each_rater(tasks: int | None, bound: int) -> None:
    study = bare_study(quick("motif", raters=100, tasks=tasks), 20)
    leads = [
        abs(sum(1 if task.swapped else -1 for task in pairs_of(given))) for given in run(study, 60)
    ]
    assert max(leads) <= bound + 2 * (tasks is not None)
    assert np.mean(leads) <= bound


def test_counts_never_differ_by_more_than_one_while_it_runs() -> None:
    study = bare_study(quick("motif", raters=50, tasks=7), 10, ("a", "b", "c"))
    counts = Counter({pair.id: 0 for pair in study.pairs})
    for given in run(study, 40):
        counts.update(task.item for task in pairs_of(given))
        assert max(counts.values()) - min(counts.values()) <= 1


def test_a_rater_sees_many_cases_rather_than_one_often() -> None:
    study = bare_study(quick("motif", raters=50, tasks=10), 10, ("a", "b", "c"))
    first = pairs_of(run(study, 1)[0])
    assert len({task.item.split(":")[0] for task in first}) == 10


def test_tests_are_spread_out_and_never_first() -> None:
    study = bare_study(quick("motion-prompting", raters=100), 20)
    places = []
    for given in run(study, 60):
        at = [index for index, task in enumerate(given) if task.is_test]
        assert len(at) == 3 and at[0] > 0 and len(given) == 23
        assert len({given[index].item for index in at}) == 3
        places += at
    assert len(set(places)) > 15  # not at places that raters could tell each other
    assert min(places) < 8 and max(places) > 16


def test_the_sides_of_tests_cannot_be_guessed() -> None:
    study = bare_study(quick("motion-prompting", raters=400), 5)
    sides = [task.swapped for given in run(study, 200) for task in given if task.is_test]
    assert 0.42 < np.mean(sides) < 0.58  # 600 fair coins: beyond it once in 10,000


def test_order_differs_between_raters_and_repeats_with_the_seed() -> None:
    study = bare_study(quick("motif", raters=50), 10)
    one, two = run(study, 8), run(study, 8)
    assert one == two
    assert len({tuple(task.item for task in given) for given in one}) == 8
    assert run(study.model_copy(update={"seed": 1}), 8) != one


def test_any_place_is_as_likely_for_a_pair() -> None:
    study = bare_study(quick("motif", raters=2000, tests=0), 5)
    places = defaultdict(list)
    for given in run(study, 300):
        for index, task in enumerate(given):
            places[task.item].append(index)
    for held in places.values():
        assert abs(np.mean(held) - 2) < 0.35  # 4 standard errors of 300 uniform draws of 0..4


def test_one_pair_and_many_tests() -> None:
    study = bare_study(quick("motif", raters=3, tests=2), 1)
    given = run(study, 4)
    assert [len(tasks) for tasks in given] == [3, 3, 3, 0]
    assert all(not tasks[0].is_test for tasks in given[:3])

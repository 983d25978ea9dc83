"""Scheduled sampling: GLIGEN's alpha_type as a schedule."""

import pytest

from kineograph.core.errors import ModelError
from kineograph.models.grounding.scheduled import scheduled_strength


def strengths(steps: int, *stages: float) -> list[float]:
    return [scheduled_strength(step, steps, stages) for step in range(steps)]


def test_by_default_boxes_act_in_the_first_three_tenths() -> None:
    held = [scheduled_strength(step, 50) for step in range(50)]
    assert held == [1.0] * 15 + [0.0] * 35


def test_the_middle_stage_falls_linearly_to_nothing() -> None:
    assert strengths(10, 0.2, 0.5, 0.3) == [1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0, 0, 0]
    assert strengths(4, 0, 1, 0) == [0.75, 0.5, 0.25, 0]
    assert strengths(3, 1, 0, 0) == [1, 1, 1]


@pytest.mark.parametrize("steps", [1, 7, 10, 30, 49, 100])
@pytest.mark.parametrize("stages", [(0.3, 0, 0.7), (0.1, 0.6, 0.3), (0.29, 0.01, 0.7)])
def test_lengths_of_stages_are_rounded_down(steps: int, stages: tuple[float, float, float]) -> None:
    held = strengths(steps, *stages)
    assert held.count(1.0) == int(steps * round(100 * stages[0])) // 100
    assert held == sorted(held, reverse=True)


def test_wrong_stages_and_steps_are_refused() -> None:
    with pytest.raises(ModelError, match=r"the stages \(0.3, 0.3\) of grounding were given; give"):
        scheduled_strength(0, 10, (0.3, 0.3))
    with pytest.raises(ModelError, match="three parts of all steps that add up to 1"):
        scheduled_strength(0, 10, (0.3, 0.3, 0.3))
    with pytest.raises(ModelError, match="step 10 of 10 was given; steps are counted from 0"):
        scheduled_strength(10, 10)

"""Schedules over steps, against numbers worked out by hand."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.strength import Schedule


def values(schedule: Schedule, steps: int) -> list[float]:
    return [schedule.value(step, steps) for step in range(steps)]


@pytest.mark.parametrize("written", [7.5, "7.5", [[0, 7.5]], "0:7.5", "0.4:7.5/1:7.5"])
def test_a_number_holds_at_every_step(written: Any) -> None:
    assert values(Schedule.parse(written), 5) == [7.5] * 5


@pytest.mark.parametrize("written", [[[0, 9], [1, 5]], "0:9/1:5"])
def test_a_line_runs_over_the_share_of_the_steps_that_are_done(written: Any) -> None:
    assert values(Schedule.parse(written), 4) == [9, 8, 7, 6]


def test_values_stay_before_the_first_key_and_after_the_last() -> None:
    assert values(Schedule(((0.25, 1), (0.75, 3))), 8) == [1, 1, 1, 1.5, 2, 2.5, 3, 3]


def test_two_keys_at_a_place_are_a_jump() -> None:
    assert values(Schedule(((0, 1), (0.5, 1), (0.5, 4))), 4) == [1, 1, 4, 4]
    assert values(Schedule(((0, 5), (0, 2))), 2) == [2, 2]


def gligen(full: float, decay: float, steps: int) -> list[float]:
    """GLIGEN's own rule, with its stage lengths cut to whole steps."""
    on, down = int(full * steps), int(decay * steps)
    falling = [1 - (i + 1) / down for i in range(down)]
    return [1.0] * on + falling + [0.0] * (steps - on - down)


def test_gligens_scheduled_sampling() -> None:
    assert values(Schedule.stages(0.3, 0, 0.7), 50) == gligen(0.3, 0, 50)
    assert sum(values(Schedule.stages(0.3, 0, 0.7), 50)) == 15
    assert values(Schedule.stages(1, 0, 0), 7) == [1] * 7
    assert values(Schedule.stages(0, 0, 1), 7) == [0] * 7
    ours, theirs = values(Schedule.stages(0.2, 0.4, 0.4), 50), gligen(0.2, 0.4, 50)
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) <= 1 / 20 + 1e-9
    assert Schedule.parse({"stages": [0.2, 0.4, 0.4]}) == Schedule.stages(0.2, 0.4, 0.4)
    assert Schedule.parse(Schedule.stages(0.3, 0, 0.7).plain()) == Schedule.stages(0.3, 0, 0.7)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(-9, 9)), min_size=1, max_size=5),
    st.integers(1, 40),
)
def test_a_schedule_stays_between_its_keys_and_survives_json(keys: Any, steps: int) -> None:
    schedule = Schedule(tuple(sorted(keys, key=lambda key: key[0])))
    low, high = min(v for _, v in keys), max(v for _, v in keys)
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in values(schedule, steps))
    again = Schedule.parse(json.loads(json.dumps(schedule.plain())))
    assert values(again, steps) == values(schedule, steps)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("strong", "the weight is 'strong'; give a number, or keys"),
        (True, "the weight is True; give a number"),
        (None, "the weight is None; give a number"),
        ([], "the weight has no keys"),
        ([[0, 1], 3], "the weight has the key 3"),
        ([[0, "1"]], r"the weight has the key \[0, '1'\]"),
        ("0:1:2", "the weight is '0:1:2'.*written 7.5 or 0:9/1:5"),
        ("1/2", "the weight is '1/2'"),
        ([[0, 1], [1.5, 2]], "the weight has a key at 1.5"),
        ([[0.5, 1], [0.2, 2]], "the weight has a key at 0.2 after one at 0.5"),
        ("nan", "the weight has the value nan at 0; give a finite number"),
        ([["nan", 1]], "the weight has the key"),
        ({"stages": [0.3, 0.7]}, r"the weight is \{'stages': .*or .\"stages\": .0.3, 0, 0.7"),
        ({"steps": [0.3, 0, 0.7]}, r"the weight is \{'steps'"),
        ({"stages": [0.3, 0, 0.5]}, "the weight has stages of 0.3, 0, 0.5; give three shares"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(written: Any, told: str) -> None:
    with pytest.raises(EngineError, match=told) as caught:
        Schedule.parse(written, "the weight")
    assert "\n" not in str(caught.value)


def test_steps_and_stages_are_checked() -> None:
    with pytest.raises(EngineError, match="step 4 of 4 was asked for; steps count from 0"):
        Schedule.constant(1).value(4, 4)
    with pytest.raises(EngineError, match=r"stages of 0.3, 0, 0.5 were given; give three shares"):
        Schedule.stages(0.3, 0, 0.5)
    with pytest.raises(EngineError, match="a schedule has no keys"):
        Schedule(())


def test_pydantic_models_hold_schedules() -> None:
    class Settings(BaseModel):
        strength: Schedule = Schedule.constant(1)

    assert Settings().strength.value(0, 1) == 1
    made = Settings.model_validate({"strength": [[0, 1], [1, 0]]})
    assert made.model_dump(mode="json") == {"strength": [[0.0, 1.0], [1.0, 0.0]]}
    assert str(made.strength) == "0:1/1:0"
    assert "anyOf" in Settings.model_json_schema()["properties"]["strength"]
    with pytest.raises(ValidationError, match=r"strength\n.*is 'x'; give a number"):
        Settings.model_validate({"strength": "x"})

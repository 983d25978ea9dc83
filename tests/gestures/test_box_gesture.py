"""Boxes between their keys, hard and soft."""

import numpy as np
import pytest

from kineograph.core.boxes import Boxes
from kineograph.core.errors import DocumentError
from kineograph.core.state import State
from kineograph.gestures.box import Box
from kineograph.gestures.scene import Scene

SCENE = Scene(size=(320, 240), frames=9, fps=8)
FIRST, SECOND = (0, 0, 40, 20), (160, 80, 240, 60 + 80)


def expand(*keys: dict, **fields) -> Boxes:
    boxes = Box(keys=keys, **fields).expand(SCENE).boxes
    assert boxes is not None
    return boxes


def test_corners_are_linear_between_the_keys() -> None:
    boxes = expand({"box": FIRST}, {"box": SECOND}, label="dog")
    share = np.arange(9)[:, None] / 8
    expected = np.array(FIRST) * (1 - share) + np.array(SECOND) * share
    np.testing.assert_allclose(boxes.boxes[0], expected, atol=1e-4)
    assert boxes.labels == ("dog",) and boxes.hard.all() and boxes.visible.all()


def test_keys_may_say_when_and_others_are_spread_between() -> None:
    boxes = expand(
        {"box": FIRST},
        {"box": (80, 0, 120, 20), "at": 0.25},
        {"box": (90, 0, 130, 20)},
        {"box": (100, 0, 140, 20)},
    )
    np.testing.assert_allclose(boxes.boxes[0, [0, 1, 2, 5, 8], 0], [0, 40, 80, 90, 100], atol=1e-4)


def test_between_a_hard_and_a_soft_key_it_is_soft() -> None:
    boxes = expand({"box": FIRST}, {"box": FIRST, "at": 0.5}, {"box": SECOND, "hard": False})
    assert boxes.hard[0].tolist() == [True] * 5 + [False] * 4


def test_a_hard_key_between_soft_ones_is_hard_for_its_frame() -> None:
    soft = {"box": FIRST, "hard": False}
    boxes = expand(soft, {"box": FIRST, "at": 0.5}, soft)
    assert boxes.hard[0].tolist() == [False] * 4 + [True] + [False] * 4


def test_outside_its_time_span_it_is_open_unless_it_persists() -> None:
    keys = ({"box": FIRST}, {"box": SECOND})
    span = {"start": 0.25, "end": 0.75}
    assert expand(*keys, **span).state[0].tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0]
    held = expand(*keys, **span, persist=True)
    assert held.visible.all()
    np.testing.assert_allclose(
        held.boxes[0, :, 0], [0, 0, 0, 40, 80, 120, 160, 160, 160], atol=1e-4
    )


def test_one_key_stays_and_timing_eases() -> None:
    assert (expand({"box": FIRST}).boxes[0] == np.array(FIRST)).all()
    eased = expand({"box": FIRST}, {"box": SECOND}, timing="ease-in").boxes[0, :, 0]
    assert eased[0] == 0 and eased[8] == 160 and eased[4] < 0.4 * 160


def test_an_object_that_left_is_occluded() -> None:
    boxes = expand({"box": (300, 0, 320, 20)}, {"box": (380, 0, 400, 20)}, leave=True)
    assert boxes.state[0].tolist() == [1, 1] + [int(State.OCCLUDED)] * 7


def test_through_is_short_for_plain_keys() -> None:
    assert Box.through(FIRST, SECOND, label="dog") == Box(
        keys=[{"box": FIRST}, {"box": SECOND}], label="dog"
    )


@pytest.mark.parametrize(
    ("keys", "fields", "message"),
    [
        ([(0, 0, 0, 5)], {}, r"box: keys\[0\] is the box 0,0,0,5, which has no area"),
        ([], {}, "keys has 0 entries; give 1 or more"),
        (
            [(0, 0, 321, 5)],
            {},
            "box 1 at 0,0,321,5 reaches outside the picture of 320x240; .*leave",
        ),
        ([FIRST], {"strength": 0.5}, "a box takes none, so leave it out or make its keys soft"),
    ],
)
def test_bad_boxes(keys: list, fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        expand(*[{"box": box} for box in keys], **fields)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ((0.5, 0.5), "key at 0.5 s after one at 0.5 s; give the keys in order of time"),
        ((0, 1.1), "box 2 is at 1.1 s; the gesture lasts from 0 s to 1 s"),
        ((None, 0, None), "3 boxes do not fit between 0 s and 1 s in this order"),
    ],
)
def test_bad_times(times: tuple, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        expand(*[{"box": FIRST, "at": at} for at in times])

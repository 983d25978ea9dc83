"""Timing: easing curves against known values, order of keys, the clock."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kineograph.core.errors import DocumentError
from kineograph.core.timing import EASINGS, Curve, Key, frame_times

UNIT = np.linspace(0.0, 1.0, 101)


def test_frame_i_is_at_i_over_fps():
    assert frame_times(4, 16).tolist() == [0.0, 1 / 16, 2 / 16, 3 / 16]
    assert frame_times(1, 23.976).tolist() == [0.0]


@pytest.mark.parametrize(
    ("frames", "fps", "message"),
    [
        (0, 16, "a clip has 0 frames; give at least 1"),
        (4, 0, "a clip has 0 frames a second; give a positive number"),
        (4, float("nan"), "a clip has nan frames a second; give a positive number"),
    ],
)
def test_a_clock_without_frames_is_refused(frames, fps, message):
    with pytest.raises(DocumentError) as caught:
        frame_times(frames, fps)
    assert str(caught.value) == message


def test_linear_is_the_identity():
    np.testing.assert_array_equal(Curve.named("linear")(UNIT), UNIT)


@pytest.mark.parametrize(
    ("easing", "at", "expected"),
    [  # read off the parametric form: x(s), y(s) at s = 1/2 and s = 1/4
        ("ease-in-out", 0.5, 0.5),
        ("ease-in", 0.5 * (0.75 * 0.42 + 0.75 * 1 + 0.25), None),
        ("ease", 0.75 * 0.25 * 0.5 + 0.75 * 0.25 * 0.5 + 0.125, 0.75 * 0.1 * 0.5 + 0.375 + 0.125),
    ],
)
def test_easings_pass_through_their_bezier(easing, at, expected):
    x1, y1, x2, y2 = EASINGS[easing]
    s = np.linspace(0, 1, 9)
    x = 3 * (1 - s) ** 2 * s * x1 + 3 * (1 - s) * s**2 * x2 + s**3
    y = 3 * (1 - s) ** 2 * s * y1 + 3 * (1 - s) * s**2 * y2 + s**3
    np.testing.assert_allclose(Curve.named(easing)(x), y, atol=1e-12)
    if expected is not None:
        assert Curve.named(easing)(np.array([at]))[0] == pytest.approx(expected, abs=1e-12)


def test_ease_in_and_ease_out_mirror_each_other():
    np.testing.assert_allclose(
        Curve.named("ease-in")(UNIT), 1 - Curve.named("ease-out")(1 - UNIT), atol=1e-12
    )
    assert (
        Curve.named("ease-in")(np.array([0.25]))[0]
        < 0.25
        < Curve.named("ease-out")(np.array([0.25]))
    )


def test_hold_waits_for_the_next_key():
    assert Curve.named("hold")(np.array([0.0, 0.5, 0.999, 1.0])).tolist() == [0, 0, 0, 1]


def test_each_key_eases_its_own_segment_and_the_ends_are_constant():
    curve = Curve((Key(1, 10), Key(2, 20, "hold"), Key(3, 0)))
    times = np.array([-5.0, 1.0, 1.5, 2.0, 2.9, 3.0, 99.0])
    assert curve(times).tolist() == [10, 10, 15, 20, 20, 0, 0]


def test_one_key_is_a_constant():
    assert Curve((Key(1, 7),))(np.array([0.0, 1.0, 2.0])).tolist() == [7, 7, 7]


@settings(max_examples=30, deadline=None)
@given(easing=st.sampled_from(sorted(EASINGS)), values=st.tuples(*[st.floats(-1e3, 1e3)] * 2))
def test_easings_hit_both_ends_and_never_turn_back(easing, values):
    curve = Curve((Key(0.0, values[0], easing), Key(1.0, values[1])))
    result = curve(UNIT)
    assert (result[0], result[-1]) == values
    assert (np.diff(result) * np.sign(values[1] - values[0]) >= -1e-9).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Key(0, 1, "bouncy"),
            "easing 'bouncy' is unknown; choose one of "
            "linear, ease, ease-in, ease-out, ease-in-out, hold",
        ),
        (
            lambda: Key(float("nan"), 1),
            "a timing key has time nan and value 1; give finite numbers",
        ),
        (lambda: Curve(()), "a timing curve has no keys; give at least one"),
        (
            lambda: Curve((Key(1, 0), Key(1, 2))),
            "a timing key at 1 follows one at 1; "
            "give the keys in order of time, no two at the same instant",
        ),
    ],
)
def test_bad_keys_say_what_to_do(make, message):
    with pytest.raises(DocumentError) as caught:
        make()
    assert str(caught.value) == message

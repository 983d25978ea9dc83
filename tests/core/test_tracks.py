"""Tracks: what they accept, and what each operation does to points and states."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kineograph.core.checks import check_array
from kineograph.core.errors import TracksError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks

FREE, SEEN, HIDDEN = (int(state) for state in State)


def tracks(points, state=None, *, size=(64, 48), fps=16, **more):
    return Tracks.of(points, state, size=size, fps=fps, **more)


@st.composite
def any_tracks(draw, optional=True):
    """What makes random tracks of every state, with or without the optional arrays.

    Not the tracks themselves: beartype draws from `random`, which Hypothesis forbids in here.
    """
    count, frames = draw(st.integers(0, 5)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    more = {}
    if optional and draw(st.booleans()):
        more["group"] = rng.integers(-1, 4, count)
        more["depth"] = rng.normal(size=(count, frames))
        more["strength"] = rng.uniform(size=count)
    return partial(
        tracks,
        rng.uniform(-20, 80, (count, frames, 2)),
        rng.integers(0, 3, (count, frames)),
        **more,
    )


def same(first, second):
    """Bit for bit."""
    assert (first.size, first.fps) == (second.size, second.fps)
    for name in ("points", "state", "group", "depth", "strength"):
        one, other = getattr(first, name), getattr(second, name)
        assert (one is None) == (other is None), name
        if one is not None:
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other, err_msg=name)


# what they accept


def test_of_makes_the_declared_types():
    made = tracks(np.zeros((2, 3, 2), int), group=4, depth=[[1], [2]], strength=1)
    assert (made.points.dtype, made.state.dtype) == (np.float32, np.uint8)
    assert (made.count, made.frames, made.size, made.fps) == (2, 3, (64, 48), 16.0)
    assert made.visible.all() and made.specified.all()
    assert made.group.tolist() == [4, 4]
    assert made.depth.tolist() == [[1, 1, 1], [2, 2, 2]]
    assert repr(made) == "Tracks(2 tracks, 3 frames of 64x48 at 16 fps)"


def test_nan_is_unspecified_and_booleans_are_visibility():
    made = tracks([[[1, 2], [np.nan, 0], [3, 4]]], np.array([[True, True, False]]))
    assert made.state.tolist() == [[SEEN, FREE, HIDDEN]]
    assert made.points[0, 1].tolist() == [0, 0]


def test_there_may_be_no_tracks_at_all():
    made = tracks(np.zeros((0, 3, 2)), group=1, depth=1)
    assert made.merge(made).resize((8, 8)).resample(5).filter(min_motion=1).count == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: tracks(np.zeros((2, 3))),
            "points is (2, 3); it has to be (tracks, frames, 2)",
        ),
        (
            lambda: tracks(np.zeros((2, 0, 2))),
            "tracks of 0 frames were given; give at least 1 frame",
        ),
        (
            lambda: tracks([[[np.inf, 0]]]),
            "points holds inf at [0, 0, 0]; give finite numbers "
            "(what is not known is marked in the state)",
        ),
        (
            lambda: tracks([[[0, 0]]], [[3]]),
            "a state is none of 0 (unspecified), 1 (visible) and 2 (occluded); give one of them",
        ),
        (
            lambda: tracks([[[0, 0]]], [[1, 1]]),
            "state is uint8 (1, 2); it has to be uint8 (1, 1)",
        ),
        (
            lambda: tracks([[[0, 0]]], group=[1, 2]),
            "group is int64 (2,); it has to fit (1,)",
        ),
        (
            lambda: tracks([[[0, 0]]], group=0.5),
            "a group id is no whole number up to 2147483647; give integers",
        ),
        (
            lambda: tracks([[[0, 0]]], depth=np.nan),
            "depth holds NaN; give numbers, smaller is nearer, inf is farthest",
        ),
        (
            lambda: tracks([[[0, 0]]], strength=1.5),
            "strength holds a value outside 0..1; give 0 to 1",
        ),
        (
            lambda: tracks([[[0, 0]]], size=(64, 47.5)),
            "a picture size of 64, 47.5 was given; "
            "give width and height as two positive whole numbers",
        ),
        (
            lambda: tracks([[[0, 0]]], fps=-1),
            "-1 frames a second were given; give a positive number",
        ),
        (
            lambda: check_array("points", np.zeros((1, 1, 2)), np.float32, (None, None, 2)),
            "points is float64 (1, 1, 2); it has to be float32 (any, any, 2)",
        ),
        (
            lambda: Tracks(
                np.zeros((1, 1, 2), np.float32), np.full((1, 1), 7, np.uint8), (4, 4), 16.0
            ),
            "state holds 7 at [0, 0]; it has to be 0 (unspecified), 1 (visible) or 2 (occluded)",
        ),
    ],
)
def test_malformed_tracks_say_what_is_wrong(make, message):
    with pytest.raises(TracksError) as caught:
        make()
    assert str(caught.value) == message


# space


def test_resize_multiplies():
    made = tracks([[[0.5, 0.5], [64, 48]]]).resize((128, 24))
    assert made.points.tolist() == [[[1.0, 0.25], [128, 24]]]
    assert made.size == (128, 24)


@settings(max_examples=25, deadline=None)
@given(any_tracks(), st.tuples(*[st.integers(1, 2048)] * 2))
def test_resize_there_and_back(make, size):
    made = make()
    back = made.resize(size).resize(made.size)
    np.testing.assert_allclose(back.points, made.points, rtol=1e-6)
    np.testing.assert_array_equal(back.state, made.state)


def test_crop_shifts_and_hides_what_leaves():
    made = tracks([[[10, 10], [20, 20], [5, 5], [30, 10]]], [[1, 1, 1, 0]]).crop((10, 8, 20, 30))
    assert made.points.tolist() == [[[0, 2], [10, 12], [-5, -3], [20, 2]]]
    # x = W is outside; a free point stays free
    assert made.state.tolist() == [[SEEN, HIDDEN, HIDDEN, FREE]]
    assert made.size == (10, 22)


@settings(max_examples=25, deadline=None)
@given(any_tracks(), st.tuples(*[st.integers(0, 50)] * 4))
def test_pad_is_undone_by_crop(make, sides):
    made = make()
    left, top, _, _ = sides
    made = made.hide_outside()
    back = made.pad(*sides).crop((left, top, left + 64, top + 48))
    np.testing.assert_allclose(back.points, made.points, atol=1e-5)
    np.testing.assert_array_equal(back.state != FREE, made.state != FREE)
    # a point a hair inside the right border may be rounded onto it
    inner = (made.points < [63.99, 47.99]).all(axis=2)
    np.testing.assert_array_equal(back.state[inner], made.state[inner])


def test_hide_outside_knows_the_border():
    made = tracks([[[0, 0], [63.99, 47.99], [64, 0], [0, 48], [-0.01, 0]]]).hide_outside()
    assert made.state.tolist() == [[SEEN, SEEN, HIDDEN, HIDDEN, HIDDEN]]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda made: made.crop((0, 0, 65, 48)),
            "a crop to 0, 0, 65, 48 was asked for; it has to lie inside the picture of 64x48 and "
            "hold a pixel; use pad() to grow a picture",
        ),
        (
            lambda made: made.crop((0, 0, 6.5, 48)),
            "a crop to 0, 0, 6.5, 48 was asked for; give x0, y0, x1, y1 as whole pixels",
        ),
        (
            lambda made: made.pad(0, -1, 0, 0),
            "padding by 0, -1, 0, 0 was asked for; give 0 or more at each side, or use crop()",
        ),
        (
            lambda made: made.resample(frames=0),
            "resampling to 0 frames was asked for; give at least 1",
        ),
        (
            lambda made: made.resample(fps=0),
            "0 frames a second were given; give a positive number",
        ),
        (
            lambda made: made.subsample(3, np.random.default_rng(0)),
            "3 tracks were asked for; there are 2",
        ),
        (
            lambda made: made.select(np.array([True])),
            "a mask of 1 was given for 2 tracks",
        ),
        (
            lambda made: made.select(np.array([0, 2])),
            "track 2 was asked for; there are tracks 0 to 1",
        ),
        (
            lambda made: made.merge(made.resize((32, 32))),
            "the tracks to merge differ: 3 frames of 32x32 at 16 fps and 3 frames of 64x48 at "
            "16 fps; resize and resample them to one first",
        ),
        (
            lambda made: Tracks.merge(),
            "no tracks to merge were given; give at least one",
        ),
        (
            lambda made: made.compose(made.select(np.array([0]))),
            "2 tracks were to be composed with 1; give one moving track for each",
        ),
    ],
)
def test_impossible_operations_say_what_to_do(act, message):
    with pytest.raises(TracksError) as caught:
        act(tracks(np.zeros((2, 3, 2))))
    assert str(caught.value) == message


# time


def test_resample_is_linear_and_keeps_the_seconds():
    made = tracks([[[0, 0], [10, 20], [20, 40]]], depth=[[0, np.inf, np.inf]]).resample(fps=32)
    assert made.points[0, :, 0].tolist() == [0, 5, 10, 15, 20]
    assert made.fps == 32
    assert made.visible.all()
    assert made.depth.tolist() == [[0, np.inf, np.inf, np.inf, np.inf]]


def test_resample_takes_the_more_cautious_state():
    made = tracks(np.ones((1, 5, 2)), [[SEEN, SEEN, HIDDEN, FREE, SEEN]]).resample(fps=32)
    expected = [SEEN, SEEN, SEEN, HIDDEN, HIDDEN, FREE, FREE, FREE, SEEN]
    assert made.state.tolist() == [expected]


def test_beyond_the_end_nobody_says():
    made = tracks(np.ones((1, 3, 2))).resample(frames=5)
    assert made.state.tolist() == [[SEEN, SEEN, SEEN, FREE, FREE]]
    assert tracks(np.ones((1, 3, 2))).resample(frames=2).frames == 2


@pytest.mark.parametrize("fps", [12, 24, 25, 30, 48, 60, 23.976])
def test_resample_follows_a_straight_motion_at_any_fps(fps):
    seconds = np.arange(49) / 16
    made = tracks((seconds[:, None] * [7.0, -3.0])[None]).resample(fps=fps)
    assert made.frames == int(48 / 16 * fps + 1e-9) + 1
    assert made.visible.all()
    expected = np.arange(made.frames)[:, None] / fps * [7.0, -3.0]
    np.testing.assert_allclose(made.points[0], expected, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(any_tracks(), st.integers(1, 6))
def test_a_whole_multiple_of_the_fps_and_back_changes_nothing(make, times):
    made = make()
    free = (made.state == FREE)[..., None]
    back = made.resample(fps=made.fps * times).resample(fps=made.fps)
    np.testing.assert_array_equal(back.state, made.state)
    np.testing.assert_allclose(back.points, np.where(free, 0, made.points), atol=1e-4)


def test_an_instant_a_rounding_error_beside_a_frame_is_on_it():
    state = np.array([[SEEN, FREE, FREE] * 50], np.uint8)
    made = tracks(np.ones((1, 150, 2)), state, fps=0.3).resample(fps=0.1)  # 0.3 / 0.1 < 3
    assert made.frames == 50
    assert made.visible.all()


def test_gaps_are_filled_without_inventing_visibility():
    state = [[FREE, SEEN, FREE, FREE, SEEN, FREE, HIDDEN, FREE]]
    x = [9, 10, 0, 0, 40, 0, 60, 9]
    made = tracks([[[value, value] for value in x]], state)
    filled = made.interpolate_gaps()
    assert filled.points[0, :, 0].tolist() == [9, 10, 20, 30, 40, 50, 60, 9]
    np.testing.assert_array_equal(filled.state, made.state)
    hidden = made.interpolate_gaps(max_gap=1, hidden=True)
    assert hidden.points[0, :, 0].tolist() == [9, 10, 0, 0, 40, 50, 60, 9]
    assert hidden.state.tolist() == [[FREE, SEEN, FREE, FREE, SEEN, HIDDEN, HIDDEN, FREE]]


@settings(max_examples=25, deadline=None)
@given(any_tracks(), st.booleans())
def test_filling_gaps_never_touches_what_is_known(make, hidden):
    made = make()
    filled = made.interpolate_gaps(hidden=hidden)
    np.testing.assert_array_equal(filled.visible, made.visible)
    np.testing.assert_array_equal(filled.points[made.specified], made.points[made.specified])


# choice


def test_select_takes_every_array_along():
    made = tracks(np.arange(12).reshape(3, 2, 2), group=[5, 6, 7], depth=1, strength=[0, 0.5, 1])
    by_mask, by_index = (
        made.select(np.array([False, True, True])),
        made.select(np.array([1, 2])),
    )
    same(by_mask, by_index)
    assert by_mask.group.tolist() == [6, 7]
    assert made.select(np.array([2, 0])).points[:, 0, 0].tolist() == [8, 0]


def test_subsample_draws_without_replacement_in_order():
    made = tracks(np.arange(100)[:, None, None] * np.ones((1, 2, 2)))
    drawn = made.subsample(40, np.random.default_rng(3)).points[:, 0, 0]
    assert len(set(drawn.tolist())) == 40
    assert (np.diff(drawn) > 0).all()
    again = made.subsample(40, np.random.default_rng(3)).points[:, 0, 0]
    np.testing.assert_array_equal(drawn, again)


def test_filter_by_visible_frames_and_motion():
    points = np.zeros((3, 3, 2))
    points[1, 2] = [3, 4]
    points[2, 1] = [300, 0]
    made = tracks(points, [[1, 1, 1], [1, 1, 2], [1, 0, 0]])
    assert made.filter(min_motion=5).count == 1  # what is unspecified does not count as motion
    assert made.filter(min_motion=5.1).count == 0
    assert made.filter(min_visible=2).count == 2


def test_merge_fills_what_only_some_have():
    first = tracks(np.zeros((1, 2, 2)), group=3)
    second = tracks(np.ones((2, 2, 2)), depth=2, strength=0.5)
    made = Tracks.merge(first, second)
    assert made.group.tolist() == [3, -1, -1]
    assert made.depth.tolist() == [[np.inf, np.inf], [2, 2], [2, 2]]
    assert made.strength.tolist() == [1, 0.5, 0.5]
    same(made, first.merge(second))
    assert first.merge(first).depth is None
    assert first.with_group(9).merge(first).group.tolist() == [9, 3]


# composition


def test_displacements_start_at_the_first_specified_frame():
    made = tracks([[[50, 50], [1, 2], [4, 6]]], [[FREE, HIDDEN, SEEN]])
    assert made.displacements().tolist() == [[[0, 0], [0, 0], [3, 4]]]


def test_compose_adds_object_motion_to_camera_motion():
    camera = tracks([[[10, 10], [12, 10], [14, 10]]] * 3, depth=5)
    moving = tracks([[[30, 5], [30, 6], [30, 9]]] * 3, [[1, 1, 1], [1, 2, 1], [0, 1, 1]], group=1)
    made = camera.compose(moving)
    assert made.points[0].tolist() == [[10, 10], [12, 11], [14, 14]]
    assert made.points[2].tolist() == [[10, 10], [12, 10], [14, 13]]
    assert made.state.tolist() == [[1, 1, 1], [1, 2, 1], [0, 1, 1]]
    assert made.group.tolist() == [1, 1, 1]
    assert made.depth[0, 0] == 5


@settings(max_examples=25, deadline=None)
@given(any_tracks(optional=False))
def test_composing_with_what_stands_still_changes_no_point(make):
    made = make()
    still = tracks(np.ones(made.points.shape))
    same(made.compose(still), made)
    # and the moving tracks over a still base move as they did
    np.testing.assert_allclose(still.compose(made).displacements(), made.displacements(), atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(make=any_tracks())
def test_saved_tracks_load_bit_for_bit(tmp_path_factory, make):
    made = make()
    path = tmp_path_factory.mktemp("tracks") / "some.npz"
    made.save(path)
    same(Tracks.load(path), made)


def test_a_list_selects() -> None:
    tracks = Tracks.of(np.arange(12.0).reshape(3, 2, 2), size=(64, 64), fps=8)
    np.testing.assert_array_equal(tracks.select([2, 0]).points, tracks.points[[2, 0]])
    np.testing.assert_array_equal(tracks.select([True, False, True]).points, tracks.points[::2])
    assert tracks.select([]).count == 0
    with pytest.raises(TracksError, match=r"^track 3 was asked for; there are tracks 0 to 2$"):
        tracks.select([0, 3])


def test_a_seed_is_no_generator() -> None:
    tracks = Tracks.of(np.zeros((3, 2, 2)), size=(64, 64), fps=8)
    with pytest.raises(
        TracksError, match=r"^the randomness 0 was given; a numpy Generator is need"
    ):
        tracks.subsample(2, 0)

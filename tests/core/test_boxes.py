"""Boxes: keys, overlap with known answers, and the tracks they are lowered to."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kineograph.core.boxes import Boxes
from kineograph.core.errors import TracksError
from kineograph.core.state import State

FREE, SEEN, HIDDEN = (int(state) for state in State)


def boxes(corners, state=None, *, size=(64, 48), fps=16, **more):
    return Boxes.of(corners, state, size=size, fps=fps, **more)


@st.composite
def any_boxes(draw):
    """What makes random boxes; not the boxes, since beartype draws from `random`."""
    count, frames = draw(st.integers(0, 4)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    corner = rng.uniform(-20, 60, (count, frames, 2))
    corners = np.concatenate([corner, corner + rng.uniform(0, 40, corner.shape)], axis=2)
    more = {}
    if draw(st.booleans()):
        more = {"group": rng.integers(0, 5, count), "depth": rng.normal(size=count)}
    letters = st.characters(exclude_characters="\0", exclude_categories=("Cs",))
    labels = draw(st.lists(st.text(letters, max_size=5), min_size=count, max_size=count))
    return partial(
        boxes,
        corners,
        rng.integers(0, 3, (count, frames)),
        labels=labels,
        hard=rng.uniform(size=(count, frames)) < 0.5,
        **more,
    )


def same(first, second):
    assert (first.size, first.fps, first.labels) == (second.size, second.fps, second.labels)
    for name in ("boxes", "state", "hard", "group", "depth"):
        one, other = getattr(first, name), getattr(second, name)
        assert (one is None) == (other is None), name
        if one is not None:
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other, err_msg=name)


@settings(max_examples=25, deadline=None)
@given(make=any_boxes())
def test_saved_boxes_load_bit_for_bit(tmp_path_factory, make):
    made = make()
    path = tmp_path_factory.mktemp("boxes") / "some.npz"
    made.save(path)
    same(Boxes.load(path), made)


@settings(max_examples=25, deadline=None)
@given(any_boxes(), st.tuples(*[st.integers(1, 2048)] * 2))
def test_resize_there_and_back(make, size):
    made = make()
    back = made.resize(size).resize(made.size)
    np.testing.assert_allclose(back.boxes, made.boxes, rtol=1e-6)


def test_resize_multiplies_and_moves_centres_with_it():
    made = boxes([[[0, 0, 64, 48], [10, 20, 30, 30]]]).resize((32, 96))
    assert made.boxes.tolist() == [[[0, 0, 32, 96], [5, 40, 15, 60]]]
    assert made.centres.tolist() == [[[16, 48], [10, 50]]]


def test_crop_clip_and_what_is_outside():
    made = boxes([[[0, 0, 20, 20], [10, 10, 30, 30], [30, 0, 40, 8], [0, 0, 10, 10]]])
    cropped = made.crop((10, 10, 30, 20))
    assert cropped.boxes[0, 1].tolist() == [0, 0, 20, 20]
    assert cropped.state.tolist() == [[SEEN, SEEN, HIDDEN, HIDDEN]]
    clipped = cropped.clip()
    assert clipped.boxes[0, :2].tolist() == [[0, 0, 10, 10], [0, 0, 20, 10]]
    assert clipped.areas.tolist() == [[100, 200, 0, 0]]


def test_iou_known_answers():
    first = boxes([[[0, 0, 10, 10]] * 5])
    other = boxes(
        [[[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4], [0, 0, 9, 9]]],
        [[1, 1, 1, 2, 0]],
    )
    expected = [[1, 50 / 150, 0, 4 / 100, np.nan]]
    np.testing.assert_allclose(first.iou(other), expected, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(any_boxes())
def test_iou_with_itself_is_one(make):
    made = make()
    ratio = made.iou(made)
    np.testing.assert_allclose(ratio[made.specified], 1, rtol=1e-6)
    assert np.isnan(ratio[~made.specified]).all()


def test_resample_is_linear_and_cautious():
    made = boxes([[[0, 0, 8, 8], [4, 8, 16, 16], [9, 9, 9, 9]]], [[1, 2, 0]], hard=[[1, 0, 0]])
    twice = made.resample(fps=32)
    assert twice.boxes[0, :3].tolist() == [[0, 0, 8, 8], [2, 4, 12, 12], [4, 8, 16, 16]]
    assert twice.state.tolist() == [[SEEN, HIDDEN, HIDDEN, FREE, FREE]]
    assert twice.hard.tolist() == [[True, False, False, False, False]]


def test_merge_fills_what_only_some_have():
    first = boxes(np.zeros((1, 2, 4)), labels=["cat"], group=3)
    second = boxes(np.ones((1, 2, 4)), labels=["dog"], depth=2)
    made = Boxes.merge(first, second)
    assert made.labels == ("cat", "dog")
    assert made.group.tolist() == [3, -1]
    assert made.depth.tolist() == [np.inf, 2]
    same(made, first.merge(second))


# keys


def keyed(times, corners, **more):
    return Boxes.keyframes(times, corners, **({"frames": 9, "size": (64, 48), "fps": 8} | more))


def test_keys_are_linear_in_time_and_silent_outside():
    made = keyed([0.25, 0.75], [[0, 0, 8, 8], [8, 4, 24, 16]], label="cat")
    assert made.state.tolist() == [[FREE, FREE, SEEN, SEEN, SEEN, SEEN, SEEN, FREE, FREE]]
    assert made.boxes[0, 4].tolist() == [4, 2, 16, 12]
    assert made.labels == ("cat",)
    assert made.hard.all()


def test_held_keys_rest_at_both_ends():
    made = keyed([0.25, 0.75], [[0, 0, 8, 8], [8, 4, 24, 16]], held=True)
    assert made.visible.all()
    assert made.boxes[0, 0].tolist() == [0, 0, 8, 8]
    assert made.boxes[0, 8].tolist() == [8, 4, 24, 16]


def test_between_a_hard_and_a_soft_key_the_box_is_soft():
    corners = np.tile([0, 0, 8, 8], (3, 1))
    made = keyed([0, 0.25, 1], corners, hard=[True, True, False])
    assert made.hard.tolist() == [[True] * 3 + [False] * 6]


def test_one_key_is_one_frame():
    assert keyed([0.5], [[0, 0, 8, 8]]).visible.sum() == 1


def test_keys_meet_frames_whose_times_are_no_binary_fractions():
    times = [3 / 24, 7 / 24]
    made = keyed(times, [[0, 0, 8, 8], [8, 8, 16, 16]], fps=24)
    assert np.flatnonzero(made.visible[0]).tolist() == [3, 4, 5, 6, 7]


# lowering


def test_tracks_of_a_box_move_and_scale_with_it():
    made = boxes([[[0, 0, 8, 4], [10, 10, 26, 14]]], group=[7], depth=[2]).to_tracks(spacing=2)
    assert made.count == 4 * 2
    assert made.points[0].tolist() == [[1, 1], [12, 11]]
    assert made.points[-1].tolist() == [[7, 3], [24, 13]]
    assert set(made.group.tolist()) == {7}
    assert (made.depth == 2).all()


def test_tracks_take_states_from_the_box_and_the_picture():
    made = boxes([[[0, 0, 8, 8], [60, 0, 68, 8], [0, 0, 8, 8]]], [[FREE, SEEN, HIDDEN]])
    lowered = made.to_tracks(spacing=4)
    left, right = lowered.points[:, 1, 0] < 64, lowered.points[:, 1, 0] >= 64
    assert left.sum() == right.sum() == 2
    assert (lowered.state[:, 0] == FREE).all() and (lowered.state[:, 2] == HIDDEN).all()
    assert (lowered.state[left, 1] == SEEN).all() and (lowered.state[right, 1] == HIDDEN).all()


def test_each_object_is_its_own_group_and_the_silent_one_has_no_tracks():
    corners = np.tile([0, 0, 8, 8], (3, 2, 1))
    lowered = boxes(corners, [[1, 1], [0, 0], [1, 1]]).to_tracks()
    assert lowered.count == 2 * 36
    assert set(lowered.group.tolist()) == {0, 2}
    assert boxes(np.zeros((0, 2, 4))).to_tracks().count == 0


def test_a_box_without_an_extent_still_gives_tracks():
    assert boxes([[[5, 5, 5, 5]]]).to_tracks().points.tolist() == [[[5, 5]]]
    assert boxes([[[5, 0, 5, 12]]]).to_tracks().count == 6


@settings(max_examples=25, deadline=None)
@given(any_boxes(), st.floats(0.5, 20))
def test_tracks_stay_in_their_box_and_no_farther_apart_than_asked(make, spacing):
    made = make()
    lowered = made.to_tracks(spacing)
    owners = np.flatnonzero(made.specified.any(axis=1))
    if made.group is not None and len(set(made.group.tolist())) < made.count:
        return
    for owner in owners:
        mine = lowered.group == (owner if made.group is None else made.group[owner])
        known = made.specified[owner]
        points, corners = lowered.points[mine][:, known], made.boxes[owner][known]
        assert (points >= corners[:, :2] - 1e-3).all() and (points <= corners[:, 2:] + 1e-3).all()
        extent = np.ptp(points[:, 0], axis=0)
        assert (corners[0, 2:] - corners[0, :2] - extent <= spacing + 1e-3).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: boxes(np.zeros((1, 2, 2))),
            "boxes is (1, 2, 2); it has to be (objects, frames, 4)",
        ),
        (
            lambda: boxes([[[5, 0, 4, 8]]]),
            "the box 5, 0, 4, 8 of object 0 at frame 0 is inside out; give the left, top, right "
            "and bottom side in this order",
        ),
        (
            lambda: boxes(np.zeros((1, 1, 4)), labels=["a", "b"]),
            "2 labels were given for 1 boxed objects",
        ),
        (
            lambda: boxes(np.zeros((1, 1, 4)), labels=["a\0"]),
            "a label holds a NUL character; give plain text",
        ),
        (
            lambda: boxes(np.zeros((1, 1, 4))).to_tracks(0),
            "a spacing of 0 px was given; give a positive number",
        ),
        (
            lambda: boxes([[[0, 0, 64, 48]]]).to_tracks(0.01),
            "a spacing of 0.01 px makes 30720000 tracks of the boxes; they may make 1000000; "
            "give a larger spacing",
        ),
        (
            lambda: boxes(np.zeros((1, 1, 4))).iou(boxes(np.zeros((2, 1, 4)))),
            "1 boxed objects were to be compared with 2; give one each",
        ),
        (
            lambda: keyed([0, 0], np.zeros((2, 4))),
            "box keys are not in order of time; give each key a later time than the one before",
        ),
        (
            lambda: keyed([0], np.zeros((2, 4))),
            "box keys have times (1,) and boxes (2, 4); give at least one time and a box "
            "x0, y0, x1, y1 for each",
        ),
        (
            lambda: keyed([0, np.nan], np.zeros((2, 4))),
            "a box key holds a number that is not finite; give finite numbers",
        ),
        (
            lambda: keyed([5, 6], np.zeros((2, 4))),
            "box keys from 5 s to 6 s meet no frame of a clip of 9 frames at 8 fps; move a key "
            "onto a frame",
        ),
    ],
)
def test_malformed_boxes_say_what_is_wrong(make, message):
    with pytest.raises(TracksError) as caught:
        make()
    assert str(caught.value) == message

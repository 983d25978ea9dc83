"""The tracks of a batch of clips as tensors."""

import numpy as np
import pytest
import torch
from wandering import batch, seen, wandering

from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError
from kineograph.core.tracks import Tracks


def test_padded_to_the_largest_number_of_tracks() -> None:
    some, more = wandering(0, count=2), wandering(1, count=5)
    held = batch(some, None, more)
    assert (held.batch, held.count, held.frames, held.size) == (3, 5, 9, (48, 32))
    np.testing.assert_array_equal(held.points[0, :2], some.points)
    np.testing.assert_array_equal(held.state[2], more.state)
    np.testing.assert_array_equal(held.strength[2], more.strength)
    assert not held.state[0, 2:].any()
    assert not held.state[1].any()


def test_strength_is_full_and_depth_farthest_where_not_given() -> None:
    plain, deep = wandering(0, count=2, firm=True), wandering(1, count=1, deep=True)
    held = batch(plain, deep)
    assert held.strength[0].tolist() == [1, 1]
    assert held.depth is not None
    assert held.depth[0].isinf().all()
    np.testing.assert_array_equal(held.depth[1, :1], deep.depth)
    assert batch(plain).depth is None


def test_clips_without_tracks() -> None:
    held = TrackBatch.of([None, None], frames=4, size=(16, 8))
    assert (held.batch, held.count, held.frames) == (2, 0, 4)
    assert held.depth is None


def test_states_and_the_edge_of_the_picture() -> None:
    tracks = seen([[[0, 0], [15.99, 7.99], [16, 4], [4, 8], [-0.01, 4]]], (16, 8))
    assert tracks.inside.tolist() == [[[True, True, False, False, False]]]
    state = np.array([[0, 1, 2]], np.uint8)
    held = batch(Tracks.of(np.zeros((1, 3, 2)), state, size=(16, 8), fps=8))
    assert held.visible.tolist() == [[[False, True, False]]]
    assert held.occluded.tolist() == [[[False, False, True]]]


def test_pixel_centres_are_half_a_pixel_less() -> None:
    tracks = seen([[[0.5, 0.5], [3, 2]]], (16, 8))
    assert tracks.pixel_centres().tolist() == [[[[0, 0], [2.5, 1.5]]]]


def test_cleared_says_nothing_in_the_same_shapes() -> None:
    held = batch(wandering(0, deep=True))
    empty = held.cleared()
    assert not empty.state.any()
    assert held.state.any()
    assert empty.points.shape == held.points.shape
    assert empty.depth is not None


def test_repeated_one_after_the_other() -> None:
    held = batch(wandering(0, deep=True), wandering(1, deep=True))
    twice = held.repeat(2)
    assert twice.batch == 4
    for name in ("points", "state", "strength", "depth"):
        both = getattr(held, name)
        assert torch.equal(getattr(twice, name), torch.cat([both, both])), name
    with pytest.raises(ModelError, match="repeated 0 times; give 1 or more"):
        held.repeat(0)


def test_moved_to_a_device() -> None:
    held = batch(wandering(0, deep=True)).to("meta")
    assert {held.points.device.type, held.state.device.type, held.depth.device.type} == {"meta"}
    assert held.strength.device.type == "meta"


@pytest.mark.parametrize(
    ("frames", "size", "message"),
    [
        (8, (48, 32), "clip 1 have 9 frames and the batch has 8; resample"),
        (9, (32, 32), "clip 1 are for 48x32 and the batch is 32x32; resize"),
        (0, (48, 32), "a batch of 0 frames was asked for; give 1 or more"),
    ],
)
def test_tracks_of_another_clip_are_refused(
    frames: int, size: tuple[int, int], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        TrackBatch.of([None, wandering(0)], frames=frames, size=size)


def test_no_clips_are_refused() -> None:
    with pytest.raises(ModelError, match="a batch of no clips"):
        TrackBatch.of([], frames=4, size=(8, 8))

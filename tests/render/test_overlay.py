"""Tracks and boxes drawn over a picture: at the right place, in the right look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kineograph.core.boxes import Boxes
from kineograph.core.errors import TracksError
from kineograph.core.tracks import Tracks
from kineograph.render.overlay import draw_boxes, draw_tracks
from kineograph.render.palette import GROUP_COLOURS, group_colour, track_colours

GREY = 128


def plain(size: tuple[int, int] = (200, 120)) -> np.ndarray:
    return np.full((size[1], size[0], 3), GREY, np.uint8)


def tracks_of(points, state=None, size=(200, 120), **more) -> Tracks:
    return Tracks.of(np.array(points, np.float32), state, size=size, fps=8, **more)


def boxes_of(box, state=None, size=(200, 120), **more) -> Boxes:
    return Boxes.of([[box]], state, size=size, fps=8, **more)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.abs(after.astype(int) - before).sum(axis=2)


def centre_of(weight: np.ndarray) -> tuple[float, float]:
    """The centre of mass in raster pixels."""
    rows, columns = np.indices(weight.shape) + 0.5
    return (columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()


@given(x=st.floats(20, 180), y=st.floats(20, 100), state=st.sampled_from([1, 2]))
def test_a_point_is_drawn_where_it_is(x, y, state):
    image = plain()
    tracks = tracks_of([[[x, y]]], [[state]], group=0)
    # a dark edge lies around a bright disc, so the red channel's deviation has one centre
    drawn = draw_tracks(image, tracks, 0)
    assert centre_of(changed(image, drawn)) == pytest.approx((x, y), abs=0.12)


def test_the_centre_of_the_top_left_pixel_is_half_half():
    image = plain((40, 40))
    drawn = draw_tracks(image, tracks_of([[[0.5, 0.5]]], size=(40, 40), group=0), 0)
    change = changed(image, drawn)
    assert drawn[0, 0, 0] > 200  # orange, and dark around it
    np.testing.assert_array_equal(change, change.T)
    other = draw_tracks(image, tracks_of([[[39.5, 39.5]]], size=(40, 40), group=0), 0)
    np.testing.assert_array_equal(changed(image, other)[::-1, ::-1], change)


def test_the_picture_given_is_left_alone():
    image = plain()
    image.flags.writeable = False
    draw_tracks(image, tracks_of([[[50, 50]]]), 0, ids=True)
    draw_boxes(image, boxes_of([20, 20, 80, 80], labels=["ball"]), 0)
    assert (image == GREY).all()


def test_visible_is_filled_hidden_is_hollow_unspecified_is_nothing():
    image = plain((480, 480))
    points = [[[100.5, 100.5]], [[200.5, 200.5]], [[300.5, 300.5]]]
    drawn = draw_tracks(image, tracks_of(points, [[1], [2], [0]], (480, 480), group=1), 0)
    shades = {tuple(shade) for shade in track_colours(tracks_of(points, group=1))}
    assert tuple(drawn[100, 100]) in shades
    assert tuple(drawn[200, 200]) not in shades
    assert tuple(drawn[200, 196]) in shades
    assert (drawn[280:320, 280:320] == GREY).all()


def test_a_disc_is_round():
    image = plain((480, 480))
    change = changed(image, draw_tracks(image, tracks_of([[[99.5, 99.5]]], None, (480, 480)), 0))
    patch = change[80:119, 80:119]
    np.testing.assert_allclose(patch, patch.T, atol=3)
    np.testing.assert_allclose(patch, patch[:, ::-1], atol=3)
    assert patch[19, 24] > 100 > 2 * patch[24, 24]  # not a square


def test_trails_fade_and_stop_at_what_is_not_known():
    image = plain((480, 480))
    x = np.arange(0, 400, 20, dtype=np.float32) + 40
    points = np.stack([x, np.full_like(x, 100.5)], axis=-1)[None]
    state = np.ones((1, 20), np.uint8)
    change = changed(image, draw_tracks(image, tracks_of(points, state, (480, 480)), 19))[100]
    along = change[np.arange(410, 190, -20)]
    assert (np.diff(along) < 0).all()
    assert not change[: int(x[7]) - 4].any()  # 12 frames and no more
    state[0, 14:16] = 0
    broken = changed(image, draw_tracks(image, tracks_of(points, state, (480, 480)), 19))[100]
    gap = slice(int(x[13]) + 6, int(x[16]) - 6)
    assert not broken[gap].any() and change[gap].all()
    assert broken[int(x[12])] > 0
    state[0, 14:16] = 2
    hidden = changed(image, draw_tracks(image, tracks_of(points, state, (480, 480)), 19))[100]
    assert (hidden[gap] > 0).all() and (hidden[gap] < change[gap]).all()


def test_no_trail_at_the_first_frame_or_when_none_is_asked_for():
    image = plain()
    tracks = tracks_of([[[40, 40], [160, 80]]])
    alone = draw_tracks(image, tracks_of([[[160, 80]]]), 0)
    np.testing.assert_array_equal(draw_tracks(image, tracks, 1, trail=0)[70:], alone[70:])
    assert changed(image, draw_tracks(image, tracks, 0))[60:].sum() == 0


def test_many_tracks_stop_at_what_is_not_known_too():
    image = plain((480, 480))
    x = np.arange(0, 400, 20, dtype=np.float32) + 40
    rows = np.linspace(20, 460, 401, dtype=np.float32)
    points = np.stack(np.broadcast_arrays(x[None], rows[:, None]), axis=-1)
    state = np.ones(points.shape[:2], np.uint8)
    state[:, 14:16] = 0
    change = changed(image, draw_tracks(image, tracks_of(points, state, (480, 480)), 19))
    assert not change[:, int(x[13]) + 6 : int(x[16]) - 6].any()
    assert change[20:460, int(x[12])].mean() > 10


def test_the_nearer_point_lies_on_top():
    image = plain((480, 480))
    points = [[[100.5, 100.5]], [[100.5, 100.5]]]
    for depth, on_top in (([[0.1], [0.9]], 0), ([[0.9], [0.1]], 1)):
        tracks = tracks_of(points, None, (480, 480), group=[0, 1], depth=depth)
        assert tuple(draw_tracks(image, tracks, 0)[100, 100]) == group_shade(tracks, on_top)


def group_shade(tracks: Tracks, item: int) -> tuple[int, ...]:
    return tuple(track_colours(tracks)[item])


def test_groups_have_colours_of_their_own_that_stay():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 100, (60, 3, 2))
    group = np.arange(60) % 12
    colours = track_colours(tracks_of(points, group=group)).astype(int)
    for one in range(12):
        distance = np.linalg.norm(
            colours[group == one][:, None] - GROUP_COLOURS.astype(int), axis=2
        )
        assert (distance.argmin(axis=1) == one).all()
    alone = tracks_of(points, group=group).select(group == 5)
    np.testing.assert_array_equal(track_colours(alone), colours[group == 5])
    assert group_colour(5) == group_colour(17)


def test_tracks_of_no_group_run_through_the_rainbow():
    points = np.linspace([0, 0], [200, 120], 50)[:, None]
    assert len(np.unique(track_colours(tracks_of(points)), axis=0)) > 15


def test_ids_are_written_beside_points_that_are_known():
    image = plain((480, 480))
    tracks = tracks_of([[[100, 100]], [[300, 300]]], [[1], [0]], (480, 480))
    change = changed(draw_tracks(image, tracks, 0), draw_tracks(image, tracks, 0, ids=True))
    rows, columns = np.nonzero(change)
    assert rows.min() > 85 and rows.max() < 115
    assert columns.min() > 100 and columns.max() < 125


def test_sizes_follow_the_picture():
    def share(size):
        image = plain(size)
        tracks = tracks_of([[[size[0] / 2, size[1] / 2]]], None, size)
        return (changed(image, draw_tracks(image, tracks, 0)) > 0).mean()

    assert share((960, 960)) == pytest.approx(share((480, 480)), rel=0.2)


def test_points_far_outside_do_no_harm():
    image = plain()
    far = tracks_of([[[-1e9, 5e8], [100, 60]], [[1e9, 60], [-1e9, 60]]])
    draw_tracks(image, far, 1, ids=True)


def test_no_tracks_leave_the_picture_as_it_is():
    none = Tracks.of(np.zeros((0, 2, 2)), size=(200, 120), fps=8)
    assert (draw_tracks(plain(), none, 1) == GREY).all()


@pytest.mark.parametrize("side", [7, 30, 2000])
def test_any_picture_will_do(side):
    image = plain((side, side))
    tracks = tracks_of([[[side / 2, side / 2]] * 3], None, (side, side))
    assert changed(image, draw_tracks(image, tracks, 2, ids=True)).any()
    boxes = boxes_of([0, 0, side, side], labels=["a long label"], size=(side, side))
    assert changed(image, draw_boxes(image, boxes, 0)).any()


def test_the_size_has_to_be_that_of_the_picture():
    wanted = (
        "the tracks are for a picture of 200x120 but this one is 100x60; resize the tracks first"
    )
    with pytest.raises(TracksError) as error:
        draw_tracks(plain((100, 60)), tracks_of([[[1, 1]]]), 0)
    assert str(error.value) == wanted
    with pytest.raises(TracksError) as error:
        draw_boxes(plain((100, 60)), boxes_of([1, 1, 9, 9]), 0)
    assert str(error.value) == wanted.replace("tracks", "boxes")


@pytest.mark.parametrize("frame", [-1, 3])
def test_the_frame_has_to_be_there(frame):
    with pytest.raises(TracksError, match=f"no frame {frame}; the tracks have 0 to 2"):
        draw_tracks(plain(), tracks_of([[[1, 1]] * 3]), frame)


def test_a_trail_is_not_negative():
    with pytest.raises(TracksError, match="a trail of -1 frames was asked for; give 0 or more"):
        draw_tracks(plain(), tracks_of([[[1, 1]]]), 0, trail=-1)


def test_a_hard_box_is_drawn_on_its_edges():
    image = plain((480, 480))
    change = changed(image, draw_boxes(image, boxes_of([100, 50, 300, 250], size=(480, 480)), 0))
    middle = change[150]
    # an edge at x = 100 lies between the pixels 99 and 100: both carry it alike
    assert middle[99] == pytest.approx(middle[100], abs=1)
    assert middle[99] > 3 * middle[110] > 0
    np.testing.assert_allclose(middle[60:200], middle[339:199:-1], atol=8)
    assert not change[:30].any() and not change[:, :90].any()


def test_a_soft_box_is_dashed_and_a_hard_one_is_not():
    image = plain((480, 480))
    box, size = [100, 100, 300, 300], (480, 480)
    hard = draw_boxes(image, boxes_of(box, size=size), 0, ids=False)
    soft = draw_boxes(image, boxes_of(box, size=size, hard=False), 0, ids=False)
    edge = slice(105, 295)
    assert hard[edge, 300, 0].min() > 200  # the first group is orange, the halo dark
    lit = soft[edge, 300, 0] > 200
    assert 0.3 < lit.mean() < 0.7
    assert np.count_nonzero(np.diff(lit)) >= 10


def test_a_hidden_box_is_thin_and_empty_and_an_unspecified_one_is_nothing():
    image = plain((480, 480))
    box, size = [100, 100, 300, 300], (480, 480)
    seen, hidden, unknown = (
        changed(image, draw_boxes(image, boxes_of(box, [[state]], size=size), 0, ids=False))
        for state in (1, 2, 0)
    )
    assert seen[200, 200] > 0 and hidden[200, 200] == 0
    assert (seen[200] > 100).sum() > (hidden[200] > 100).sum() > 0
    assert not unknown.any()


def test_labels_and_ids_are_written_within_the_picture():
    image = plain()
    for box in ([20, 40, 80, 80], [0, 0, 60, 60], [170, 90, 200, 120], [-50, -50, 10, 300]):
        boxes = boxes_of(box, labels=["ball"])
        bare = draw_boxes(image, boxes_of(box), 0, ids=False)
        labelled = draw_boxes(image, boxes, 0, ids=False)
        numbered = draw_boxes(image, boxes, 0, ids=True)
        assert changed(bare, labelled).any()
        assert (
            changed(bare, numbered).astype(bool).sum() > changed(bare, labelled).astype(bool).sum()
        )

"""Which pixels move together."""

import numpy as np
from scipy.ndimage import binary_dilation

from kineograph.core.tracks import Tracks
from kineograph.render.bodies import find_bodies
from kineograph.render.trajectories import complete
from kineograph.render.walker import Grid, Walker, inside_depth, refine

SIZE = (160, 120)


def brush(centre, half=8, step=4):
    offset = np.arange(-half, half + 1, step)
    x, y = np.meshgrid(offset + centre[0], offset + centre[1])
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def tracks_of(*parts, group=True):
    """(start points, displacement) pairs as two-frame tracks, a group each."""
    all_tracks = []
    for number, (points, shift) in enumerate(parts):
        path = np.stack([points, points + np.asarray(shift, np.float32)], axis=1)
        label = np.full(len(points), number, np.int32) if group else None
        all_tracks.append(Tracks.of(path, size=SIZE, fps=8, group=label))
    return Tracks.merge(*all_tracks)


def bodies_in(picture, tracks):
    walker = Walker.on(picture, Grid.over(SIZE))
    return find_bodies(complete(tracks), walker), walker.grid


def square(box, inside=40, outside=210):
    picture = np.full((SIZE[1], SIZE[0], 3), outside, np.uint8)
    picture[box[1] : box[3], box[0] : box[2]] = inside
    return picture


def test_a_body_fills_its_object_and_stops_at_its_edge():
    box = (50, 35, 100, 85)
    picture = square(box)
    (rest, body), grid = bodies_in(picture, tracks_of((brush((75, 60)), (20, 0))))
    assert rest.share is None
    share = refine(body.share, picture, grid) > 0.5
    object_ = np.zeros(share.shape, bool)
    object_[box[1] : box[3], box[0] : box[2]] = True
    overlap = (share & object_).sum() / (share | object_).sum()
    assert overlap > 0.95


def test_where_no_edge_helps_a_body_stays_near_its_brush():
    picture = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    (_, body), grid = bodies_in(picture, tracks_of((brush((80, 60)), (20, 0))))
    inside = grid.centres[body.share > 0.5]
    assert np.abs(inside - (80, 60)).max() < 4 * 8
    assert np.abs(inside - (80, 60)).max() >= 7


def test_two_objects_that_touch_are_two_bodies():
    picture = square((40, 35, 80, 85))
    picture[35:85, 80:120] = (200, 60, 60)
    tracks = tracks_of((brush((60, 60)), (-10, 0)), (brush((100, 60)), (10, 0)))
    (_, left, right), grid = bodies_in(picture, tracks)
    border = grid.cell_of(np.array([[76.0, 60.0], [84.0, 60.0]]))
    assert (left.share.ravel()[border] > 0.5).tolist() == [True, False]
    assert (right.share.ravel()[border] > 0.5).tolist() == [False, True]


def test_pins_on_the_moving_object_bend_it_and_pins_beside_it_do_not_join():
    picture = square((40, 35, 120, 85))
    on = tracks_of((brush((60, 60)), (8, 0)), (brush((88, 60)), (0, 0)))
    (rest, body), _ = bodies_in(picture, on)
    assert len(body.members) == 50
    assert len(rest.members) == 0
    beside = tracks_of((brush((60, 60)), (8, 0)), (brush((80, 105)), (0, 0)))
    (rest, body), _ = bodies_in(picture, beside)
    assert len(body.members) == len(rest.members) == 25


def test_loose_tracks_part_where_the_motion_tears():
    x, y = np.meshgrid(np.arange(4, 160, 6), np.arange(4, 120, 6))
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    inside = (np.abs(points - (80, 60)) < 25).all(axis=1)
    shift = np.where(inside[:, None], (20.0, 0.0), (0.0, 1.0))
    tracks = tracks_of((points, shift), group=False)
    (rest, body), _ = bodies_in(square((55, 35, 105, 85)), tracks)
    assert sorted(body.members) == sorted(np.flatnonzero(inside))
    assert len(rest.members) == (~inside).sum()


def test_a_zoom_of_the_whole_picture_is_one_motion():
    points = brush((80, 60), half=70, step=7)
    points = points[(points[:, 1] > 0) & (points[:, 1] < 120)]
    tracks = tracks_of((points, (points - (80, 60)) * 0.3), group=False)
    (rest, *bodies), _ = bodies_in(square((55, 35, 105, 85)), tracks)
    assert bodies == []
    assert len(rest.members) == len(points)


def test_bodies_come_from_far_to_near():
    tracks = tracks_of((brush((40, 60)), (10, 0)), (brush((120, 60)), (-10, 0)))
    near_first = np.repeat([[1.0, 1.0], [5.0, 5.0]], 25, axis=0)
    deep = Tracks.of(tracks.points, size=SIZE, fps=8, group=tracks.group, depth=near_first)
    bodies, _ = bodies_in(square((20, 20, 21, 21)), deep)
    assert [body.depth for body in bodies] == [np.inf, 5.0, 1.0]


def test_inside_depth_is_zero_outside_and_one_at_the_heart():
    region = np.zeros((20, 20), bool)
    region[5:16, 5:16] = True
    depth = inside_depth(region)
    assert (depth[~region] == 0).all()
    assert depth[10, 10] == 1
    assert (depth[binary_dilation(~region) & region] < 0.3).all()


def test_a_strong_zoom_is_still_one_motion():
    rng = np.random.default_rng(0)
    points = rng.uniform((0, 0), SIZE, (500, 2)).astype(np.float32)
    tracks = tracks_of((points, (points - (80, 60)) * 1.0), group=False)
    (rest, *bodies), _ = bodies_in(square((55, 35, 105, 85)), tracks)
    assert bodies == []
    assert len(rest.members) == 500

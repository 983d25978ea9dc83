"""Fields from tracks: exact for affine motion, smooth and faithful for the rest."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kineograph.core.tracks import Tracks
from kineograph.render.motion_field import field_of, fit_affine
from kineograph.render.trajectories import complete
from kineograph.render.walker import Grid, Walker

SIZE = (160, 120)
PLAIN = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)

number = st.floats(-0.4, 0.4)


@given(st.tuples(number, number, number, number), st.tuples(number, number))
@settings(max_examples=30)
def test_an_affine_motion_is_found_again(linear, shift):
    points = np.random.default_rng(0).uniform(0, 120, (40, 2)).astype(np.float32)
    matrix = np.array(linear).reshape(2, 2)
    moved = points @ matrix.T + np.array(shift) * 50
    found = fit_affine(points, moved[:, None].astype(np.float32), np.ones(40, np.float32))[0]
    assert np.abs(found[:, :2] - matrix).max() < 0.005
    assert np.abs(found @ [*points[0], 1] - moved[0]).max() < 0.4


def test_one_track_is_a_translation_everywhere():
    point = np.array([[80.0, 60.0]], np.float32)
    found = fit_affine(point, np.array([[[5.0, -3.0]]], np.float32), np.ones(1, np.float32))[0]
    assert np.allclose(found, [[0, 0, 5], [0, 0, -3]], atol=1e-6)


def test_a_few_strays_do_not_tilt_the_field():
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 120, (60, 2)).astype(np.float32)
    moved = np.tile(np.array([4.0, 1.0], np.float32), (60, 1))
    moved[:5] += rng.normal(0, 60, (5, 2)).astype(np.float32)
    found = fit_affine(points, moved[:, None], np.ones(60, np.float32))[0]
    assert np.abs(found @ [60, 60, 1] - (4, 1)).max() < 0.3


def test_no_tracks_do_not_move():
    nowhere, nothing = np.zeros((0, 2), np.float32), np.zeros((0, 3, 2), np.float32)
    assert (fit_affine(nowhere, nothing, np.zeros(0, np.float32)) == 0).all()


def test_the_field_passes_through_its_tracks():
    rng = np.random.default_rng(2)
    points = rng.uniform(10, 110, (30, 2)).astype(np.float32)
    bend = np.stack([4 * np.sin(points[:, 1] / 20), np.cos(points[:, 0] / 25)], axis=1)
    tracks = Tracks.of(np.stack([points, points + bend], axis=1), size=SIZE, fps=8)
    walker = Walker.on(PLAIN, Grid.over(SIZE))
    trajectories = complete(tracks)
    field = field_of(np.arange(30), trajectories, walker)
    assert not field.is_affine
    read = walker.grid.sampler(points) @ field.at(1).reshape(-1, 2)
    assert np.abs(read - bend).max() < 0.15


def test_what_a_few_tracks_do_stops_at_a_strong_edge():
    picture = PLAIN.copy()
    picture[40:80, 100:150] = 20
    still = np.array([[x, y] for x in (15, 45, 75) for y in (20, 45, 70, 100)], np.float32)
    inside = np.array([[110.0, 50.0], [140.0, 50.0], [110.0, 70.0], [140.0, 70.0]], np.float32)
    points = np.concatenate([still, inside])
    motion = np.concatenate([np.zeros((12, 2)), np.tile([6.0, -3.0], (4, 1))])
    tracks = Tracks.of(np.stack([points, points + motion], axis=1), size=SIZE, fps=8)
    walker = Walker.on(picture, Grid.over(SIZE))
    field = field_of(np.arange(16), complete(tracks), walker)
    beside = walker.grid.sampler(np.array([[104.0, 60.0], [96.0, 60.0]]))
    within, without = beside @ field.at(1).reshape(-1, 2)
    assert np.abs(within - (6, -3)).max() < 0.8
    assert np.abs(without).max() < 1.2

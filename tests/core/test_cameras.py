"""Cameras: OpenCV axes, raster pixels, projection there and back."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from kineograph.core.cameras import Cameras, intrinsics
from kineograph.core.errors import TracksError
from kineograph.core.points import from_pixel_centres, scale

SIZE = (64, 48)
K = intrinsics(90, SIZE)


def cameras(seed=0, frames=3):
    rng = np.random.default_rng(seed)
    w2c = np.tile(np.eye(4), (frames, 1, 1))
    w2c[:, :3, :3] = Rotation.random(frames, rng).as_matrix()
    w2c[:, :3, 3] = rng.normal(size=(frames, 3))
    return Cameras.of(K, w2c, size=SIZE, fps=16)


def test_a_field_of_view_of_90_degrees_is_half_the_width():
    np.testing.assert_allclose(K, [[32, 0, 32], [0, 32, 24], [0, 0, 1]], atol=1e-12)


def test_x_is_right_y_is_down_and_the_axis_meets_the_middle():
    made = Cameras.from_fov(90, SIZE, frames=2, fps=16)
    pixels, depth = made.project(np.array([[0, 0, 5.0], [1, 0, 1], [-1, -0.75, 1]]))
    np.testing.assert_allclose(pixels[:, 0], [[32, 24], [64, 24], [0, 0]], atol=1e-5)
    assert depth.tolist() == [[5, 5], [1, 1], [1, 1]]
    assert (made.frames, made.centres.tolist()) == (2, [[0, 0, 0], [0, 0, 0]])


def test_projection_agrees_with_opencv_shifted_by_half_a_pixel():
    made = cameras(1, frames=1)
    ahead = np.random.default_rng(2).uniform([-1, -1, 3], [1, 1, 6], (20, 3))
    world = (ahead - made.w2c[0, :3, 3]) @ made.w2c[0, :3, :3]
    opencv_k = made.K[0] - np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    turn, shift = cv2.Rodrigues(made.w2c[0, :3, :3])[0], made.w2c[0, :3, 3]
    theirs = cv2.projectPoints(world, turn, shift, opencv_k, np.zeros(5))[0][:, 0]
    ours = made.project(world)[0][:, 0]
    np.testing.assert_allclose(ours, from_pixel_centres(theirs), atol=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2))
def test_unproject_undoes_project(seed, frame):
    made = cameras(seed)
    rng = np.random.default_rng(seed)
    seen, depth = rng.uniform(0, 48, (4, 5, 2)), rng.uniform(0.5, 10, (4, 5))
    world = made.unproject(seen, depth, frame)
    pixels, again = made.project(world.reshape(-1, 3))
    np.testing.assert_allclose(pixels[:, frame].reshape(4, 5, 2), seen, atol=1e-3)
    np.testing.assert_allclose(again[:, frame].reshape(4, 5), depth, rtol=1e-5)


def test_a_camera_sees_nothing_at_its_own_centre_or_behind():
    made = cameras(5)
    pixels, depth = made.project(made.centres)
    np.testing.assert_allclose(depth[[0, 1, 2], [0, 1, 2]], 0, atol=1e-6)
    assert np.isnan(pixels[[0, 1, 2], [0, 1, 2]]).all()
    behind = Cameras.from_fov(90, SIZE, frames=1, fps=16).project(np.array([[0, 0, -2.0]]))
    assert np.isnan(behind[0]).all()
    assert behind[1].tolist() == [[-2]]


def test_resizing_the_camera_is_resizing_its_points():
    made, world = cameras(3), np.random.default_rng(4).normal(size=(30, 3))
    resized = made.resize((128, 24))
    before, after = made.project(world)[0], resized.project(world)[0]
    np.testing.assert_allclose(after, scale(before, SIZE, (128, 24)), rtol=1e-4)
    back = resized.resize(SIZE)
    np.testing.assert_allclose(back.K, made.K, rtol=1e-12)


def test_saved_cameras_load_bit_for_bit(tmp_path):
    made = cameras(6)
    made.save(tmp_path / "c.npz")
    again = Cameras.load(tmp_path / "c.npz")
    np.testing.assert_array_equal(again.K, made.K)
    np.testing.assert_array_equal(again.w2c, made.w2c)
    assert (again.size, again.fps) == (made.size, made.fps)


def test_a_pose_may_be_3x4():
    made = cameras(7)
    again = Cameras.of(K, made.w2c[:, :3], size=SIZE, fps=16)
    np.testing.assert_array_equal(again.w2c, made.w2c)


def pose(**changes):
    w2c = np.eye(4)[None].copy()
    for where, value in changes.items():
        w2c[0, int(where[1]), int(where[2])] = value
    return w2c


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Cameras.of(K, pose(a00=-1.0), size=SIZE, fps=16),
            "w2c of frame 0 mirrors the scene; use OpenCV axes: x right, y down, z forward",
        ),
        (
            lambda: Cameras.of(K, pose(a01=0.01), size=SIZE, fps=16),
            "w2c of frame 0 holds no rotation; its 3x3 part has to be orthonormal to 0.0001",
        ),
        (
            lambda: Cameras.of(K, pose(a30=1.0), size=SIZE, fps=16),
            "w2c of frame 0 has a last row other than 0, 0, 0, 1",
        ),
        (
            lambda: Cameras.of(K.T, pose(), size=SIZE, fps=16),
            "K of frame 0 is no matrix of intrinsics; give fx, skew, cx; 0, fy, cy; 0, 0, 1 in "
            "pixels",
        ),
        (
            lambda: Cameras.of(np.diag([0.0, 1, 1]), pose(), size=SIZE, fps=16),
            "K of frame 0 has a focal length of 0 or less; give positive pixels",
        ),
        (
            lambda: Cameras.of(K, pose(a03=np.nan), size=SIZE, fps=16),
            "w2c holds nan at [0, 0, 3]; give finite numbers "
            "(what is not known is marked in the state)",
        ),
        (
            lambda: Cameras.of(np.zeros((2, 3, 3)), np.zeros((3, 4, 4)), size=SIZE, fps=16),
            "K is float64 (2, 3, 3); it has to fit (3, 3, 3)",
        ),
        (
            lambda: intrinsics(180, SIZE),
            "a field of view of 180 degrees was given; give more than 0, less than 180",
        ),
        (
            lambda: cameras().unproject(np.zeros((1, 2)), np.ones(1), 3),
            "frame 3 was asked for; there are frames 0 to 2",
        ),
        (
            lambda: Cameras.identity(0, K, size=SIZE, fps=16),
            "cameras of 0 frames were asked for; give at least 1 frame",
        ),
    ],
)
def test_malformed_cameras_say_what_is_wrong(make, message):
    with pytest.raises(TracksError) as caught:
        make()
    assert str(caught.value) == message

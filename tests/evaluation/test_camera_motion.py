"""Cameras found from paths of points: exact paths, noisy ones, and ones that make no sense."""

import cv2
import numpy as np
import pytest

from filmed_room import FRAMES, SIZE, cameras, moves
from kineograph.core.cameras import Cameras
from kineograph.evaluation.camera_motion import CameraPath, angle, by_depth, by_parallax
from kineograph.vision.tracker import grid_queries
from raycast import Room


def paths_of(path: Cameras, *, flat: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Where an even grid goes, and its depths: of the room, or of a wall that faces the camera."""
    points = grid_queries(SIZE, 16)[:, 1:].astype(np.float64)
    rays = np.concatenate([points, np.ones((len(points), 1))], 1) @ np.linalg.inv(path.K[0]).T
    depth = np.full(len(points), 6.0) if flat else Room.of_plates().hit(np.zeros(3), rays)
    placed, _ = path.project(path.unproject(points, depth))
    return placed.astype(np.float64), depth


def apart(found: CameraPath, true: CameraPath) -> tuple[float, float]:
    """The largest angle in degrees and the largest distance."""
    turned = max(angle(a, b) for a, b in zip(found.rotation, true.rotation, strict=True))
    return turned, float(np.linalg.norm(found.centres - true.centres, axis=1).max())


def everything(paths: np.ndarray) -> np.ndarray:
    return np.ones(paths.shape[:2], bool)


@pytest.mark.parametrize("move", ["truck", "dolly", "pan", "all", "rest"])
@pytest.mark.parametrize("flat", [False, True])
def test_exact_paths_give_the_exact_camera(move: str, flat: bool) -> None:
    path = moves()[move]
    paths, depth = paths_of(path, flat=flat)
    found = by_depth(paths, everything(paths), depth, path.K, SIZE)
    turned, gone = apart(found, CameraPath.of(path))
    assert found.metric and found.found.all() and turned < 1e-3 and gone < 1e-3


def test_it_is_that_of_least_squares_on_the_points_that_agree() -> None:
    """A slow way: all points, by OpenCV's iterative solver, in pixels."""
    path, rng = moves()["all"], np.random.default_rng(1)
    paths, depth = paths_of(path)
    noisy = paths + np.where(np.arange(FRAMES)[:, None] > 0, rng.normal(0, 0.1, paths.shape), 0)
    found = by_depth(noisy, everything(paths), depth, path.K, SIZE)
    world = path.unproject(paths[:, 0], depth)
    _, turn, step = cv2.solvePnP(world, np.ascontiguousarray(noisy[:, -1]), path.K[-1], None)
    assert angle(found.rotation[-1], cv2.Rodrigues(turn)[0]) < 1e-3
    assert np.allclose(found.translation[-1], step[:, 0], atol=1e-4)


def test_a_third_of_the_points_may_be_wrong_hidden_or_of_unknown_depth() -> None:
    path, rng = moves()["all"], np.random.default_rng(0)
    paths, depth = paths_of(path)
    wild = rng.random(len(paths)) < 0.3
    paths[wild, 1:] += rng.normal(0, 20, (wild.sum(), FRAMES - 1, 2))
    seen = everything(paths)
    seen[40:60], paths[40:60, 1:] = False, 0
    depth[100:110] = np.inf
    found = by_depth(paths, seen, depth, path.K, SIZE)
    turned, gone = apart(found, CameraPath.of(path))
    assert turned < 0.02 and gone < 0.005


def test_a_zoom_is_not_mistaken_for_a_step() -> None:
    path = moves()["rest"]
    K = path.K.copy()
    K[:, [0, 1], [0, 1]] *= np.linspace(1, 1.4, FRAMES)[:, None]
    zoom = Cameras.of(K, path.w2c, size=SIZE, fps=8)
    paths, depth = paths_of(zoom)
    turned, gone = apart(by_depth(paths, everything(paths), depth, K, SIZE), CameraPath.of(zoom))
    assert turned < 1e-3 and gone < 1e-3


@pytest.mark.parametrize("move", ["truck", "dolly", "all"])
def test_without_depth_the_way_is_known_but_not_how_far(move: str) -> None:
    path = moves()[move]
    paths, _ = paths_of(path)
    found, true = by_parallax(paths, everything(paths), path.K, SIZE), CameraPath.of(path)
    assert not found.metric and found.found.all()
    for frame in range(3, FRAMES):
        way = true.centres[frame] / np.linalg.norm(true.centres[frame])
        assert angle(found.rotation[frame], true.rotation[frame]) < 0.05
        assert found.centres[frame] @ way == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("move", ["pan", "rest"])
def test_without_depth_a_turn_has_no_way(move: str) -> None:
    path = moves()[move]
    paths, _ = paths_of(path)
    paths[:, 1:] += np.random.default_rng(0).normal(0, 0.1, paths[:, 1:].shape)
    paths[:40, 1:] += 9
    found = by_parallax(paths, everything(paths), path.K, SIZE)
    turned, gone = apart(found, CameraPath.of(path))
    assert turned < 0.05 and gone == 0


@pytest.mark.parametrize("by", ["depth", "parallax"])
def test_what_makes_no_sense_gives_no_camera(by: str) -> None:
    path = moves()["all"]
    paths, depth = paths_of(path)
    seen = everything(paths)
    seen[:, 2] = False
    seen[7:, 3] = False
    paths[:, 4] = np.random.default_rng(0).uniform(0, 128, (len(paths), 2))
    if by == "depth":
        found = by_depth(paths, seen, depth, path.K, SIZE)
    else:
        found = by_parallax(paths, seen, path.K, SIZE)
    assert found.found.tolist() == [True, True, False, False, False, True]
    assert np.isnan(found.rotation[4]).all() and np.isnan(found.centres[4]).all()


def test_the_angle_is_exact_near_0_and_180() -> None:
    for degrees in (0, 1e-6, 0.5, 90, 179.999, 180):
        other = cv2.Rodrigues(np.radians(degrees) * np.array([0.6, 0, 0.8]))[0]
        assert angle(np.eye(3), other) == pytest.approx(degrees, rel=1e-4, abs=1e-9)


def test_a_true_camera_is_told_from_its_own_first_frame() -> None:
    path = moves()["all"]
    moved = path.w2c @ np.linalg.inv(cameras(np.array([[3.0, 1, 2]]), pan=0.7).w2c[0])
    there = Cameras.of(path.K, moved, size=SIZE, fps=8)
    one, other = CameraPath.of(path), CameraPath.of(there)
    assert np.allclose(one.rotation, other.rotation) and np.allclose(one.centres, other.centres)
    assert one.reach == pytest.approx(float(np.hypot(np.hypot(0.3, 0.1), 0.2)))

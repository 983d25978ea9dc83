"""Scenes seen by a moving camera, cut by depth; and those that need no cut."""

import numpy as np

from kineograph.core.tracks import Tracks
from kineograph.render.slabs import cut
from kineograph.render.trajectories import complete

SIZE = (320, 240)
K = np.array([[300.0, 0, 160], [0, 300.0, 120], [0, 0, 1]])


def scene():
    """Points of a picture and their depths: a wall, and a post in front of it."""
    x, y = np.meshgrid(np.arange(5, 320, 10), np.arange(5, 240, 10))
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float64)
    depth = np.where(np.abs(points[:, 0] - 160) < 30, 2.0, 6.0)
    return points, depth


def seen(points, depth, rotation, shift):
    """Where the points stand after the camera has turned and moved."""
    rays = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ np.linalg.inv(K).T
    moved = (rays * depth[:, None]) @ rotation.T + shift
    flat = moved @ K.T
    return flat[:, :2] / flat[:, 2:]


def parts(rotation, shift, depth_known=True):
    points, depth = scene()
    path = np.stack([points, seen(points, depth, rotation, shift)], axis=1)
    near = np.repeat(depth[:, None], 2, axis=1).astype(np.float32) if depth_known else None
    tracks = Tracks.of(path, size=SIZE, fps=8, depth=near)
    trajectories = complete(tracks)
    return cut(np.arange(len(points)), trajectories), depth


def turn(degrees):
    angle = np.deg2rad(degrees)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def test_a_camera_that_moves_sideways_cuts_the_scene_from_far_to_near():
    slabs, depth = parts(np.eye(3), np.array([0.3, 0, 0]))
    means = [depth[slab].mean() for slab in slabs]
    assert len(slabs) >= 2
    assert means == sorted(means, reverse=True)
    assert sorted(np.concatenate(slabs)) == list(range(len(depth)))
    assert all(len(np.unique(depth[slab])) == 1 for slab in slabs)


def test_a_camera_that_only_turns_cuts_nothing():
    slabs, _ = parts(turn(10), np.zeros(3))
    assert len(slabs) == 1


def test_without_depth_nothing_is_cut():
    slabs, _ = parts(np.eye(3), np.array([0.3, 0, 0]), depth_known=False)
    assert len(slabs) == 1

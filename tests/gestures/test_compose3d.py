"""Things that move in front of a camera that moves: in space, and as the paper adds them up."""

from dataclasses import replace

import numpy as np
import pytest

from kineograph.core.cameras import intrinsics
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures import compose
from kineograph.gestures.box import Box
from kineograph.gestures.camera import Camera
from kineograph.gestures.drag import Drag
from kineograph.gestures.filming.shooting import film
from kineograph.gestures.pin import Pin
from kineograph.gestures.scene import Scene
from kineograph.vision.depth import Depth

SIZE, FRAMES = (320, 240), 17
LENS = intrinsics(50, SIZE)
WAY = ((100, 120), (160, 120))


def card(x0: int, x1: int, near: float = 2.0, far: float = 4.0) -> Depth:
    """A card at one depth in front of a wall at another."""
    depth = np.full((240, 320), far, np.float32)
    depth[60:180, x0:x1] = near
    return Depth(depth, LENS)


def scene(depth: Depth, frames: int = FRAMES) -> Scene:
    return Scene(size=SIZE, frames=frames, fps=16, measure=lambda: depth)


WALL = scene(Depth(np.full((24, 32), 4.0, np.float32), None))


def drag(**fields) -> Drag:
    return Drag(**{"path": WAY, "radius": 20, "stride": 10, "persist": True, **fields})


def settled(where: Scene, *gestures) -> tuple[Tracks, Tracks]:
    """Tracks of the objects, and those of the scene around them."""
    whole = compose.settle(gestures, where).tracks
    assert whole is not None and whole.group is not None
    return whole.select(whole.group != -1), whole.select(whole.group == -1)


TINY = Camera(move="pan", amount=1e-7)


def test_before_a_camera_at_rest_things_move_as_they_are_drawn() -> None:
    drawn = drag().expand(WALL).tracks
    moved, _ = settled(scene(card(80, 140)), drag(), TINY)
    np.testing.assert_allclose(moved.points, drawn.points, atol=1e-3)
    assert (moved.state == drawn.state).all()


@pytest.mark.parametrize("compose_as", ["3d", "2d"])
def test_what_rests_moves_with_the_scene(compose_as: str) -> None:
    camera = Camera(move="orbit", amount=10, compose=compose_as)
    held, _ = settled(WALL, Pin(region=(60, 60, 140, 140), stride=20), camera)
    alone = film([camera], WALL).follow(held.points[:, 0].astype(np.float64))
    np.testing.assert_allclose(held.points, alone.points, atol=1e-3)
    assert (held.state == alone.state).all()


def test_space_and_picture_agree_for_small_motions_and_part_for_large_ones() -> None:
    """The error of adding displacements grows with the product of both motions."""
    apart = {}
    for share in (0.125, 0.25, 0.5, 1.0):
        end = (100 + 60 * share, 120 + 20 * share)
        moving = drag(path=(WAY[0], end))
        camera = Camera(move="dolly", amount=0.4 * share, focus=4)
        flat = camera.model_copy(update={"compose": "2d"})
        space, picture = (settled(WALL, moving, shot)[0] for shot in (camera, flat))
        apart[share] = np.linalg.norm(space.points - picture.points, axis=2).max()
    assert apart[0.125] < 0.7
    assert apart[1.0] > 25
    for share in (0.125, 0.25, 0.5):
        assert 3.5 < apart[2 * share] / apart[share] < 6


def test_moved_in_space_a_thing_grows_as_the_camera_comes_near() -> None:
    """The drag's way is worth more pixels when it is seen from half the distance."""
    moved, _ = settled(WALL, drag(), Camera(move="dolly", amount=0.5, focus=4, end=0.5))
    centre = moved.points[moved.count // 2]
    start = centre[8, 0] - (160 + 2 * (100 + 60 * 0.5 - 160))
    assert abs(start) < 1e-2  # half the way, seen twice as large
    np.testing.assert_allclose(centre[-1, 0], 160 + 2 * (160 - 160), atol=1e-2)
    spread = np.ptp(moved.points[:, -1, 0]) / np.ptp(moved.points[:, 0, 0])
    np.testing.assert_allclose(spread, 2, rtol=1e-4)


def test_near_things_move_faster_before_the_camera() -> None:
    camera = Camera(move="truck", amount=0.5, unit="scene")
    near, far = (
        settled(scene(card(80, 140, depth)), drag(), camera)[0].displacements()[:, -1, 0]
        for depth in (2.0, 3.0)
    )
    pixels = LENS[0, 0] * 0.5
    np.testing.assert_allclose(near.mean(), 60 - pixels / 2, atol=0.1)
    np.testing.assert_allclose(far.mean(), 60 - pixels / 3, atol=0.1)


def test_what_moves_behind_something_near_is_hidden_by_it() -> None:
    behind = drag(path=((60, 120), (240, 120)), radius=10, stride=5)
    moved, _ = settled(scene(card(120, 180)), behind, TINY)
    middle = moved.points[moved.count // 2, :, 0]
    hidden = moved.state[moved.count // 2] == State.OCCLUDED
    assert (hidden == ((middle > 120) & (middle < 180))).all() and hidden.any()


def test_what_moves_hides_what_is_behind_it() -> None:
    near = drag(path=((100, 120), (240, 120)), radius=30, stride=6)
    _, around = settled(scene(card(70, 131)), near, TINY)
    at = around.points[:, 0]
    under = (np.abs(at[:, 0] - 240) < 24) & (np.abs(at[:, 1] - 120) < 24)
    assert under.any() and not around.visible[under, -1].any()
    assert around.visible[under, 0].all()


def test_the_scene_is_let_go_where_something_takes_hold_of_it() -> None:
    late = drag(start=0.5, persist=False)
    moved, around = settled(WALL, late, TINY)
    at = around.points[:, 0]
    inside = (np.abs(at - WAY[0]) < 24).all(axis=1)
    assert inside.any()
    assert around.visible[inside, :8].all() and not around.specified[inside, 8:].any()
    assert not moved.specified[:, :8].any() and moved.visible[:, 8:].all()


def test_boxes_are_seen_from_where_the_camera_is() -> None:
    boxed = Box(keys=[{"box": (100, 80, 220, 160)}])
    found = compose.settle([boxed, Camera(move="dolly", amount=0.5, focus=4)], WALL).boxes
    np.testing.assert_allclose(found.boxes[0, 0], (100, 80, 220, 160), atol=1e-3)
    np.testing.assert_allclose(found.boxes[0, -1], (40, 40, 280, 200), atol=1e-3)


def test_groups_depth_and_order_stay_as_they_are_without_a_camera() -> None:
    moved, around = settled(WALL, TINY, drag(), drag(path=((200, 60), (240, 60))))
    assert sorted(set(moved.group)) == [1, 2]
    np.testing.assert_allclose(moved.depth, 4, rtol=1e-4)
    assert around.count > 900


def test_without_depth_a_turning_camera_composes_too() -> None:
    bare = replace(WALL, measure=None)
    moved, around = settled(bare, drag(), Camera(move="roll", amount=90))
    np.testing.assert_allclose(moved.points[moved.count // 2, -1], (160, 120), atol=1e-2)
    assert moved.depth is None and around.depth is None

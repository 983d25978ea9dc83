"""Cameras: what they do to the picture, measured by other means than their own."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from kineograph.core.cameras import Cameras, intrinsics
from kineograph.core.errors import DocumentError
from kineograph.core.points import to_pixel_centres
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.camera import Camera
from kineograph.gestures.filming.film import grid
from kineograph.gestures.filming.shooting import film
from kineograph.gestures.scene import Scene
from kineograph.vision.depth import Depth
from raycast import Room

SIZE = (300, 210)
LENS = intrinsics(55, SIZE)
ROOM = Room.of_plates()
DEPTH = Depth(ROOM.depth(LENS, SIZE), LENS)
FRAMES = 9
SCENE = Scene(size=SIZE, frames=FRAMES, fps=8, measure=lambda: DEPTH)
FLAT = Depth(np.full((21, 30), 4.0, np.float32))
WALL = Scene(size=SIZE, frames=FRAMES, fps=8, measure=lambda: FLAT)
CENTRE = np.array([[150.0, 105.0]])


def centres(scene: Scene = WALL, **fields) -> np.ndarray:
    return film([Camera(**fields)], scene).cameras.centres


def tracks(scene: Scene = SCENE, **fields) -> Tracks:
    found = Camera(**fields).expand(scene).tracks
    assert found is not None
    return found


def follow(*cameras: Camera, points=CENTRE, scene: Scene = WALL) -> Tracks:
    return film(cameras, scene).follow(np.array(points, np.float64))


# independent measurements


MOVES = [
    {"move": "orbit", "amount": 12},
    {"move": "arc", "amount": -6},
    {"move": "dolly", "amount": 0.25},
    {"move": "truck", "amount": -0.15},
    {"move": "pedestal", "amount": 0.1},
    {"move": "follow", "path": [(100, 100), (160, 80)]},
    {"move": "follow", "path": [(60, 100), (80, 110)], "hold": "sphere", "focus": (200, 60)},
    {"move": "keys", "keys": [{"position": (0.1, 0, 0.1), "turn": (5, 0, 4)}, {"zoom": 1}]},
]


@pytest.mark.parametrize("fields", MOVES, ids=lambda fields: fields["move"])
def test_the_motion_can_be_found_again_from_the_tracks(fields: dict) -> None:
    """By OpenCV's five-point algorithm and by resection, which know nothing of how it was made."""
    shot = film([Camera(**fields)], SCENE)
    seen = shot.background(3000)
    frame = int(np.linalg.norm(shot.cameras.centres, axis=1).argmax())
    both = seen.visible[:, 0] & seen.visible[:, frame]
    first, then = (to_pixel_centres(seen.points[both, i]).astype(np.float64) for i in (0, frame))
    lens = LENS - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    _, rotation, step, _ = cv2.recoverPose(*_essential(first, then, lens), first, then, lens)
    true = shot.cameras.w2c[frame]
    assert _turned(rotation, true[:3, :3]) < 0.05
    assert _apart(step[:, 0], true[:3, 3]) < 0.5
    start, _ = shot.space.lift(seen.points[both, 0].astype(np.float64))
    _, turn, place = cv2.solvePnP(start, then, lens, None)
    assert _turned(cv2.Rodrigues(turn)[0], true[:3, :3]) < 0.01
    np.testing.assert_allclose(place[:, 0], true[:3, 3], atol=2e-3)


def _essential(first, then, lens) -> tuple[np.ndarray]:
    found, _ = cv2.findEssentialMat(first, then, lens, cv2.RANSAC, 0.99999, 0.1)
    return (found,)


def _turned(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.degrees(np.linalg.norm(cv2.Rodrigues(one.T @ other)[0])))


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one / np.linalg.norm(one), other / np.linalg.norm(other)
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)))


@pytest.mark.parametrize(
    "fields",
    [
        {"move": "orbit", "amount": 15},
        {"move": "dolly", "amount": 0.35},
        {"move": "truck", "amount": 0.2},
        {"move": "dolly zoom", "amount": 0.4},
    ],
    ids=lambda fields: fields["move"],
)
def test_what_is_hidden_is_what_a_ray_cast_says(fields: dict) -> None:
    shot = film([Camera(**fields)], SCENE)
    seeds = grid(SIZE, 100 * 70)  # cells of 3 pixels: seeds are pixel centres
    seen = shot.background(100 * 70)
    rays = np.concatenate([seeds, np.ones((len(seeds), 1))], axis=1) @ np.linalg.inv(LENS).T
    surface = rays * ROOM.hit(np.zeros(3), rays)[:, None]
    hits = []
    for frame in range(1, FRAMES):
        inside = ((seen.points[:, frame] >= 0) & (seen.points[:, frame] < SIZE)).all(axis=1)
        hidden = ~ROOM.sees(shot.cameras.centres[frame], surface)
        found = seen.state[:, frame] == State.OCCLUDED
        hits.append([(a & b & inside).sum() for a, b in _pairs(hidden, found)])
    right, missed, wrong = np.sum(hits, axis=0)
    assert right > 1000
    assert 2 * right / (2 * right + missed + wrong) > 0.97


def _pairs(hidden: np.ndarray, found: np.ndarray) -> list:
    return [(hidden, found), (hidden, ~found), (~hidden, found)]


# what each move does


def test_frame_0_is_the_picture() -> None:
    seen = tracks(move="orbit", amount=30)
    np.testing.assert_allclose(seen.points[:, 0], grid(SIZE, 1024), atol=1e-4)
    assert seen.visible[:, 0].all()
    np.testing.assert_allclose(seen.depth[:, 0], DEPTH.at(grid(SIZE, 1024)), rtol=1e-5)
    assert (seen.group == -1).all() and abs(seen.count - 1024) < 40


@pytest.mark.parametrize(
    ("fields", "centre"),
    [
        ({"move": "dolly", "amount": 0.25}, (0, 0, 1)),
        ({"move": "dolly", "amount": -0.25}, (0, 0, -1)),
        ({"move": "truck", "amount": 0.25}, (1, 0, 0)),
        ({"move": "pedestal", "amount": 0.25}, (0, -1, 0)),
        ({"move": "truck", "amount": 0.25, "unit": "scene"}, (0.25, 0, 0)),
        ({"move": "truck", "amount": 0.25, "focus": 8}, (2, 0, 0)),
        ({"move": "orbit", "amount": 60}, (4 * np.sin(np.pi / 3), 0, 2)),
        ({"move": "orbit", "amount": -60}, (-4 * np.sin(np.pi / 3), 0, 2)),
        ({"move": "arc", "amount": 60}, (0, -4 * np.sin(np.pi / 3), 2)),
        ({"move": "pan", "amount": 30}, (0, 0, 0)),
    ],
)
def test_where_the_camera_ends(fields: dict, centre: tuple) -> None:
    np.testing.assert_allclose(centres(**fields)[-1], centre, atol=1e-9)


@pytest.mark.parametrize(
    ("fields", "way"),
    [
        ({"move": "pan", "amount": 5}, (-1, 0)),
        ({"move": "tilt", "amount": 5}, (0, 1)),
        ({"move": "truck", "amount": 0.1}, (-1, 0)),
        ({"move": "pedestal", "amount": 0.1}, (0, 1)),
    ],
)
def test_the_picture_goes_the_other_way(fields: dict, way: tuple) -> None:
    moved = follow(Camera(**fields)).displacements()[0, -1]
    np.testing.assert_allclose(moved / np.linalg.norm(moved), way, atol=1e-6)


def test_a_roll_clockwise_turns_the_picture_anticlockwise() -> None:
    seen = follow(Camera(move="roll", amount=90), points=[(200, 105)])
    np.testing.assert_allclose(seen.points[0, -1], (150, 55), atol=1e-3)


def test_a_zoom_goes_evenly_and_keeps_the_middle() -> None:
    seen = follow(Camera(move="zoom", amount=4), points=[(150, 105), (160, 105)])
    np.testing.assert_allclose(seen.points[0], np.broadcast_to((150, 105), (9, 2)), atol=1e-4)
    np.testing.assert_allclose(seen.points[1, :, 0] - 150, 10 * 4 ** (np.arange(9) / 8), rtol=1e-5)


def test_a_dolly_zoom_keeps_what_it_looks_at() -> None:
    near = Depth(np.where(np.arange(30) < 15, 2.0, 4.0)[None].repeat(21, 0).astype(np.float32))
    scene = Scene(size=SIZE, frames=9, fps=8, measure=lambda: near)
    seen = follow(
        Camera(move="dolly zoom", amount=0.3, focus=4), points=[(220, 150), (110, 90)], scene=scene
    )
    assert np.abs(seen.displacements()[0]).max() < 1e-3
    assert np.linalg.norm(seen.displacements()[1, -1]) > 5


def test_an_orbit_keeps_its_focus_in_place() -> None:
    seen = follow(
        Camera(move="orbit", amount=25, focus=(90, 60)), points=[(90, 60), (200, 60)], scene=SCENE
    )
    assert np.abs(seen.displacements()[0]).max() < 0.02
    assert np.abs(seen.displacements()[1]).max() > 3


def test_the_time_span_and_the_easing_are_kept() -> None:
    x = centres(move="truck", amount=0.25, start=0.25, end=0.75, timing="ease-in-out")[:, 0]
    assert (x[:3] == 0).all() and (x[6:] == 1).all()
    np.testing.assert_allclose(x[4], 0.5, atol=1e-6)
    assert 0 < x[3] < 0.25


def test_two_cameras_are_one_that_makes_both_moves() -> None:
    first = Camera(move="dolly", amount=0.5, end=0.5)
    second = Camera(move="pan", amount=30, start=0.5)
    shot = film([first, second], WALL).cameras
    np.testing.assert_allclose(shot.centres[-1], (0, 0, 2), atol=1e-9)
    np.testing.assert_allclose(shot.w2c[-1, 2, :3], (0.5, 0, np.sqrt(3) / 2), atol=1e-9)
    orbit = Camera(move="orbit", amount=60, start=0.5)
    np.testing.assert_allclose(
        film([first, orbit], WALL).cameras.centres[-1], (2 * np.sin(np.pi / 3), 0, 3), atol=1e-9
    )


def test_what_turns_on_the_spot_needs_no_depth() -> None:
    bare = Scene(size=SIZE, frames=9, fps=8)
    seen = tracks(bare, move="pan", amount=10, fov=55)
    assert seen.depth is None
    np.testing.assert_allclose(seen.points, tracks(move="pan", amount=10).points, atol=1e-3)


@pytest.mark.parametrize("move", ["pan", "tilt", "roll"])
def test_one_depth_for_all_hides_nothing_from_a_camera_that_turns(move: str) -> None:
    seen = tracks(Scene(size=SIZE, frames=FRAMES, fps=8), move=move, amount=12)
    inside = ((seen.points >= 0) & (seen.points < SIZE)).all(axis=2)
    assert inside[:, -1].mean() > 0.5
    np.testing.assert_array_equal(seen.visible, inside)


def test_outside_is_occluded_and_behind_stays_finite() -> None:
    seen = tracks(move="dolly", amount=0.9)
    outside = ((seen.points < 0) | (seen.points >= SIZE)).any(axis=2)
    assert (seen.state[outside] == State.OCCLUDED).all() and outside.any()
    assert (seen.depth[:, -1] < 0).any() and np.isfinite(seen.points).all()


# follow, keys, files


def test_the_point_follows_the_cursor_on_a_plane() -> None:
    camera = Camera(move="follow", path=[(100, 100), (160, 80)])
    shot = film([camera], SCENE)
    seen = shot.follow(np.array([(100.0, 100.0)]))
    way = np.linspace((100, 100), (160, 80), FRAMES)
    np.testing.assert_allclose(seen.points[0], way, atol=1e-3)
    assert np.abs(shot.cameras.centres[:, 2]).max() == 0
    np.testing.assert_allclose(shot.cameras.w2c[:, :3, :3], np.tile(np.eye(3), (9, 1, 1)))


def test_the_point_follows_the_cursor_on_a_sphere() -> None:
    camera = Camera(
        move="follow", path=[(60, 100), (80, 110), (75, 90)], hold="sphere", focus=(200, 60)
    )
    shot = film([camera], SCENE)
    seen = shot.follow(np.array([(60.0, 100.0), (200.0, 60.0)]))
    np.testing.assert_allclose(seen.points[0, -1], (75, 90), atol=1e-3)
    assert np.abs(seen.displacements()[1]).max() < 0.02  # it goes on looking at the focus
    away = np.linalg.norm(
        shot.cameras.centres - shot.space.lift(np.array([(200.0, 60.0)]))[0], axis=1
    )
    np.testing.assert_allclose(away, away[0], rtol=1e-9)


def test_another_point_comes_along_at_its_distance() -> None:
    camera = Camera(move="follow", path=[(10, 10), (60, 10)], point=(100, 100))
    seen = follow(camera, points=[(100, 100)], scene=SCENE)
    np.testing.assert_allclose(seen.points[0, -1], (150, 100), atol=1e-3)


def test_keys_are_passed_smoothly() -> None:
    keys = [
        {"at": 0.25, "position": (0.2, 0, 0), "turn": (10, 0, 0)},
        {"at": 0.75, "position": (0.2, 0, 0.3), "turn": (10, 5, -5), "zoom": 1.5},
        {"position": (0, 0, 0.3)},
    ]
    scene = Scene(size=SIZE, frames=801, fps=800, measure=lambda: FLAT)
    shot = film([Camera(move="keys", keys=keys, timing="linear")], scene).cameras
    np.testing.assert_allclose(shot.centres[200], (0.8, 0, 0), atol=1e-6)
    np.testing.assert_allclose(shot.centres[600], (0.8, 0, 1.2), atol=1e-6)
    np.testing.assert_allclose(shot.w2c[200, 2, :3], [np.sin(np.pi / 18), 0, np.cos(np.pi / 18)])
    np.testing.assert_allclose(shot.K[600, 0, 0] / shot.K[0, 0, 0], 1.5)
    speed = np.diff(shot.centres, axis=0)
    assert np.abs(np.diff(speed, axis=0)).max() < 0.03 * np.abs(speed).max()  # no corner anywhere
    turned = np.diff(shot.w2c[:, :3, :3], axis=0)
    assert np.abs(np.diff(turned, axis=0)).max() < 0.03 * np.abs(turned).max()


def test_two_poses_are_joined_straight_and_by_slerp() -> None:
    shot = film([Camera(move="keys", keys=[{"position": (0, 0, 0.2), "turn": (40, 0, 0)}])], WALL)
    np.testing.assert_allclose(shot.cameras.centres[4], (0, 0, 0.4), atol=1e-9)
    half = np.radians(20)
    np.testing.assert_allclose(shot.cameras.w2c[4, 2, :3], (np.sin(half), 0, np.cos(half)))


def _walk() -> Cameras:
    return film([Camera(move="orbit", amount=20)], WALL).cameras


@pytest.mark.parametrize("form", ["txt", "json", "c2w", "npz", "3x4"])
def test_a_path_of_another_tool_is_walked_again(form: str, tmp_path: Path) -> None:
    walk, moved = _walk(), np.eye(4)
    moved[:3, 3] = (3, -1, 2)  # files begin anywhere
    poses = walk.w2c @ moved
    name = tmp_path / f"walk.{'json' if form in ('c2w', '3x4') else form}"
    if form == "txt":
        rows = [
            [i * 33333, 0.5, 0.9, 0.5, 0.5, 0, 0, *pose[:3].ravel()] for i, pose in enumerate(poses)
        ]
        name.write_text("https://x\n" + "\n".join(" ".join(f"{v:.9f}" for v in r) for r in rows))
    elif form == "npz":
        Cameras.of(walk.K, poses, size=SIZE, fps=8).save(name)
    elif form == "c2w":
        name.write_text(json.dumps({"c2w": np.linalg.inv(poses).tolist()}))
    else:
        name.write_text(json.dumps((poses[:, :3] if form == "3x4" else poses).tolist()))
    scene = Scene(size=SIZE, frames=9, fps=8, measure=lambda: FLAT, folder=tmp_path)
    again = film([Camera(move="path", file=name.name, unit="scene")], scene).cameras
    np.testing.assert_allclose(again.w2c, walk.w2c, atol=1e-6)
    np.testing.assert_allclose(again.K, walk.K)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "[]", r"numbers \(0,\); give a list of 4x4 matrices"),
        (
            "a.json",
            json.dumps([np.eye(4).tolist()]),
            "holds 1 camera poses; a path needs 2 or more",
        ),
        (
            "a.json",
            json.dumps([np.eye(4).tolist(), (2 * np.eye(4)).tolist()]),
            "pose 2 holds no rot",
        ),
        ("a.json", '{"poses": []}', 'an object without "w2c" or "c2w"'),
        ("a.json", "[1, [2]]", "no list of equal matrices"),
        ("a.json", "[[", "cannot read the camera path"),
        ("a.txt", "https://x\n1 2 3\n", "pose 1 has 3 numbers; a line has 19"),
        ("a.txt", "1 2 a\n", "holds 0 camera poses"),
        ("b.txt", None, "there is no camera path at .*b.txt"),
    ],
)
def test_paths_that_are_none(name: str, text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    scene = Scene(size=SIZE, frames=9, fps=8, measure=lambda: FLAT, folder=tmp_path)
    with pytest.raises(DocumentError, match=message):
        film([Camera(move="path", file=name)], scene)


# mistakes


def test_without_depth_the_three_ways_are_named() -> None:
    with pytest.raises(DocumentError) as caught:
        tracks(Scene(size=SIZE, frames=9, fps=8), move="orbit", amount=20)
    told = str(caught.value)
    assert told.startswith("orbit needs to know how far away things are") and "\n" not in told
    for way in ('"depth": {"path": "depth.png"}', '"depth": "prior"', '"depth": {"model": FOLDER}'):
        assert way in told
    assert told.count("--depth") == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"move": "orbit"}, r"^camera \(orbit\) has no amount; give it$"),
        ({"move": "orbit", "amount": 0}, r"\(orbit\) by 0 moves nothing; leave the camera out"),
        ({"move": "zoom", "amount": 1}, "by 1 moves nothing"),
        ({"move": "zoom", "amount": -1}, "by -1; give a factor above 0"),
        ({"move": "orbit", "amount": 3, "path": [(1, 1), (2, 2)]}, "has path, which is for other"),
        ({"move": "orbi", "amount": 3}, "did you mean orbit"),
        ({"move": "follow", "amount": 3}, "has amount, which is for other moves"),
        ({"move": "keys"}, "has no keys; give it"),
        ({"move": "pan", "amount": 3, "depth": "prior"}, '"depth": "prior"'),
        ({"move": "pan", "amount": 3, "K": [(1, 0, 1), (1, 1, 1), (0, 0, 1)]}, "K is .*give fx"),
    ],
)
def test_what_no_camera_can_be(fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        Camera(**fields)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"move": "dolly", "amount": 3}, "sees nothing of the picture at .*let it move or turn"),
        ({"move": "pan", "amount": 170}, "sees nothing of the picture"),
        ({"move": "dolly zoom", "amount": 1}, "a dolly zoom of 1 goes through what it looks at"),
        ({"move": "orbit", "amount": 9, "focus": (900, 5)}, "the focus at 900,5 lies outside"),
        ({"move": "follow", "path": [(400, 5), (9, 9)]}, "point 1 of the cursor's path at 400,5"),
        ({"move": "keys", "keys": [{"at": 5, "zoom": 2}]}, "1 camera keys do not fit in 1 s"),
        ({"move": "keys", "keys": [{"zoom": 1}]}, "all keys are at the picture's own pose"),
        (
            {"move": "follow", "path": [(150, 105), (9, 9)], "hold": "sphere"},
            "the chosen point is the centre of the sphere",
        ),
        (
            {"move": "follow", "path": [(160, 105), (290, 9)], "hold": "sphere"},
            "is farther out than the chosen point gets by turning",
        ),
    ],
)
def test_what_cannot_be_filmed(fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        Camera(**fields).expand(WALL)


def test_two_lenses_are_refused() -> None:
    with pytest.raises(DocumentError, match="different lenses"):
        film([Camera(move="pan", amount=3, fov=40), Camera(move="tilt", amount=3, fov=50)], WALL)

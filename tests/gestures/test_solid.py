"""Solids: what the paper's sphere does, the other bodies against a slow ray-cast, and mistakes."""

from math import cos, radians, sin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kineograph.core.cameras import Cameras
from kineograph.core.errors import DocumentError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.document import Document
from kineograph.gestures.drag import Drag
from kineograph.gestures.pin import Pin
from kineograph.gestures.scene import Scene
from kineograph.gestures.shorthand.solid import parse_solid
from kineograph.gestures.solid import FAR, Solid
from kineograph.gestures.solids.turning import axis_angle, posture

SCENE = Scene(size=(512, 384), frames=9, fps=8)
BALL = {"centre": (256, 200), "radius": 80}
BODIES = {
    "sphere": {"radius": 70},
    "ellipsoid": {"size": (180, 100, 60)},
    "cylinder": {"radius": 50, "height": 140},
    "plane": {"size": (120, 80)},
    "box": {"size": (120, 80, 60)},
}


def expand(scene: Scene = SCENE, **fields) -> Tracks:
    tracks = Solid(**{**BALL, **fields}).expand(scene).tracks
    assert tracks is not None
    return tracks


def body(shape: str, **fields) -> Solid:
    return Solid(shape=shape, centre=(256, 200), **BODIES[shape], **fields)


def lifted(x: float, y: float, radius: float = 80) -> np.ndarray:
    """The point of the paper's sphere under the cursor, by hand."""
    q = np.array([x - 256, y - 200]) / radius
    return radius * np.array([*q, -np.sqrt(1 - q @ q)])


# the paper's sphere


@given(st.tuples(*[st.floats(-55, 55)] * 4), st.sampled_from([None, 50.0]))
def test_what_is_pressed_stays_under_the_cursor(steps: tuple, fov: float | None) -> None:
    (a, b, c, d), scene = steps, SCENE
    if abs(a - c) + abs(b - d) < 1:
        return
    solid = Solid(**BALL, path=[(256 + a, 200 + b), (256 + c, 200 + d)], fov=fov)
    placement = solid.placement(scene)
    cursor = np.array(solid.path[0]) + np.linspace(0, 1, 9)[:, None] * (np.diff(solid.path, axis=0))
    touched = placement.lens.lift(cursor[:1], placement.centre[:1], np.array([80.0])) * 80
    np.testing.assert_allclose(placement.project(touched)[0], cursor, atol=1e-6)


def test_a_quarter_turn_lands_exactly() -> None:
    """From the middle to the rim: what was in front is at the side, what was at the side behind."""
    placement = Solid(**BALL, path=[(256, 200), (336, 200)]).placement(SCENE)
    marks = np.array([[0, 0, -80], [-80, 0, 0], [80, 0, 0], [0, 80, 0]], np.float64)
    np.testing.assert_allclose(
        placement.offsets(marks)[:, -1],
        [[80, 0, 0], [0, 0, -80], [0, 0, 80], [0, 80, 0]],
        atol=1e-9,
    )


def test_the_turn_is_about_one_axis_across_both_ends() -> None:
    start, end = lifted(230, 180), lifted(290, 240)
    turn = Solid(**BALL, path=[(230, 180), (290, 240)]).placement(SCENE).rotation[-1]
    axis = np.cross(start, end) / np.linalg.norm(np.cross(start, end))
    np.testing.assert_allclose(turn @ axis, axis, atol=1e-9)
    angle = np.arccos((np.trace(turn) - 1) / 2)
    assert angle == pytest.approx(np.arccos(start @ end / 80**2))


def test_the_way_does_not_matter_only_where_the_cursor_is() -> None:
    straight = Solid(**BALL, path=[(256, 200), (300, 230)]).placement(SCENE)
    around = Solid(**BALL, path=[(256, 200), (200, 150), (300, 230)]).placement(SCENE)
    np.testing.assert_allclose(straight.rotation[-1], around.rotation[-1], atol=1e-9)


def test_turns_about_one_axis_compose() -> None:
    front = np.array([0, 0, -1.0])
    first, both = np.array([[sin(0.4), 0, -cos(0.4)], [sin(1.1), 0, -cos(1.1)]])
    there = axis_angle(front, first[None])[0]
    onward = axis_angle(first, both[None])[0]
    np.testing.assert_allclose(onward @ there, axis_angle(front, both[None])[0], atol=1e-12)


def test_opposite_ends_go_by_way_of_the_viewer() -> None:
    turn = axis_angle(np.array([-1.0, 0, 0]), np.array([[1.0, 0, 0]]))[0]
    np.testing.assert_allclose(turn @ [-1, 0, 0], [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(turn @ [0, 1, 0], [0, 1, 0], atol=1e-9)


def test_beside_the_ball_its_rim_follows() -> None:
    inside = Solid(**BALL, path=[(256, 200), (336, 200)]).placement(SCENE)
    beyond = Solid(**BALL, path=[(256, 200), (500, 200)]).placement(SCENE)
    np.testing.assert_allclose(beyond.rotation[-1], inside.rotation[-1], atol=1e-9)


def test_one_hemisphere_is_seen() -> None:
    tracks = expand(path=[(256, 200), (310, 240)])
    assert tracks.visible.sum(axis=0) == pytest.approx(tracks.count / 2, rel=0.02)
    assert set(np.unique(tracks.state)) == {State.VISIBLE, State.OCCLUDED}
    away = tracks.points - np.array([256, 200])
    assert np.linalg.norm(away, axis=2).max() <= 80 + 1e-3
    placement = Solid(**BALL, path=[(256, 200), (310, 240)]).placement(SCENE)
    points, _ = Solid(**BALL, path=[(256, 200), (310, 240)]).body.sample(
        float(np.sqrt(4 * np.pi * 80**2 / 1000))
    )
    np.testing.assert_array_equal(tracks.visible, placement.offsets(points)[..., 2] < -1e-9 * 80)


def test_tracks_cover_the_ball_evenly() -> None:
    points, normals = Solid(**BALL, path=[(256, 200), (300, 200)]).body.sample(8.0)
    assert len(points) == round(4 * np.pi * 80**2 / 64)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 80)
    np.testing.assert_allclose(normals * 80, points, atol=1e-9)
    nearest = np.sort(np.linalg.norm(points[:, None] - points, axis=2), axis=1)[:, 1]
    assert nearest.min() > 5 and nearest.max() < 9


# the angles of keys


def test_yaw_turns_the_front_to_the_right_pitch_up_and_roll_clockwise() -> None:
    front, right = np.array([0, 0, -1.0]), np.array([1.0, 0, 0])
    np.testing.assert_allclose(posture(90, 0, 0)[0] @ front, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(posture(0, 90, 0)[0] @ front, [0, -1, 0], atol=1e-12)
    np.testing.assert_allclose(posture(0, 0, 90)[0] @ right, [0, 1, 0], atol=1e-12)


def test_a_tipped_ball_spins_about_its_own_axis() -> None:
    spin = Solid(**BALL, pitch=30, roll=10, keys=[{"yaw": 360, "pitch": 30, "roll": 10}])
    placement = spin.placement(SCENE)
    axis = placement.rotation[0] @ [0, 1, 0]
    np.testing.assert_allclose(placement.rotation @ [0, 1, 0], np.tile(axis, (9, 1)), atol=1e-12)
    np.testing.assert_allclose(placement.rotation[-1], placement.rotation[0], atol=1e-9)
    back = placement.rotation[4] @ placement.rotation[0].T
    assert np.degrees(np.arccos((np.trace(back) - 1) / 2)) == pytest.approx(180, abs=1e-5)


def test_keyed_and_dragged_quarter_turns_are_the_same() -> None:
    keyed = expand(keys=[{"yaw": 90}]).points[:, -1]
    np.testing.assert_allclose(
        keyed, expand(path=[(256, 200), (336, 200)]).points[:, -1], atol=1e-4
    )


def test_it_is_moved_and_scaled_while_it_is_turned() -> None:
    keys = [{"yaw": 40, "centre": (300, 180), "scale": 1.5}]
    placement = Solid(**BALL, keys=keys).placement(SCENE)
    np.testing.assert_allclose(placement.centre[4], [278, 190])
    np.testing.assert_allclose(placement.scale[[0, 4, 8]], [1, 1.25, 1.5])
    front = placement.project(np.array([[0, 0, -80.0]]))[0]
    np.testing.assert_allclose(front[-1], [300 + 1.5 * 80 * sin(radians(40)), 180])
    extent = np.linalg.norm(expand(keys=keys).points[:, -1] - [300, 180], axis=1).max()
    assert extent == pytest.approx(120, rel=0.01)


def test_the_cursor_holds_on_while_the_ball_moves() -> None:
    solid = Solid(
        **BALL, path=[(256, 200), (330, 200)], keys=[{"centre": (290, 200), "scale": 1.2}]
    )
    front = solid.placement(SCENE).project(np.array([[0, 0, -80.0]]))[0]
    np.testing.assert_allclose(front, np.linspace((256, 200), (330, 200), 9), atol=1e-6)


def test_keys_are_spread_eased_and_timed() -> None:
    spread = Solid(**BALL, keys=[{"yaw": 10}, {"yaw": 40}]).placement(SCENE).rotation
    np.testing.assert_allclose(spread[4], posture(10, 0, 0)[0], atol=1e-9)
    np.testing.assert_allclose(spread[6], posture(25, 0, 0)[0], atol=1e-9)
    at = Solid(**BALL, keys=[{"yaw": 10, "at": 0.25, "ease": "hold"}, {"yaw": 40}])
    held = at.placement(SCENE).rotation
    np.testing.assert_allclose(held[2:8], np.tile(posture(10, 0, 0), (6, 1, 1)), atol=1e-9)
    half = Solid(**BALL, keys=[{"yaw": 40}], timing=[{"at": 0, "to": 0}, {"at": 1, "to": 0.5}])
    np.testing.assert_allclose(half.placement(SCENE).rotation[-1], posture(20, 0, 0)[0], atol=1e-9)


def test_no_motion_is_none() -> None:
    tracks = expand(keys=[{"yaw": 0, "scale": 1}])
    assert np.ptp(tracks.points, axis=1).max() == 0
    assert (tracks.state == tracks.state[:, :1]).all()


def test_time_span_and_persist() -> None:
    open_ended = expand(keys=[{"yaw": 90}], start=0.25, end=0.75)
    assert (open_ended.specified == np.isin(np.arange(9), range(2, 7))).all()
    kept = expand(keys=[{"yaw": 90}], start=0.25, end=0.75, persist=True)
    assert kept.specified.all()
    np.testing.assert_array_equal(kept.points[:, :3], np.repeat(kept.points[:, :1], 3, axis=1))
    np.testing.assert_array_equal(kept.points[:, 6:], np.repeat(kept.points[:, 6:7], 3, axis=1))


# every body, against slow and independent answers


def within(shape: str, points: np.ndarray) -> np.ndarray:
    """Whether points are inside a body, from what the word means."""
    x, y, z = np.moveaxis(points, -1, 0)
    match shape:
        case "sphere":
            return x**2 + y**2 + z**2 < 70**2
        case "ellipsoid":
            return (x / 90) ** 2 + (y / 50) ** 2 + (z / 30) ** 2 < 1
        case "cylinder":
            return (x**2 + z**2 < 50**2) & (abs(y) < 70)
        case "box":
            return (abs(x) < 60) & (abs(y) < 40) & (abs(z) < 30)
    raise AssertionError(shape)


@pytest.mark.parametrize("fov", [None, 70])
@pytest.mark.parametrize("shape", ["sphere", "ellipsoid", "cylinder", "box"])
def test_what_is_hidden_is_hidden_by_the_body_itself(shape: str, fov: float | None) -> None:
    """March from every point towards the eye; if the way leads through the body it is hidden."""
    turn = {"yaw": 200, "pitch": 50, "roll": -30, "centre": (330, 150), "scale": 1.2}
    solid = body(shape, yaw=20, pitch=-15, keys=[turn], fov=fov, stride=9)
    tracks, placement = solid.expand(SCENE).tracks, solid.placement(SCENE)
    points, _ = solid.body.sample(9.0)
    focal = 1e9 if fov is None else 256 / np.tan(radians(fov / 2))
    for t in range(9):
        offset = placement.offsets(points)[:, t]
        eye = np.array([256, 192, 0]) - np.array([*placement.centre[t], focal])
        ways = eye - offset
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        marched = offset[:, None] + np.geomspace(1e-4, 250, 600)[:, None] * ways[:, None]
        own = marched @ placement.rotation[t] / placement.scale[t]
        hidden = within(shape, own).any(axis=1) | ~SCENE.inside(placement.project(points)[:, t])
        np.testing.assert_array_equal(tracks.visible[:, t], ~hidden)
    assert 0.2 < tracks.visible.mean() < 0.6


@pytest.mark.parametrize("shape", list(BODIES))
def test_points_lie_on_the_surface_and_normals_point_out(shape: str) -> None:
    solid = body(shape, keys=[{"yaw": 9}])
    points, normals = solid.body.sample(7.0)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    assert np.linalg.norm(points, axis=1).max() <= solid.body.reach + 1e-9
    assert len(points) * 49 == pytest.approx(solid.body.area, rel=0.06)
    if shape == "plane":
        assert (points[:, 2] == 0).all() and (normals == [0, 0, -1]).all()
        assert (np.abs(points[:, :2]) < [60, 40]).all()
    else:
        assert within(shape, points - 1e-3 * normals).all()
        assert not within(shape, points + 1e-3 * normals).any()


@pytest.mark.parametrize("shape", ["sphere", "ellipsoid", "cylinder", "box"])
def test_rays_meet_bodies_where_marching_does(shape: str) -> None:
    rng, met = np.random.default_rng(3), 0
    solid = body(shape, keys=[{"yaw": 9}]).body
    steps = np.arange(0, 500, 0.05)[:, None]
    for _ in range(40):
        origin = rng.normal(size=3)
        origin *= 200 / np.linalg.norm(origin)
        direction = rng.uniform(-70, 70, 3) - origin
        direction /= np.linalg.norm(direction)
        inside = within(shape, origin + steps * direction)
        hit = solid.hit(origin, direction)
        if inside.sum() > 3:
            met += 1
            assert hit == pytest.approx(0.05 * inside.argmax(), abs=0.06)
        elif not inside.any():
            assert hit is None or not within(shape, origin + (hit + 0.2) * direction)
    assert met > 10


def test_a_plane_shows_its_front_until_it_is_edge_on() -> None:
    tracks = body("plane", keys=[{"yaw": 160}]).expand(SCENE).tracks
    expected = np.cos(np.radians(np.arange(9) * 20)) > 0
    assert (tracks.visible == expected).all()
    right = tracks.points[:, 0, 0] > 256
    width = tracks.points[right, :, 0] - 256
    np.testing.assert_allclose(
        width, width[:, :1] * np.cos(np.radians(np.arange(9) * 20)), atol=1e-3
    )


def test_a_turning_cylinder_keeps_heights() -> None:
    tracks = body("cylinder", keys=[{"yaw": 75}]).expand(SCENE).tracks
    assert np.ptp(tracks.points[..., 1], axis=1).max() < 1e-3


def test_perspective_is_that_of_a_camera() -> None:
    solid = body("box", keys=[{"yaw": 60, "centre": (300, 100)}], fov=60)
    placement, focal = solid.placement(SCENE), 256 / np.tan(radians(30))
    points, _ = solid.body.sample(20.0)
    camera = Cameras.from_fov(60, SCENE.size, frames=1, fps=8)
    for t in (0, 4, 8):
        centre = np.array([*(placement.centre[t] - [256, 192]), focal])
        seen, _ = camera.project(placement.offsets(points)[:, t] + centre)
        np.testing.assert_allclose(placement.project(points)[:, t], seen[:, 0], atol=1e-3)


@pytest.mark.parametrize("fov", [None, 60])
@pytest.mark.parametrize("shape", ["ellipsoid", "cylinder", "box"])
def test_whatever_the_body_what_is_pressed_follows(shape: str, fov: float | None) -> None:
    """The same surface point is under the cursor, found by a ray-cast, at start and a bit later."""
    solid = body(shape, yaw=25, pitch=-20, path=[(250, 195), (262, 205)], fov=fov)
    placement = solid.placement(SCENE)
    origin, direction = placement.lens.ray(np.array([250.0, 195.0]), placement.centre[0])
    own = placement.rotation[0].T
    far = solid.body.hit(own @ origin, own @ direction)
    held = own @ (origin + far * direction)
    np.testing.assert_allclose(
        placement.project(held[None])[0], np.linspace((250, 195), (262, 205), 9), atol=1e-6
    )


def test_depth_tells_near_parts_from_far_ones_around_the_given_one() -> None:
    tracks = expand(keys=[{"yaw": 50}], depth=3)
    assert tracks.depth is not None
    assert 2.5 <= tracks.depth.min() < 2.51 and 3.49 < tracks.depth.max() <= 3.5
    assert (tracks.depth[tracks.visible] < 3).all()
    assert np.abs(expand(keys=[{"yaw": 50}]).depth - FAR).max() <= 0.5


# among other gestures


def test_solids_work_in_documents() -> None:
    document = Document(size=(512, 384), frames=9, fps=8).add(
        Solid(**BALL, path=[(256, 200), (330, 200)]), Pin(region=(0, 0, 100, 100))
    )
    assert Document.parse(document.to_dict(), ".") == document
    tracks = document.expand().tracks
    assert (tracks.group[:1000] == 0).all() and (tracks.group[1000:] == 1).all()


def test_a_gesture_that_pulls_elsewhere_is_a_contradiction_unless_it_is_nearer() -> None:
    document = Document(size=(512, 384), frames=9, fps=8).add(Solid(**BALL, keys=[{"yaw": 90}]))
    drag = {"path": [(256, 200), (256, 100)]}
    with pytest.raises(DocumentError, match=r"\(solid\) and gestures\[1\] \(drag\) hold the same"):
        document.add(Drag(**drag)).expand()
    assert document.add(Drag(**drag, depth=1)).expand().tracks.count > 1000


# mistakes


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"radius": 0}, "^solid: radius is 0; it should be greater than 0$"),
        ({"radius": -3}, "radius is -3; it should be greater than 0"),
        ({"radius": None}, "^solid has no radius; a sphere is measured by radius, so give it$"),
        ({"height": 3}, "has a height; a sphere is measured by radius, so leave it out"),
        ({"shape": "cylinder"}, "has no height; a cylinder is measured by radius and height"),
        (
            {"shape": "box", "radius": None, "size": (3, 4)},
            r"has a size of 2 numbers; a box needs \[width, height, depth\]",
        ),
        (
            {"shape": "plane", "radius": None, "size": (3, 4, 5)},
            r"has a size of 3 numbers; a plane needs \[width, height\]",
        ),
        ({"shape": "bal"}, "shape is 'bal'; known: sphere, ellipsoid"),
        ({"shape": "spher"}, "shape is 'spher'; did you mean sphere"),
        ({"keys": None}, "has neither a cursor path nor keys; give one, or use a pin"),
        ({"path": [(256, 200), (300, 200)]}, "turned by its path and by yaw in its keys; keep one"),
        ({"path": [(1, 1), (1, 1)], "keys": None}, "the path has no length"),
        ({"keys": [{"at": 0.5}]}, r"keys\[0\] changes nothing; give it yaw, pitch, roll"),
        ({"keys": [{"scale": 0}]}, r"keys\[0\].scale is 0; it should be greater than 0"),
        ({"keys": [{"yaw": 1, "at": 1}, {"yaw": 2, "at": 0}]}, "key at 0 s after one at 1 s"),
        ({"fov": 180}, "fov is 180; it should be less than 170"),
    ],
)
def test_what_no_solid_can_be(fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        Solid(**{**BALL, "keys": [{"yaw": 40}], **fields})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"centre": (700, 200)},
            "^the sphere at 700,200, which reaches 80 px from there, lies outside the picture of "
            "512x384; move it inside$",
        ),
        (
            {"path": [(400, 200), (300, 200)], "keys": None},
            "^the cursor presses at 400,200, beside the sphere at 256,200; begin the path on it$",
        ),
        ({"keys": [{"centre": (600, 200)}]}, "key 1 puts the centre at 600,200, outside the pict"),
        ({"keys": [{"yaw": 1, "at": 5}]}, "key 1 is at 5 s; the gesture lasts from 0 s to 1 s"),
        ({"keys": [{"yaw": 1, "at": 1}, {"yaw": 2}]}, "2 keys do not fit between 0 s and 1 s"),
        ({"radius": 2000, "fov": 90}, "reaches the viewer, who is 256 px in front of it"),
        ({"start": 0.5, "end": 0.55}, "holds only 1 frame of the clip; a solid needs 2 or more"),
        ({"stride": 0.1, "radius": 500}, "at most 3555555 are allowed; give a larger stride"),
        (
            {"shape": "plane", "radius": None, "size": (40, 40), "yaw": 180},
            "the plane at 256,200 shows only its back at the start; turn its front",
        ),
    ],
)
def test_what_does_not_fit_the_scene(fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        expand(**{"keys": [{"yaw": 40}], **fields})


def test_a_solid_may_leave_the_picture_if_it_is_said() -> None:
    tracks = expand(keys=[{"centre": (700, 200)}], leave=True)
    assert not tracks.visible[:, -1].any() and tracks.specified.all()


# a line of text


def test_the_command_line_of_the_readme() -> None:
    ball = parse_solid("sphere 256,200 r=80 : 256,200 > 330,200", (512, 384))
    assert ball == Solid(**BALL, path=[(256, 200), (330, 200)])


def test_words_and_percent() -> None:
    line = "box 50%,25% size=10%,60,60 posed=30,-15,0 yaw=120 to=300,200 scale=1.2 fov=40 @1-2"
    assert parse_solid(line + " persist name='a: b' ease=ease", (512, 384)) == Solid(
        shape="box",
        centre=(256, 96),
        size=(38.4, 60, 60),
        yaw=30,
        pitch=-15,
        keys=[{"yaw": 120, "centre": (300, 200), "scale": 1.2}],
        fov=40,
        start=1,
        end=2,
        persist=True,
        name="a: b",
        timing="ease",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "begins with ''; known shapes: sphere, ellipsoid, cylinder, plane, box"),
        ("ball 2,2 r=3", '^the solid "ball 2,2 r=3" begins with .ball.; known shapes'),
        ("sphere", 'has no centre; write it as "sphere 256,200 r=80 : 256,200 > 330,200"'),
        ("sphere 1,2 > 3,4 r=3", "has a path for its centre; put the cursor path after a colon"),
        ("sphere 256,200 r=80", "has neither a cursor path nor keys"),
        ("sphere 256,200 r=0 yaw=3", '^the solid "sphere 256,200 r=0 yaw=3": radius is 0; it sho'),
        ("sphere 256,200 r=80 raduis=3", "unknown word 'raduis=3'; did you mean radius="),
        ("box 9,9 size=9,9,9 posed=3 yaw=3", "has posed=3; give yaw, pitch and roll, as posed=30"),
        ("sphere 256,200 r=80 : ", "is empty|begins with no point"),
    ],
)
def test_lines_that_are_no_solid(text: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        parse_solid(text, (512, 384))
    assert "\n" not in str(caught.value)

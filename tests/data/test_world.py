"""Worlds: the camera's views agree with its K and w2c, and drawing is settled by the seed."""

from dataclasses import replace

import made_worlds as made
import numpy as np
import pytest
import torch

from kineograph.core.errors import DataError
from kineograph.data.procedural.camera import CAMERA_MOVES, FAR, Camera, draw_camera
from kineograph.data.procedural.drawing import draw_world
from kineograph.data.procedural.facts import camera_facts
from kineograph.data.procedural.library import outline
from kineograph.data.procedural.lighting import draw_light
from kineograph.data.procedural.scene import library
from kineograph.data.procedural.settings import SceneSettings, settings_of
from kineograph.data.procedural.world import CAMERA_VERBS, OBJECT_VERBS, World, compass

SMALL = {"size": (48, 40), "frames": 6, "sprites": 12, "backgrounds": 4}


def drawn(seed: int, **fields: object) -> World:
    settings = settings_of(**{**SMALL, **fields})
    return draw_world(seed, settings, library(settings))


@pytest.mark.parametrize("depth", [3.0, 6.5, FAR])
def test_a_view_is_what_the_cameras_project(depth: float) -> None:
    camera = made.filming()
    stage = np.random.default_rng(0).uniform(-20, 80, (30, 2))
    view = camera.view(depth)
    seen = stage @ view[:, :, :2].transpose(0, 2, 1) + view[:, None, :, 2]
    real = camera.cameras(8)
    world = real.unproject(stage, np.full(30, depth), frame=0)
    projected, deep = real.project(world)
    np.testing.assert_allclose(projected.transpose(1, 0, 2), seen, atol=1e-4)
    np.testing.assert_allclose(deep, np.tile(depth - camera.dolly, (30, 1)), atol=1e-5)


def test_nearer_things_move_more_when_the_camera_goes_sideways() -> None:
    camera = Camera.still((64, 64), 2)
    camera = replace(camera, truck=np.array([[0.0, 0], [1.0, 0]]))
    near, far = (camera.view(depth)[1, 0, 2] for depth in (5.0, 10.0))
    assert near == pytest.approx(2 * far)
    assert far < 0, "the picture goes left when the camera goes right"


def test_the_first_frame_is_the_stage() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        view = draw_camera(rng, (64, 48), 9, moving=True).view(6.0)
        np.testing.assert_allclose(view[0], [[1, 0, 0], [0, 1, 0]], atol=1e-12)


@pytest.mark.parametrize(
    ("way", "word"),
    [
        ((-1, 0), "left"),
        ((3, 1), "right"),
        ((0, -2), "up"),
        ((0.2, 5), "down"),
        ((-1, -1), "up left"),
        ((2, 1.5), "down right"),
    ],
)
def test_directions_are_those_of_the_screen(way: tuple[float, float], word: str) -> None:
    assert compass(*way) == word


def test_camera_facts_say_what_the_camera_does() -> None:
    still = Camera.still((100, 100), 3)
    assert [fact.verb for fact in camera_facts(still)] == ["stays"]
    assert camera_facts(replace(still, zoom=np.array([1, 1.1, 1.3])))[0].direction == "in"
    out = camera_facts(replace(still, dolly=np.array([0, -1, -2.5])))[0]
    assert (out.verb, out.direction) == ("moves", "out")
    assert out.amount == pytest.approx(10 / 12.5)
    roll = camera_facts(replace(still, roll=np.radians([0, 5, 20.0])))[0]
    assert (roll.direction, round(roll.amount or 0)) == ("clockwise", 20)
    pan = camera_facts(replace(still, truck=np.array([[0.0, 0], [0, 0], [-1, 0]])))[0]
    assert (pan.verb, pan.direction) == ("pans", "left")
    assert pan.amount == pytest.approx(still.focal / FAR)


SAID = {"pan": "pans", "zoom": "zooms", "dolly": "moves", "roll": "rolls"}


@pytest.mark.parametrize("name", CAMERA_MOVES)
def test_a_camera_does_the_one_move_that_is_asked_for(name: str) -> None:
    kind, _, way = name.partition(" ")
    found: list[str] = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        camera = draw_camera(rng, (64, 48), 9, moving=True, moves={name: 2.0})
        facts = {fact.verb: fact.direction or "" for fact in camera_facts(camera)}
        assert set(facts) == {SAID[kind]}
        found.append(facts[SAID[kind]])
    if way:
        assert all(way in said.split() for said in found)
    else:
        assert len(set(found)) > 1


def test_camera_moves_come_as_often_as_asked_and_no_kind_twice() -> None:
    rng = np.random.default_rng(0)
    often = {"zoom in": 3.0, "zoom out": 1.0, "pan": 0.0}
    ends = [draw_camera(rng, (64, 48), 5, moving=True, moves=often).zoom[-1] for _ in range(2000)]
    assert 0.72 < np.mean(np.array(ends) > 1) < 0.78
    assert all(0.12 <= abs(np.log(end)) <= 0.4 for end in ends)
    even = dict.fromkeys(("pan", "zoom", "dolly", "roll"), 7.0)
    one, other = drawn(4, camera=1.0), drawn(4, camera=1.0, camera_moves=even)
    np.testing.assert_array_equal(one.views, other.views)


def test_scenes_have_the_camera_moves_of_their_settings() -> None:
    told = {"camera": 1.0, "still": 0.0, "camera_moves": {"zoom in": 1}, "motions": {"stay": 1}}
    for seed in range(6):
        facts = [fact for fact in drawn(seed, **told).facts if fact.subject == "camera"]
        assert [(fact.verb, fact.direction) for fact in facts] == [("zooms", "in")]


@pytest.mark.parametrize(
    ("moves", "said"),
    [
        ({"tilt": 1, "zoom": 1}, "camera moves are pan, zoom, dolly, roll, pan right"),
        ({"tilt": 1, "zoom": 1}, "roll counterclockwise, not tilt"),
        ({"zoom": 0}, "give numbers of 0 or more, not all 0"),
        ({"zoom": 2, "pan": -1}, "give numbers of 0 or more, not all 0"),
    ],
)
def test_wrong_camera_moves_are_refused(moves: dict[str, float], said: str) -> None:
    with pytest.raises(DataError) as error:
        settings_of(camera_moves=moves)
    assert str(error.value).startswith("scene setting camera_moves is {") and said in str(
        error.value
    )
    assert "\n" not in str(error.value)


def test_a_world_says_what_does_not_fit() -> None:
    world = made.lively()
    with pytest.raises(DataError, match="a world has no layers; give a background at least"):
        replace(world, layers=())
    short = replace(world.layers[1], path=world.layers[1].path[:3])
    with pytest.raises(DataError, match=r"layer 1 .red disc. moves for 3 frames, the camera for 7"):
        replace(world, layers=(world.layers[0], short))


def test_object_ids_have_no_gaps() -> None:
    world = made.lively()
    with pytest.raises(DataError, match=r"layers of objects \[1\]; they have to be -1, and 0, 1"):
        replace(world, layers=(world.layers[0], world.layers[2]))


def test_objects_are_named_and_hold_their_parts() -> None:
    world = drawn(2, objects=(2, 2), motions={"hinged": 1}, sprites=500)
    assert world.objects == 2 and len(world.layers) > 3
    for index, layer in enumerate(world.layers):
        if layer.parent is not None:
            assert layer.parent < index and world.layers[layer.parent].object == layer.object
            assert layer.name not in world.names
    assert world.shares.sum() == len(world.layers) - 1


def test_parts_stay_on_their_hinges() -> None:
    world = drawn(5, objects=(1, 1), motions={"hinged and slide": 1}, camera=1.0)
    part = next(i for i, layer in enumerate(world.layers) if layer.parent is not None)
    hinge = world.layers[part].parent or 0
    # the point of the part that does not move in the coordinates of what it hangs on
    own, other = world.views[part], world.views[hinge]
    back = np.linalg.inv(other[:, :, :2])
    turn = back @ own[:, :, :2]
    shift = (back @ (own - other)[:, :, 2:])[:, :, 0]
    rest = np.linalg.lstsq((turn[1:] - turn[0]).reshape(-1, 2), -(shift[1:] - shift[0]).ravel())[0]
    placed = turn @ rest + shift
    assert np.abs(placed - placed[0]).max() < 1e-6 * max(world.size)
    assert np.abs(rest).max() < max(world.layers[part].size) / 2


def test_the_same_seed_draws_the_same_world_whatever_else_is_drawn() -> None:
    one = drawn(11)
    np.random.seed(1)
    torch.manual_seed(1)
    drawn(12)
    other = drawn(11)
    assert one.facts == other.facts and one.passes == other.passes and one.names == other.names
    np.testing.assert_array_equal(one.views, other.views)
    for a, b in zip(one.layers, other.layers, strict=True):
        assert torch.equal(a.texture, b.texture)
    assert drawn(12).facts != one.facts


def test_facts_are_those_of_the_tables_and_of_the_screen() -> None:
    ways = 0
    for seed in range(40):
        world = drawn(seed, camera=0.7)
        parts = {layer.name for layer in world.layers if layer.parent is not None}
        for fact in world.facts:
            if fact.subject == "camera":
                assert fact.verb in CAMERA_VERBS and fact.group is None
                continue
            assert fact.verb in OBJECT_VERBS
            if fact.group is None:
                assert fact.subject in parts
                continue
            assert fact.subject == world.names[fact.group]
            if fact.verb in ("moves", "falls", "flies") and fact.amount is not None:
                layer = next(i for i, x in enumerate(world.layers) if x.object == fact.group)
                dx, dy = np.diff(world.views[layer][[0, -1], :, 2], axis=0)[0]
                assert fact.amount == pytest.approx(np.hypot(dx, dy))
                assert fact.direction == compass(dx, dy)
                ways += 1
    assert ways > 10


def test_a_still_world_holds_still() -> None:
    world = drawn(1, still=1.0, objects=(3, 3))
    assert np.abs(world.views - world.views[:, :1]).max() == 0
    assert {fact.verb for fact in world.facts} == {"stays"}
    assert (world.light.gain == 1).all() and not world.light.power


def test_motion_is_of_a_usable_size() -> None:
    worlds = [drawn(seed, motions={"slide": 1.0}, camera=0.0, still=0) for seed in range(40)]
    far = np.array(
        [
            np.linalg.norm(np.diff(view[[0, -1], :, 2], axis=0))
            for world in worlds
            for view in world.views[1:]
        ]
    )
    assert far.max() < 40 and far.min() > 3
    assert np.ptp(np.log(far)) > 1


def test_the_outline_has_the_extent_of_what_is_solid_also_when_turned() -> None:
    rng = np.random.default_rng(0)
    solid = rng.random((20, 20)) > 0.7
    solid[:3] = False
    points = outline(solid) * 20 + 10
    rows, columns = np.nonzero(solid)
    corners = np.stack([columns, rows], -1)[:, None] + np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    every = corners.reshape(-1, 2).astype(float)
    for angle in (0.0, 0.4, 1.1, 2.5):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        for side in (np.min, np.max):
            np.testing.assert_allclose(side(points @ turn.T, axis=0), side(every @ turn.T, axis=0))
    assert outline(np.zeros((4, 4), bool)).tolist() == [[0, 0]]


def test_light_is_drawn_only_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    dark = [draw_light(rng, (32, 32), 4, drift=0, shadows=0) for _ in range(20)]
    assert all((x.gain == 1).all() and x.lamp is None and x.shadow is None for x in dark)
    lit = [draw_light(rng, (32, 32), 4, drift=1, shadows=1) for _ in range(20)]
    assert all((x.gain != 1).any() and x.shadow for x in lit)
    assert all(x.gain.max() * (1 + x.power) < 1.26 for x in lit), "not burnt out"
    assert 2 < sum(x.lamp is not None for x in lit) < 18


def test_the_usual_settings_draw_every_motion() -> None:
    from kineograph.data.procedural.motions import MOTIONS

    assert set(SceneSettings().motions) == set(MOTIONS)

"""Facts: what is to be seen in a world, measured on the screen rather than taken from the plan."""

import numpy as np
from jaxtyping import Bool, Float64

from kineograph.data.clip import Fact
from kineograph.data.procedural.camera import FAR, Camera
from kineograph.data.procedural.motions import Motion
from kineograph.data.procedural.world import CAMERA, Layer, World, compass

SEEN = 0.03
"""The least share of the picture's shorter side, or of a size, that is worth saying."""

TURNED = 8.0
"""The least degrees of a turn that are worth saying."""

COVERED = 0.12
"""The least share of a thing that another has to hide to be said to pass before it."""

WAYS = ("moves", "falls", "flies", "bounces")
"""Verbs that say where a thing goes."""


def camera_facts(camera: Camera) -> list[Fact]:
    """What the camera does from its first frame to its last, as far as one can see it."""
    said = []
    dx, dy = (camera.truck[-1] - camera.truck[0]) * camera.focal / FAR
    if np.hypot(dx, dy) > SEEN * min(camera.size):
        said.append(Fact(CAMERA, "pans", compass(dx, dy), float(np.hypot(dx, dy))))
    for verb, factor in (
        ("zooms", camera.zoom[-1] / camera.zoom[0]),
        ("moves", (FAR - camera.dolly[0]) / (FAR - camera.dolly[-1])),
    ):
        if abs(np.log(factor)) > SEEN:
            said.append(Fact(CAMERA, verb, "in" if factor > 1 else "out", float(factor)))
    turned = float(np.degrees(camera.roll[-1] - camera.roll[0]))
    if abs(turned) > 2:
        said.append(Fact(CAMERA, "rolls", _round(turned), abs(turned)))
    if (
        not said
        and np.ptp(camera.truck, axis=0).max() * camera.focal / FAR < min(camera.size) / 100
    ):
        return [Fact(CAMERA, "stays")]
    return said


def object_facts(world: World, index: int, motion: Motion, *, turnable: bool) -> list[Fact]:
    """What an object does: the verbs of its motion, with what the screen shows of them.

    Directions and amounts are those on the screen, from the first frame to the last, the camera's
    part included. Where the camera turns a motion into another, its direction is left out, and
    what cannot be seen is not said. A thing is said to stay only if it does so on the screen.

    Args:
        world: the world.
        index: the object's first layer.
        motion: what it was told to do.
        turnable: whether one can see it turn.
    """
    layer = world.layers[index]
    said = []
    for verb in motion.verbs:
        if verb in WAYS:
            told = _way(world, index, motion, verb)
        elif verb == "stays":
            told = None if _shift(world, index) > SEEN * min(world.size) else (None, None)
        elif verb == "rotates":
            told = _turn(world, index, motion) if turnable else None
        elif verb in ("grows", "shrinks"):
            told = _growth(world, index, motion, verb)
        else:
            told = _play(world, index, motion, verb)
        if told is not None:
            said.append(Fact(layer.name, verb, *told, group=layer.object))
    return said


Told = tuple[str | None, float | None] | None
"""Direction and amount; None if there is nothing to say."""


def _way(world: World, index: int, motion: Motion, verb: str) -> Told:
    """Where it goes on the screen; a bounce only to a side, for its height says nothing."""
    seen = _ends(world.views[index][:, :, 2])
    own = _ends(motion.centre)
    if verb == "bounces":
        seen, own = seen * np.array([1.0, 0.0]), own * np.array([1.0, 0.0])
    far = float(np.linalg.norm(seen))
    if far < SEEN * min(world.size) or seen @ own < 0.5 * far * np.linalg.norm(own):
        return None if verb == "moves" else (None, None)
    return compass(*seen), far


def _turn(world: World, index: int, motion: Motion) -> Told:
    view = world.views[index]
    turned = float(np.degrees(_ends(np.unwrap(np.arctan2(view[:, 1, 0], view[:, 0, 0])))))
    own = float(_ends(motion.angle))
    return (_round(turned), abs(turned)) if abs(turned) > TURNED and turned * own > 0 else None


def _growth(world: World, index: int, motion: Motion, verb: str) -> Told:
    areas = world.areas[index]
    factor = float(np.sqrt(areas[-1] / areas[0]))
    plain = factor > 1 + SEEN if verb == "grows" else factor < 1 - SEEN
    return (None, factor) if plain else None


def _play(world: World, index: int, motion: Motion, verb: str) -> Told:
    """What a thing does in its place."""
    if verb == "circles":
        turned = float(np.degrees(motion.turned))
        return _round(turned), abs(turned)
    if verb == "swings":
        return None, float(np.degrees(np.ptp(motion.angle)))
    if verb == "wobbles" and motion.waves is not None:
        closer = np.sqrt(world.areas[index].max() / (world.layers[index].area or 1.0))
        waves = world.layers[index].waves
        return None, float((waves.reach if waves else 0.0) * closer)
    return None, float(motion.stretch.max())


def part_fact(world: World, index: int) -> Fact:
    """How far a part swings on what it hangs on; a part is no object, and so of no group."""
    layer = world.layers[index]
    hinge = world.layers[layer.parent or 0]
    turn = [np.unwrap(np.arctan2(x.path[:, 1, 0], x.path[:, 0, 0])) for x in (layer, hinge)]
    swing = float(np.degrees(np.ptp(turn[0] - turn[1])))
    verb = "swings" if swing > TURNED else "stays"
    return Fact(layer.name, verb, None, swing if verb == "swings" else None)


def passes(world: World) -> tuple[tuple[int, int], ...]:
    """Pairs (hidden, hiding) of objects: a share of `COVERED` of one is behind the other."""
    found = set()
    for index, layer in enumerate(world.layers):
        if layer.object < 0:
            continue
        points = _spread(layer)
        placed = np.stack([points @ v[:, :2].T + v[:, 2] for v in world.views[index]])
        inside = ((placed >= 0) & (placed < np.array(world.size))).all(axis=-1)
        for other in range(index + 1, len(world.layers)):
            over = world.layers[other]
            if over.object == layer.object or (layer.object, over.object) in found:
                continue
            hidden = _over(over, world.views[other], placed) & inside
            if (hidden.sum(axis=1) > COVERED * len(points)).any():
                found.add((layer.object, over.object))
    return tuple(sorted(found))


def _spread(layer: Layer) -> Float64[np.ndarray, "points 2"]:
    """Layer points in the middles of all solid cells."""
    cover = np.ones((8, 8), bool) if layer.cover is None else layer.cover
    rows, columns = np.nonzero(cover)
    at = np.stack([(columns + 0.5) / cover.shape[1], (rows + 0.5) / cover.shape[0]], axis=-1)
    return (at - 0.5) * np.array(layer.size)


def _over(
    layer: Layer,
    views: Float64[np.ndarray, "frames 2 3"],
    placed: Float64[np.ndarray, "frames points 2"],
) -> Bool[np.ndarray, "frames points"]:
    """Where a layer is solid over points of the picture, to a cell."""
    back = np.linalg.inv(views[:, :, :2]).transpose(0, 2, 1)
    at = (placed - views[:, None, :, 2]) @ back / np.array(layer.size) + 0.5
    inside = ((at >= 0) & (at < 1)).all(axis=-1)
    cover = np.ones((1, 1), bool) if layer.cover is None else layer.cover
    cell = (np.clip(at, 0, 1 - 1e-9) * np.array(cover.shape[::-1])).astype(int)
    return np.asarray(inside & cover[cell[..., 1], cell[..., 0]])


def _shift(world: World, index: int) -> float:
    """Pixels that the middle of a layer goes on the screen at most, from where it began."""
    path = world.views[index][:, :, 2]
    return float(np.linalg.norm(path - path[0], axis=1).max())


def _ends(values: np.ndarray) -> np.ndarray:
    """The last less the first."""
    return np.asarray(values[-1] - values[0])


def _round(degrees: float) -> str:
    return "clockwise" if degrees > 0 else "counterclockwise"

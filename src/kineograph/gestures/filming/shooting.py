"""Shooting: all cameras of a document as one, and all that its other gestures move before it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64

from kineograph.core.cameras import Cameras
from kineograph.core.errors import DocumentError, KineographError
from kineograph.core.motion import Motion
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.camera import Camera
from kineograph.gestures.filming.cloud import Scene3D
from kineograph.gestures.filming.film import Film, grid, taken_by
from kineograph.gestures.filming.moves import Movement
from kineograph.gestures.filming.stage import Stage
from kineograph.gestures.scene import Scene


def film(cameras: Sequence[Camera], scene: Scene, labels: Sequence[str] | None = None) -> Film:
    """All cameras as one: each moves on from where those before it have come.

    Args:
        cameras: in order.
        scene: the scene, with its depth.
        labels: what messages call each of them; None leaves messages without.

    Raises:
        DocumentError: depth is needed and not known, a move cannot be done, or lenses differ.
    """
    names = labels or [""] * len(cameras)
    lens = _lens(cameras, names)
    stage = Stage.of(scene, lens.fov, lens.K)
    whole = Movement.still(scene.frames)
    for camera, name in zip(cameras, names, strict=True):
        with _labelled(name):
            camera.check(scene)
            if camera.needs_depth(scene):
                stage.check_known(camera.move)
            whole = camera.movement(scene, stage, whole).after(whole)
    K = np.repeat(stage.K[None], scene.frames, axis=0)
    K[:, :2, :2] *= whole.zoom[:, None, None]
    one = Cameras(K, whole.w2c, scene.size, float(scene.fps))
    space = Scene3D(
        stage.depth,
        one,
        radius=max(camera.radius for camera in cameras),
        threshold=max(camera.threshold for camera in cameras),
    )
    result = Film(space, stage.known, min(camera.strength for camera in cameras))
    _check_ahead(result, scene)
    return result


def through(
    cameras: Sequence[Camera],
    labels: Sequence[str],
    motions: Sequence[Motion],
    cells: Sequence[tuple[float, float]],
    scene: Scene,
) -> Motion:
    """What other gestures move, and the scene around it, seen by the cameras.

    Args:
        cameras: the cameras of a document, in order.
        labels: what messages call them.
        motions: what the other gestures expand to, with their groups.
        cells: (width, height) in pixels of what each track of each of these motions speaks for.
        scene: the scene.

    Raises:
        DocumentError: as `film`.
    """
    whole = Motion.merge(*motions)
    shot = film(cameras, scene, labels)
    boxes = None if whole.boxes is None else shot.boxes(whole.boxes)
    count = max(camera.count for camera in cameras)
    if whole.tracks is None or whole.tracks.count == 0:
        return Motion(shot.background(count), boxes)
    each = np.concatenate(
        [
            np.full((motion.tracks.count, 2), cell, np.float32)
            for motion, cell in zip(motions, cells, strict=True)
            if motion.tracks is not None
        ]
    )
    seeds = grid(scene.size, count)
    if any(camera.compose == "2d" for camera in cameras):
        moving, behind = shot.added(whole.tracks), shot.follow(seeds)
    else:
        moving, behind = shot.compose(whole.tracks, each, seeds)
    behind = _given_up(behind, whole.tracks, each, seeds)
    return Motion(Tracks.merge(moving, behind), boxes)


def _given_up(
    behind: Tracks,
    moving: Tracks,
    cells: Float32[np.ndarray, "tracks 2"],
    seeds: Float64[np.ndarray, "points 2"],
) -> Tracks:
    """The background, unspecified wherever something else has taken hold of it."""
    first = moving.specified.argmax(axis=1)
    places = moving.points[np.arange(moving.count), first].astype(np.float64)
    taker = taken_by(seeds, places, cells)
    taken = taker >= 0
    late = np.arange(behind.frames) >= first[taker][:, None]
    kept = ~(taken & (first[taker] == 0))
    state = np.where(taken[:, None] & late, np.uint8(State.UNSPECIFIED), behind.state)
    points = np.where((state == State.UNSPECIFIED)[..., None], np.float32(0), behind.points)
    return replace(behind, state=state, points=points).select(kept)


@dataclass(frozen=True)
class _Lens:
    fov: float | None
    K: tuple[tuple[float, float, float], ...] | None


def _lens(cameras: Sequence[Camera], names: Sequence[str]) -> _Lens:
    """The one lens of all cameras.

    Raises:
        DocumentError: two give different ones.
    """
    given = [
        (_Lens(camera.fov, camera.K), name) for camera, name in zip(cameras, names, strict=True)
    ]
    given = [(lens, name) for lens, name in given if lens != _Lens(None, None)]
    for lens, name in given[1:]:
        if lens != given[0][0]:
            raise DocumentError(
                f"{given[0][1]} and {name} give different lenses (fov or K) to one picture; give "
                "one of them"
            )
    return given[0][0] if given else _Lens(None, None)


def _check_ahead(shot: Film, scene: Scene) -> None:
    """Check that the camera sees something of the picture at every frame.

    Raises:
        DocumentError: it has gone past all of it, or looks away.
    """
    start, _ = shot.space.lift(grid(scene.size, 256))
    points, depth = shot.cameras.project(start)
    size = np.array(scene.size)
    seen = (depth > 0) & ((points >= 0) & (points < size)).all(axis=2)
    if not seen.any(axis=0).all():
        frame = int(np.argmin(seen.any(axis=0)))
        raise DocumentError(
            f"the camera sees nothing of the picture at {scene.times[frame]:.4g} s: it has gone "
            "past everything or looks away; let it move or turn less"
        )


@contextmanager
def _labelled(name: str) -> Iterator[None]:
    """Put a gesture's name before what is wrong with it."""
    try:
        yield
    except KineographError as error:
        raise type(error)(f"{name}: {error}" if name else str(error)) from error

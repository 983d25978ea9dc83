"""Whether what the text says moves the way it says: measured directions against a caption's."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float64

from kineograph.data.clip import Clip, Fact
from kineograph.evaluation.locating import (
    Located,
    by_colours,
    by_points,
    similarity,
)
from kineograph.evaluation.tracking import Frames, follow
from kineograph.vision.tracker import grid_queries

Shift = Float64[np.ndarray, "2"]

REST = 0.02
"""What moves by less than this share of the longer side, or changes its size by less, rests."""

TURN = 5.0
"""A thing that turns by fewer degrees does not."""

GRID = 8
"""The camera is measured by so many points along the longer side."""

_WAYS: Mapping[str, tuple[float, float]] = {
    "left": (-1, 0),
    "right": (1, 0),
    "up": (0, -1),
    "down": (0, 1),
}
_SENSES: Mapping[str, int] = {"clockwise": 1, "counterclockwise": -1, "in": 1, "out": -1}


def measurable(fact: Fact) -> bool:
    """Whether a fact says a way that can be seen in a video."""
    if fact.subject == "camera":
        return fact.verb in _CAMERA and fact.direction is not None
    return fact.verb in _OBJECT and (fact.verb in _SIZES or fact.direction is not None)


def agreement(frames: Frames, clip: Clip, *, pictured: bool) -> float:
    """How far the video does what the clip's facts say, -1 to 1; NaN where none can be measured.

    For a fact that something moves (flies, falls, bounces, pans) somewhere, the cosine between the
    measured and the said direction; for one that turns, grows, zooms, 1 if it does so in the said
    sense and -1 if in the other. Nothing happening counts 0, and so does chance on average. The
    mean over the facts.

    Args:
        frames: the generated video.
        clip: the true one, whose facts its caption says.
        pictured: whether the video begins with the clip's picture; see `locating`. Turns of
            objects are only measured there.
    """
    held = [
        score
        for fact in clip.facts
        if measurable(fact) and (score := _score(frames, clip, fact, pictured)) is not None
    ]
    return float(np.mean(held)) if held else float("nan")


def _score(frames: Frames, clip: Clip, fact: Fact, pictured: bool) -> float | None:
    if fact.subject == "camera":
        return _CAMERA[fact.verb](fact, *camera_motion(frames), max(clip.size))
    item = _item(clip, fact)
    if item is None:
        return None
    found = (by_points if pictured else by_colours)(frames, clip, item)
    return None if found is None else _OBJECT[fact.verb](fact, found, max(clip.size))


def _item(clip: Clip, fact: Fact) -> int | None:
    """The index, among the clip's boxes, of what a fact is about."""
    if clip.boxes is None or fact.group is None:
        return None
    groups = clip.boxes.group
    held = np.arange(clip.boxes.count) if groups is None else groups
    found = np.flatnonzero(held == fact.group)
    return int(found[0]) if len(found) else None


def camera_motion(frames: Frames) -> tuple[complex, Shift]:
    """What the picture does from the first frame to the last.

    Returns:
        Turn and scale as a complex number (clockwise on the screen is positive), and the shift of
        its middle in pixels.
    """
    size = (frames.shape[2], frames.shape[1])
    points = follow(frames, grid_queries(size, GRID)).points.astype(np.float64)
    middle = np.array(size) / 2
    factor, shift = similarity(points[:, 0] - middle, points[:, -1] - middle)
    return factor, np.array([shift.real, shift.imag])


def cosine(moved: Float64[np.ndarray, "2"], way: str, side: float | int) -> float:
    """The cosine between a displacement in pixels and a said way ("up left"); 0 if it rests."""
    said = np.sum([_WAYS[word] for word in way.split() if word in _WAYS], axis=0)
    length = float(np.linalg.norm(moved))
    if length < REST * side or not np.any(said):
        return 0.0
    return float(moved @ said / (length * np.linalg.norm(said)))


def _moves(fact: Fact, found: Located, side: float | int) -> float:
    moved = found.centres[-1] - found.centres[found.first]
    return cosine(moved, fact.direction or "", side)


def _rotates(fact: Fact, found: Located, side: float | int) -> float | None:
    if found.turn is None:
        return None
    return _sense(found.turn[-1], TURN, _SENSES.get(fact.direction or "", 0))


def _grows(fact: Fact, found: Located, side: float | int) -> float:
    return _sense(np.log(found.scale[-1]), np.log(1 + REST), _SIZES[fact.verb])


def _pans(fact: Fact, factor: complex, shift: Shift, side: float | int) -> float:
    return cosine(-shift, fact.direction or "", side)


def _zooms(fact: Fact, factor: complex, shift: Shift, side: float | int) -> float:
    return _sense(np.log(abs(factor)), np.log(1 + REST), _SENSES.get(fact.direction or "", 0))


def _rolls(fact: Fact, factor: complex, shift: Shift, side: float | int) -> float:
    turned = -float(np.angle(factor, deg=True))  # the picture turns against the camera
    return _sense(turned, TURN, _SENSES.get(fact.direction or "", 0))


def _sense(value: float | int, least: float | int, said: int) -> float:
    """1 if a value has the said sign, -1 if the other, 0 if it is too small to say."""
    return 0.0 if abs(value) < least else float(np.sign(value) * said)


_SIZES: Mapping[str, int] = {"grows": 1, "shrinks": -1}
_OBJECT: Mapping[str, Callable[[Fact, Located, float | int], float | None]] = {
    "moves": _moves,
    "falls": _moves,
    "flies": _moves,
    "bounces": _moves,
    "rotates": _rotates,
    "grows": _grows,
    "shrinks": _grows,
}
_CAMERA: Mapping[str, Callable[[Fact, complex, Shift, float | int], float]] = {
    "pans": _pans,
    "zooms": _zooms,
    "moves": _zooms,
    "rolls": _rolls,
}

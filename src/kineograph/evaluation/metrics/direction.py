"""Whether what the text says moves the way it says: measured directions against a caption's."""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from jaxtyping import Float64

from kineograph.data.clip import Clip, Fact
from kineograph.evaluation.locating import (
    Follow,
    Located,
    by_colours,
    by_points,
    similarity,
)
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics.located import follower_of
from kineograph.evaluation.tracking import Frames, follow
from kineograph.vision.tracker import grid_queries

Shift = Float64[np.ndarray, "2"]

REST = 0.02
"""What moves by less than this share of the longer side, or changes its size by less, rests."""

TURN = 5.0
"""A thing that turns by fewer degrees does not."""

SAID = float(np.sqrt(0.5))
"""What goes at most 45 degrees off the said way goes that way."""

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


def agreement(frames: Frames, clip: Clip, *, pictured: bool, follower: Follow = follow) -> float:
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
        follower: what follows points.
    """
    held = scores(frames, clip, pictured=pictured, follower=follower)
    return float(np.mean(held)) if held else float("nan")


def scores(frames: Frames, clip: Clip, *, pictured: bool, follower: Follow = follow) -> list[float]:
    """What `agreement` is the mean of: one number for each fact that can be measured."""

    @cache
    def locate(item: int) -> Located | None:
        if pictured:
            return by_points(frames, clip, item, follower)
        return by_colours(frames, clip, item)

    @cache
    def camera() -> tuple[complex, Shift]:
        return camera_motion(frames, follower)

    held = [_score(clip, fact, locate, camera) for fact in clip.facts if measurable(fact)]
    return [score for score in held if score is not None]


def _score(
    clip: Clip,
    fact: Fact,
    locate: Callable[[int], Located | None],
    camera: Callable[[], tuple[complex, Shift]],
) -> float | None:
    if fact.subject == "camera":
        return _CAMERA[fact.verb](fact, *camera(), max(clip.size))
    item = _item(clip, fact)
    found = None if item is None else locate(item)
    return None if found is None else _OBJECT[fact.verb](fact, found, max(clip.size))


def _item(clip: Clip, fact: Fact) -> int | None:
    """The index, among the clip's boxes, of what a fact is about."""
    if clip.boxes is None or fact.group is None:
        return None
    groups = clip.boxes.group
    held = np.arange(clip.boxes.count) if groups is None else groups
    found = np.flatnonzero(held == fact.group)
    return int(found[0]) if len(found) else None


def camera_motion(frames: Frames, follower: Follow = follow) -> tuple[complex, Shift]:
    """What the picture does from the first frame to the last.

    Returns:
        Turn and scale as a complex number (clockwise on the screen is positive), and the shift of
        its middle in pixels.
    """
    size = (frames.shape[2], frames.shape[1])
    points = follower(frames, grid_queries(size, GRID)).points.astype(np.float64)
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


def text_direction(look: Look) -> float:
    """The share of a text's facts that the video does: 0 to 1, higher is better.

    A fact that something moves somewhere is done if the cosine between the measured and the said
    direction is at least `SAID`; one that something turns, grows or zooms if it does so in the said
    sense. Only facts that procedural scenes hold are known; NaN where there are none.
    """
    held = _scores_of(look)
    return float(np.mean([score >= SAID for score in held])) if held else float("nan")


def text_direction_cosine(look: Look) -> float:
    """The mean agreement of a video with its text's facts: -1 to 1, higher is better.

    See `agreement`: cosines of directions, and 1 or -1 for senses; resting counts 0, and so does
    chance on average. NaN where no fact can be measured.
    """
    held = _scores_of(look)
    return float(np.mean(held)) if held else float("nan")


def _scores_of(look: Look) -> list[float]:
    """The scores of a sample's facts, measured once."""
    pictured = look.sample.request.picture is not None
    found: list[float] = look.once(
        "text direction",
        lambda: scores(
            look.sample.frames, look.truth, pictured=pictured, follower=follower_of(look)
        ),
    )
    return found


_SOURCE = "procedural truth: directions that captions say are known"

METRICS: tuple[Metric, ...] = (
    Metric(
        name="text-direction",
        title="Text direction",
        what="share of the motions said in the text that are seen, within 45 degrees",
        measure=text_direction,
        better="higher",
        range=(0.0, 1.0),
        needs=frozenset({"facts", "text"}),
        motion=True,
        source=_SOURCE,
    ),
    Metric(
        name="text-direction-cosine",
        title="Text direction (cosine)",
        what="mean cosine of seen and said directions; senses of turns and zooms count 1 or -1",
        measure=text_direction_cosine,
        better="higher",
        range=(-1.0, 1.0),
        needs=frozenset({"facts", "text"}),
        motion=True,
        source=_SOURCE,
    ),
)

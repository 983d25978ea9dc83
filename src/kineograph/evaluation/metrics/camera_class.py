"""What the camera does, as one of VBench-I2V's seven classes, against what was said."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from kineograph.data.clip import Fact
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric

CLASSES = ("pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out", "static")
"""What a camera can do."""

GRID = 10
"""Points are followed on a grid of so many a side."""

MARGIN = 1 / 64
"""The outermost points are this share of the width from the edges, as in CoTracker's grid."""

RESTS = 0.005
"""What moves by less than this share of the shorter side, along an axis, rests."""

Vector = Float[np.ndarray, "2"]

_SIDES: Mapping[tuple[str, str], str] = {
    ("left", "left"): "pan right",
    ("right", "right"): "pan left",
    ("down", "down"): "tilt up",
    ("up", "up"): "tilt down",
    ("static", "static"): "static",
}
_ACROSS: Mapping[str, Mapping[tuple[str, str], str]] = {
    "top and bottom": {("up", "down"): "zoom in", ("down", "up"): "zoom out"},
    "left and right": {("left", "right"): "zoom in", ("right", "left"): "zoom out"},
}
_SAID: Mapping[tuple[str, str], str] = {
    ("pans", "left"): "pan left",
    ("pans", "right"): "pan right",
    ("pans", "up"): "tilt up",
    ("pans", "down"): "tilt down",
    ("zooms", "in"): "zoom in",
    ("zooms", "out"): "zoom out",
    ("moves", "in"): "zoom in",
    ("moves", "out"): "zoom out",
    ("stays", ""): "static",
}
_SENTENCE = re.compile(
    r"\bcamera (?:(pans) (left|right)|(tilts) (up|down)|(zooms) (in|out)|(?:is )?(static))\b"
)


def camera_class(look: Look) -> float:
    """VBench-I2V's camera motion: 100 if the camera is seen to do what was said, else 0.

    The classes that are seen (`seen`) are those of four points of a 10x10 grid that the report's
    tracker follows from the first frame to the last (VBench: CoTracker2, positions cut to whole
    pixels; here they are not). What was said (`asked`) comes from the true video's facts, or else
    from the text. The mean over videos is VBench's score; chance is about 14. NaN where nothing,
    or more than one thing, is said of the camera.
    """
    said = asked(look)
    if said is None:
        return float("nan")
    size, frames = look.sample.size, look.sample.frames
    points = look.once(
        "camera points of the video",
        lambda: look.follow(frames, grid(size)).points[:, [0, -1]].astype(np.float64),
    )
    return 100.0 if said in seen(points, min(size)) else 0.0


def asked(look: Look) -> str | None:
    """The class that was said; None where none, or no single one, was."""
    truth = look.sample.truth
    if truth is not None and truth.facts:
        return of_facts(truth.facts)
    return of_text(look.sample.request.text)


def of_facts(facts: Sequence[Fact]) -> str | None:
    """The class that facts say of the camera.

    A move forwards or back counts as a zoom. None for a slanted pan, a roll, or several moves.
    """
    told = [fact for fact in facts if fact.subject == "camera"]
    if len(told) != 1:
        return None
    return _SAID.get((told[0].verb, told[0].direction or ""))


def of_text(text: str) -> str | None:
    """The class that a text says in VBench-I2V's words: "camera pans left", "camera static"."""
    told = [[word for word in found if word] for found in _SENTENCE.findall(text.lower())]
    if len(told) != 1:
        return None
    verb, *way = told[0]
    return " ".join([verb.removesuffix("s"), *way]) if way else "static"


def grid(size: tuple[int, int]) -> Float[np.ndarray, "100 3"]:
    """Queries (0, x, y) on a 10x10 grid over the first frame, row by row, edges left out."""
    width, height = size
    margin = width * MARGIN
    x = np.linspace(margin, width - margin, GRID)
    y = np.linspace(margin, height - margin, GRID)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return np.concatenate([np.zeros((len(points), 1)), points], axis=1).astype(np.float32)


def seen(points: Float[np.ndarray, "100 2 2"], side: float | int) -> frozenset[str]:
    """The classes that a grid's points show; empty where they agree on none.

    The middle point of the top row and of the bottom row, and of the left and of the right column,
    each move left, right, up, down, two of these, or rest. Two opposite points that move alike
    show a pan or tilt the other way, two that part a zoom in, two that meet a zoom out; "static"
    only counts where nothing else is seen. The middle one of ten points is not in the picture's
    middle, so a strong zoom shows as a pan and a tilt too, as in VBench.

    Args:
        points: of `grid`, in the first and in the last frame, pixels.
        side: the picture's shorter side.
    """
    moved = (points[:, 1] - points[:, 0]).reshape(GRID, GRID, 2)
    middle, last = GRID // 2, GRID - 1
    pairs = {
        "top and bottom": (moved[0, middle], moved[last, middle]),
        "left and right": (moved[middle, 0], moved[middle, last]),
    }
    found = {
        shown
        for name, (one, other) in pairs.items()
        for way in ways(one, side)
        for back in ways(other, side)
        if (shown := {**_SIDES, **_ACROSS[name]}.get((way, back))) is not None
    }
    return frozenset(found - {"static"} or found)


def ways(moved: Vector, side: float | int) -> tuple[str, ...]:
    """Where a point goes: one way along each axis, or "static"."""
    least = RESTS * side
    x, y = moved
    across = ("right",) if x > least else ("left",) if x < -least else ()
    down = ("down",) if y > least else ("up",) if y < -least else ()
    return (*across, *down) or ("static",)


METRICS: tuple[Metric, ...] = (
    Metric(
        name="camera-class",
        title="Camera motion",
        what="share of videos whose camera does what was said, of seven classes, by the report's "
        "tracker (VBench: CoTracker2)",
        measure=camera_class,
        better="higher",
        unit="%",
        range=(0.0, 100.0),
        motion=True,
        source="VBench++ (arXiv 2411.13503), VBench-I2V, and its public code",
    ),
)
"""What the camera does."""

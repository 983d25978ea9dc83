"""Filled shapes with clean edges: closed outlines, drawn large and made small.

Convention: outlines lie in [-1, 1] x [-1, 1], x to the right and y downwards. A mask is the share
of each pixel that is covered; the centre of its top-left pixel is at (0.5, 0.5).
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from jaxtyping import Float, Float32

SUPERSAMPLING = 6
"""Samples along each side of a pixel; 37 shades of an edge."""

MARGIN = 1.25
"""Pixels kept transparent on every side, so that an edge can be sampled between pixels."""

_FRACTION = 4
"""Bits of fraction OpenCV is given for a corner."""

Outline = Float[np.ndarray, "_ 2"]


def _circle(radius: float = 1.0, corners: int = 96) -> Outline:
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def _regular(corners: int, start: float) -> Outline:
    turn = start + np.arange(corners) * (2 * np.pi / corners)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def _star(points: int = 5, inner: float = 0.45) -> Outline:
    tips = _regular(points, -np.pi / 2)
    dents = inner * _regular(points, -np.pi / 2 + np.pi / points)
    return np.stack([tips, dents], axis=1).reshape(-1, 2)


def _cross(width: float = 0.36) -> Outline:
    arm = np.array([(width, -width), (width, -1), (-width, -1), (-width, -width)])
    turns = [np.array([(np.cos(a), -np.sin(a)), (np.sin(a), np.cos(a))]) for a in _QUARTERS]
    return np.concatenate([arm @ turn.T for turn in turns])


_QUARTERS = -np.arange(4) * np.pi / 2


def _heart() -> Outline:
    t = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x, -y], axis=1)


def _crescent(away: float = 0.5, inner: float = 0.8) -> Outline:
    """A disc less a smaller one: the outer arc, and back along the inner one."""
    meet_x = (1 - inner**2 + away**2) / (2 * away)
    meet_y = np.sqrt(1 - meet_x**2)
    outer = np.linspace(np.arctan2(meet_y, meet_x), 2 * np.pi - np.arctan2(meet_y, meet_x), 64)
    edge = np.arctan2(meet_y, meet_x - away)
    back = np.linspace(2 * np.pi - edge, edge, 64)
    there = np.stack([np.cos(outer), np.sin(outer)], axis=1)
    return np.concatenate(
        [there, np.stack([away + inner * np.cos(back), inner * np.sin(back)], axis=1)]
    )


def blob(rng: np.random.Generator, roughness: float | int = 0.5, waves: int = 5) -> Outline:
    """A smooth closed outline around the origin, never crossing itself: a few waves on a circle.

    Args:
        rng: draws the waves.
        roughness: 0 is a circle; near 1 it has deep bays.
        waves: the most bays it has.
    """
    turn = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    order = np.arange(2, waves + 1)
    height = rng.standard_normal(len(order)) / order
    wave = np.cos(order[:, None] * turn + rng.uniform(0, 2 * np.pi, (len(order), 1)))
    bumps = (height[:, None] * wave).sum(axis=0)
    radius = 1 + roughness * bumps / max(float(np.abs(bumps).max()), 1e-6)
    return radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)


SHAPES: dict[str, Callable[[np.random.Generator], list[Outline]]] = {
    "circle": lambda rng: [_circle()],
    "square": lambda rng: [_regular(4, np.pi / 4)],
    "triangle": lambda rng: [_regular(3, -np.pi / 2)],
    "star": lambda rng: [_star(inner=rng.uniform(0.4, 0.5))],
    "ring": lambda rng: [_circle(), _circle(rng.uniform(0.5, 0.62))],
    "cross": lambda rng: [_cross(rng.uniform(0.3, 0.4))],
    "heart": lambda rng: [_heart()],
    "crescent": lambda rng: [_crescent()],
    "blob": lambda rng: [blob(rng)],
}
"""How each shape is drawn: the outlines between which it is filled, by the even-odd rule."""

ROUND = frozenset({"circle", "ring"})
"""Shapes of which a turn cannot be seen while they are in one colour."""


def fitted(outlines: Sequence[Outline], tilt: float | int = 0.0) -> list[Outline]:
    """Outlines turned by `tilt` radians (clockwise on the screen) that just fill the square."""
    turn = np.array([(np.cos(tilt), -np.sin(tilt)), (np.sin(tilt), np.cos(tilt))])
    turned = [np.asarray(one) @ turn.T for one in outlines]
    every = np.concatenate(turned)
    low, high = every.min(axis=0), every.max(axis=0)
    return [(one - (low + high) / 2) * (2 / (high - low).max()) for one in turned]


def large_mask(outlines: Sequence[Outline], size: int) -> Float32[np.ndarray, "large large"]:
    """What outlines cover in a square of `size` pixels, `SUPERSAMPLING` samples a pixel; 0 or 1."""
    half = size / 2
    scale = SUPERSAMPLING * 2**_FRACTION
    corners = [
        np.rint((half + one * (half - MARGIN)) * scale - 2 ** (_FRACTION - 1)).astype(np.int32)
        for one in outlines
    ]
    large = np.zeros((size * SUPERSAMPLING, size * SUPERSAMPLING), np.uint8)
    cv2.fillPoly(large, corners, 1, lineType=cv2.LINE_8, shift=_FRACTION)
    return large.astype(np.float32)


def mask(outlines: Sequence[Outline], size: int) -> Float32[np.ndarray, "height width"]:
    """The share of each pixel of a square of `size` pixels that outlines cover, 0..1."""
    return shrunk(large_mask(outlines, size))


def shrunk(large: Float32[np.ndarray, "large large"]) -> Float32[np.ndarray, "height width"]:
    """The mean of each pixel's samples."""
    size = large.shape[0] // SUPERSAMPLING
    small = cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).clip(0, 1)


def depth_within(large: Float32[np.ndarray, "large large"]) -> Float32[np.ndarray, "large large"]:
    """How far each sample lies inside, in pixels; 0 outside."""
    inside = cv2.distanceTransform(large.astype(np.uint8), cv2.DIST_L2, 5)
    return (inside / SUPERSAMPLING).astype(np.float32)


def bled(rgba: Float32[np.ndarray, "height width 4"]) -> Float32[np.ndarray, "height width 4"]:
    """The same picture with the colour of its nearest opaque pixel wherever it is transparent.

    Straight alpha that is sampled between pixels mixes in the colours outside the edge: where
    those are black a dark fringe shows.
    """
    known = rgba[..., 3] > 0.35
    if known.all() or not known.any():
        return rgba
    _, label = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colour_of = np.zeros((int(label.max()) + 1, 3), np.float32)
    colour_of[label[known]] = rgba[known][:, :3]
    return np.concatenate([colour_of[label], rgba[..., 3:]], axis=2)

"""A part that bends: how all that holds it becomes places of its points at each frame."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Bool, Complex128

from kineograph.gestures.parts.arap import Bender
from kineograph.gestures.parts.hold import Hold, Points
from kineograph.gestures.parts.part import Mask

SQUARES = 3000
"""About how many squares the mesh of a part has."""

GRIP = 0.7
"""The share of a drag's brush that is kept from bending."""

THICK = 1.4
"""A joint reaches this many times the distance to the part's nearest edge."""


def bend(
    mask: Mask,
    seeds: Points,
    holds: Sequence[Hold],
    joints: Sequence[tuple[float, float]] = (),
    squares: int = SQUARES,
) -> Complex128[np.ndarray, "tracks frames"]:
    """Where points of a part are at each frame, if it bends as little as its holds allow.

    A drag that is let go keeps the part where it was left, until another takes hold there. A later
    one takes hold of what is under it then.

    Args:
        mask: the part.
        seeds: the points asked for.
        holds: what holds it; at least one.
        joints: points x, y at which it bends easily.
        squares: about how many squares the mesh is to have.
    """
    holds = sorted(holds, key=lambda hold: hold.first)
    stiff = [(hold.middle, GRIP * hold.radius) for hold in holds if not hold.pins]
    bender = Bender.over(mask, squares, stiff, [_joint(mask, place) for place in joints])
    placed: list[Hold] = []
    for hold in holds:
        placed.append(replace(hold, points=_taken(bender, placed, hold)))
    corners = bender.bend(*_asked(holds, placed))
    return bender.mesh.sampler(seeds) @ corners


def _joint(mask: Mask, place: tuple[float, float]) -> tuple[complex, float]:
    """A joint's middle, moved to that of the limb, and how far it reaches."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
    away = np.hypot(x - place[0], y - place[1])
    here = depth[np.unravel_index(away.argmin(), away.shape)]
    deepest = np.where(away <= max(float(here), 2.0), depth, 0).argmax()
    row, column = np.unravel_index(deepest, depth.shape)
    return complex(column + 0.5, row + 0.5), max(THICK * float(depth[row, column]), 2.0)


def _taken(bender: Bender, placed: Sequence[Hold], hold: Hold) -> Points:
    """The points of the unbent part that a hold takes hold of at its first frame."""
    moved = [earlier for earlier in placed if earlier.first < hold.first and not earlier.pins]
    if not moved:
        return hold.points
    points, ways, held = _asked(placed, placed)
    until = slice(0, hold.first + 1)
    mesh = bender.bodies[0].mesh
    corners = bender.coarsely(points, ways[:, until], held[:, until])[:, -1]
    middles = corners[mesh.squares].mean(axis=1)
    nearest = np.abs(hold.points[:, None] - middles).argmin(axis=1)
    side = corners[mesh.squares[nearest]] @ np.array([-1, 1, -1, 1]) / (2 * mesh.pitch)
    turned = (hold.points - middles[nearest]) / np.where(np.abs(side) > 0.1, side, 1.0)
    return mesh.middles[nearest] + turned


def _asked(
    holds: Sequence[Hold], placed: Sequence[Hold]
) -> tuple[Points, Complex128[np.ndarray, "points frames"], Bool[np.ndarray, "points frames"]]:
    """Points of the unbent part, where they are to be at each frame, and when they are held.

    Args:
        holds: with the points where they are on the canvas.
        placed: the same with the points where they are in the unbent part.
    """
    points, ways, held = [], [], []
    for number, (hold, there) in enumerate(zip(holds, placed, strict=False)):
        when = hold.pressed()
        if not hold.pins:
            when[hold.first :] = True
            when[: hold.first] = hold.before and bool((hold.points == there.points).all())
            for later, after in zip(holds[number + 1 :], placed[number + 1 :], strict=False):
                taken_over = not later.pins and later.first >= hold.last
                if taken_over and abs(after.middle - there.middle) <= hold.radius:
                    when[later.first :] = False
        points.append(there.points)
        ways.append(hold.points[:, None] + hold.way)
        held.append(np.repeat(when[None], len(hold.points), axis=0))
    return np.concatenate(points), np.concatenate(ways), np.concatenate(held)

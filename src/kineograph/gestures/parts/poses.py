"""A part that moves as one: turned, moved and perhaps scaled by all that holds it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Complex128

from kineograph.core.errors import DocumentError
from kineograph.gestures.parts.hold import Hold, Path, Points

FIRM = 1e6
"""How much more a pin counts than a drag."""

SMALLEST = 0.05
"""A part is not made smaller than this at once, however near to a pin it is dragged."""


@dataclass(frozen=True, eq=False)
class Poses:
    """z becomes turn * z + shift at each frame; a complex factor turns and scales.

    Convention: x + iy in canvas pixels.
    """

    turn: Path
    shift: Path

    def of(self, points: Points) -> Complex128[np.ndarray, "points frames"]:
        """Where points of the part are at each frame."""
        return points[:, None] * self.turn + self.shift


def poses(holds: Sequence[Hold], *, scaled: bool) -> Poses:
    """The motion that follows all holds best, in the sense of least squares.

    One drag moves the part; several, or one and a pin, also turn it, and scale it if `scaled`.
    A pin is a hinge, and is followed exactly. What moves the part later goes on from where it is
    then; a drag that is let go has no more say.

    Raises:
        DocumentError: two pins hold the part at once, so that it cannot move.
    """
    holds = [_after_others(hold, holds) for hold in holds]
    frames = len(holds[0].way)
    turn, shift = np.ones(frames, complex), np.zeros(frames, complex)
    events = {0, frames, *(h.first for h in holds), *(min(h.last + 1, frames) for h in holds)}
    for start, end in pairwise(sorted(events)):
        now = np.arange(start, end)
        before = (turn[start - 1], shift[start - 1]) if start else (1.0 + 0j, 0j)
        turn[now], shift[now] = before
        active = [hold for hold in holds if hold.first <= start <= hold.last]
        if all(hold.pins for hold in active):
            continue
        if sum(hold.pins for hold in active) > 1:
            raise DocumentError(
                "the part is pinned at two places and cannot turn; remove a pin, or let it bend "
                '("whole": "bend")'
            )
        factor, offset = _fit(active, start, now, scaled)
        turn[now], shift[now] = factor * before[0], factor * before[1] + offset
    return Poses(turn, shift)


def _after_others(hold: Hold, holds: Sequence[Hold]) -> Hold:
    """A drag that begins in the frame in which another ends leaves that frame to it."""
    ends = any(other.last == hold.first > other.first for other in holds if not other.pins)
    first = min(hold.first + 1, hold.last) if ends and not hold.pins else hold.first
    return replace(hold, first=first)


def _fit(active: Sequence[Hold], start: int, now: np.ndarray, scaled: bool) -> tuple[Path, Path]:
    """What takes the holds from where they were before `start` to where they are now.

    With centred places q before and c now, the best similarity has the factor
    sum w c conj(q) / sum w |q|^2, and the best rotation that divided by its length (Umeyama, 1991).
    """
    way = np.stack([hold.way for hold in active])
    home = np.array([hold.middle for hold in active])[:, None]
    old = home + (way[:, start - 1 : start] if start else 0)
    new = home + way[:, now]
    weight = np.array([FIRM if hold.pins else 1.0 for hold in active])[:, None]
    weight = weight / weight.sum()
    old_middle, new_middle = (weight * old).sum(axis=0), (weight * new).sum(axis=0)
    alike = (weight * (new - new_middle) * (old - old_middle).conj()).sum(axis=0)
    spread = (weight * np.abs(old - old_middle) ** 2).sum(axis=0)
    length = np.abs(alike)
    factor = np.where(length > 1e-12 * (1 + spread), alike / np.maximum(length, 1e-30), 1.0 + 0j)
    if scaled and spread[0] > 1e-12:
        factor = factor * np.maximum(length / spread, SMALLEST)
    return factor, new_middle - factor * old_middle

"""Companions: places around a tracked point that show where it is while it is hidden.

Each tracked point has a few. They ride on the dense flow on their own; those that keep moving as
the point's surface does are believed when the point itself cannot be seen. They belong to one
point, so that no point's track depends on what else was asked for.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32

from kineograph.vision.flow import sample_field

COUNT = 16
NEW = 1.0
AGREES = 0.45
"""Pixels: the running miss of a new companion, and below which one is believed."""

CONSISTENT = 0.7
"""Pixels between a place and where backward flow brings it back to."""

FARTHEST = 34.0

FIRST, LAST = 7, 22
"""Pixels from the point to where companions begin, spread like the seeds of a sunflower."""

_angle = np.arange(COUNT) * 2 * np.pi * 0.618
_reach = np.linspace(FIRST, LAST, COUNT)[:, None]
_RING = (_reach * np.stack([np.cos(_angle), np.sin(_angle)], -1)).astype(np.float32)

Places = Float32[np.ndarray, "points companions 2"]


class Companions:
    """The companions of N points.

    Args:
        count: points.
        size: (width, height) of the frames.
    """

    def __init__(self, count: int, size: tuple[int, int]) -> None:
        self._size = np.array(size, np.float32)
        self.now = np.zeros((count, COUNT, 2), np.float32)
        self.before = self.now.copy()
        self._miss = np.full((count, COUNT), NEW, np.float32)
        self._alive = np.zeros((count, COUNT), bool)

    def start(self, which: np.ndarray, points: Float32[np.ndarray, "points 2"]) -> None:
        """Give points their companions."""
        self.now[which] = points[:, None] + _RING
        self._miss[which], self._alive[which] = NEW, True

    def ride(
        self,
        which: np.ndarray,
        forward: Float32[np.ndarray, "height width 2"],
        backward: Float32[np.ndarray, "height width 2"],
    ) -> None:
        """Carry the companions of some points on from the frame before."""
        before = self.now[which]
        self.before[which] = before
        flat = before.reshape(-1, 2)
        after = flat + sample_field(forward, flat)
        missed = np.linalg.norm(after + sample_field(backward, after) - flat, axis=1)
        fits = (missed < CONSISTENT) & ((after >= 1) & (after <= self._size - 1)).all(1)
        self.now[which] = after.reshape(before.shape)
        self._alive[which] &= fits.reshape(before.shape[:2])

    def learn(
        self,
        which: np.ndarray,
        before: Float32[np.ndarray, "points 2"],
        after: Float32[np.ndarray, "points 2"],
        change: Float32[np.ndarray, "points 2 2"],
    ) -> None:
        """See which companions moved as their (visible) point did, and replace those lost.

        Args:
            which: the points.
            before: (N, 2) where they were at the frame before.
            after: (N, 2) where they are.
            change: what the point's surroundings did: a step in them before is change @ step after.
        """
        offset = self.before[which] - before[:, None]
        expected = after[:, None] + np.matmul(offset, change.transpose(0, 2, 1))
        now = self.now[which]
        miss = np.minimum(np.linalg.norm(now - expected, axis=2), 3)
        self._miss[which] = 0.75 * self._miss[which] + 0.25 * miss
        lost = ~self._alive[which] | (np.linalg.norm(now - after[:, None], axis=2) > FARTHEST)
        rows, columns = np.nonzero(lost)
        self.now[which[rows], columns] = after[rows] + _RING[columns]
        self._miss[which[rows], columns] = NEW
        self._alive[which[rows], columns] = True

    def drop(self, which: np.ndarray, astray: Bool[np.ndarray, "points companions"]) -> None:
        """Believe some no more: what hides the point has caught them."""
        self._alive[which] &= ~astray

    def believed(self, which: np.ndarray) -> Bool[np.ndarray, "points companions"]:
        """Those that still are followed and moved as their point did while it was seen."""
        return self._alive[which] & (self._miss[which] < AGREES)


def fit_similarity(
    before: Places, after: Places, weight: Bool[np.ndarray, "points companions"]
) -> tuple[
    Float32[np.ndarray, "points 2 3"],
    Float[np.ndarray, " points"],
    Float[np.ndarray, "points companions"],
]:
    """The similarity that takes `before` to `after`, how much speaks for it, and what misses it.

    Robust: what misses by more than about 1.5 pixels hardly counts. Few companions say nothing of
    turning and growing: those then stay as they are. The second result is the sum of weights, the
    third how far each companion is from where the similarity has it.
    """
    w = weight.astype(np.float32)
    for _ in range(3):
        total = w.sum(1) + 1e-6
        middle = (w[..., None] * before).sum(1) / total[:, None]
        moved = (w[..., None] * after).sum(1) / total[:, None]
        d, e = before - middle[:, None], after - moved[:, None]
        spread = (w * (d**2).sum(2)).sum(1) + 100.0
        a = ((w * (d * e).sum(2)).sum(1) + 100.0) / spread
        b = (w * (d[..., 0] * e[..., 1] - d[..., 1] * e[..., 0])).sum(1) / spread
        turn = np.stack([np.stack([a, -b], -1), np.stack([b, a], -1)], 1)
        miss = np.linalg.norm(np.matmul(d, turn.transpose(0, 2, 1)) - e, axis=2)
        w = weight / (1 + (miss / 1.5) ** 2)
    shift = moved - np.matmul(turn, middle[..., None])[..., 0]
    motion = np.concatenate([turn, shift[..., None]], 2).astype(np.float32)
    return motion, w.sum(1), miss

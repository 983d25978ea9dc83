"""Every place's motion from the points around it: a plane through those that belong with it.

Weighted by distance and colour, then by how well a point fits the plane that the others make
(iteratively reweighted local linear regression; Cleveland 1979), so that motions are not mixed
across the outline of what moves. The weights are the same in all frames.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from scipy import sparse

from kineograph.engines.detail.points import Points

NEAR = 12
"""Points of a kind that a place looks at."""

WIDTH = 0.8
"""Standard deviation of a point's weight over the distance, in spacings."""

ALIKE = 15.0
"""Difference of colours (CIE Lab) at which a point's weight falls by 1 / sqrt(e)."""

TOGETHER = 1 / 64
"""Difference of motions, as a share of the longer side, at which it does so."""

LEVEL_ROUNDS, PLANE_ROUNDS = 2, 3
"""Rounds in which the mean of the points counts, and rounds in which the plane through them does;
only what is near the mean is let into the plane."""

RIDGE = 0.05
"""Reluctance to slope, in squared widths: points on one side say little of what is on the other."""

CHUNK = 4096
"""Places that are worked on at once."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What the points say of each place.

    Args:
        plane: (places, points) weights that sum to 1 and continue slopes; may be negative.
        level: weights that sum to 1 and are not negative.
    """

    plane: sparse.csr_matrix
    level: sparse.csr_matrix

    def motion(
        self, displacement: Float32[np.ndarray, " points *_"]
    ) -> Float32[np.ndarray, " places *_"]:
        """The places' displacement from the points', in one frame or in several."""
        flat = self.plane @ displacement.reshape(len(displacement), -1)
        return flat.astype(np.float32).reshape(-1, *displacement.shape[1:])

    def seen(self, seen: Float32[np.ndarray, " points *_"]) -> Float32[np.ndarray, " places *_"]:
        """How surely the places can be seen."""
        return (self.level @ seen).astype(np.float32)


def fit(
    places: Float32[np.ndarray, "places 2"],
    colours: Float32[np.ndarray, "places 3"],
    points: Points,
    own: Float32[np.ndarray, "points 3"],
    index: np.ndarray,
    away: Float32[np.ndarray, "places near"],
    side: int,
) -> Fit:
    """Weigh the points around each place.

    Args:
        places: raster pixels.
        colours: CIE Lab at the places.
        points: what is known.
        own: CIE Lab at the points.
        index: (places, near) the points that each place looks at.
        away: their distances.
        side: pixels of the picture's longer side.
    """
    gist = points.gist
    parts = []
    for begin in range(0, len(places), CHUNK):
        part = slice(begin, begin + CHUNK)
        near = index[part]
        width = np.maximum(points.spacing * np.float32(WIDTH), 1e-3)[near]
        unlike = ((colours[part, None] - own[near]) ** 2).sum(axis=2)
        log = np.log(points.weight)[near] - 0.5 * (away[part] / width) ** 2
        log = (log - 0.5 * unlike / ALIKE**2).astype(np.float32)
        offset = (points.anchors[near] - places[part, None]) / width.mean(axis=1)[:, None, None]
        parts.append(_robust(log, offset.astype(np.float32), gist[near], TOGETHER * side))
    plane, level = (np.concatenate(made) for made in zip(*parts, strict=True))
    return Fit(_matrix(plane, index, points.count), _matrix(level, index, points.count))


def _robust(
    log: Float32[np.ndarray, "places near"],
    offset: Float32[np.ndarray, "places near 2"],
    motion: Float32[np.ndarray, "places near numbers"],
    together: float,
) -> tuple[Float32[np.ndarray, "places near"], Float32[np.ndarray, "places near"]]:
    """(weights of the plane, weights of the mean) after all rounds."""
    log = log - log.max(axis=1, keepdims=True)
    weight = _shares(np.exp(log))
    for number in range(LEVEL_ROUNDS + PLANE_ROUNDS):
        if number < LEVEL_ROUNDS:
            miss, scale = motion - np.matmul(weight[:, None], motion), 2 * together
        else:
            miss, scale = _plane(weight, offset, motion)[1], together
        error = 2 * (miss * miss).mean(axis=2)
        weight = _shares(np.exp(log - 0.5 * error / scale**2) + np.float32(1e-12))
    return _plane(weight, offset, motion)[0], weight


def _plane(
    weight: Float32[np.ndarray, "places near"],
    offset: Float32[np.ndarray, "places near 2"],
    motion: Float32[np.ndarray, "places near numbers"],
) -> tuple[Float32[np.ndarray, "places near"], Float32[np.ndarray, "places near numbers"]]:
    """(the weights by which a plane is read at the place, what it misses at each point)."""
    middle = np.matmul(weight[:, None], offset)
    centred = offset - middle
    heavy = centred * weight[..., None]
    spread = np.matmul(heavy.transpose(0, 2, 1), centred)
    a, b, d = spread[:, 0, 0] + RIDGE, spread[:, 0, 1], spread[:, 1, 1] + RIDGE
    inverse = np.stack([d, -b, -b, a], axis=1).reshape(-1, 2, 2) / (a * d - b * b)[:, None, None]
    mean = np.matmul(weight[:, None], motion)
    slope = np.matmul(inverse, np.matmul(heavy.transpose(0, 2, 1), motion - mean))
    miss = motion - mean - np.matmul(centred, slope)
    reach = -np.matmul(middle, inverse)
    read = weight * (1 + np.matmul(centred, reach.transpose(0, 2, 1))[..., 0])
    return read, miss


def _shares(weight: Float32[np.ndarray, "places near"]) -> Float32[np.ndarray, "places near"]:
    return weight / weight.sum(axis=1, keepdims=True)


def _matrix(
    weight: Float32[np.ndarray, "places near"], index: np.ndarray, count: int
) -> sparse.csr_matrix:
    """The weights as a (places, points) matrix."""
    start = np.arange(0, weight.size + 1, weight.shape[1])
    shape = (len(weight), count)
    return sparse.csr_matrix((weight.ravel(), index.ravel(), start), shape=shape)

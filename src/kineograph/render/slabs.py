"""A scene seen by a moving camera, cut into slabs by depth."""

import numpy as np
from jaxtyping import Float32, Int64

from kineograph.render.motion_field import fit_affine
from kineograph.render.trajectories import Trajectories

PARALLAX = 3.0
"""Pixels by which tracks must leave one affine motion before the scene is cut."""

STEP = 6.0
"""Pixels of parallax that one slab is for."""

MOST = 6
"""At most this many slabs: each is a layer to draw."""

FEWEST = 64
"""Fewer tracks are not cut."""


def cut(loose: Int64[np.ndarray, " _"], trajectories: Trajectories) -> list[np.ndarray]:
    """Loose tracks with known depth, parted into slabs from far to near; one slab if flat.

    A camera that moves shifts points by the inverse of their depth, so the cuts are even in that,
    refined by Lloyd's rounds. Where a surface runs through several slabs, their motion agrees at
    the cuts.
    """
    depth = trajectories.depth[loose]
    if len(loose) < FEWEST or not np.isfinite(depth).all() or depth.min() <= 0:
        return [loose]
    parallax = _parallax(loose, trajectories)
    if parallax < PARALLAX:
        return [loose]
    label = _levels(1 / depth, int(np.clip(np.ceil(parallax / STEP), 2, MOST)))
    slabs = [loose[label == level] for level in range(label.max() + 1)]
    return [slab for slab in slabs if len(slab)]


def _parallax(loose: Int64[np.ndarray, " _"], trajectories: Trajectories) -> float:
    """How far most tracks stay within of one affine motion, pixels."""
    anchors, motion = trajectories.anchors[loose], trajectories.displacement[loose]
    affine = fit_affine(anchors, motion, np.ones(len(loose), np.float32))
    flat = np.concatenate([anchors, np.ones((len(loose), 1), np.float32)], axis=1)
    residual = motion - np.einsum("tij,nj->nti", affine, flat)
    return float(np.quantile(np.linalg.norm(residual, axis=2).max(axis=1), 0.95))


def _levels(nearness: Float32[np.ndarray, " n"], count: int) -> Int64[np.ndarray, " n"]:
    """The level, 0 the farthest, of each value: k-means in one dimension from even levels."""
    low, high = np.quantile(nearness, [0.02, 0.98])
    centres = low + (np.arange(count) + 0.5) * (high - low) / count
    for _ in range(10):
        label = np.abs(nearness[:, None] - centres).argmin(axis=1)
        sums = np.bincount(label, nearness, count)
        sizes = np.bincount(label, minlength=count)
        centres = np.sort(np.where(sizes > 0, sums / np.maximum(sizes, 1), centres))
    return np.abs(nearness[:, None] - centres).argmin(axis=1)

"""A scene seen by a moving camera, cut into slabs by depth."""

import cv2
import numpy as np
from jaxtyping import Float32, Int64

from kineograph.render.trajectories import Trajectories, few_frames

PARALLAX = 3.0
"""Pixels by which tracks must leave one plane's motion before the scene is cut."""

INSTANTS = 6
"""In how many frames that is measured."""

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
    label = _levels(1 / depth, int(np.clip(np.ceil(min(parallax, 1e3) / STEP), 2, MOST)))
    slabs = [loose[label == level] for level in range(label.max() + 1)]
    return [slab for slab in slabs if len(slab)]


def _parallax(loose: Int64[np.ndarray, " _"], trajectories: Trajectories) -> float:
    """How far most tracks stay within of one homography a frame, pixels.

    A camera that only turns or zooms makes a homography of the picture, at whatever depth.
    """
    anchors, motion = trajectories.anchors[loose], trajectories.displacement[loose]
    worst = np.zeros(len(loose))
    for frame in few_frames(motion.shape[1], INSTANTS):
        there = anchors + motion[:, frame]
        matrix, _ = cv2.findHomography(anchors, there, cv2.LMEDS)
        if matrix is None:
            return np.inf
        mapped = cv2.perspectiveTransform(anchors[None].astype(np.float64), matrix)[0]
        worst = np.maximum(worst, np.linalg.norm(mapped - there, axis=1))
    return float(np.quantile(worst, 0.95))


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

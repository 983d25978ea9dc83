"""Where a body hangs on to its surroundings and stretches, and where it comes off."""

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from kineograph.render.walker import Walker

GIVE = (0.35, 0.9)
"""Strain below which a seam only stretches, and above which it tears."""


LEAKED = 0.15
"""Share of a motion that gets across edges by leaking only, and is taken for none."""


def hold_on(
    share: Float32[np.ndarray, "rows columns"],
    core: Bool[np.ndarray, "rows columns"],
    held: Bool[np.ndarray, "rows columns"],
    reach: float,
    walker: Walker,
) -> tuple[Float32[np.ndarray, "rows columns"], Float32[np.ndarray, "rows columns"]] | None:
    """How much of a body's motion every cell makes, inside and outside its outline.

    Where the outline follows a strong edge of the picture the two jump from 1 to 0: the body comes
    off. Where it crosses a smooth or textured part without an edge, and the way is short, motion
    fades across it and nothing tears.

    Args:
        share: how much of each cell belongs to the body.
        core: cells that must move with the body in full (its tracks).
        held: cells that must not move at all (pins and all that is far away).
        reach: how far the body gets, pixels.
        walker: the picture to walk on.

    Returns:
        (inside, outside): factors in [0, 1], or None when the body comes off everywhere.
    """
    pitch = float(walker.grid.pitch.mean())
    if not _gives(_strain(share, reach, pitch), share):
        return None
    pull = 50.0 * (core | held).astype(np.float32)
    target = core.astype(np.float32)
    fade = walker.settle(pull.ravel(), target.reshape(-1, 1))[:, 0].reshape(share.shape)
    fade = ((fade - LEAKED) / (1 - 2 * LEAKED)).clip(0, 1)
    strain = _strain(fade, reach, pitch)
    low, high = GIVE
    give = 1 - ((strain - low) / (high - low)).clip(0, 1)
    give = give * give * (3 - 2 * give)
    return _soften(1 - give * (1 - fade)), _soften(give * fade)


def _soften(factor: Float32[np.ndarray, "rows columns"]) -> Float32[np.ndarray, "rows columns"]:
    """Blur by a cell, so that no step of the grid shows."""
    return cv2.GaussianBlur(factor, (0, 0), 0.8, borderType=cv2.BORDER_REPLICATE)


def _strain(
    share: Float32[np.ndarray, "rows columns"], reach: float, pitch: float
) -> Float32[np.ndarray, "rows columns"]:
    """Change of displacement per pixel if the share were the motion; widened by one cell."""
    down, across = np.gradient(share)
    strain = np.hypot(down, across) * np.float32(reach / pitch)
    padded = np.pad(strain, 1, mode="edge")
    rows, columns = share.shape
    near = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.max(near, axis=0).astype(np.float32)


def _gives(
    strain: Float32[np.ndarray, "rows columns"], share: Float32[np.ndarray, "rows columns"]
) -> bool:
    """Whether at least a twentieth of the seam could stretch."""
    seam = (share > 0.2) & (share < 0.8)
    return bool(seam.any()) and float((strain[seam] < GIVE[1]).mean()) > 0.05

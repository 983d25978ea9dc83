"""A picture thrown forward along its pixels' motion, the nearer over the farther, without steps.

Every pixel is thrown in several pieces onto a raster finer than the picture. What lands on top says
where its cell of that raster is read from, so that colours are read from the picture itself
(backward, cubic) and not smeared; the share of a pixel's cells on which anything landed says how
much of it is known.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.render.sampling import read_at

FINE = 600_000
"""Pixels up to which the raster has 2 x 2 cells a pixel; larger pictures have 1."""

COARSEST, FINEST = 2, 4
"""Fewest and most pieces that a side of a cell is thrown in."""

CLOSED = 5
"""Of the nine cells around, a gap that so many are known of is closed."""

AS_ONE = 0.3
"""Pixels within which a pixel's cells move as one."""

TORN = 2.5
"""Pixels by which a pixel's neighbours move apart where they do not hang together."""

LEVELS = 60_000
"""How finely nearness is told apart."""


@dataclass(frozen=True, eq=False)
class Thrown:
    """A picture that has moved.

    Args:
        image: RGB, 0 to 255; anything where nothing is known.
        share: how much of each pixel is known, 0 to 1.
    """

    image: Float32[np.ndarray, "height width 3"]
    share: Float32[np.ndarray, "height width"]


def throw(
    picture: UInt8[np.ndarray, "height width 3"],
    displacement: Float32[np.ndarray, "height width 2"],
    nearness: Float32[np.ndarray, "height width"],
    lost: np.ndarray,
) -> Thrown:
    """The picture moved.

    Args:
        picture: RGB.
        displacement: how far each pixel's content goes, pixels.
        nearness: where several land, the one with the most is on top.
        lost: (height, width) true where the content is not to be thrown.
    """
    height, width = picture.shape[:2]
    cells = 2 if height * width <= FINE else 1
    offset, known = _landed(displacement, nearness, lost, cells)
    rows, columns = known.shape
    x = (np.arange(columns, dtype=np.float32) + 0.5) / cells - 0.5
    y = (np.arange(rows, dtype=np.float32) + 0.5) / cells - 0.5
    at = offset + np.stack(np.meshgrid(x, y), axis=-1)
    image = read_at(picture, at, cv2.INTER_CUBIC).astype(np.float32)
    return Thrown(image, known) if cells == 1 else _averaged(image, known, offset, picture)


def _averaged(
    image: Float32[np.ndarray, "rows columns 3"],
    known: Float32[np.ndarray, "rows columns"],
    offset: Float32[np.ndarray, "rows columns 2"],
    picture: UInt8[np.ndarray, "height width 3"],
) -> Thrown:
    """The raster at the picture's size: where a pixel's cells move as one it is read whole."""
    height, width = picture.shape[:2]

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA)

    share = mean(known)
    total = mean(image * known[..., None]) / np.maximum(share, 1e-3)[..., None]
    middle = mean(offset)
    spread = (mean(offset * offset) - middle * middle).sum(axis=2)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    whole = read_at(picture, middle + np.stack(np.meshgrid(x, y), axis=-1), cv2.INTER_CUBIC)
    one = (share >= 1) & (spread < AS_ONE**2)
    return Thrown(np.where(one[..., None], whole, total).astype(np.float32), share)


def _landed(
    displacement: Float32[np.ndarray, "height width 2"],
    nearness: Float32[np.ndarray, "height width"],
    lost: np.ndarray,
    cells: int,
) -> tuple[Float32[np.ndarray, "rows columns 2"], Float32[np.ndarray, "rows columns"]]:
    """(how far from itself each cell of the raster is read, 1 where anything landed)."""
    height, width = nearness.shape
    pieces = cells * _pieces(displacement, cells)
    size = (width * pieces, height * pieces)
    rows, columns = height * cells, width * cells
    x = (np.arange(size[0], dtype=np.float32) + 0.5) / pieces
    y = (np.arange(size[1], dtype=np.float32) + 0.5) / pieces
    far_x, far_y = (_grown(np.ascontiguousarray(displacement[..., k]), size) for k in range(2))
    to_x = np.floor((x[None] + far_x) * cells).astype(np.int32).ravel()
    to_y = np.floor((y[:, None] + far_y) * cells).astype(np.int32).ravel()
    kept = ~cv2.resize(lost.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    kept = kept.ravel() & (to_x >= 0) & (to_x < columns) & (to_y >= 0) & (to_y < rows)
    who = np.flatnonzero(kept)
    order = cv2.resize(_ranked(nearness), size, interpolation=cv2.INTER_NEAREST).ravel()[who]
    who = who[np.argsort(order, kind="stable")]
    target = to_y[who] * columns + to_x[who]
    known = np.zeros(rows * columns, np.float32)
    known[target] = 1
    offset = np.zeros((rows * columns, 2), np.float32)
    offset[target, 0] = -far_x.ravel()[who]
    offset[target, 1] = -far_y.ravel()[who]
    return _closed(offset.reshape(rows, columns, 2), known.reshape(rows, columns))


def _grown(
    far: Float32[np.ndarray, "height width"], size: tuple[int, int]
) -> Float32[np.ndarray, "_ _"]:
    """Displacement at the pieces: between the pixels, but for those that are torn apart."""
    kernel = np.ones((3, 3), np.uint8)
    torn = (cv2.dilate(far, kernel) - cv2.erode(far, kernel) > TORN).astype(np.uint8)
    between = cv2.resize(far, size, interpolation=cv2.INTER_LINEAR)
    if not torn.any():
        return between
    alone = cv2.resize(torn, size, interpolation=cv2.INTER_NEAREST) > 0
    return np.where(alone, cv2.resize(far, size, interpolation=cv2.INTER_NEAREST), between)


def _ranked(
    nearness: Float32[np.ndarray, "height width"],
) -> np.ndarray:
    """Nearness as whole numbers of 16 bits, which are sorted in linear time."""
    low, high = float(nearness.min()), float(nearness.max())
    return ((nearness - low) * (LEVELS / max(high - low, 1e-6))).astype(np.uint16)


def _pieces(displacement: Float32[np.ndarray, "height width 2"], cells: int) -> int:
    """So many that what grows leaves no gaps."""
    down, across = np.gradient(displacement[::2, ::2], 2.0, axis=(0, 1))
    growth = 1 + np.maximum(np.abs(down).max(axis=2), np.abs(across).max(axis=2))
    whole = growth[growth < FINEST]
    most = float(np.quantile(whole, 0.95)) if whole.size else 1.0
    return int(np.clip(np.ceil(1.3 * most), COARSEST if cells == 2 else 1, FINEST))


def _closed(
    offset: Float32[np.ndarray, "rows columns 2"], known: Float32[np.ndarray, "rows columns"]
) -> tuple[Float32[np.ndarray, "rows columns 2"], Float32[np.ndarray, "rows columns"]]:
    """Cracks between what landed take the mean of what is around them."""
    count = _around(known)
    crack = (known == 0) & (count >= CLOSED)
    if crack.any():
        offset[crack] = _around(offset)[crack] / count[crack][:, None]
        known[crack] = 1
    return offset, known


def _around(values: np.ndarray) -> np.ndarray:
    """The sum over the nine places around each."""
    summed = cv2.boxFilter(values, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(summed)

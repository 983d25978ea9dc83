"""What stands behind: holes in a still picture filled with the picture's own texture.

A hole is filled once, in the still picture, and the fill then moves with what surrounds it, so it
cannot flicker. Patches are matched on a small picture and voted for (Wexler et al., 2007); the
matches then carry texture over at full resolution.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8
from scipy.spatial import cKDTree

from kineograph.render.sampling import read_at
from kineograph.render.splat import push_pull

WORK = (72, 144)
"""Longer sides, in pixels, of the small pictures in which patches are matched, coarse to fine."""

HALF = 3
"""Half-width of a patch."""

ROUNDS = 3
"""How often matching and voting alternate at each size."""

PIECE = 9
"""Side, in pixels of the small picture, of what is carried over as one where matches disagree."""

GRAIN = 24.0
"""Most that carried texture may add to a colour; the voted colours bring the strong edges."""

RIM = 0.02
"""How far from its rim a filling takes on the tone around it, as a share of the longer side."""

FOREIGN = 12.0
"""Difference of mean colours from which on texture is hardly taken over."""

LUMA = ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3), (3, 0))
CHROMA = ((0, 0), (0, 1), (1, 0))
"""Orders, along x and y, of the cosines that stand for a patch in the search."""

Places = Int64[np.ndarray, "_ 2"]
"""(row, column) of pixels."""


def fill(
    picture: UInt8[np.ndarray, "height width 3"], hole: Bool[np.ndarray, "height width"]
) -> UInt8[np.ndarray, "height width 3"]:
    """The picture with the hole filled; pixels outside the hole come back unchanged.

    Deterministic. Where hardly anything is left to copy from, soft colours from the rim.
    """
    if not hole.any():
        return picture
    soft = push_pull(picture.astype(np.float32), 1 - hole.astype(np.float32))
    if hole.mean() > 0.7 or min(picture.shape[:2]) < 4 * HALF:
        return _into(picture, hole, soft)
    guess: np.ndarray | None = None
    for long_side in WORK:
        scale = min(1.0, long_side / max(hole.shape))
        size = (max(8, round(hole.shape[1] * scale)), max(8, round(hole.shape[0] * scale)))
        small_hole = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.01
        small = cv2.resize(soft, size, interpolation=cv2.INTER_AREA)
        start = _grown(small, small_hole) if guess is None else cv2.resize(guess, size)
        small[small_hole] = start[small_hole]
        matched = _complete(small, small_hole)
        if matched is None:
            return _into(picture, hole, soft)
        guess, source = matched
    assert guess is not None
    return _into(picture, hole, _joined(_carry(soft, guess, source, hole), soft, hole))


def _grown(
    image: Float32[np.ndarray, "height width 3"], hole: Bool[np.ndarray, "height width"]
) -> Float32[np.ndarray, "height width 3"]:
    """Every place of the hole in the colour of the rim nearest to it: plain, but none is mixed."""
    _, label = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((label.max() + 1, 3), np.float32)
    colours[label[~hole]] = image[~hole]
    return colours[label]


def _joined(
    filling: Float32[np.ndarray, "height width 3"],
    soft: Float32[np.ndarray, "height width 3"],
    hole: Bool[np.ndarray, "height width"],
) -> Float32[np.ndarray, "height width 3"]:
    """The filling in the tone of what is around it, near the rim; so that no outline shows."""
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3)
    reach = RIM * max(hole.shape)
    tone = cv2.GaussianBlur(soft - filling, (0, 0), reach / 2, borderType=cv2.BORDER_REFLECT_101)
    return filling + tone * np.exp(-depth / reach)[..., None]


def smooth_fill(
    picture: UInt8[np.ndarray, "height width 3"], hole: Bool[np.ndarray, "height width"]
) -> UInt8[np.ndarray, "height width 3"]:
    """The hole filled with soft colours from its rim: quick, and right for narrow rims."""
    return _into(picture, hole, push_pull(picture.astype(np.float32), 1 - hole.astype(np.float32)))


def _into(
    picture: UInt8[np.ndarray, "height width 3"],
    hole: Bool[np.ndarray, "height width"],
    filling: Float32[np.ndarray, "height width 3"],
) -> UInt8[np.ndarray, "height width 3"]:
    return np.where(hole[..., None], filling.round().clip(0, 255).astype(np.uint8), picture)


def _complete(
    image: Float32[np.ndarray, "height width 3"], hole: Bool[np.ndarray, "height width"]
) -> tuple[Float32[np.ndarray, "height width 3"], Int64[np.ndarray, "height width 2"]] | None:
    """(filled image, where the patch of every place came from), or None without whole patches."""
    kernel = np.ones((2 * HALF + 1, 2 * HALF + 1), np.uint8)
    touched = cv2.dilate(hole.astype(np.uint8), kernel, borderType=cv2.BORDER_REFLECT_101) > 0
    inner = np.zeros_like(hole)
    inner[HALF:-HALF, HALF:-HALF] = True
    donors = np.argwhere(~touched & inner)
    wanted = np.argwhere(touched)
    if len(donors) < 50:
        return None
    source = np.moveaxis(np.indices(hole.shape), 0, -1).astype(np.int64)
    for _ in range(ROUNDS):
        best = _nearest(image, wanted, donors)
        source[wanted[:, 0], wanted[:, 1]] = best
        image = _vote(image, hole, wanted, best)
    return image, source


def _features(
    image: Float32[np.ndarray, "height width 3"],
) -> Float32[np.ndarray, "height width features"]:
    """What the patch around every place looks like: its lowest cosine coefficients (DCT-II).

    Distances between them are those between the patches, but for their finest detail.
    """
    step = (np.arange(2 * HALF + 1) + 0.5) / (2 * HALF + 1)
    waves = [np.cos(np.pi * order * step) for order in range(4)]
    waves = [wave / np.linalg.norm(wave) for wave in waves]
    luma = cv2.cvtColor(image / 255, cv2.COLOR_RGB2YCrCb) * np.float32(255)
    maps = [
        cv2.sepFilter2D(luma[..., channel], -1, waves[i], waves[j], borderType=cv2.BORDER_REFLECT)
        for channel, orders in enumerate((LUMA, CHROMA, CHROMA))
        for i, j in orders
    ]
    return np.stack(maps, axis=-1)


def _nearest(
    image: Float32[np.ndarray, "height width 3"], wanted: Places, donors: Places
) -> Places:
    """The donor whose patch looks most like each wanted place."""
    features = _features(image)
    tree = cKDTree(features[donors[:, 0], donors[:, 1]], balanced_tree=False)
    _, index = tree.query(features[wanted[:, 0], wanted[:, 1]], eps=0.5)
    return donors[index]


def _vote(
    image: Float32[np.ndarray, "height width 3"],
    hole: Bool[np.ndarray, "height width"],
    wanted: Places,
    best: Places,
) -> Float32[np.ndarray, "height width 3"]:
    """Every place in the hole becomes the mean of what the patches over it propose."""
    height, width = hole.shape
    total = np.zeros((height * width, 3))
    count = np.zeros(height * width)
    for dy in range(-HALF, HALF + 1):
        for dx in range(-HALF, HALF + 1):
            y, x = wanted[:, 0] + dy, wanted[:, 1] + dx
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            flat = y[inside] * width + x[inside]
            colour = image[best[inside, 0] + dy, best[inside, 1] + dx]
            count += np.bincount(flat, minlength=height * width)
            for channel in range(3):
                total[:, channel] += np.bincount(flat, colour[:, channel], height * width)
    voted = (total / np.maximum(count, 1)[:, None]).reshape(image.shape).astype(np.float32)
    return np.where(hole[..., None], voted, image)


def _carry(
    soft: Float32[np.ndarray, "height width 3"],
    guess: Float32[np.ndarray, "rows columns 3"],
    source: Int64[np.ndarray, "rows columns 2"],
    hole: Bool[np.ndarray, "height width"],
) -> Float32[np.ndarray, "height width 3"]:
    """Texture at full size from the small matches; their voted colours, the matches' detail."""
    height, width = hole.shape
    rows, columns = guess.shape[:2]
    low = cv2.resize(guess, (width, height), interpolation=cv2.INTER_CUBIC)
    if (rows, columns) == (height, width):
        return low
    scale = np.array([width / columns, height / rows], np.float32)
    here = np.moveaxis(np.indices((rows, columns)), 0, -1)
    offset = _calm((source - here)[..., ::-1].astype(np.float32))
    small = cv2.resize(soft, (columns, rows), interpolation=cv2.INTER_AREA)
    detail = soft - cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    jump = cv2.resize(offset * scale, (width, height), interpolation=cv2.INTER_NEAREST).round()
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    at = np.stack([x, y], axis=-1) + jump
    texture = read_at(detail, at, cv2.INTER_NEAREST, cv2.BORDER_REFLECT_101)
    fits = cv2.resize(_fits(guess, small, offset), (width, height))[..., None]
    return low + texture.clip(-GRAIN, GRAIN) * fits


def _fits(
    guess: Float32[np.ndarray, "rows columns 3"],
    small: Float32[np.ndarray, "rows columns 3"],
    offset: Float32[np.ndarray, "rows columns 2"],
) -> Float32[np.ndarray, "rows columns"]:
    """1 where the colours that texture is taken from are those it is put on, to 0 where not."""
    rows, columns = guess.shape[:2]
    y, x = np.indices((rows, columns))
    y = np.rint(y + offset[..., 1]).astype(int).clip(0, rows - 1)
    x = np.rint(x + offset[..., 0]).astype(int).clip(0, columns - 1)
    apart = np.abs(guess - small[y, x]).mean(axis=2)
    return (1.5 - apart / FOREIGN).clip(0, 1).astype(np.float32)


def _calm(offset: Float32[np.ndarray, "rows columns 2"]) -> Float32[np.ndarray, "rows columns 2"]:
    """Offsets agreed among neighbours, so that texture comes over in pieces, not in crumbs.

    Where the fine matches disagree, a whole piece goes by the match in its middle.
    """
    parts = [np.ascontiguousarray(offset[..., k]) for k in range(2)]
    for _ in range(3):
        parts = [cv2.medianBlur(part, 5) for part in parts]
    fine = np.stack(parts, axis=-1)
    mean = cv2.blur(fine, (5, 5))
    spread = (cv2.blur(fine * fine, (5, 5)) - mean * mean).sum(axis=2)
    middle = (np.arange(n) // PIECE * PIECE + PIECE // 2 for n in offset.shape[:2])
    rows, columns = (m.clip(None, n - 1) for m, n in zip(middle, offset.shape[:2], strict=True))
    pieces = fine[rows[:, None], columns]
    return np.where((spread > 2)[..., None], pieces, fine)

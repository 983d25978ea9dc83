"""A generated motion made to agree with the tracks that were asked for, also between them."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32
from scipy.spatial import ConvexHull, QhullError

from kineograph.engines.detail.affine import Affine
from kineograph.engines.detail.local_fit import ALIKE, NEAR, TOGETHER
from kineograph.engines.detail.points import Points
from kineograph.render.motion_field import fit_affine
from kineograph.render.walker import Grid

FEW = 6
"""Fewer tracks say nothing of all of a picture."""

COVER = 0.4
"""Share of the picture that tracks must span for that."""

AGREE, LEFT = 0.45, (0.25, 1 / 256)
"""The share of tracks that must follow it: of what each misses, less than this share is left, or
less than this share of the longer side."""

DRAWN = 2.0
"""Share of the common motion by which a motion may differ and still be mostly drawn to it."""

SPREAD = 2.0
"""Standard deviation, in cells, over which a track corrects the cells around it."""

SURE = 0.1
"""What a correction is divided by beside its weights, so that it fades with the distance."""

CLOSE, CROWDED = 0.75, 2.0
"""Given tracks within so many cells of a cell take its weight, by (1 + tracks) to this power."""


def corrected(
    cells: Points,
    given: Points,
    told: Float32[np.ndarray, "given frames 2"],
    colours: tuple[Float32[np.ndarray, "cells 3"], Float32[np.ndarray, "given 3"]],
    grid: Grid,
) -> Points:
    """The cells moved by what the generated motion misses at the tracks.

    First what most tracks do alike, as a camera moves them, draws what moves about so; what most
    then miss alike is made up for; and then what each track misses still, around it, on cells that
    look and move like it.

    Args:
        cells: of the generated motion.
        given: the tracks.
        told: what the cells say of the tracks' displacement.
        colours: CIE Lab at the cells and at the tracks.
        grid: of the picture.
    """
    generated = replace(given, displacement=told)
    alike = TOGETHER * max(grid.size)
    apart = ((generated.gist[None] - cells.gist[:, None]) ** 2).mean(axis=2).min(axis=1)
    share = np.exp(-0.5 * 2 * apart / (2 * alike) ** 2)[:, None, None]
    common = _common(given, np.zeros_like(told), grid.size)
    moved = _drawn(cells.displacement, common(cells.anchors), alike)
    told = _drawn(told, common(given.anchors), alike)
    left = _common(given, told, grid.size)
    moved = moved + left(cells.anchors) * share
    missed = given.displacement - told - left(given.anchors)
    away, index = given.nearest(cells.anchors, NEAR)
    width = SPREAD * cells.spacing[:, None]
    unlike = ((colours[0][:, None] - colours[1][index]) ** 2).sum(axis=2) / (2 * ALIKE) ** 2
    strange = 2 * ((generated.gist[index] - cells.gist[:, None]) ** 2).mean(axis=2) / alike**2
    weight = np.exp(-0.5 * ((away / width) ** 2 + unlike + strange))
    weight *= np.minimum(given.weight, 1)[index]
    weight /= weight.sum(axis=1, keepdims=True) + SURE
    more = np.einsum("ck,ckfx->cfx", weight, missed[index])
    return replace(cells, displacement=(moved + more).astype(np.float32))


def _drawn(
    told: Float32[np.ndarray, "points frames 2"],
    common: Float32[np.ndarray, "points frames 2"],
    alike: float,
) -> Float32[np.ndarray, "points frames 2"]:
    """Motions drawn to the common one, the more the nearer they are to it already."""
    apart = 2 * ((common - told) ** 2).mean(axis=(1, 2))
    reach = np.maximum(0.5 * alike, DRAWN * np.sqrt(2 * (common**2).mean(axis=(1, 2))))
    some = (common != 0).any(axis=(1, 2))
    share = np.exp(-0.5 * apart / reach**2) * some
    return (told + (common - told) * share[:, None, None]).astype(np.float32)


def crowded_out(cells: Points, given: Points) -> Points:
    """Cells weigh the less, the more given tracks are near them."""
    away, _ = given.nearest(cells.anchors, 16)
    crowd = (away < CLOSE * cells.spacing[:, None]).sum(axis=1)
    weight = cells.weight / (1 + crowd) ** CROWDED
    return replace(cells, weight=weight.astype(np.float32))


def _common(
    given: Points, told: Float32[np.ndarray, "given frames 2"], size: tuple[int, int]
) -> Affine:
    """What most tracks miss; nothing where they do not span the picture."""
    frames = told.shape[1]
    if given.count < FEW or _span(given.anchors) < COVER * size[0] * size[1]:
        return Affine(np.zeros((frames, 2, 3)))
    missed = given.displacement - told
    found = Affine(fit_affine(given.anchors, missed, given.weight))
    left = np.linalg.norm(missed - found(given.anchors), axis=2).max(axis=1)
    most = np.linalg.norm(missed, axis=2).max(axis=1)
    follow = left < np.maximum(LEFT[0] * most, LEFT[1] * max(size))
    return found if follow.mean() > AGREE else Affine(np.zeros((frames, 2, 3)))


def _span(anchors: Float32[np.ndarray, "points 2"]) -> float:
    """The area that points span, square pixels."""
    try:
        return float(ConvexHull(anchors).volume)
    except (QhullError, ValueError):
        return 0.0

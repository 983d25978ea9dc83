"""What moves together: the picture taken apart into a rest and the bodies in front of it."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int64
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, QhullError, cKDTree

from kineograph.core.tracks import NO_GROUP
from kineograph.render.slabs import cut
from kineograph.render.trajectories import Trajectories, few_frames
from kineograph.render.walker import Grid, Walker, inside_depth

STILL = 0.5
"""A part that never gets farther than this many pixels holds still."""

REACH = 10.0
"""How many spacings of its tracks a body may extend beyond them: dense tracks say themselves where
it ends, and a brush of 7 x 7 reaches about as far again as it is wide."""

NARROW = 2.5
"""Cells that even the densest body may extend beyond its tracks."""

DENSE, CLOSE = 200, 4.0
"""This many tracks, less than so many cells apart, say themselves where their body ends."""

FEW, BRUSH = 9, 0.04
"""Fewer tracks than this say nothing of an extent; each is taken for a brush with a radius of this
share of the picture's longer side, which may reach a twentieth of it further."""

TEAR = 0.35
"""Motion of two neighbouring tracks apart, per pixel between them, that parts them."""

INSTANTS = 16
"""In how many frames it is looked whether tracks move apart."""

COVER = 0.4
"""Share of the picture that ungrouped tracks must span to be the motion of all of it."""

MOST = 12
"""At most this many parts of loose tracks; what is left over goes with what it moves most like."""

FEW_LOOSE = 32
"""Among fewer loose tracks than this, even a single one may be a body of its own."""

CROWD = 200
"""So many groups, or twice `MOST` that move differently, are too many to draw a body each: then
the motion alone says what belongs together."""

Part = Int64[np.ndarray, " _"]
Kind = Literal["group", "slab", "piece"]


@dataclass(frozen=True, eq=False)
class Body:
    """Tracks that move as one, and the part of the picture that goes with them.

    Args:
        members: indices of its tracks.
        share: how much of each grid cell belongs to it, in [0, 1]; None for the rest, which is
            all that no other body takes.
        depth: mean depth, smaller is nearer; bodies are drawn from far to near.
        goes_on: whether it is a slab of a scene, which goes on behind what is nearer.
    """

    members: Part
    share: Float32[np.ndarray, "rows columns"] | None
    depth: float
    goes_on: bool = False


def find_bodies(trajectories: Trajectories, walker: Walker) -> list[Body]:
    """The rest first, then the bodies from far to near.

    Tracks of one gesture stay together; tracks without a group are parted where neighbours move
    apart. How far a body reaches beyond its tracks is decided by the picture's edges, against what
    holds still: pins, other bodies, and everything more than a few brush radii away.
    """
    parts = _parts(trajectories)
    rest, moving = _divide(parts, trajectories, walker.grid.size)
    if not moving:
        return [Body(rest, None, np.inf)]
    slabs = {int(part[0]) for kind, part in parts if kind == "slab"}
    moving, rest = _join_pins(moving, rest, walker, trajectories)
    shares = _shares(moving, rest, walker, trajectories)
    bodies = [
        Body(part, share, float(trajectories.depth[part].mean()), int(part[0]) in slabs)
        for part, share in zip(moving, shares, strict=True)
    ]
    return [Body(rest, None, np.inf), *sorted(bodies, key=lambda body: -body.depth)]


def _parts(trajectories: Trajectories) -> list[tuple[Kind, Part]]:
    """One part a group, and the parts that loose tracks fall into: slabs of a scene or pieces."""
    groups = np.unique(trajectories.group[trajectories.group != NO_GROUP])
    gathered = _alike(
        [np.flatnonzero(trajectories.group == g) for g in groups[:CROWD]], trajectories
    )
    if len(groups) > CROWD or len(gathered) > 2 * MOST:
        gathered, loose = [], np.arange(len(trajectories.group))
    else:
        loose = np.flatnonzero(trajectories.group == NO_GROUP)
    parts: list[tuple[Kind, Part]] = [("group", part) for part in gathered]
    slabs = cut(loose, trajectories)
    if len(slabs) > 1:
        return parts + [("slab", part) for part in slabs]
    return parts + [("piece", part) for part in _part_where_torn(loose, trajectories)]


def _alike(parts: list[Part], trajectories: Trajectories) -> list[Part]:
    """Parts that move as one rigid whole, in one depth, are one: a drag taken up by a later one."""
    whole: list[Part] = []
    for part in parts:
        for number, other in enumerate(whole):
            both = np.concatenate([other, part])
            motion = trajectories.displacement[both]
            together = float(np.ptp(motion, axis=0).max()) < STILL
            if together and len(np.unique(trajectories.depth[both])) == 1:
                whole[number] = both
                break
        else:
            whole.append(part)
    return whole


def _part_where_torn(loose: Part, trajectories: Trajectories) -> list[Part]:
    """Connected components of the neighbour graph without the links that the motion tears."""
    if len(loose) < 2:
        return [loose] if len(loose) else []
    anchors, motion = trajectories.anchors[loose], trajectories.displacement[loose]
    motion = motion[:, few_frames(motion.shape[1], INSTANTS)]
    near = min(9, len(loose))
    distance, neighbour = cKDTree(anchors).query(anchors, k=near)
    i = np.repeat(np.arange(len(loose)), near - 1)
    j, gap = neighbour[:, 1:].ravel(), distance[:, 1:].ravel()
    apart = np.linalg.norm(motion[i] - motion[j], axis=2).max(axis=1)
    whole = apart < np.maximum(TEAR * gap, 3 * STILL)
    links = sparse.coo_matrix(
        (np.ones(int(whole.sum())), (i[whole], j[whole])), shape=(len(loose), len(loose))
    )
    _, label = connected_components(links, directed=False)
    sizes = np.bincount(label)
    kept = np.argsort(-sizes, kind="stable")[:MOST]
    kept = kept[sizes[kept] >= (1 if len(loose) < FEW_LOOSE else max(3, len(loose) // 100))]
    if len(kept) == 0:
        return [loose]
    label = _go_with_the_like(label, kept, motion)
    return [loose[label == k] for k in kept]


def _go_with_the_like(
    label: Int64[np.ndarray, " n"] | np.ndarray, kept: np.ndarray, motion: np.ndarray
) -> np.ndarray:
    """Give every track of a part that is not kept to the kept part with the nearest mean motion."""
    stray = ~np.isin(label, kept)
    if stray.any():
        means = np.stack([motion[label == k].mean(axis=0) for k in kept])
        cost = ((motion[stray][:, None] - means) ** 2).sum(axis=(2, 3))
        label = label.copy()
        label[stray] = kept[cost.argmin(axis=1)]
    return label


def _divide(
    parts: list[tuple[Kind, Part]], trajectories: Trajectories, size: tuple[int, int]
) -> tuple[Part, list[Part]]:
    """What carries the rest of the picture, and the parts that move in front of it.

    The rest is moved by the farthest slab of a scene, or by the ungrouped tracks that span the
    picture, if there are any; else it holds still, and so do the pins, which belong to it unless a
    depth puts them in front.
    """
    slabs = [part for kind, part in parts if kind == "slab"]
    pieces = [part for kind, part in parts if kind == "piece"]
    spanning = [part for part in pieces if _span(part, trajectories, size) > COVER]
    carrier = slabs[0] if slabs else max(spanning, key=len, default=None)
    rest: list[Part] = [] if carrier is None else [carrier]
    moving: list[Part] = []
    for _, part in parts:
        still = float(trajectories.reach[part].max()) < STILL
        in_front = bool(np.isfinite(trajectories.depth[part]).all())
        if part is carrier:
            continue
        (rest if still and carrier is None and not in_front else moving).append(part)
    return np.concatenate([*rest, np.zeros(0, np.int64)]), moving


def _span(part: Part, trajectories: Trajectories, size: tuple[int, int]) -> float:
    """Area of the tracks' convex hull as a share of the picture."""
    try:
        hull = ConvexHull(trajectories.anchors[part])
    except (QhullError, ValueError):
        return 0.0
    return float(hull.volume) / (size[0] * size[1])


def footprint(
    part: Part, trajectories: Trajectories, grid: Grid
) -> Bool[np.ndarray, "rows columns"]:
    """The cells its tracks lie on in the picture, closed over the gaps between neighbours.

    Those of fewer than `FEW` tracks are as wide as a brush.
    """
    tread = closed(trajectories.anchors[part], grid)
    if len(part) >= FEW:
        return tread
    width = 2 * max(1, round(BRUSH * max(tread.shape))) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return cv2.dilate(tread.astype(np.uint8), brush) > 0


def closed(points: Float32[np.ndarray, "n 2"], grid: Grid) -> Bool[np.ndarray, "rows columns"]:
    """The cells that points lie on, closed over the gaps between neighbouring points."""
    cells = np.zeros(grid.count, np.uint8)
    cells[grid.cell_of(points)] = 1
    mask = cells.reshape(grid.cells[::-1])
    gap = 2 * int(np.ceil(_spacing(points) / float(grid.pitch.min()))) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (gap, gap))
    padded = cv2.copyMakeBorder(mask, gap, gap, gap, gap, cv2.BORDER_CONSTANT, value=0)
    return cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[gap:-gap, gap:-gap] > 0


def _spacing(anchors: Float32[np.ndarray, "n 2"]) -> float:
    """Median distance to the nearest neighbour, capped so that far strays do not fuse."""
    if len(anchors) < 2:
        return 0.0
    return float(np.median(cKDTree(anchors).query(anchors, k=2)[0][:, 1]).clip(0, 64))


def says_where_it_ends(part: Part, tread: Bool[np.ndarray, "rows columns"]) -> bool:
    """Whether tracks lie so close that nothing beyond them is meant."""
    return len(part) >= DENSE and float(tread.sum()) / len(part) < CLOSE**2


def _extent(part: Part, tread: Bool[np.ndarray, "rows columns"]) -> float:
    """How far, in cells, the body may extend beyond its tracks."""
    spacing = float(np.sqrt(tread.sum() / len(part)))
    if says_where_it_ends(part, tread):
        return NARROW
    return max(REACH * spacing, NARROW if len(part) >= FEW else 0.05 * max(tread.shape))


def _fields(
    part: Part, trajectories: Trajectories, grid: Grid, reach: float = 1.0
) -> tuple[Float32[np.ndarray, " cells"], Float32[np.ndarray, " cells"]]:
    """(pull towards the body, pull towards the rest) of every cell, for one part.

    The rim of the tracks pulls less than their heart, so that the picture's edges may overrule a
    brush that was a little too large.
    """
    tread = footprint(part, trajectories, grid)
    mine = 0.3 * tread + 4.0 * inside_depth(tread) ** 2
    away = cv2.distanceTransform((~tread).astype(np.uint8), cv2.DIST_L2, 3)
    far = away / (_extent(part, tread) * reach)
    others = 0.5 * (far > 1) + 2e-3 * far**2
    return mine.ravel().astype(np.float32), others.ravel().astype(np.float32)


def _join_pins(
    moving: list[Part], rest: Part, walker: Walker, trajectories: Trajectories
) -> tuple[list[Part], Part]:
    """Pins that lie on a moving body hold that body, which then bends; the others hold the rest."""
    if len(rest) == 0 or float(trajectories.reach[rest].max()) >= STILL:
        return moving, rest
    cells = walker.grid.cell_of(trajectories.anchors[rest])
    taken = np.zeros(len(rest), bool)
    joined = []
    for part in moving:
        mine, others = _fields(part, trajectories, walker.grid, reach=3.0)
        share = walker.settle(mine + others, (mine / (mine + others + 1e-9))[:, None])[:, 0]
        held = (share[cells] > 0.5) & ~taken
        taken |= held
        joined.append(np.concatenate([part, rest[held]]))
    return joined, rest[~taken]


def _shares(
    moving: list[Part], rest: Part, walker: Walker, trajectories: Trajectories
) -> list[Float32[np.ndarray, "rows columns"]]:
    """Every cell's share of every moving body, from one solve with all of them competing."""
    grid = walker.grid
    fields = [_fields(part, trajectories, grid) for part in moving]
    mine = np.stack([field[0] for field in fields], axis=1)
    away = np.min([field[1] for field in fields], axis=0)
    if len(rest) and float(trajectories.reach[rest].max()) < STILL:
        away[grid.cell_of(trajectories.anchors[rest])] += 1.0
    elif len(rest):
        away[grid.cell_of(trajectories.anchors[rest])] += 0.2
    pull = mine.sum(axis=1) + away
    shares = walker.settle(pull, mine / (pull[:, None] + 1e-9))
    return [share.reshape(grid.cells[::-1]).clip(0, 1) for share in shares.T]

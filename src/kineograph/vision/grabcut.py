"""Masks without weights: the region around a click that ends at strong edges, then GrabCut."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, UInt8
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from kineograph.vision.masks import Box, checked_prompt, grow_back, tidy

LONG_SIDE = 360
"""Larger pictures are looked at in a smaller copy with this longer side."""

BRUSH = 0.012
"""A click speaks for what is this near, as a share of the longer side."""

CALM = 4.0
"""Colour difference (CIE Lab units) of neighbours that costs as much as seven pixels of way."""

SMALLEST, LARGEST = 0.002, 0.6
"""Shares of the picture that what is under a click may fill."""

LIKE = 0.06
"""How much a colour unlike those under the clicks adds to the cost of a pixel, at full change."""

BORDER = 0.6
"""How much the picture's border counts as outline without an edge: things lie inside it."""

LEVELS = 160
"""Into how many sizes the region around a click is divided to find the one that fits best."""

ROUNDS = 4
"""How often GrabCut goes back and forth between colours and outline."""


@dataclass(frozen=True)
class GrabCut:
    """Finds what a click or a box means by its colours and edges (Rother et al., 2004).

    A click grows along the ways that cross the least colour change, and stops where its whole
    outline lies on edges best. That region, or the inside of the box, is what GrabCut then takes
    as probable; clicks in a box are certain.

    Args:
        long_side: larger pictures are looked at in a smaller copy with this longer side, in pixels.
    """

    long_side: int = LONG_SIDE

    def __call__(
        self,
        picture: UInt8[np.ndarray, "height width 3"],
        *,
        points: Float[np.ndarray, "points 2"] | None = None,
        labels: Bool[np.ndarray, " points"] | None = None,
        box: Box | None = None,
    ) -> Bool[np.ndarray, "height width"]:
        """The pixels of what a click or a box means; see `Masker`.

        Raises:
            VisionError: nothing is meant, or a click or the box is not on the picture.
        """
        clicks, on, box = checked_prompt(picture, points, labels, box)
        height, width = picture.shape[:2]
        share = min(1.0, self.long_side / max(height, width))
        size = (max(2, round(width * share)), max(2, round(height * share)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        scale = np.array(size) / (width, height)
        cells = np.minimum((clicks * scale).astype(int), np.array(size) - 1)[:, ::-1]
        hints = _hints(small, cells[on], cells[~on], None if box is None else _scaled(box, scale))
        found = tidy(_cut(small, hints), [(int(row), int(column)) for row, column in cells[on]])
        return grow_back(found, picture)


def _scaled(box: Box, scale: Float64[np.ndarray, "2"]) -> tuple[int, int, int, int]:
    x0, y0 = np.floor(np.array(box[:2]) * scale).astype(int)
    x1, y1 = np.ceil(np.array(box[2:]) * scale).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def _hints(
    picture: UInt8[np.ndarray, "height width 3"],
    on: np.ndarray,
    off: np.ndarray,
    box: tuple[int, int, int, int] | None,
) -> UInt8[np.ndarray, "height width"]:
    """What GrabCut begins with: certain and probable pixels, on the thing and beside it."""
    height, width = picture.shape[:2]
    hints = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    if box is not None:
        hints[box[1] : box[3], box[0] : box[2]] = cv2.GC_PR_FGD
    else:
        lab = _calm(picture)
        hints[_best_region(_distance(lab, on), lab)] = cv2.GC_PR_FGD
    if box is not None:
        outside = np.ones((height, width), bool)
        outside[box[1] : box[3], box[0] : box[2]] = False
        hints[outside] = cv2.GC_BGD
    radius = max(1, round(BRUSH * max(height, width)))
    for cells, value in ((on, cv2.GC_FGD), (off, cv2.GC_BGD)):
        for row, column in cells:
            cv2.circle(hints, (int(column), int(row)), radius, value, -1)
    return hints


def _calm(picture: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "height width 3"]:
    """Colours in CIE Lab with fine texture smoothed away and edges kept."""
    smooth = cv2.pyrMeanShiftFiltering(picture, sp=4, sr=12, maxLevel=1)
    return cv2.cvtColor(smooth.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def _distance(
    lab: Float32[np.ndarray, "height width 3"], on: np.ndarray
) -> Float32[np.ndarray, "height width"]:
    """The cost of the cheapest way from the clicks to every pixel: colour change, a little length.

    A geodesic distance (Criminisi et al., 2008).
    """
    height, width = lab.shape[:2]
    index = np.arange(height * width).reshape(height, width)
    pairs = (
        (np.s_[:, 1:], np.s_[:, :-1], 1.0),
        (np.s_[1:], np.s_[:-1], 1.0),
        (np.s_[1:, 1:], np.s_[:-1, :-1], 2**0.5),
        (np.s_[1:, :-1], np.s_[:-1, 1:], 2**0.5),
    )
    here = np.median(lab[on[:, 0], on[:, 1]], axis=0)
    unlike = LIKE * np.linalg.norm(lab - here, axis=2) / CALM
    rows, columns, costs = [], [], []
    for a, b, length in pairs:
        change = np.linalg.norm(lab[a] - lab[b], axis=2) / CALM
        rows.append(index[a].ravel())
        columns.append(index[b].ravel())
        costs.append((0.15 * length + change + length * (unlike[a] + unlike[b]) / 2).ravel())
    graph = sparse.csr_matrix(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))),
        shape=(height * width, height * width),
    )
    sources = on[:, 0] * width + on[:, 1]
    reach = dijkstra(graph, directed=False, indices=sources, min_only=True)
    return reach.reshape(height, width).astype(np.float32)


def _best_region(
    distance: Float32[np.ndarray, "height width"],
    lab: Float32[np.ndarray, "height width 3"],
) -> Bool[np.ndarray, "height width"]:
    """The region within some distance of the clicks whose outline lies on edges best.

    An edge at the outline is a steep rise of the distance itself: what is inside is reached at
    little cost, what is outside only across the edge.
    """
    order = np.sort(distance.ravel())
    shares = np.geomspace(SMALLEST, LARGEST, LEVELS)
    levels = order[(shares * (len(order) - 1)).astype(int)]
    score = _scores(distance, lab, levels)
    return distance <= levels[int(score.argmax())]


def _scores(
    distance: Float32[np.ndarray, "height width"],
    lab: Float32[np.ndarray, "height width 3"],
    levels: Float32[np.ndarray, " levels"],
) -> Float64[np.ndarray, " levels"]:
    """How well each level's outline lies on edges: colour change across it, per pixel of outline.

    Every pair of neighbours is on the outline of all levels between their two distances, so all
    levels are counted at once. The picture's border counts as outline without an edge.
    """
    change = np.zeros(len(levels) + 1)
    length = np.full(len(levels) + 1, 1e-6)
    for a, b in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        low = np.minimum(distance[a], distance[b]).ravel()
        high = np.maximum(distance[a], distance[b]).ravel()
        first, last = np.searchsorted(levels, low), np.searchsorted(levels, high)
        edge = np.minimum(np.linalg.norm(lab[a] - lab[b], axis=2), 30).ravel()
        crossed = first < last
        for totals, value in ((change, edge), (length, np.ones_like(edge))):
            totals += np.bincount(first[crossed], value[crossed], len(levels) + 1)
            totals -= np.bincount(last[crossed], value[crossed], len(levels) + 1)
    border = np.concatenate([distance[0], distance[-1], distance[:, 0], distance[:, -1]])
    touched = np.searchsorted(np.sort(border), levels, side="right")
    return np.cumsum(change)[:-1] / (np.cumsum(length)[:-1] + BORDER * touched)


def _cut(
    picture: UInt8[np.ndarray, "height width 3"], hints: UInt8[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """GrabCut from hints; the same hints give the same mask."""
    probable = (hints == cv2.GC_FGD) | (hints == cv2.GC_PR_FGD)
    if probable.all() or min(probable.sum(), (~probable).sum()) < 32:
        return probable  # too little on one side to learn colours from
    cv2.setRNGSeed(0)
    colours = np.ascontiguousarray(picture[..., ::-1])
    on, off, begin = np.zeros((1, 65)), np.zeros((1, 65)), cv2.GC_INIT_WITH_MASK
    found, *_ = cv2.grabCut(colours, hints.copy(), (0, 0, 0, 0), off, on, ROUNDS, begin)
    labels = np.asarray(found)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)

"""Where an object is in each frame of a generated video, by its points or by its colours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64

from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip
from kineograph.evaluation.tracking import Frames, follow

Mask = Bool[np.ndarray, "height width"]

Follow = Callable[[Frames, Float32[np.ndarray, "queries 3"]], Tracks]
"""Follows points through a video, as `tracking.follow`."""

POINTS = 48
"""An object is followed by at most so many points."""

LEAST = 6
"""Of an object's points so many have to be seen; else those count too that are thought hidden."""

BINS = 8
"""Of a histogram, for each colour."""


@dataclass(frozen=True, eq=False)
class Located:
    """An object through a video.

    Args:
        boxes: (T, 4) x0, y0, x1, y1 in raster pixels.
        scale: (T,) its size against that of the first frame it was seen in.
        turn: (T,) by how many degrees it has turned since then, clockwise on the screen; None if
            that cannot be told.
        first: the frame it was first seen in.
    """

    boxes: Float64[np.ndarray, "frames 4"]
    scale: Float64[np.ndarray, " frames"]
    turn: Float64[np.ndarray, " frames"] | None
    first: int = 0

    @property
    def centres(self) -> Float64[np.ndarray, "frames 2"]:
        """The middle of each box."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2


def first_seen(clip: Clip, item: int) -> int | None:
    """The first frame in which a boxed object is seen; None if it never is."""
    assert clip.boxes is not None
    seen = clip.boxes.state[item] == State.VISIBLE
    return int(seen.argmax()) if seen.any() else None


def by_points(frames: Frames, clip: Clip, item: int, follower: Follow = follow) -> Located | None:
    """Follow what is where the object is in the clip's first frame that shows it.

    For videos that begin with the clip's own picture. The points' motion is fitted by a similarity
    in each frame, which moves and scales the box.

    Args:
        frames: the video.
        clip: the true clip; only the object's place in that one frame is taken from it.
        item: the index of the object in the clip's boxes.
        follower: what follows the points.
    """
    return all_by_points(frames, clip, [item], follower).get(item)


def all_by_points(
    frames: Frames, clip: Clip, items: Sequence[int], follower: Follow = follow
) -> dict[int, Located]:
    """`by_points` of several objects, followed together: that takes little longer than one.

    Objects that are never seen are left out.
    """
    assert clip.boxes is not None
    firsts = {item: first_seen(clip, item) for item in items}
    asked: dict[int, Float32[np.ndarray, "points 3"]] = {}
    for item, first in firsts.items():
        if first is not None:
            places = _places(_mask(clip, item, first))
            start = np.full((len(places), 1), first, np.float32)
            asked[item] = np.concatenate([start, places], axis=1)
    if not asked:
        return {}
    tracks = follower(frames, np.concatenate(list(asked.values())))
    parts = np.split(
        np.arange(tracks.count), np.cumsum([len(part) for part in asked.values()])[:-1]
    )
    found = {}
    for item, mine in zip(asked, parts, strict=True):
        first = int(asked[item][0, 0])
        box = clip.boxes.boxes[item, first].astype(np.float64)
        points = tracks.points[mine].astype(np.float64)
        found[item] = _moved(box, points, tracks.visible[mine], first)
    return found


def by_colours(frames: Frames, clip: Clip, item: int) -> Located | None:
    """Find what has the object's colours, in every frame by itself.

    For videos that know of the object by words and boxes only. The histogram of the object's
    colours in the true clip is held against that of each frame: a pixel counts by how much of the
    frame's pixels of its colour the object accounts for (histogram backprojection, Swain and
    Ballard, IJCV 1991). Its box is around the piece with most of that. The clip's box is not looked
    at, so a video that puts the object elsewhere is told apart.

    Args:
        frames: the video.
        clip: the true clip; the object's colours are taken from it.
        item: the index of the object in the clip's boxes.
    """
    first = first_seen(clip, item)
    if first is None:
        return None
    masks = np.stack([_mask(clip, item, index) for index in range(clip.frames)])
    sought = _histogram(clip.video[masks]) / len(clip.video)
    boxes = np.stack([_box_of(_likeness(frame, sought)) for frame in frames])
    size = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
    return Located(boxes, size / size[first], None, first)


def _mask(clip: Clip, item: int, frame: int) -> Mask:
    """The pixels that show an object; those of its box where there is no mask."""
    assert clip.boxes is not None
    if clip.masks is not None and clip.masks[item, frame].any():
        return clip.masks[item, frame]
    width, height = clip.size
    held = np.zeros((height, width), bool)
    if clip.masks is not None or clip.boxes.state[item, frame] != State.VISIBLE:
        return held
    x0, y0, x1, y1 = clip.boxes.boxes[item, frame]
    left, top = max(0, int(x0)), max(0, int(y0))
    held[top : max(top + 1, int(np.ceil(y1))), left : max(left + 1, int(np.ceil(x1)))] = True
    return held


def _places(mask: Mask) -> Float32[np.ndarray, "points 2"]:
    """Middles of pixels, evenly spaced over a mask."""
    rows, columns = np.nonzero(mask)
    some = np.linspace(0, len(rows) - 1, min(POINTS, len(rows))).round().astype(int)
    return (np.stack([columns[some], rows[some]], axis=1) + 0.5).astype(np.float32)


def _moved(
    box: Float64[np.ndarray, "4"],
    points: Float64[np.ndarray, "points frames 2"],
    seen: Bool[np.ndarray, "points frames"],
    first: int,
) -> Located:
    """A box moved with what is seen of its points; with all of them where that is little."""
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    boxes, scales, turns = [], [], []
    for frame in range(points.shape[1]):
        held = seen[:, frame] if seen[:, frame].sum() >= LEAST else np.ones(len(points), bool)
        factor, at = similarity(points[held, first], points[held, frame])
        z = factor * complex(*middle) + at
        scale = abs(factor)
        corner = np.array([z.real, z.imag])
        boxes.append(np.concatenate([corner - scale * half, corner + scale * half]))
        scales.append(scale)
        turns.append(np.angle(factor, deg=True))
    turn = np.degrees(np.unwrap(np.radians(turns)))
    return Located(np.stack(boxes), np.array(scales), turn - turn[first], first)


def similarity(
    begun: Float64[np.ndarray, "points 2"], ended: Float64[np.ndarray, "points 2"]
) -> tuple[complex, complex]:
    """The turn, scale and shift z -> a z + b, z = x + i y, that fits pairs of points best.

    Three rounds of least squares in which what fits badly counts less (Cauchy weights); fewer than
    three points, or points at one place, only shift.
    """
    z, w = begun[:, 0] + 1j * begun[:, 1], ended[:, 0] + 1j * ended[:, 1]
    a, b = 1 + 0j, complex(np.median((w - z).real) + 1j * np.median((w - z).imag))
    if len(z) < 3 or np.ptp(z.real) + np.ptp(z.imag) < 1:
        return a, b
    for _ in range(3):
        miss = np.abs(a * z + b - w)
        weight = 1 / (1 + (miss / max(float(np.median(miss)) * 1.5, 0.1)) ** 2)
        zm, wm = np.average(z, weights=weight), np.average(w, weights=weight)
        spread = np.sum(weight * np.abs(z - zm) ** 2)
        a = complex(np.sum(weight * np.conj(z - zm) * (w - wm)) / spread)
        b = complex(wm - a * zm)
    return a, b


def _histogram(colours: np.ndarray) -> Float64[np.ndarray, "red green blue"]:
    """How many pixels have each colour, spread to the neighbouring bins."""
    held, _ = np.histogramdd(
        colours.reshape(-1, 3).astype(np.float64), bins=BINS, range=[(0, 256)] * 3
    )
    for axis in range(3):
        near = np.pad(held, [(1, 1) if axis == other else (0, 0) for other in range(3)], "edge")
        low, here, high = (np.take(near, range(k, k + BINS), axis) for k in range(3))
        held = (low + 2 * here + high) / 4
    return held


def _likeness(
    frame: np.ndarray, sought: Float64[np.ndarray, "red green blue"]
) -> Float64[np.ndarray, "height width"]:
    """The share of a frame's pixels of each colour that the object accounts for, at most 1."""
    own = _histogram(frame)
    ratio = np.minimum(1, sought / np.maximum(own, 1e-6))
    bins = (frame.astype(int) * BINS) // 256
    return ratio[bins[..., 0], bins[..., 1], bins[..., 2]]


def _box_of(likeness: Float64[np.ndarray, "height width"]) -> Float64[np.ndarray, "4"]:
    """The box around the piece that is most like the object; the whole picture if none is."""
    height, width = likeness.shape
    smooth = cv2.GaussianBlur(likeness, (3, 3), 0)
    held = (smooth > 0.5 * smooth.max()).astype(np.uint8)
    count, pieces = cv2.connectedComponents(held)
    if count < 2 or smooth.max() <= 0:
        return np.array([0.0, 0, width, height])
    sums = [smooth[pieces == piece].sum() for piece in range(1, count)]
    rows, columns = np.nonzero(pieces == 1 + int(np.argmax(sums)))
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float64)

"""The objects of a sample, each told by the one asked track that stands for it."""

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import Bool, Float64, Int64

from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.evaluation.sample import Sample

Place = Float64[np.ndarray, "2"]


def object_tracks(sample: Sample) -> Int64[np.ndarray, " objects"]:
    """The asked track of each object that is seen in the first frame: the one nearest its middle.

    Objects are known by the masks of the true video; where it has none by its boxes; where it has
    none of these either by the groups of the asked tracks. The middle is that of the largest circle
    in the mask (DragAnything), of the box, or of the group's points. Only tracks that are visible
    in the first frame, and there are in the mask, in the box or of the group, can stand for an
    object; an object without one is left out.
    """
    asked = sample.request.tracks
    if asked is None:
        return np.zeros(0, np.int64)
    begun = asked.points[:, 0].astype(np.float64)
    held = [
        nearest(begun, middle, inside & asked.hide_outside().visible[:, 0])
        for middle, inside in _regions(sample, asked)
    ]
    return np.array([track for track in held if track is not None], np.int64)


def incircle(mask: Bool[np.ndarray, "height width"]) -> Place:
    """The middle of the largest circle within a mask, in raster pixels.

    The pixel that is farthest from any pixel outside, where beyond the picture is outside too; of
    several the first, row by row.
    """
    padded = np.pad(mask.astype(np.uint8), 1)
    far = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    row, column = np.unravel_index(far.argmax(), far.shape)
    return np.array([column + 0.5, row + 0.5])


def nearest(
    points: Float64[np.ndarray, "tracks 2"], middle: Place, among: Bool[np.ndarray, " tracks"]
) -> int | None:
    """The index of the point nearest to a place, of some; None if there is none."""
    if not among.any():
        return None
    apart = np.where(among, np.linalg.norm(points - middle, axis=1), np.inf)
    return int(apart.argmin())


def _regions(sample: Sample, asked: Tracks) -> Iterator[tuple[Place, Bool[np.ndarray, " tracks"]]]:
    """Of each object of the first frame: its middle, and which asked tracks begin within it."""
    holds = sample.holds
    if "masks" in holds:
        yield from _of_masks(sample, asked)
    elif "true boxes" in holds:
        yield from _of_boxes(sample, asked)
    elif asked.group is not None:
        for group in np.unique(asked.group[asked.group >= 0]):
            mine = (asked.group == group) & asked.visible[:, 0]
            if mine.any():
                yield asked.points[mine, 0].mean(axis=0, dtype=np.float64), mine


def _of_masks(sample: Sample, asked: Tracks) -> Iterator[tuple[Place, Bool[np.ndarray, " tracks"]]]:
    assert sample.truth is not None and sample.truth.masks is not None
    width, height = sample.size
    column, row = np.floor(asked.points[:, 0]).astype(np.int64).T
    column, row = column.clip(0, width - 1), row.clip(0, height - 1)
    for mask in sample.truth.masks[:, 0]:
        if mask.any():
            yield incircle(mask), mask[row, column]


def _of_boxes(sample: Sample, asked: Tracks) -> Iterator[tuple[Place, Bool[np.ndarray, " tracks"]]]:
    assert sample.truth is not None and sample.truth.boxes is not None
    begun = asked.points[:, 0].astype(np.float64)
    boxes = sample.truth.boxes
    for box, state in zip(boxes.boxes[:, 0].astype(np.float64), boxes.state[:, 0], strict=True):
        if state == State.VISIBLE:
            inside = ((begun >= box[:2]) & (begun <= box[2:])).all(axis=1)
            yield (box[:2] + box[2:]) / 2, inside

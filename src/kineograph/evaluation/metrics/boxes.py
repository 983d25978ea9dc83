"""How well boxes are filled: the overlap of where objects are with where they were asked to be."""

import numpy as np

from kineograph.core.state import State
from kineograph.data.clip import Clip
from kineograph.evaluation.locating import by_colours, by_points, first_seen
from kineograph.evaluation.tracking import Frames


def box_overlap(frames: Frames, clip: Clip, *, pictured: bool) -> float:
    """The mean intersection over union of objects with their boxes, 0 to 1.

    Over the objects of the clip and the frames in which each is visible; where objects are known
    from the picture, the frame they are known from does not count. NaN if nothing is left.

    Args:
        frames: the generated video.
        clip: the true one, with the boxes that were asked for.
        pictured: whether the video begins with the clip's picture: then objects are followed by
            their points, else found by their colours.
    """
    assert clip.boxes is not None
    shares = []
    for item in range(clip.boxes.count):
        found = (by_points if pictured else by_colours)(frames, clip, item)
        if found is not None:
            shares += _shares(clip, item, found.boxes, found.first if pictured else -1)
    return float(np.mean(shares)) if shares else float("nan")


def still_overlap(clip: Clip, *, pictured: bool) -> float:
    """The same for a video in which each object stays where it is first seen."""
    assert clip.boxes is not None
    shares = []
    for item in range(clip.boxes.count):
        first = first_seen(clip, item)
        if first is not None:
            rest = np.repeat(clip.boxes.boxes[item, first][None], clip.frames, axis=0)
            shares += _shares(clip, item, rest, first if pictured else -1)
    return float(np.mean(shares)) if shares else float("nan")


def _shares(clip: Clip, item: int, found: np.ndarray, after: int) -> list[float]:
    """The overlaps in the frames after one, within the picture."""
    assert clip.boxes is not None
    seen = clip.boxes.state[item] == State.VISIBLE
    seen &= np.arange(clip.frames) > after
    limit = np.array(clip.size * 2, np.float64)
    mine = np.clip(found, 0, limit)[seen]
    its = np.clip(clip.boxes.boxes[item].astype(np.float64), 0, limit)[seen]
    sides = np.minimum(mine[:, 2:], its[:, 2:]) - np.maximum(mine[:, :2], its[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    union = _area(mine) + _area(its) - shared
    return [float(value) for value in shared / np.maximum(union, 1e-9)]


def _area(boxes: np.ndarray) -> np.ndarray:
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)

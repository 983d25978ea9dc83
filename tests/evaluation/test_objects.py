"""Which asked track stands for an object."""

from typing import Any

import numpy as np
import pytest

from kineograph.core.boxes import Boxes
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip
from kineograph.engines.base import Request
from kineograph.evaluation.objects import incircle, object_tracks
from kineograph.evaluation.sample import Sample

SIZE = (40, 30)

FRAMES = np.zeros((2, 30, 40, 3), np.uint8)


def sample(points: Any, seen: Any = None, *, group: Any = None, **truth: Any) -> Sample:
    places = np.repeat(np.array(points, float)[:, None], 2, axis=1)
    tracks = Tracks.of(places, seen, size=SIZE, fps=8, group=group)
    request = Request(size=SIZE, frames=2, fps=8, tracks=tracks)
    return Sample(FRAMES, request, Clip(FRAMES, 8, **truth) if truth else None)


def slow_incircle(mask: np.ndarray) -> tuple[float, float]:
    """Every pixel inside against every pixel outside, beyond the picture too."""
    height, width = mask.shape
    far, best = -1.0, (0.0, 0.0)
    for row in range(height):
        for column in range(width):
            if not mask[row, column]:
                continue
            apart = min(
                np.hypot(row - other, column - another)
                for other in range(-1, height + 1)
                for another in range(-1, width + 1)
                if not (0 <= other < height and 0 <= another < width and mask[other, another])
            )
            if apart > far + 1e-6:
                far, best = apart, (column + 0.5, row + 0.5)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_the_largest_circle_is_that_of_a_slow_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((12, 16), bool)
    for _ in range(3):
        row, column = rng.integers(0, (8, 11))
        mask[row : row + rng.integers(2, 6), column : column + rng.integers(2, 7)] = True
    assert tuple(incircle(mask)) == slow_incircle(mask)


def test_masks_come_first_then_boxes_then_groups() -> None:
    points = [[5, 5], [12.4, 12.6], [35, 25], [14, 14]]
    masks = np.zeros((2, 2, 30, 40), bool)
    masks[0, :, 10:15, 10:15] = True
    boxes = Boxes.of([[[30, 20, 39, 29]] * 2, [[0, 0, 2, 2]] * 2], labels=["one", "other"],
                     size=SIZE, fps=8)  # fmt: skip
    group = [0, 0, -1, 2]
    assert object_tracks(sample(points, masks=masks, boxes=boxes, group=group)).tolist() == [1]
    assert object_tracks(sample(points, boxes=boxes, group=group)).tolist() == [2]
    assert object_tracks(sample(points, group=group)).tolist() == [0, 3]
    assert object_tracks(sample(points)).tolist() == []


def test_only_tracks_that_are_seen_at_first_stand_for_an_object() -> None:
    masks = np.zeros((1, 2, 30, 40), bool)
    masks[0, :, 10:20, 10:20] = True
    points = [[15, 15], [11, 11], [15, 15]]
    seen = [[False, True], [True, True], [False, False]]
    assert object_tracks(sample(points, seen, masks=masks)).tolist() == [1]
    assert object_tracks(sample([[50.0, 15.0]], masks=masks)).tolist() == []
    asked = sample(points, masks=masks)
    none = Sample(FRAMES, Request(size=SIZE, frames=2, fps=8), asked.truth)
    assert object_tracks(none).tolist() == []

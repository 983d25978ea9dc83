"""AO, SR50 and SR75 of boxes, and what locates objects for them."""

from dataclasses import replace

import numpy as np
import pytest
from moving_disc import FRAMES, RADIUS, disc_clip, look_at, still, without_boxes

from kineograph.core.boxes import Boxes
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.evaluation.locating import all_by_points, by_points
from kineograph.evaluation.metrics import boxes
from kineograph.evaluation.metrics.located import boxed_clip, follower_of, overlaps, pixels_in
from kineograph.evaluation.tracking import follow

BY_NAME = {metric.name: metric for metric in boxes.METRICS}


def slow_overlap(one: np.ndarray, other: np.ndarray, size: tuple[int, int]) -> float:
    """Counted pixel by pixel."""
    counted = np.zeros((2, size[1], size[0]), bool)
    for index, (x0, y0, x1, y1) in enumerate(np.stack([one, other]).astype(int)):
        counted[index, max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    return float((counted[0] & counted[1]).sum() / max((counted[0] | counted[1]).sum(), 1))


def test_overlaps_are_those_of_counted_pixels() -> None:
    rng = np.random.default_rng(0)
    corners = rng.integers(-10, 50, (40, 2, 2))
    boxes_ = np.concatenate([corners.min(axis=1), corners.max(axis=1) + 1], axis=1).astype(float)
    found = overlaps(boxes_[:20], boxes_[20:], (40, 32))
    slow = [slow_overlap(*pair, (40, 32)) for pair in zip(boxes_[:20], boxes_[20:], strict=True)]
    assert np.allclose(found, slow) and 0 < np.count_nonzero(found) < 20


@pytest.mark.parametrize("pictured", [True, False])
def test_the_true_video_fills_its_boxes_and_a_still_one_does_not(pictured: bool) -> None:
    clip = disc_clip((8, 0), (30, 48))
    truth = look_at(clip.video, clip, pictured=pictured)
    rest = look_at(still(clip), clip, pictured=pictured)
    assert BY_NAME["ao"].measure(truth) > 0.85
    assert BY_NAME["sr75"].measure(truth) == 1
    assert BY_NAME["ao"].measure(rest) < 0.6
    assert BY_NAME["sr75"].measure(rest) <= 1 / 3 < BY_NAME["sr75"].measure(truth)


def test_a_still_video_overlaps_by_the_share_that_can_be_computed() -> None:
    clip = disc_clip((9, 0), (30, 48))
    side = 2 * RADIUS
    shares = [max(0, side - 9 * t) / (side + 9 * t) for t in range(1, FRAMES)]
    look = look_at(still(clip), clip)
    assert BY_NAME["ao"].measure(look) == pytest.approx(np.mean(shares), abs=0.01)
    assert BY_NAME["sr50"].measure(look) == pytest.approx(np.mean(np.array(shares) > 0.5))


def test_boxes_need_no_true_video_where_there_is_a_picture() -> None:
    clip = disc_clip()
    assert BY_NAME["ao"].measure(look_at(clip.video, None, asked=clip)) > 0.85
    assert np.isnan(BY_NAME["ao"].measure(look_at(clip.video, None, asked=clip, pictured=False)))
    assert np.isnan(BY_NAME["sr50"].measure(look_at(clip.video, without_boxes(clip))))


def test_the_boxes_that_were_asked_for_count_and_not_the_true_ones() -> None:
    clip = disc_clip()
    assert clip.boxes is not None
    moved = replace(clip.boxes, boxes=clip.boxes.boxes + np.float32(60), labels=("another",))
    look = look_at(clip.video, clip, asked=replace(clip, boxes=moved, masks=None))
    held = boxed_clip(look)
    assert held is not None and held.masks is None
    assert BY_NAME["ao"].measure(look) < 0.6  # what is there rests, and its box moves on


def test_frames_in_which_a_box_is_hidden_do_not_count() -> None:
    clip = disc_clip((8, 0), (30, 48))
    assert clip.boxes is not None
    state = clip.boxes.state.copy()
    state[0, 2:] = State.OCCLUDED
    hidden = replace(clip, boxes=replace(clip.boxes, state=state))
    assert len(boxes.overlaps_of(look_at(clip.video, clip))) == FRAMES - 1
    assert len(boxes.overlaps_of(look_at(clip.video, hidden))) == 1
    assert len(boxes.overlaps_of(look_at(clip.video, hidden, pictured=False))) == 2


def test_very_small_videos_have_a_follower_of_their_own() -> None:
    clip = disc_clip()
    assert follower_of(look_at(clip.video, clip)) != follow
    small = replace(without_boxes(clip), video=clip.video[:, ::4, ::4])
    assert follower_of(look_at(small.video, small)) == follow


def test_pixels_outside_the_picture_are_none() -> None:
    clip = disc_clip()
    boxes_ = np.array([[500.0, 0, 520, 20]] * FRAMES)
    assert len(pixels_in(clip.video, boxes_, 0)) == 0


def test_points_that_are_hidden_do_not_carry_a_box_away() -> None:
    clip = disc_clip((8, 0), (30, 48))

    def lost(frames: np.ndarray, queries: np.ndarray) -> Tracks:
        """Follows the disc, but leaves most points where they are and calls them hidden."""
        points = np.repeat(queries[:, None, 1:], FRAMES, axis=1)
        seen = np.ones(points.shape[:2], bool)
        seen[9:, 1:] = False
        points[:9, :, 0] += 8 * np.arange(FRAMES)
        return Tracks.of(points, np.where(seen, 1, 2).astype(np.uint8), size=clip.size, fps=8)

    found = by_points(clip.video, clip, 0, lost)
    assert found is not None and clip.boxes is not None
    assert np.allclose(found.boxes, clip.boxes.boxes[0], atol=0.1)


def test_objects_are_followed_together_as_each_alone() -> None:
    clip = disc_clip()
    assert clip.boxes is not None and clip.masks is not None
    ground = np.array([[[100, 10, 120, 30]] * FRAMES], np.float32)
    placed = np.concatenate([clip.boxes.boxes, ground])
    both = replace(
        clip,
        boxes=Boxes.of(placed, size=clip.size, fps=8, labels=("disc", "ground")),
        masks=np.concatenate([clip.masks, np.zeros_like(clip.masks)]),
    )
    both.masks[1, :, 10:30, 100:120] = True
    together = all_by_points(both.video, both, [0, 1])
    for item in (0, 1):
        alone = by_points(both.video, both, item)
        assert alone is not None and np.array_equal(alone.boxes, together[item].boxes)
    assert np.ptp(together[1].boxes, axis=0).max() < 0.5 < np.ptp(together[0].boxes[:, 0])

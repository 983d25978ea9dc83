"""Masks and the boxes around them, in videos whose answer is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from moving_disc import FRAMES, disc_clip, look_at, still

from kineograph.core.errors import VisionError
from kineograph.evaluation.backbones.store import Backbones
from kineograph.evaluation.locating import Located
from kineograph.evaluation.metrics.masks import METRICS, around, mask_iou, moved_mask

BY_NAME = {metric.name: metric for metric in METRICS}


def test_the_true_video_fills_its_masks_and_a_still_one_by_the_share_it_keeps() -> None:
    clip = disc_clip((8, 0), (30, 48))
    assert clip.masks is not None
    truth, rest = look_at(clip.video, clip), look_at(still(clip), clip)
    assert BY_NAME["mask-iou"].measure(truth) > 0.9
    assert BY_NAME["mask-box-iou"].measure(truth) > 0.9
    first = clip.masks[0, 0]
    shares = [(first & mask).sum() / (first | mask).sum() for mask in clip.masks[0, 1:]]
    assert BY_NAME["mask-iou"].measure(rest) == pytest.approx(np.mean(shares), abs=0.03)


def test_a_mask_is_turned_and_scaled_about_the_middle_of_its_box() -> None:
    mask = np.zeros((60, 80), bool)
    mask[20:30, 30:50] = True
    boxes = np.array([[30.0, 20, 50, 30], [40, 15, 50, 35], [25, 25, 65, 45]])
    found = Located(boxes, np.array([1.0, 1, 2]), np.array([0.0, 90, 0]), 0)
    upright, large = moved_mask(mask, found, 1), moved_mask(mask, found, 2)
    assert around(np.stack([upright]))[0] == pytest.approx(boxes[1], abs=1)
    assert around(np.stack([large]))[0] == pytest.approx(boxes[2], abs=1)
    assert large.sum() == pytest.approx(4 * mask.sum(), rel=0.1)
    assert (moved_mask(mask, found, 0) == mask).all()


def test_around_an_empty_mask_there_is_nothing() -> None:
    masks = np.zeros((2, 8, 8), bool)
    masks[1, 2, 3:5] = True
    assert around(masks).tolist() == [[0, 0, 0, 0], [3, 2, 5, 3]]


def test_objects_that_the_picture_does_not_show_are_left_out() -> None:
    clip = disc_clip()
    assert clip.masks is not None
    late = clip.masks.copy()
    late[:, 0] = False
    assert np.isnan(mask_iou(look_at(clip.video, replace(clip, masks=late))))
    gone = clip.masks.copy()
    gone[:, 1:] = False
    assert np.isnan(mask_iou(look_at(clip.video, replace(clip, masks=gone))))


class Perfect:
    """A masker that knows the truth, and sees nothing in some frames."""

    def __init__(self, clip: Any, blind: int) -> None:
        self.clip, self.blind = clip, blind

    def __call__(self, picture: np.ndarray, **given: Any) -> np.ndarray:
        frame = next(i for i in range(FRAMES) if (self.clip.video[i] == picture).all())
        if frame == self.blind:
            raise VisionError("nothing there")
        assert given["box"][2] > given["box"][0]
        return np.asarray(self.clip.masks[0, frame])


def test_a_segmenter_finds_the_pixels_anew_and_blindness_counts_as_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = disc_clip()
    monkeypatch.setattr(Backbones, "get", lambda self, name: Perfect(clip, blind=3))
    share = BY_NAME["mask-iou-sam2"].measure(look_at(clip.video, clip))
    assert share == pytest.approx((FRAMES - 2) / (FRAMES - 1))
    assert BY_NAME["mask-iou-sam2"].backbones == ("sam2",)

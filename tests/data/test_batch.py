"""Batches: numbers as networks read them, and clips that do not make a batch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_clips import made_clip

from kineograph.core.errors import DataError
from kineograph.data.batch import Heatmaps, collate, first_objects


def test_frames_are_minus_one_to_one_channels_first() -> None:
    clips = [made_clip(i) for i in range(2)]
    batch = collate(clips)
    assert (len(batch), batch.frames, batch.size) == (2, 6, (24, 16))
    video = batch.video
    assert video.shape == (2, 3, 6, 16, 24) and video.dtype == torch.float32
    assert video[1, 2, 3, 4, 5].item() == pytest.approx(clips[1].video[3, 4, 5, 2] / 127.5 - 1)
    white = replace(clips[0], video=np.full_like(clips[0].video, 255))
    assert collate([white]).video.unique().tolist() == [1.0]


def test_everything_else_comes_along() -> None:
    clips = [made_clip(i) for i in range(3)]
    batch = collate(clips)
    assert batch.captions[2] == "a red thing slides left, number 2"
    assert batch.names == ("made 0", "made 1", "made 2")
    assert batch.fps.tolist() == [8, 8, 8]
    assert batch.tracks is not None and batch.boxes is not None and batch.flow is not None
    assert clips[1].tracks is not None and clips[1].flow is not None
    np.testing.assert_array_equal(batch.tracks.points[1].numpy(), clips[1].tracks.points)
    np.testing.assert_array_equal(batch.flow[1, :, 0].numpy(), clips[1].flow[..., 0])
    assert batch.boxes.labels[0] == ("red thing", "left shoe", *[""] * 6)
    assert batch.facts[0] == clips[0].facts
    assert batch.heatmap is None


def test_some_clips_may_lack_things() -> None:
    bare = replace(made_clip(1), tracks=None, boxes=None, flow=None)
    mixed = collate([made_clip(0), bare])
    assert mixed.tracks is not None and mixed.tracks.visible[1].sum() == 0
    assert mixed.boxes is not None and not mixed.boxes.given[1].any()
    assert mixed.flow is None
    none = collate([bare])
    assert none.tracks is None and none.boxes is None


def test_heatmaps_are_made_of_flow() -> None:
    clip = made_clip()
    flow = np.zeros_like(clip.flow)
    flow[:, 8:, 8:16] = 3, 4
    batch = collate([replace(clip, flow=flow)], heatmaps=Heatmaps(stride=8, last="zero"))
    assert batch.heatmap is not None
    moving = 1 / (1 + np.exp(-95.0))
    still = 1 / (1 + np.exp(5.0))
    wanted = np.full((6, 2, 3), still, np.float32)
    wanted[:, 1, 1], wanted[-1] = moving, 0
    np.testing.assert_allclose(batch.heatmap[0, 0].numpy(), wanted, atol=1e-6)
    with pytest.raises(DataError, match="clip made 0 has no flow to make a heatmap of"):
        collate([replace(clip, flow=None)], heatmaps=Heatmaps())


def test_of_too_many_objects_the_first_are_taken() -> None:
    boxes = made_clip().boxes
    assert boxes is not None
    one = first_objects(boxes, 1)
    assert one is not None and one.labels == ("red thing",) and one.count == 1
    np.testing.assert_array_equal(one.boxes[0], boxes.boxes[0])
    batch = collate([made_clip()], max_objects=1)
    assert batch.boxes is not None and batch.boxes.count == 1


def test_a_mirrored_view_of_the_pixels_makes_a_batch() -> None:
    clip = made_clip()
    turned = replace(clip, video=clip.video[:, :, ::-1], flow=None)
    assert collate([turned]).pixels.is_contiguous()


def test_clips_that_differ_are_refused() -> None:
    with pytest.raises(DataError, match="were to be one batch; crop and resize clips to one size"):
        collate([made_clip(), made_clip(size=(16, 16))])
    with pytest.raises(DataError, match="a batch of no clips"):
        collate([])


def test_a_batch_goes_to_a_device_and_back() -> None:
    batch = collate([made_clip()])
    there = batch.to("meta")
    assert there.pixels.is_meta and there.tracks is not None and there.tracks.points.is_meta
    assert there.boxes is not None and there.boxes.boxes.is_meta
    assert batch.to(None) is batch


def test_masks_of_what_moves_most_can_be_the_heatmap() -> None:
    clip = made_clip(0)
    masks = np.zeros((2, 6, 16, 24), np.bool_)
    masks[0, :, :8, :12], masks[1, :, 8:, 12:] = True, True
    flow = np.zeros((5, 16, 24, 2), np.float32)
    flow[:, 2, 3] = (3, 4)  # on the first thing alone
    batch = collate([replace(clip, masks=masks, flow=flow)], heatmaps="masks")
    np.testing.assert_array_equal(batch.heatmap[0, 0].numpy(), masks[0].astype(np.float32))
    with pytest.raises(DataError, match="has no masks for a heatmap; train on scenes"):
        collate([replace(clip, masks=None, flow=flow)], heatmaps="masks")

"""A clip's motion on the first frame's grid: taken of its tracks, and batched."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_clips import made_clip

from kineograph.conditioning.first_motion import motion_of
from kineograph.core.errors import DataError
from kineograph.data.batch import collate
from kineograph.data.mirror import flip
from kineograph.data.track_sampling import subset, with_motion

STRIDE = 8


def test_it_is_that_of_the_clips_tracks() -> None:
    clip = made_clip()
    made = with_motion(clip, STRIDE)
    assert clip.tracks is not None and made.motion is not None
    assert made.motion.shape == (4, 6, 2, 3) and made.motion.any()
    np.testing.assert_array_equal(made.motion, motion_of(clip.tracks, STRIDE))
    assert with_motion(clip, None) is clip


def test_it_stays_when_some_tracks_are_drawn() -> None:
    made = with_motion(made_clip(), STRIDE)
    drawn = subset(made, 1, np.random.default_rng(0))
    assert drawn.tracks is not None and drawn.tracks.count == 1
    assert drawn.motion is made.motion


def test_of_a_clip_in_the_mirror_it_is_in_the_mirror() -> None:
    clip = made_clip(3)
    straight, turned = with_motion(clip, STRIDE).motion, with_motion(flip(clip), STRIDE).motion
    assert straight is not None and turned is not None
    away = turned[..., ::-1] * np.array([-1, 1, 1, 1])[:, None, None, None]
    np.testing.assert_allclose(away, straight, atol=1e-6)


def test_a_clip_without_tracks_is_refused() -> None:
    with pytest.raises(DataError, match="clip made 0 has no tracks; run `kineograph data prepare`"):
        with_motion(replace(made_clip(), tracks=None), STRIDE)


def test_a_batch_has_it_if_all_its_clips_have() -> None:
    clips = [with_motion(made_clip(seed), STRIDE) for seed in (0, 1)]
    batch = collate(clips)
    assert batch.motion is not None and batch.motion.dtype == torch.float32
    for made, clip in zip(batch.motion, clips, strict=True):
        np.testing.assert_array_equal(made.numpy(), clip.motion)
    assert collate([clips[0], made_clip(1)]).motion is None
    moved = batch.to("meta").motion
    assert moved is not None and moved.device.type == "meta"

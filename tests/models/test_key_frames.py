"""Key frames: which pictures stand for which frames."""

import pytest
import torch

from kineograph.core.errors import ModelError
from kineograph.models.key_frames import NOWHERE, KeyFrames

IMAGES = torch.zeros(2, 3, 3, 8, 6)
LATENTS = torch.zeros(2, 3, 4, 4, 3)


def test_places_may_be_left_empty() -> None:
    held = KeyFrames(IMAGES, torch.tensor([[0, 4, 7], [NOWHERE, NOWHERE, 2]]), LATENTS)
    assert (held.batch, held.count) == (2, 3)
    held.check_frames(8)
    assert (held.cleared().frames == NOWHERE).all()
    assert held.cleared().latents is held.latents


def test_the_picture_is_the_first_frame_of_the_clips_that_have_one() -> None:
    held = KeyFrames.first(IMAGES[:, 0], LATENTS[:, 0], torch.tensor([True, False]))
    assert held.frames.tolist() == [[0], [NOWHERE]]
    assert held.images.shape == (2, 1, 3, 8, 6) and held.latents.shape == (2, 1, 4, 4, 3)
    assert KeyFrames.first(IMAGES[:, 0]).frames.tolist() == [[0], [0]]


def test_a_batch_is_repeated_copy_behind_copy() -> None:
    held = KeyFrames(IMAGES, torch.tensor([[0, 1, 2], [3, 4, 5]]), LATENTS).repeat(2)
    assert held.frames.tolist() == [[0, 1, 2], [3, 4, 5]] * 2
    assert held.images.shape[0] == held.latents.shape[0] == 4
    assert held.to("cpu").frames.device.type == "cpu"


def test_what_does_not_fit_is_said() -> None:
    frames = torch.tensor([[0, 4, 7], [0, 1, 2]])
    with pytest.raises(ModelError, match=r"images of key frames are \(2, 3\) .* frames \(2, 2\);"):
        KeyFrames(IMAGES, frames[:, :2])
    with pytest.raises(ModelError, match=r"latents of key frames are \(1, 3\)"):
        KeyFrames(IMAGES, frames, LATENTS[:1])
    with pytest.raises(ModelError, match="for frame -3; count frames from 0"):
        KeyFrames(IMAGES, frames - 3)
    with pytest.raises(ModelError, match="frame 4 was given two key frames; give one picture"):
        KeyFrames(IMAGES, torch.tensor([[4, 0, 4], [0, 1, 2]]))
    with pytest.raises(ModelError, match="for frame 7; the clip has frames 0 to 6"):
        KeyFrames(IMAGES, frames).check_frames(7)

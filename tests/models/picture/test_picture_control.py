"""The ControlNet on the first frame."""

import pytest
import torch

from clip_given import BASES, BATCH, FRAMES, both_bases, clips, prediction, sample, shaken
from kineograph.core.errors import ModelError
from kineograph.models.denoiser import Denoiser
from kineograph.models.picture.control import PictureControl

ONCE = {"reads_time": False, "reads_text": False}


@both_bases
@pytest.mark.parametrize("options", [{}, ONCE])
def test_at_first_nothing_changes_and_later_it_does(family: str, options: dict) -> None:
    unet = BASES[family]()
    bare = prediction(unet, {}, clips())
    adapter = PictureControl.for_base(unet, **options)
    assert torch.equal(prediction(unet, {"p": adapter}, clips()), bare)
    made = prediction(unet, {"p": shaken(adapter)}, clips())
    assert not torch.allclose(made, bare, atol=1e-4)


@both_bases
def test_it_starts_as_the_bases_own_encoder_on_the_latent(family: str) -> None:
    unet, given = BASES[family](), clips()
    adapter = PictureControl.for_base(unet)
    hint = adapter.condition(given).hint
    assert hint.shape == (BATCH, 8, FRAMES, 6, 8)
    with torch.no_grad():
        torch.testing.assert_close(hint[:, :, 1], unet.conv_in(given.picture_latent))
    # what the mask adds is learned
    assert not adapter.hint.weight[:, 4].any()
    own = dict(unet.down_blocks.named_parameters())
    for name, held in adapter.encoder.down_blocks.named_parameters():
        assert torch.equal(held, own[name]) and held is not own[name]


def test_it_runs_once_where_it_reads_nothing_that_changes() -> None:
    unet, given = BASES["animatediff"](), clips()
    adapter = shaken(PictureControl.for_base(unet, **ONCE))
    condition = adapter.condition(given)
    _, steps, text = sample()
    assert adapter.residuals(condition, steps, text) is condition.residuals
    assert len(condition.residuals.down) == len(adapter.encoder.zero_down)
    reading = PictureControl.for_base(unet)
    assert reading.condition(given).residuals is None
    late = shaken(reading).residuals(reading.condition(given), steps, text)
    early = reading.residuals(reading.condition(given), steps * 0, text)
    assert not torch.allclose(late.mid, early.mid)


def test_clips_longer_than_a_window_are_encoded_window_by_window() -> None:
    unet = BASES["animatediff"]()
    adapter = shaken(PictureControl.for_base(unet, **ONCE))
    given = clips(frames=40, tracks=None)
    condition = adapter.condition(given)
    assert condition.residuals is None and condition.frames == 40
    _, steps, text = sample()
    window = condition.picked(range(FRAMES))
    made = adapter.residuals(window, steps, text)
    assert made.mid.shape[0] == BATCH * FRAMES
    with pytest.raises(ModelError, match="clip of 40 frames"):
        adapter.residuals(condition, steps, text)


def test_gradients_reach_the_zero_convolutions_and_not_the_base() -> None:
    unet = BASES["animatediff"]().requires_grad_(False)
    adapter = PictureControl.for_base(unet)
    denoiser = Denoiser(unet, {"p": adapter})
    denoiser(*sample(), {"p": adapter.condition(clips())}).square().sum().backward()
    assert adapter.encoder.zero_mid.weight.grad.abs().sum() > 0
    assert all(held.grad is None for held in unet.parameters())
    denoiser.release()

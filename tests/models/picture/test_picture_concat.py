"""Concatenation at the input: the same as a base whose input convolution has been widened."""

import pytest
import torch
from diffusers import UNetMotionModel

from clip_given import BASES, BATCH, FRAMES, both_bases, clips, prediction, sample, shaken
from kineograph.core.errors import ModelError
from kineograph.models.input_conv import widened
from kineograph.models.picture.concat import PictureConcat


@both_bases
@pytest.mark.parametrize("options", [{}, {"frames": "first", "mask": True}])
def test_it_is_a_widened_input_convolution(family: str, options: dict) -> None:
    unet, given = BASES[family](), clips()
    adapter = shaken(PictureConcat.for_base(unet, **options))
    made = prediction(unet, {"picture": adapter}, given)
    latents, steps, text = sample()
    joined = torch.cat([latents, adapter.condition(given).channels], dim=1)
    unet.conv_in = widened(unet.conv_in, adapter.conv)
    unet.register_to_config(in_channels=joined.shape[1])
    rows = text.repeat_interleave(FRAMES, 0) if isinstance(unet, UNetMotionModel) else text
    with torch.no_grad():
        wanted = unet(joined, steps, rows).sample
    torch.testing.assert_close(made, wanted, rtol=1e-4, atol=1e-5)


def test_every_frame_gets_the_latent() -> None:
    given = clips()
    channels = PictureConcat.for_base(BASES["animatediff"]()).condition(given).channels
    assert channels.shape == (BATCH, 4, FRAMES, 6, 8)
    for frame in range(FRAMES):
        assert torch.equal(channels[:, :, frame], given.picture_latent)


def test_only_the_first_frame_gets_it_and_a_mask_says_so() -> None:
    given = clips(picture_given=torch.tensor([True, False]))
    adapter = PictureConcat.for_base(BASES["animatediff"](), frames="first", mask=True)
    channels = adapter.condition(given).channels
    assert channels.shape == (BATCH, 5, FRAMES, 6, 8)
    assert torch.equal(channels[0, :4, 0], given.picture_latent[0])
    assert (channels[0, 4, 0] == 1).all()
    assert not channels[0, :, 1:].any() and not channels[1].any()


def test_without_a_picture_the_channels_are_zeros() -> None:
    adapter = PictureConcat.for_base(BASES["animatediff"](), mask=True)
    nothing = clips(picture=None, picture_latent=None)
    for given in (nothing, clips().without("picture")):
        channels = adapter.condition(given).channels
        assert channels.shape == (BATCH, 5, FRAMES, 6, 8) and not channels.any()


def test_a_picture_left_out_leaves_the_base_as_it_was_even_after_training() -> None:
    unet = BASES["modelscope"]()
    adapter = shaken(PictureConcat.for_base(unet, mask=True))
    bare = prediction(unet, {}, clips())
    assert torch.equal(prediction(unet, {"p": adapter}, clips().without("picture")), bare)
    assert not torch.equal(prediction(unet, {"p": adapter}, clips()), bare)


def test_half_the_strength_adds_half() -> None:
    unet = BASES["animatediff"]()
    adapter = shaken(PictureConcat.for_base(unet))
    half = prediction(unet, {"p": adapter}, clips(), strengths={"p": 0.5})
    with torch.no_grad():
        adapter.conv.weight *= 0.5
    torch.testing.assert_close(prediction(unet, {"p": adapter}, clips()), half)


def test_a_latent_of_another_autoencoder_is_refused() -> None:
    adapter = PictureConcat.for_base(BASES["animatediff"]())
    with pytest.raises(ModelError, match="has 16 channels; the base's latents have 4"):
        adapter.condition(clips(picture_latent=torch.zeros(BATCH, 16, 6, 8)))
    with pytest.raises(ModelError, match="height and width 6, 8 are wanted"):
        adapter.condition(clips(picture_latent=torch.zeros(BATCH, 4, 8, 8)))
    with pytest.raises(ModelError, match="given without its latent; encode it"):
        adapter.condition(clips(picture_latent=None))

"""Channels of the sample that an adapter carries: taken apart, predicted, joined again."""

import pytest
import torch
from torch import Tensor, nn

from clip_given import BASES, BATCH, FRAMES, both_bases, clips, noise, shaken
from clip_given import sample as whole_steps
from kineograph.conditioning.first_motion import CHANNELS
from kineograph.core.errors import ModelError
from kineograph.models.denoiser import Denoiser
from kineograph.models.joint_motion import JointMotion
from kineograph.models.picture.concat import PictureConcat

WIDE = (BATCH, 4 + CHANNELS, FRAMES, 6, 8)


def sample() -> tuple[Tensor, Tensor, Tensor]:
    """Latents, a flow's timesteps, text features."""
    latents, _, text = whole_steps()
    return latents, torch.tensor([300.0, 700.0]), text


@pytest.fixture(params=sorted(BASES))
def unet(request: pytest.FixtureRequest) -> nn.Module:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return BASES[request.param]()


def carrying(unet: nn.Module) -> tuple[Denoiser, dict]:
    adapters = {
        "picture": shaken(PictureConcat.for_base(unet), 1),
        "motion": shaken(JointMotion.for_base(unet), 2),
    }
    return Denoiser(unet, adapters), {name: a.condition(clips()) for name, a in adapters.items()}


@torch.no_grad()
def test_pictures_tell_of_the_motion(unet: nn.Module) -> None:
    denoiser, conditions = carrying(unet)
    _, steps, text = sample()
    wide = noise(*WIDE)
    made = denoiser(wide, steps, text, conditions)
    assert made.shape == wide.shape and torch.isfinite(made).all()
    other = wide.clone()
    other[:, :4] += 1
    told = denoiser(other, steps, text, conditions)
    assert not torch.allclose(told[:, 4:], made[:, 4:], atol=1e-4)


@torch.no_grad()
def test_a_batch_is_its_clips(unet: nn.Module) -> None:
    denoiser, conditions = carrying(unet)
    _, steps, text = sample()
    wide = noise(*WIDE)
    together = denoiser(wide, steps, text, conditions)
    apart = [
        denoiser(
            wide[part],
            steps[part],
            text[part],
            {name: type(held)(channels=held.channels[part]) for name, held in conditions.items()},
        )
        for part in (slice(0, 1), slice(1, 2))
    ]
    torch.testing.assert_close(together, torch.cat(apart), atol=1e-4, rtol=1e-5)


@torch.no_grad()
def test_at_no_strength_it_goes_on_saying_motion_and_tells_the_pictures_nothing(
    unet: nn.Module,
) -> None:
    denoiser, conditions = carrying(unet)
    latents, steps, text = sample()
    wide = torch.cat([latents, noise(BATCH, CHANNELS, FRAMES, 6, 8)], dim=1)
    made = denoiser(wide, steps, text, conditions, {"motion": 0})
    others = {name: held for name, held in conditions.items() if name != "motion"}
    torch.testing.assert_close(made[:, :4], denoiser(latents, steps, text, others))
    full = denoiser(wide, steps, text, conditions)
    assert made.shape == full.shape
    assert not torch.allclose(made[:, :4], full[:, :4], atol=1e-4)


@torch.no_grad()
def test_an_adapter_that_is_not_told_anything_carries_nothing(unet: nn.Module) -> None:
    adapter = shaken(JointMotion.for_base(unet))
    assert torch.equal(Denoiser(unet, {"motion": adapter})(*sample()), Denoiser(unet)(*sample()))


@torch.no_grad()
def test_a_sample_of_other_channels_is_refused(unet: nn.Module) -> None:
    denoiser, conditions = carrying(unet)
    latents, steps, text = sample()
    with pytest.raises(
        ModelError,
        match=r"sample of 4 channels was given; the base reads 4 and the adapters that act carry 3",
    ):
        denoiser(latents, steps, text, conditions)
    with pytest.raises(ModelError, match=r"sample of 7 channels .* the adapters that act carry 0"):
        denoiser(noise(*WIDE), steps, text)


def test_nothing_stays_on_the_base(unet: nn.Module) -> None:
    denoiser, conditions = carrying(unet)
    _, steps, text = sample()
    with torch.no_grad():
        denoiser(noise(*WIDE), steps, text, conditions)
    with pytest.raises(RuntimeError):
        denoiser(noise(*WIDE), steps, text[..., :5], conditions)
    for part in (unet.conv_in, unet.conv_out, unet.time_embedding):
        assert not part._forward_hooks and not part._forward_pre_hooks


@both_bases
def test_one_adapter_carries(family: str) -> None:
    unet = BASES[family]()
    two = {name: JointMotion.for_base(unet) for name in ("a", "b")}
    with pytest.raises(ModelError, match="adapters a and b all carry channels of the sample; give"):
        Denoiser(unet, two)


def test_others_have_nothing_to_say_of_the_sample() -> None:
    adapter = PictureConcat.for_base(BASES["animatediff"]())
    steps = torch.tensor([1.0, 2.0])
    assert adapter.carries == 0
    with pytest.raises(NotImplementedError, match="a picture-concat adapter carries no channels"):
        adapter.predicted(
            noise(6, 8, 6, 8),
            noise(2, 3, 3, 6, 8),
            steps,
            adapter.condition(clips()),
            noise(2, 5, 16),
        )

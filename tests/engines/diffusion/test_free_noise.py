"""FreeNoise against diffusers' own, and the network as it was afterwards."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers.pipelines.free_noise_utils import AnimateDiffFreeNoiseMixin
from peft import LoraConfig
from torch import Tensor, nn

from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import EngineError, ModelError
from kineograph.core.tracks import Tracks
from kineograph.engines.diffusion.free_noise import (
    motion_blocks,
    repeated_noise,
    windowed_motion,
)
from kineograph.engines.diffusion.windows import Windows
from kineograph.models.control.track_control import TrackControl
from kineograph.models.denoiser import Denoiser
from kineograph.models.given import Given
from kineograph.models.picture.control import PictureControl
from tiny import randomise, tiny_motion_unet, tiny_unet2d, tiny_unet3d


class Theirs(AnimateDiffFreeNoiseMixin):
    """Diffusers' mixin without the rest of its pipeline."""

    device, dtype, vae_scale_factor = torch.device("cpu"), torch.float32, 1

    def __init__(self, unet: nn.Module | None, length: int, stride: int) -> None:
        self.unet = unet
        self.motion_adapter = SimpleNamespace(config=SimpleNamespace(motion_max_seq_length=32))
        self._free_noise_context_length = length
        self._free_noise_context_stride = stride
        self._free_noise_noise_type = "shuffle_context"
        if unet is not None:
            self.enable_free_noise(length, stride)


@pytest.mark.parametrize(("total", "length", "stride"), [(24, 16, 4), (30, 8, 4), (37, 8, 5)])
def test_the_noise_is_that_of_diffusers(total: int, length: int, stride: int) -> None:
    generator = torch.Generator().manual_seed(5)
    theirs = Theirs(None, length, stride)._prepare_latents_free_noise(
        1, 4, total, 6, 7, torch.float32, torch.device("cpu"), generator
    )
    generator = torch.Generator().manual_seed(5)
    noise = torch.randn(1, 4, total, 6, 7, generator=generator)
    assert torch.equal(repeated_noise(noise, length, stride, generator), theirs)


def test_every_window_of_repeated_noise_holds_the_same_frames() -> None:
    noise = torch.randn(2, 3, 40, 2, 2, generator=torch.Generator().manual_seed(0))
    made = repeated_noise(noise, 8, 4, torch.Generator().manual_seed(1))
    assert torch.equal(made[:, :, :8], noise[:, :, :8])
    first = made[:, :, :8].flatten(3).sum(-1).sort(dim=2).values
    for start in range(0, 33, 4):
        window = made[:, :, start : start + 8].flatten(3).sum(-1).sort(dim=2).values
        assert torch.equal(window, first)
    assert not torch.equal(made[:, :, 8:16], made[:, :, :8])
    again = repeated_noise(noise, 8, 4, order="repeat")
    assert torch.equal(again[:, :, 8:16], noise[:, :, :8])
    assert torch.equal(again[:, :, 32:40], noise[:, :, :8])


def predicted(unet: nn.Module, total: int, **named: Any) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    sample = torch.randn(1, 4, total, 8, 8, generator=generator)
    text = torch.randn(1, 7, 32, generator=generator)
    if type(unet).__name__ == "UNetMotionModel":
        text = text.repeat_interleave(total, 0)
    with torch.no_grad():
        return unet(sample, torch.tensor([500]), text, return_dict=False, **named)[0]


@pytest.mark.parametrize("mid", [False, True])
def test_windows_that_fit_give_what_diffusers_gives(mid: bool) -> None:
    unet = tiny_motion_unet(mid=mid)
    plain = predicted(unet, 16)
    with windowed_motion(unet, 8, 4):
        ours = predicted(unet, 16)
    Theirs(unet, 8, 4)
    torch.testing.assert_close(ours, predicted(unet, 16), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(ours, plain, atol=1e-3)


def test_a_clip_of_one_window_is_left_alone() -> None:
    unet = tiny_motion_unet()
    plain = predicted(unet, 8)
    with windowed_motion(unet, 16, 4):
        assert torch.equal(predicted(unet, 8), plain)


def test_clips_longer_than_the_motion_layers_reach() -> None:
    unet = tiny_motion_unet()
    with pytest.raises(RuntimeError, match="size of tensor"):
        predicted(unet, 39)
    with windowed_motion(unet, 16, 4):
        assert predicted(unet, 39).isfinite().all()


def slow(block: Any, rows: Tensor, length: int, overlap: int) -> Tensor:
    """Attention window by window, frame by frame into a mean; then the feed-forward layer."""
    total = rows.shape[1]
    sums, counts = torch.zeros_like(rows), torch.zeros(1, total, 1)
    for frames in Windows(total, length, overlap).frames:
        part = rows[:, list(frames)]
        part = part + block.attn1(block.pos_embed(block.norm1(part)))
        part = part + block.attn2(block.pos_embed(block.norm2(part)))
        for place, frame in enumerate(frames):
            weight = min(place, length - 1 - place) + 1
            sums[:, frame] += weight * part[:, place]
            counts[:, frame] += weight
    mean = sums / counts
    return mean + block.ff(block.norm3(mean))


@pytest.mark.parametrize("total", [8, 10, 11, 13, 15])
@torch.no_grad()
def test_windows_that_do_not_fit_count_in_full(total: int) -> None:
    unet = tiny_motion_unet()
    block = next(motion_blocks(unet))
    rows = torch.randn(5, total, 8, generator=torch.Generator().manual_seed(0))
    wanted = slow(block, rows, 6, 3)
    with windowed_motion(unet, 6, 3):
        torch.testing.assert_close(block(hidden_states=rows), wanted)


@pytest.mark.parametrize("build", [tiny_motion_unet, tiny_unet3d])
def test_the_network_is_as_it_was_afterwards(build: Any) -> None:
    unet = build()
    keys, modules = list(unet.state_dict()), [id(module) for module in unet.modules()]
    weights = {name: value.clone() for name, value in unet.state_dict().items()}
    plain = predicted(unet, 12)
    with pytest.raises(KeyError), windowed_motion(unet, 8, 4):
        inside = predicted(unet, 12)
        assert list(unet.state_dict()) == keys
        raise KeyError
    assert not torch.equal(inside, plain)
    assert torch.equal(predicted(unet, 12), plain)
    assert [id(module) for module in unet.modules()] == modules
    assert all(torch.equal(value, weights[name]) for name, value in unet.state_dict().items())
    assert not any("forward" in module.__dict__ for module in unet.modules())


def test_lora_inside_the_motion_layers_stays() -> None:
    unet = tiny_motion_unet()
    with windowed_motion(unet, 8, 4):
        without = predicted(unet, 12)
    torch.manual_seed(0)
    unet.add_adapter(LoraConfig(r=2, target_modules=["to_q"], init_lora_weights=False))
    with windowed_motion(unet, 8, 4):
        assert not torch.allclose(predicted(unet, 12), without, atol=1e-4)


LONG, SIZE = 40, (16, 16)


def moving() -> Given:
    """A clip of `LONG` frames with a track and a picture."""
    points = torch.linspace(2, 12, LONG)[None, :, None].expand(1, LONG, 2).numpy()
    tracks = Tracks.of(points, size=SIZE, fps=8)
    return Given(
        batch=1,
        frames=LONG,
        size=SIZE,
        stride=2,
        picture_latent=torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3)),
        picture=torch.zeros(1, 3, 16, 16),
        tracks=TrackBatch.of([tracks], frames=LONG, size=SIZE),
        generator=torch.Generator().manual_seed(0),
    )


@pytest.mark.parametrize("build", [tiny_motion_unet, tiny_unet3d])
@pytest.mark.parametrize("kind", ["track-control", "picture-control"])
@torch.no_grad()
def test_controlnets_act_on_clips_longer_than_they_know(build: Any, kind: str) -> None:
    unet = build()
    torch.manual_seed(0)
    if kind == "track-control":
        held: Any = TrackControl.for_base(unet, stride=2, raster=1, channels=4)
    else:
        held = PictureControl.for_base(unet)
    randomise(held)
    denoiser, told = Denoiser(unet, {kind: held.eval()}), moving()
    sample, text = torch.randn(1, 4, LONG, 8, 8), torch.randn(1, 7, 32)
    bounded = held.encoder.longest
    with windowed_motion(denoiser, 16, 4):
        condition = {kind: held.condition(told)}
        steered = denoiser(sample, torch.tensor([500]), text, condition)
        plain = denoiser(sample, torch.tensor([500]), text, {kind: held.null(told)})
    assert steered.isfinite().all()
    assert (steered - plain).abs().flatten(3).amax(3).amin() > 0  # in every frame
    assert held.encoder.longest == bounded
    if bounded is not None:
        with pytest.raises(ModelError, match="40 frames was given to a ControlNet whose motion"):
            held.encoder(torch.randn(1, 8, LONG, 8, 8), torch.tensor([5]), text)


def test_windows_longer_than_a_controlnet_knows_are_refused() -> None:
    unet = tiny_motion_unet()
    held = TrackControl.for_base(unet, stride=2, raster=1, channels=4)
    held.encoder.longest = 12
    with (
        pytest.raises(EngineError, match=r"windows of 16 frames .* know 12; give a window of at m"),
        windowed_motion(Denoiser(unet, {"tracks": held}), 16, 4),
    ):
        pass
    assert held.encoder.longest == 12


def test_half_precision_stays_finite() -> None:
    unet = tiny_motion_unet().to(torch.bfloat16)
    with windowed_motion(unet, 8, 4), torch.no_grad():
        sample = torch.randn(1, 4, 12, 8, 8).bfloat16()
        made = unet(sample, torch.tensor([5]), torch.randn(12, 7, 32).bfloat16()).sample
    assert made.dtype == torch.bfloat16
    assert made.isfinite().all()


def test_what_is_not_allowed_is_said() -> None:
    with (
        pytest.raises(EngineError, match="a UNet2DConditionModel has no motion layers; FreeNoise"),
        windowed_motion(tiny_unet2d(), 8, 4),
    ):
        pass
    unet = tiny_motion_unet()
    with (
        pytest.raises(EngineError, match="an overlap of 8 frames was asked for"),
        windowed_motion(unet, 8, 8),
    ):
        pass
    assert not any("forward" in module.__dict__ for module in unet.modules())
    with pytest.raises(EngineError, match="noise that repeats 4 frames by 5 was asked for"):
        repeated_noise(torch.zeros(1, 1, 9, 1, 1), 4, 5)

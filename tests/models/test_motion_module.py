"""The motion module computes what AnimateDiff's own code computes, and can be told not to."""

import copy
from collections.abc import Mapping

import pytest
import torch
from diffusers import SparseControlNetModel, UNetMotionModel
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn
from torch.nn.functional import gelu, group_norm, layer_norm, linear

from kineograph.core.errors import ModelError
from kineograph.models import motion_module as motion
from kineograph.models.control.sparse_control import SparseControl
from kineograph.models.control.track_control import TrackControl
from kineograph.models.layouts import motion_module as layout
from tiny import tiny_motion_adapter, tiny_motion_unet, tiny_unet2d, tiny_vae

LAYER = "down_blocks.1.motion_modules.0"


def clip(*shape: int) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(*shape)


def forward(unet: UNetMotionModel, sample: Tensor) -> Tensor:
    text = torch.linspace(-1, 1, 7 * 32).reshape(1, 7, 32).expand(sample.shape[0], 7, 32)
    text = text.repeat_interleave(sample.shape[2], 0)
    with torch.no_grad():
        return unet(sample, torch.tensor(5), text).sample


def reference_layer(
    weights: Mapping[str, Tensor], frames: Tensor, *, heads: int, groups: int
) -> Tensor:
    """AnimateDiff's temporal transformer (2307.04725, section 4.2) on the frames of one clip.

    Written from its description: `weights` under its own names, `frames` (F, C, h, w).
    """
    w = {name.partition("temporal_transformer.")[2]: value for name, value in weights.items()}
    count, channels, height, width = frames.shape
    x = group_norm(frames, groups, w["norm.weight"], w["norm.bias"], eps=1e-6)
    x = x.permute(2, 3, 0, 1).reshape(height * width, count, channels)  # a sequence a place
    x = linear(x, w["proj_in.weight"], w["proj_in.bias"])
    block = "transformer_blocks.0."
    for number in (0, 1):
        at, norm = f"{block}attention_blocks.{number}.", f"{block}norms.{number}."
        y = layer_norm(x, (channels,), w[norm + "weight"], w[norm + "bias"])
        y = y + w[at + "pos_encoder.pe"][:, :count]
        q, k, v = (
            linear(y, w[f"{at}to_{name}.weight"]).unflatten(-1, (heads, -1)) for name in "qkv"
        )
        scores = torch.einsum("pfhd,pghd->phfg", q, k) * (channels // heads) ** -0.5
        y = torch.einsum("phfg,pghd->pfhd", scores.softmax(-1), v).flatten(2)
        x = x + linear(y, w[at + "to_out.0.weight"], w[at + "to_out.0.bias"])
    y = layer_norm(x, (channels,), w[block + "ff_norm.weight"], w[block + "ff_norm.bias"])
    y = linear(y, w[block + "ff.net.0.proj.weight"], w[block + "ff.net.0.proj.bias"])
    value, gate = y.chunk(2, dim=-1)
    x = x + linear(value * gelu(gate), w[block + "ff.net.2.weight"], w[block + "ff.net.2.bias"])
    x = linear(x, w["proj_out.weight"], w["proj_out.bias"])
    return frames + x.reshape(height, width, count, channels).permute(2, 3, 0, 1)


@pytest.mark.parametrize("length", [24, 32])
def test_a_layer_read_from_a_file_computes_what_animatediff_computes(length: int) -> None:
    adapter = tiny_motion_adapter(motion_max_seq_length=length)
    original = {n: t for n, t in layout.write(adapter).items() if n.startswith(LAYER + ".")}
    unet = UNetMotionModel.from_unet2d(
        tiny_unet2d(), layout.read(layout.write(adapter), heads=2, groups=2)
    )
    layer, clips = unet.get_submodule(LAYER), clip(2, 5, 16, 4, 3)
    clips = clips * torch.tensor([1.0, 3.0, 0.2, 1.0, 5.0])[:, None, None, None]
    wanted = torch.cat([reference_layer(original, frames, heads=2, groups=2) for frames in clips])
    with torch.no_grad():
        pooled = layer(clips.flatten(0, 1), num_frames=5)
        motion.motion_norm_per_frame(unet, True)
        single = layer(clips.flatten(0, 1), num_frames=5)
    torch.testing.assert_close(single, wanted, atol=1e-5, rtol=1e-5)
    assert (pooled - wanted).abs().max() > 0.1  # diffusers mixes the frames' brightness


class SlowOverTime(nn.GroupNorm):
    """A GroupNorm over a clip's frames, clip by clip and group by group."""

    frames = 1

    def forward(self, input: Tensor) -> Tensor:
        output = torch.empty_like(input)
        for first in range(0, len(input), self.frames):
            for channels in torch.arange(self.num_channels).chunk(self.num_groups):
                part = input[first : first + self.frames, channels].double()
                spread = (part.var(correction=0) + self.eps) ** 0.5
                made = (part - part.mean()) / spread
                made = made * self.weight[channels, None, None] + self.bias[channels, None, None]
                output[first : first + self.frames, channels] = made.float()
        return output


def with_slow_norms(unet: UNetMotionModel, frames: int) -> UNetMotionModel:
    """A copy whose ResNet blocks and output have the reference norm."""
    unet = copy.deepcopy(unet)
    places = [(b, name) for b in unet.modules() if isinstance(b, ResnetBlock2D) for name in NORMS]
    for holder, name in [*places, (unet, "conv_norm_out")]:
        old = getattr(holder, name)
        new = SlowOverTime(old.num_groups, old.num_channels, old.eps)
        new.load_state_dict(old.state_dict())
        new.frames = frames
        setattr(holder, name, new)
    return unet


NORMS = ("norm1", "norm2")


@pytest.mark.parametrize("frames", [1, 3, 4])
def test_group_norm_over_time_is_group_norm_over_all_frames(frames: int) -> None:
    unet = tiny_motion_unet()
    reference = with_slow_norms(unet, frames)
    motion.group_norm_over_time(unet, True)
    sample = clip(2, 4, frames, 8, 8)
    torch.testing.assert_close(
        forward(unet, sample), forward(reference, sample), atol=1e-5, rtol=1e-5
    )


def test_the_frames_are_read_in_each_pass_from_either_argument() -> None:
    unet = tiny_motion_unet()
    motion.group_norm_over_time(unet, True)
    first, second = clip(1, 4, 3, 8, 8), clip(1, 4, 5, 8, 8)
    wanted = forward(unet, first)
    forward(unet, second)
    text = torch.linspace(-1, 1, 7 * 32).reshape(1, 7, 32).expand(3, 7, 32)
    with torch.no_grad():
        named = unet(sample=first, timestep=torch.tensor(5), encoder_hidden_states=text).sample
    torch.testing.assert_close(named, wanted)


def test_options_change_the_result_and_are_taken_off_without_a_trace() -> None:
    unet, sample = tiny_motion_unet(), clip(1, 4, 4, 8, 8)
    before, names = forward(unet, sample), list(unet.state_dict())
    for option in (motion.group_norm_over_time, motion.motion_norm_per_frame):
        option(unet, True)
        once = forward(unet, sample)
        assert (once - before).abs().max() > 1e-3
        assert list(unet.state_dict()) == names
        option(unet, True)
        assert torch.equal(forward(unet, sample), once)
        option(unet, False)
        option(unet, False)
        assert torch.equal(forward(unet, sample), before)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in unet.modules())


def test_a_single_frame_is_normalised_alike_either_way() -> None:
    unet, sample = tiny_motion_unet(), clip(2, 4, 1, 8, 8)
    before = forward(unet, sample)
    motion.follow_original(unet, version="v1")
    torch.testing.assert_close(forward(unet, sample), before, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("length", "mid", "version"), [(24, False, "v1"), (32, True, "v2"), (32, False, "v3")]
)
def test_follow_original_pools_in_v1_only(length: int, mid: bool, version: str) -> None:
    adapter = tiny_motion_adapter(mid, motion_max_seq_length=length)
    unet = UNetMotionModel.from_unet2d(tiny_unet2d(), adapter)
    assert motion.version_of(adapter) == motion.version_of(unet) == version
    motion.follow_original(unet)
    assert motion.pools_over_time(unet) == (version == "v1")
    assert motion.norms_per_frame(unet)
    motion.follow_original(unet, False)
    assert not motion.pools_over_time(unet)
    assert not motion.norms_per_frame(unet)


@torch.no_grad()
@pytest.mark.parametrize("length", [24, 32])
def test_copies_of_the_encoder_in_adapters_follow_too(length: int) -> None:
    motion_layers = tiny_motion_adapter(motion_max_seq_length=length)
    unet = UNetMotionModel.from_unet2d(tiny_unet2d(), motion_layers).eval()
    tracks = TrackControl.for_base(unet, stride=2, raster=1, channels=4).eval()
    sparse = SparseControl.for_base(unet).eval()
    copies = [tracks.encoder, sparse.network]
    assert [held for adapter in (tracks, sparse) for held in motion.encoder_copies(adapter)] == (
        copies
    )
    sample, text = clip(1, 4, 3, 8, 8), clip(1, 7, 32)
    rows = unet.conv_in(sample[0].transpose(0, 1)).transpose(0, 1)[None]

    def features() -> Tensor:
        # as its forward pass does, in which the number of frames is looked at
        tracks.encoder(rows, torch.tensor([5]), text)
        return tracks.encoder.features(rows, torch.tensor([5]), text)[1]

    def own_middle() -> Tensor:
        found: list[Tensor] = []
        hook = unet.mid_block.register_forward_hook(lambda _, given, made: found.append(made))
        unet(sample, torch.tensor([5]), text.repeat_interleave(3, 0))
        hook.remove()
        return found[0]

    before = features()
    torch.testing.assert_close(before, own_middle())
    motion.follow_original(unet, adapters=[tracks, sparse])
    assert all(motion.norms_per_frame(copy) for copy in copies)
    assert [motion.pools_over_time(copy) for copy in copies] == [length == 24] * 2
    torch.testing.assert_close(features(), own_middle())
    assert not torch.allclose(features(), before, atol=1e-4)
    motion.follow_original(unet, False, adapters=[tracks, sparse])
    assert not any(motion.norms_per_frame(copy) or motion.pools_over_time(copy) for copy in copies)
    assert torch.equal(features(), before)


def test_a_copy_has_the_option_to_itself() -> None:
    unet, sample = tiny_motion_unet(), clip(1, 4, 3, 8, 8)
    before = forward(unet, sample)
    motion.follow_original(unet, version="v1")
    wanted, other = forward(unet, sample), copy.deepcopy(unet)
    forward(unet, clip(1, 4, 5, 8, 8))  # leaves its own number of frames in the first only
    assert torch.equal(forward(other, sample), wanted)
    motion.follow_original(other, False, version="v1")
    assert torch.equal(forward(other, sample), before)
    assert torch.equal(forward(unet, sample), wanted)


def test_gradients_are_the_same_with_checkpointing() -> None:
    unet, sample = tiny_motion_unet(), clip(1, 4, 3, 8, 8)
    motion.follow_original(unet, version="v1")
    gradients = []
    for checkpointing in (False, True):
        (unet.enable_gradient_checkpointing if checkpointing else lambda: None)()
        unet.train().zero_grad()
        unet(sample, torch.tensor(5), torch.ones(3, 7, 32)).sample.square().mean().backward()
        gradients.append(unet.conv_in.weight.grad.clone())
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(gradients[1], gradients[0])


def test_motion_layers_of_other_networks_are_found() -> None:
    network = SparseControlNetModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlockMotion", "DownBlockMotion"),
        cross_attention_dim=32,
        norm_num_groups=2,
        num_attention_heads=2,
        motion_num_attention_heads=2,
    )
    assert len(motion.motion_layers(network)) == 2
    assert len(motion.motion_layers(tiny_motion_adapter(True))) == 7
    motion.motion_norm_per_frame(network, True)
    assert motion.norms_per_frame(network)
    with pytest.raises(ModelError, match="a SparseControlNetModel does not tell its version"):
        motion.follow_original(network)


def test_networks_without_such_layers_are_told() -> None:
    with pytest.raises(ModelError, match="a UNet2DConditionModel has no motion layers; give a net"):
        motion.motion_norm_per_frame(tiny_unet2d(), True)
    with pytest.raises(ModelError, match="a Linear has no ResNet blocks; give a U-Net"):
        motion.group_norm_over_time(nn.Linear(1, 1), True)
    motion.group_norm_over_time(tiny_vae(), False)  # taking off what is not on is no fault

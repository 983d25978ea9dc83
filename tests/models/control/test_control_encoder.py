"""The copied encoder: it is the base's own, and at first it says nothing."""

import json
import re

import pytest
import torch
from control_given import BASES, awaken, step
from diffusers import ControlNetModel, UNet2DConditionModel, UNetMotionModel
from einops import rearrange
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.control.base_network import network_config
from kineograph.models.control.encoder import COPIED, ControlEncoder
from tiny import tiny_motion_unet, tiny_unet2d

SD15 = {
    "_class_name": "UNetMotionModel",
    "cross_attention_dim": 768,
    "use_motion_mid_block": False,
}
"""Stable Diffusion 1.5 with a motion module of version 3, all else as diffusers has it."""


@pytest.fixture(params=BASES, name="base")
def a_base(request: pytest.FixtureRequest) -> nn.Module:
    return BASES[request.param]()


def own_features(base: nn.Module, sample: Tensor, time: Tensor, text: Tensor) -> list[Tensor]:
    """The skip connections and the middle of the base itself, in order."""
    found: list[Tensor] = []
    hooks = [
        block.register_forward_hook(lambda _, given, made: found.extend(made[1]))
        for block in base.down_blocks
    ]
    hooks.append(base.mid_block.register_forward_hook(lambda _, given, made: found.append(made)))
    before = base.down_blocks[0].register_forward_pre_hook(
        lambda _, args, given: found.append(given["hidden_states"]), with_kwargs=True
    )
    rows = text.repeat_interleave(sample.shape[2], 0) if motion(base) else text
    base(sample, time, rows)
    for hook in (*hooks, before):
        hook.remove()
    return found


def motion(base: nn.Module) -> bool:
    return isinstance(base, UNetMotionModel)


def as_hint(base: nn.Module, sample: Tensor) -> Tensor:
    """What the base's own input convolution makes of the latents."""
    rows = base.conv_in(rearrange(sample, "b c f h w -> (b f) c h w"))
    return rearrange(rows, "(b f) c h w -> b c f h w", f=sample.shape[2])


@torch.no_grad()
def test_the_copy_is_the_base_s_encoder_to_the_bit(base: nn.Module) -> None:
    sample, time, text = step()
    encoder = ControlEncoder.from_base(base).eval()

    skips, middle = encoder.features(as_hint(base, sample), time, text)

    own = own_features(base, sample, time, text)
    assert len(own) == len(skips) + 1
    for copied, original in zip([*skips, middle], own, strict=True):
        assert torch.equal(copied, original)


@torch.no_grad()
def test_residuals_have_the_shapes_that_the_base_adds(base: nn.Module) -> None:
    sample, time, text = step()
    encoder = ControlEncoder.from_base(base).eval()

    made = encoder(as_hint(base, sample), time, text)

    own = [tuple(feature.shape) for feature in own_features(base, sample, time, text)]
    assert [tuple(held.shape) for held in (*made.down, made.mid)] == own


def test_at_first_it_is_silent_and_only_zero_convolutions_can_learn(base: nn.Module) -> None:
    sample, time, text = step()
    encoder = ControlEncoder.from_base(base)

    made = encoder(as_hint(base, sample).detach(), time, text)
    sum(held.sum() for held in (*made.down, made.mid)).backward()

    assert not any(held.any() for held in (*made.down, made.mid))
    for name, parameter in encoder.named_parameters():
        moves = parameter.grad is not None and bool(parameter.grad.any())
        assert moves == name.startswith("zero_"), name


def test_a_woken_one_learns_everywhere(base: nn.Module) -> None:
    sample, time, text = step()
    encoder = ControlEncoder.from_base(base)
    awaken(encoder)

    made = encoder(as_hint(base, sample).detach(), time, text)
    sum(held.square().sum() for held in (*made.down, made.mid)).backward()

    still = [name for name, held in encoder.named_parameters() if not held.grad.any()]
    assert not still


def test_checkpointing_follows_the_base_and_changes_no_gradient() -> None:
    for build in BASES.values():
        base = build()
        sample, time, text = step()
        hint = as_hint(base, sample).detach()
        encoder = ControlEncoder.from_base(base).eval()
        awaken(encoder)
        assert not encoder.checkpointing
        grads = []
        for switch in (
            encoder.disable_gradient_checkpointing,
            encoder.enable_gradient_checkpointing,
        ):
            switch()
            encoder.zero_grad()
            made = encoder(hint, time, text)
            sum(held.square().sum() for held in (*made.down, made.mid)).backward()
            grads.append([held.grad.clone() for held in encoder.parameters()])
        assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))
    base = tiny_motion_unet()
    base.enable_gradient_checkpointing()
    assert ControlEncoder.from_base(base).checkpointing


def test_checkpointing_keeps_less_for_the_backward_pass(base: nn.Module) -> None:
    sample, time, text = step()
    hint = as_hint(base, sample).detach()
    encoder = ControlEncoder.from_base(base).eval()
    kept = []
    for switch in (encoder.disable_gradient_checkpointing, encoder.enable_gradient_checkpointing):
        switch()
        held: list[int] = []

        def note(tensor: Tensor, held: list[int] = held) -> Tensor:
            held.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            encoder(hint, time, text)
        kept.append(sum(held))
    assert kept[1] < kept[0] / 4


@torch.no_grad()
def test_what_is_not_read_changes_nothing(base: nn.Module) -> None:
    sample, time, text = step()
    hint = as_hint(base, sample)
    for reads_time in (True, False):
        for reads_text in (True, False):
            encoder = ControlEncoder.from_base(base, reads_time=reads_time, reads_text=reads_text)
            awaken(encoder.eval())
            mid = encoder(hint, time, text).mid
            assert torch.equal(encoder(hint, time + 7, text).mid, mid) is not reads_time
            assert torch.equal(encoder(hint, time, text + 1).mid, mid) is not reads_text
    assert torch.equal(encoder(hint).mid, mid)


@torch.no_grad()
def test_clips_of_a_batch_do_not_mix(base: nn.Module) -> None:
    sample, time, text = step()
    hint = as_hint(base, sample)
    encoder = ControlEncoder.from_base(base).eval()
    awaken(encoder)

    both = encoder(hint, time, text)

    for clip in range(2):
        alone = encoder(hint[clip : clip + 1], time[clip : clip + 1], text[clip : clip + 1])
        for held, one in zip((*both.down, both.mid), (*alone.down, alone.mid), strict=True):
            rows = held.unflatten(0, (2, -1))[clip]
            assert torch.allclose(rows, one, atol=1e-5)


def test_it_is_rebuilt_from_the_config_alone(base: nn.Module) -> None:
    original = ControlEncoder.from_base(base, reads_text=False)
    said = json.loads(json.dumps(network_config(base)))

    built = ControlEncoder(said, reads_text=False)

    mine, its = built.state_dict(), original.state_dict()
    assert {name: held.shape for name, held in mine.items()} == {
        name: held.shape for name, held in its.items()
    }
    assert all(held.isfinite().all() for held in mine.values())
    tables = [name for name in mine if name.endswith(".pe")]
    assert bool(tables) == motion(base)
    assert all(torch.equal(mine[name], its[name]) for name in tables)
    sizes = sum(held.numel() for part in COPIED for held in parts_of(base, part))
    assert sum(held.numel() for held in original.parameters()) - sizes == sum(
        held.numel() for name, held in original.named_parameters() if name.startswith(("zero", "n"))
    )


def parts_of(base: nn.Module, name: str) -> list[Tensor]:
    part = getattr(base, name, None)
    return [] if part is None else list(part.parameters())


@torch.no_grad()
def test_new_layers_are_drawn_as_diffusers_draws_them(base: nn.Module) -> None:
    config = network_config(base)
    torch.manual_seed(0)
    mine = ControlEncoder(config)
    fresh = type(base)(**{key: value for key, value in config.items() if key[0] != "_"})
    drawn = dict(fresh.named_parameters())
    for name, held in mine.named_parameters():
        if not name.startswith("zero_"):
            assert bool(held.any()) == bool(drawn[name].any()), name
            if held.dim() > 1:
                assert float(held.std()) == pytest.approx(float(drawn[name].std()), rel=0.4), name


def test_half_precision_keeps_its_type(base: nn.Module) -> None:
    sample, time, text = step()
    encoder = ControlEncoder.from_base(base).to(torch.bfloat16)
    hint = as_hint(base, sample).detach().to(torch.bfloat16)
    assert {held.dtype for held in encoder(hint, time, text).down} == {torch.bfloat16}


def test_what_is_missing_is_said() -> None:
    sample, time, text = step()
    base = tiny_motion_unet()
    hint = as_hint(base, sample).detach()
    encoder = ControlEncoder.from_base(base)
    with pytest.raises(ModelError, match="reads the text was given none; give it at every step"):
        encoder(hint, time)
    with pytest.raises(ModelError, match="reads the timestep was given none"):
        encoder(hint, None, text)
    long = torch.zeros(1, 8, 33, 2, 2)
    with pytest.raises(ModelError, match=r"33 frames .* know 32; denoise in windows of at most 32"):
        encoder(long, time[:1], text[:1])


def test_bases_that_cannot_be_copied_are_named() -> None:
    with pytest.raises(ModelError, match="UNet2DConditionModel; it can be made for UNetMotionM"):
        ControlEncoder.from_base(tiny_unet2d())
    with pytest.raises(ModelError, match="asked for on a None"):
        ControlEncoder({})
    good = network_config(tiny_motion_unet())
    with pytest.raises(ModelError, match="holds wings, which it does not know"):
        ControlEncoder(good | {"wings": 2})
    with pytest.raises(ModelError, match="reads more than text and time"):
        ControlEncoder(good | {"addition_embed_type": "text_time"})
    with pytest.raises(ModelError, match="a UNetMotionModel cannot be built from its config: "):
        ControlEncoder(good | {"block_out_channels": [8]})


def test_a_lora_on_the_base_is_noticed() -> None:
    base = tiny_motion_unet()
    inject_adapter_in_model(LoraConfig(r=2, target_modules=["to_q"]), base)
    with pytest.raises(ModelError, match=re.escape("take LoRAs and other additions off the base")):
        ControlEncoder.from_base(base)


def test_the_copy_of_stable_diffusion_has_the_known_size() -> None:
    with torch.device("meta"):
        encoder = ControlEncoder(SD15)
        known = ControlNetModel.from_unet(
            UNet2DConditionModel(cross_attention_dim=768), load_weights_from_unet=False
        )
    spatial = {
        name: tuple(held.shape)
        for name, held in encoder.named_parameters()
        if ".motion_modules." not in name and not name.startswith("zero_")
    }
    assert spatial == {
        name: tuple(held.shape)
        for name, held in known.named_parameters()
        if name.split(".")[0] in COPIED
    }
    zeros = [tuple(held.shape) for name, held in encoder.named_parameters() if "zero_" in name]
    assert zeros == [
        tuple(held.shape)
        for part in (known.controlnet_down_blocks, known.controlnet_mid_block)
        for held in part.parameters()
    ]
    moving = sum(held.numel() for name, held in encoder.named_parameters() if "motion_m" in name)
    # 22 C^2 + 21 C weights a motion module, two at each of the four levels
    assert moving == sum(2 * (22 * c * c + 21 * c) for c in (320, 640, 1280, 1280))

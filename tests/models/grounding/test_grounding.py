"""Grounding: GLIGEN's layers on bases that move."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel, UNet3DConditionModel, UNetMotionModel
from diffusers.models.attention import GatedSelfAttentionDense
from einops import rearrange

from kineograph.core.errors import ModelError
from kineograph.core.state import State
from kineograph.models.adapter import Adapter
from kineograph.models.adapter_folder import load_adapter, save_adapter
from kineograph.models.condition import Condition, Tokens
from kineograph.models.denoiser import Denoiser
from kineograph.models.gates import BlockShape, block_shapes
from kineograph.models.given import Given
from kineograph.models.grounding.boximator import Boximator
from kineograph.models.grounding.grounding import Grounding, GroundingConfig, GroundingGate
from kineograph.models.grounding.track_diffusion import TrackDiffusion
from kineograph.models.layouts import gligen
from models.grounding.boxed import (
    BASES,
    FRAMES,
    full_base,
    full_blocks,
    given,
    noisy,
    two_objects,
)
from tiny import made, tiny_motion_adapter, tiny_unet2d, tiny_unet3d

torch.set_num_threads(1)


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest) -> torch.nn.Module:
    return BASES[request.param]()


def opened(held: Any) -> Any:
    """All gates wide open, and tokens that differ more, so that boxes tell."""
    with torch.no_grad():
        for name, parameter in held.named_parameters():
            if "alpha_" in name:
                parameter.fill_(1.0)
            if name.endswith(("linears.4.weight", "attn.to_v.weight")):
                parameter.mul_(5.0)
    return held


def trained(unet: torch.nn.Module, **options: Any) -> Grounding:
    """An adapter whose gates are open."""
    return opened(made(lambda: Grounding.for_base(unet, **options), seed=5))


def predicted(unet: torch.nn.Module, adapter: Grounding, told: Given, **strengths: Any) -> Any:
    denoiser = Denoiser(unet, {"boxes": adapter})
    with torch.no_grad():
        out = denoiser(*noisy(), {"boxes": adapter.condition(told)}, strengths)
    denoiser.release()
    return out


def test_a_new_adapter_leaves_the_base_exactly_as_it_was(base: torch.nn.Module) -> None:
    with torch.no_grad():
        plain = Denoiser(base)(*noisy())
    held = Grounding.for_base(base)
    assert torch.equal(predicted(base, held, given(two_objects())), plain)
    open_gates = trained(base)
    grounded = predicted(base, open_gates, given(two_objects()))
    assert (grounded - plain).abs().max() > 1e-3
    assert torch.equal(predicted(base, open_gates, given(two_objects()), boxes=0), plain)
    assert not torch.equal(predicted(base, open_gates, given(two_objects()), boxes=0.5), grounded)


def test_the_layer_is_that_of_diffusers_on_the_same_weights() -> None:
    shape = BlockShape(16, 4, 4, "down", 0)
    ours = made(lambda: GroundingGate(shape, 12))
    theirs = GatedSelfAttentionDense(16, 12, 4, 4)
    theirs.load_state_dict(ours.state_dict())
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(2, 15, 16, generator=draw)
    tokens = torch.randn(2, 3, 12, generator=draw)
    held = Tokens(tokens, frames=1, grid=(3, 5))
    assert torch.equal(ours(x, held), theirs(x, tokens))
    halved = ours(x, held, torch.tensor(0.5))
    assert (halved - x).abs().max() < (theirs(x, tokens) - x).abs().max()


def test_frames_are_what_diffusers_own_grounded_network_makes_of_pictures() -> None:
    """Text and boxes through a whole GLIGEN U-Net, against ours with motion layers shut."""
    theirs = opened(tiny_unet2d(seed=2, attention_type="gated"))
    plain = tiny_unet2d(seed=2)
    held = {k: v for k, v in theirs.state_dict().items() if k in plain.state_dict()}
    plain.load_state_dict(held)
    motion = tiny_motion_adapter()
    for name, parameter in motion.named_parameters():
        if "proj_out" in name:
            torch.nn.init.zeros_(parameter)
    unet = UNetMotionModel.from_unet2d(plain, motion).eval()
    adapter = gligen.read(theirs.state_dict(), heads=4)
    told, (sample, steps, text) = given(two_objects()), noisy()
    grounded = predicted(unet, adapter, told)
    wanted = _by_diffusers(theirs, told, sample, steps, text)
    torch.testing.assert_close(grounded, wanted, atol=1e-5, rtol=1e-4)
    without = predicted(unet, adapter, told.without("boxes"))
    assert (grounded - without).abs().max() > 1e-3


def _by_diffusers(
    unet: UNet2DConditionModel,
    told: Given,
    sample: torch.Tensor,
    steps: torch.Tensor,
    text: torch.Tensor,
) -> torch.Tensor:
    boxes = told.boxes
    assert boxes is not None and boxes.label_embedding is not None
    said = {
        "boxes": rearrange(boxes.boxes, "b o t s -> (b t) o s"),
        "masks": rearrange(boxes.in_picture.float(), "b o t -> (b t) o"),
        "positive_embeddings": boxes.label_embedding.repeat_interleave(FRAMES, dim=0),
    }
    empty = 30 - boxes.count
    said = {
        name: torch.nn.functional.pad(held, (0, 0) * (held.ndim - 2) + (0, empty))
        for name, held in said.items()
    }
    with torch.no_grad():
        made = unet(
            rearrange(sample, "b c f h w -> (b f) c h w"),
            steps.repeat_interleave(FRAMES),
            text.repeat_interleave(FRAMES, dim=0),
            cross_attention_kwargs={"gligen": said},
        ).sample
    return rearrange(made, "(b f) c h w -> b c f h w", f=FRAMES)


@pytest.mark.parametrize("heads", [None, 8])
def test_the_full_size_gates_have_the_known_number_of_parameters(heads: int | None) -> None:
    config = GroundingConfig(
        base=full_base(), blocks=full_blocks(heads), label_width=1024, token_width=1024
    )
    with torch.device("meta"):
        held = Grounding(config)
    assert held.gates is not None and len(held.gates) == 16
    assert sum(parameter.numel() for parameter in held.gates.parameters()) == 211_213_152
    assert sum(parameter.numel() for parameter in held.parameters()) == 211_213_152 + 1_346_624


def test_the_blocks_of_the_full_size_base_are_found() -> None:
    with torch.device("meta"):
        unet = UNet3DConditionModel(attention_head_dim=64)
    assert tuple(block_shapes(unet)) == full_blocks()


def test_frames_and_clips_without_boxes_have_null_tokens(base: torch.nn.Module) -> None:
    held = trained(base)
    null = held.null(given(two_objects())).tokens
    nothing = held.condition(given(None)).tokens
    assert null is not None and nothing is not None
    assert null.tokens.shape == (2 * FRAMES, 8, 32)
    assert torch.equal(null.tokens, nothing.tokens)
    assert torch.equal(null.tokens[0, 0], null.tokens[5, 7])


def test_each_frame_has_its_own_boxes() -> None:
    held, boxes = trained(tiny_unet3d()), two_objects()
    tokens = held.condition(given(boxes)).tokens
    null = held.null(given(boxes)).tokens
    assert tokens is not None and null is not None
    said = (tokens.tokens != null.tokens).any(dim=-1)
    wanted = torch.zeros(2, 8, FRAMES, dtype=torch.bool)
    wanted[:, :4] = boxes.given  # a hidden object's box is given, an unspecified one is not
    assert torch.equal(said, rearrange(wanted, "b o t -> (b t) o"))
    assert wanted.sum() == 2 + 3 + 3


def test_order_of_places_hardness_and_boxes_beside_the_picture_do_not_matter() -> None:
    unet = tiny_unet3d()
    held, boxes = trained(unet), two_objects()
    plain = predicted(unet, held, given(boxes))
    order = torch.tensor([2, 1, 3, 0])
    assert boxes.label_embedding is not None
    other = replace(
        boxes,
        boxes=boxes.boxes[:, order],
        state=boxes.state[:, order],
        hard=~boxes.hard,
        instance=boxes.instance[:, order],
        labels=tuple(tuple(names[i] for i in order.tolist()) for names in boxes.labels),
        label_embedding=boxes.label_embedding[:, order],
    )
    torch.testing.assert_close(predicted(unet, held, given(other)), plain, atol=1e-5, rtol=1e-4)
    beside = replace(
        boxes, boxes=boxes.boxes.clone(), state=boxes.state.clone(), labels=(("a",) * 4,) * 2
    )
    beside.state[1, 3] = int(State.VISIBLE)
    beside.boxes[1, 3] = torch.tensor([1.0, 0.2, 1.0, 0.6])
    assert torch.equal(predicted(unet, held, given(beside)), plain)


def test_what_is_wrong_with_boxes_is_said() -> None:
    unet, boxes = tiny_unet3d(), two_objects()
    with pytest.raises(ModelError, match="boxes were given for 2 objects; the grounding adapter"):
        Grounding.for_base(unet, objects=1).condition(given(boxes))
    held = Grounding.for_base(unet)
    with pytest.raises(ModelError, match="without the embeddings of their labels; the grounding"):
        held.condition(given(replace(boxes, label_embedding=None)))
    with pytest.raises(ModelError, match="box 1 of clip 2 of 2 has no label, and this"):
        held.condition(given(replace(boxes, labels=(boxes.labels[0], ("",) * 4))))
    with pytest.raises(ModelError, match="of labels 48 wide were given; the grounding adapter re"):
        held.condition(given(two_objects(width=48)))


def test_places_that_hold_nothing_may_be_more_than_the_adapter_has() -> None:
    held = Grounding.for_base(tiny_unet3d(), objects=2)
    tokens = held.condition(given(two_objects())).tokens
    assert tokens is not None and tokens.tokens.shape[1] == 2


def test_it_is_saved_and_loaded_identically(tmp_path: Any) -> None:
    held = trained(tiny_unet3d(), objects=5)
    save_adapter(held, tmp_path / "boxes")
    again = load_adapter(tmp_path / "boxes")
    assert isinstance(again, Grounding) and again.config == held.config
    mine, its = held.state_dict(), again.state_dict()
    assert list(mine) == list(its) and all(torch.equal(mine[name], its[name]) for name in mine)


def test_every_part_of_the_adapter_learns_and_nothing_of_the_base() -> None:
    unet = tiny_unet3d().requires_grad_(False)
    held = trained(unet)
    denoiser = Denoiser(unet, {"boxes": held})
    denoiser(*noisy(), {"boxes": held.condition(given(two_objects()))}).pow(2).mean().backward()
    denoiser.release()
    assert all(parameter.grad is not None for parameter in held.parameters())
    assert all(parameter.grad is None for parameter in unet.parameters())


@pytest.mark.parametrize("kind", [Grounding, Boximator, TrackDiffusion])
def test_half_precision_is_finite(kind: type[Adapter]) -> None:
    unet = tiny_unet3d().to(torch.bfloat16)
    held = made(lambda: kind.for_base(unet))
    assert held.dtype == torch.bfloat16
    sample, steps, text = noisy()
    condition = held.condition(given(two_objects()))
    denoiser = Denoiser(unet, {"boxes": held})
    with torch.no_grad():
        out = denoiser(sample.bfloat16(), steps, text.bfloat16(), {"boxes": condition})
    denoiser.release()
    assert out.dtype == torch.bfloat16 and out.isfinite().all()


@pytest.mark.parametrize("kind", [Grounding, Boximator, TrackDiffusion])
def test_conditions_with_and_without_boxes_go_through_as_one_batch(kind: type[Adapter]) -> None:
    unet = tiny_unet3d()
    held = opened(made(lambda: kind.for_base(unet)))
    told = given(two_objects())
    conditions = [held.null(told), held.condition(told)]
    sample, steps, text = noisy()
    denoiser = Denoiser(unet, {"boxes": held})
    with torch.no_grad():
        apart = [denoiser(sample, steps, text, {"boxes": one}) for one in conditions]
        both = denoiser(
            torch.cat([sample, sample]),
            torch.cat([steps, steps]),
            torch.cat([text, text]),
            {"boxes": Condition.cat(conditions)},
        )
    denoiser.release()
    torch.testing.assert_close(both, torch.cat(apart), atol=1e-5, rtol=1e-4)
    assert (apart[0] - apart[1]).abs().max() > 1e-3

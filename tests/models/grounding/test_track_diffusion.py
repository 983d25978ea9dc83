"""TrackDiffusion: instances told apart, and their looks carried through time."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from einops import rearrange

from kineograph.core.errors import ModelError
from kineograph.models.condition import Tokens
from kineograph.models.denoiser import Denoiser
from kineograph.models.gates import BlockShape
from kineograph.models.grounding.enhancer import InstanceEnhancer
from kineograph.models.grounding.grounding import Grounding, GroundingConfig
from kineograph.models.grounding.roi_align import roi_align
from kineograph.models.grounding.track_diffusion import (
    TrackDiffusion,
    TrackDiffusionConfig,
    Tracklets,
)
from models.grounding.boxed import BASES, FRAMES, full_base, full_blocks, given, noisy, two_objects
from tiny import made, randomise, tiny_unet3d

torch.set_num_threads(1)
SHAPE = BlockShape(16, 4, 4, "up", 0)
GRID = (3, 5)


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest) -> torch.nn.Module:
    return BASES[request.param]()


def told(seed: int = 0, objects: int = 4) -> tuple[torch.Tensor, Tokens]:
    """Features of two clips and boxes in them."""
    draw = torch.Generator().manual_seed(seed)
    rows = 2 * FRAMES
    x = torch.randn(rows, GRID[0] * GRID[1], 16, generator=draw)
    corners = torch.rand(rows, objects, 2, generator=draw) / 2
    extra = {
        "boxes": torch.cat([corners, corners + 0.4], dim=-1),
        "given": torch.rand(rows, objects, generator=draw) < 0.7,
        "tracklet": torch.randn(rows, objects, 128, generator=draw),
    }
    return x, Tokens(torch.zeros(rows, objects, 12), FRAMES, GRID, extra)


def test_a_new_adapter_leaves_the_base_exactly_as_it_was(base: torch.nn.Module) -> None:
    held, boxes = TrackDiffusion.for_base(base), given(two_objects())
    with torch.no_grad():
        plain = Denoiser(base)(*noisy())
        denoiser = Denoiser(base, {"boxes": held})
        assert torch.equal(denoiser(*noisy(), {"boxes": held.condition(boxes)}), plain)
        torch.manual_seed(0)
        randomise(held)
        steered = denoiser(*noisy(), {"boxes": held.condition(boxes)})
    denoiser.release()
    assert (steered - plain).abs().max() > 1e-3


def test_enhancers_stand_on_the_way_up_only_and_read_every_level() -> None:
    with torch.device("meta"):
        held = TrackDiffusion(
            TrackDiffusionConfig(
                base=full_base("animatediff", 768),
                blocks=full_blocks(8),
                label_width=768,
                token_width=768,
            )
        )
    assert held.gates is not None
    there = [gate.enhancer is not None for gate in held.gates]
    assert there == [False] * 7 + [True] * 9
    assert held.instance_embedding.weight.shape == (20, 768)
    assert held.gates[8].enhancer.linears[0].weight.shape == (1280, 1280 + 128)


def test_without_enhancer_and_instances_it_is_grounding() -> None:
    unet = tiny_unet3d()
    held = made(lambda: TrackDiffusion.for_base(unet, enhancer=False))
    torch.nn.init.zeros_(held.instance_embedding.weight)
    fields = {name: getattr(held.config, name) for name in GroundingConfig.model_fields}
    plain = Grounding(GroundingConfig(**fields))
    plain.load_state_dict(held.state_dict(), strict=False)
    boxes = given(two_objects())
    mine, its = held.condition(boxes).tokens, plain.condition(boxes).tokens
    assert mine is not None and its is not None and not mine.extra
    assert torch.equal(mine.tokens, its.tokens)


def test_boxes_of_one_group_are_one_instance_in_all_frames() -> None:
    held = made(lambda: TrackDiffusion.for_base(tiny_unet3d()))
    boxes = two_objects()
    plain = held.condition(given(boxes)).tokens
    same = replace(boxes, instance=torch.zeros_like(boxes.instance))
    other = held.condition(given(same)).tokens
    assert plain is not None and other is not None
    moved = other.tokens - plain.tokens
    weight = held.instance_embedding.weight
    torch.testing.assert_close(moved[:, 2], (weight[0] - weight[2]).expand(2 * FRAMES, -1))
    assert moved[:, 0].abs().max() == 0


def test_an_unknown_instance_is_refused() -> None:
    held = TrackDiffusion.for_base(tiny_unet3d(), objects=4)
    boxes = two_objects()
    wild = replace(boxes, instance=boxes.instance + 4)
    with pytest.raises(ModelError, match="instance 5 was given; the track-diffusion adapter tells"):
        held.condition(given(wild))


def test_the_enhancer_is_its_equation() -> None:
    held = made(lambda: InstanceEnhancer(SHAPE))
    x, tokens = told()
    extra, objects = tokens.extra, []
    for clip in range(2):
        rows = slice(clip * FRAMES, (clip + 1) * FRAMES)
        for place in range(4):
            look = roi_align(x[rows], GRID, extra["boxes"][rows])[:, place, 0]
            look = torch.where(extra["given"][rows, place, None], look, held.null_track_feat)
            through = held.linears(torch.cat([look, extra["tracklet"][rows, place]], dim=-1))[None]
            objects.append((through + held.attn1(held.norm1(through)))[0])
    seen = rearrange(torch.stack(objects), "(b o) f c -> (b f) o c", b=2)
    wanted = x + held.alpha_attn.tanh() * held.attn2(held.norm2(x), encoder_hidden_states=seen)
    wanted = wanted + held.alpha_dense.tanh() * held.ff(held.norm3(wanted))
    torch.testing.assert_close(held(x, tokens), wanted)
    assert torch.equal(held(x, tokens, 0), x)


def test_an_object_s_look_in_one_frame_reaches_its_others_but_no_other_clip() -> None:
    held = made(lambda: InstanceEnhancer(SHAPE))
    x, tokens = told()
    tokens.extra["given"][:] = True
    changed = x.clone()
    changed[0] += torch.randn(changed[0].shape, generator=torch.Generator().manual_seed(4))
    moved = (held.objects(changed, tokens) - held.objects(x, tokens)).abs().amax(dim=(1, 2))
    assert (moved[:FRAMES] > 1e-5).all() and (moved[FRAMES:] == 0).all()


def test_tracklets_attend_over_time_if_they_are_to() -> None:
    draw = torch.Generator().manual_seed(0)
    located = torch.randn(2 * FRAMES, 4, 64, generator=draw)
    changed = located.clone()
    changed[0, 1] += torch.randn(64, generator=draw)
    reached: dict[bool, Any] = {}
    for attention in (True, False):
        held = made(lambda attention=attention: Tracklets(attention))
        moved = held(changed, FRAMES) - held(located, FRAMES)
        reached[attention] = (moved.abs().amax(dim=-1) > 1e-7).nonzero().tolist()
    assert reached == {True: [[0, 1], [1, 1], [2, 1]], False: [[0, 1]]}


def test_every_part_learns() -> None:
    unet = tiny_unet3d().requires_grad_(False)
    held = made(lambda: TrackDiffusion.for_base(unet))
    denoiser = Denoiser(unet, {"boxes": held})
    denoiser(*noisy(), {"boxes": held.condition(given(two_objects()))}).pow(2).mean().backward()
    denoiser.release()
    assert [name for name, value in held.named_parameters() if value.grad is None] == []

"""Boximator: eight numbers a box, hard and soft, no labels."""

from dataclasses import replace
from typing import Any, Literal

import pytest
import torch
from einops import rearrange

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.box_numbers import (
    PALETTE,
    box_numbers,
    identity_colours,
    relax_for_inference,
)
from kineograph.core.errors import ModelError
from kineograph.models.condition import Tokens
from kineograph.models.denoiser import Denoiser
from kineograph.models.gates import BlockShape
from kineograph.models.grounding.boximator import Boximator, BoximatorGate, BoxToken
from kineograph.models.grounding.slots import fitted
from models.grounding.boxed import BASES, FRAMES, given, noisy, two_objects
from tiny import made, randomise, tiny_unet3d

torch.set_num_threads(1)
SHAPE = BlockShape(16, 4, 4, "down", 0)


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest) -> torch.nn.Module:
    return BASES[request.param]()


def tokens_of(held: Boximator, boxes: Any) -> torch.Tensor:
    condition = held.condition(given(boxes))
    assert condition.tokens is not None
    return condition.tokens.tokens


@pytest.mark.parametrize("start", ["zero", "tanh"])
def test_a_new_adapter_leaves_the_base_exactly_as_it_was(
    base: torch.nn.Module, start: Literal["zero", "tanh"]
) -> None:
    held = Boximator.for_base(base, start=start)
    told = given(two_objects())
    with torch.no_grad():
        plain = Denoiser(base)(*noisy())
        denoiser = Denoiser(base, {"boxes": held})
        assert torch.equal(denoiser(*noisy(), {"boxes": held.condition(told)}), plain)
        torch.manual_seed(0)
        randomise(held.gates)
        steered = denoiser(*noisy(), {"boxes": held.condition(told)})
        assert (steered - plain).abs().max() > 1e-3
        assert not torch.equal(steered, denoiser(*noisy(), {"boxes": held.null(told)}))
    denoiser.release()


@pytest.mark.parametrize("start", ["zero", "tanh"])
def test_the_first_step_opens_the_gate(start: Literal["zero", "tanh"]) -> None:
    gate = BoximatorGate(SHAPE, 12, start)
    x = torch.randn(2, 6, 16, generator=torch.Generator().manual_seed(0))
    told = Tokens(torch.ones(2, 3, 12), frames=1, grid=(2, 3))
    (gate(x, told) * x).sum().backward()
    opener = gate.attn.to_out[0].weight if start == "zero" else gate.alpha_attn
    assert opener is not None and opener.grad is not None and opener.grad.abs().max() > 0


def test_the_paper_s_sizes() -> None:
    with torch.device("meta"):
        token = BoxToken(1024)
    shapes = [tuple(layer.weight.shape) for layer in token.linears if hasattr(layer, "weight")]
    assert shapes == [(512, 128), (512, 512), (512, 512), (1024, 512)]
    assert token.null.shape == (1024,)
    assert Boximator.for_base(tiny_unet3d()).config.objects == 8


def test_new_tokens_tell_boxes_apart() -> None:
    """Of torch's own start a fifth of a token differs from box to box, the rest is biases."""
    torch.manual_seed(0)
    corners, _ = torch.rand(256, 2, 2).sort(dim=1)
    same = torch.tensor([1.0, 0.0, 0.0, 1.0]).expand(256, 4)
    numbers, given = (
        torch.cat([corners.flatten(1), same], dim=1),
        torch.ones(256, 1, dtype=torch.bool),
    )
    token = BoxToken(128)
    tokens = token(numbers[:, None], given)[:, 0]
    assert 0.4 < tokens.std(dim=0).norm() / tokens.norm(dim=1).square().mean().sqrt() < 0.8
    assert 0.3 < tokens.square().mean().sqrt() < 1.2
    with torch.device("meta"):
        empty = BoxToken(128)
    empty.load_state_dict(token.state_dict(), assign=True)
    assert torch.equal(empty(numbers[:, None], given)[:, 0], tokens)


def test_the_gate_adds_the_features_own_rows_of_self_attention() -> None:
    gate = made(lambda: BoximatorGate(SHAPE, 12))
    draw = torch.Generator().manual_seed(0)
    x, said = torch.randn(2, 6, 16, generator=draw), torch.randn(2, 3, 12, generator=draw)
    held = Tokens(said, frames=1, grid=(2, 3))
    joined = gate.norm(torch.cat([x, gate.linear(said)], dim=1))
    wanted = x + gate.attn(joined)[:, :6]
    assert torch.equal(gate(x, held), wanted)
    torch.testing.assert_close(gate(x, held, 0.5), (x + wanted) / 2)


def test_a_token_says_box_colour_and_hardness() -> None:
    held = made(lambda: Boximator.for_base(tiny_unet3d()))
    boxes = two_objects()
    hard, soft = tokens_of(held, boxes), tokens_of(held, two_objects(hard=False))
    null = held.box_token.null
    said = boxes.given[0].transpose(0, 1)
    assert hard.shape == (2 * FRAMES, 8, 1024)
    assert torch.equal((hard[:FRAMES, :4] != null).any(dim=-1), said)
    assert torch.equal((hard[:FRAMES, :4] != soft[:FRAMES, :4]).any(dim=-1), said)
    assert torch.equal(hard[FRAMES:], soft[FRAMES:])  # the other clip's box is hard in both
    colour = identity_colours(boxes.instance)[0, 1]
    numbers = torch.cat([boxes.boxes[0, 1, 2], colour, torch.ones(1)])
    alone = held.box_token(numbers[None, None], torch.ones(1, 1, dtype=torch.bool))
    torch.testing.assert_close(hard[2, 1], alone[0, 0])


def test_labels_are_not_read_and_colours_are_drawn() -> None:
    held = made(lambda: Boximator.for_base(tiny_unet3d()))
    boxes = two_objects()
    nameless = replace(boxes, labels=(("",) * 4,) * 2, label_embedding=None)
    assert torch.equal(tokens_of(held, nameless), tokens_of(held, boxes))
    told = replace(given(boxes), generator=torch.Generator().manual_seed(1))
    drawn = held.condition(told).tokens
    assert drawn is not None and not torch.equal(drawn.tokens, tokens_of(held, boxes))
    assert torch.equal(tokens_of(held, None)[0, 0], held.box_token.null)
    assert len(PALETTE) >= 8


def test_soft_boxes_grow_where_they_are_a_persons_and_hard_ones_stay() -> None:
    held = made(lambda: Boximator.for_base(tiny_unet3d()))
    boxes = two_objects(hard=False)

    def told(shown: BoxBatch, grow: bool = True) -> torch.Tensor:
        seeded = torch.Generator().manual_seed(1)
        drawn = held.condition(replace(given(shown), generator=seeded, grow_soft=grow))
        assert drawn.tokens is not None
        return drawn.tokens.tokens

    def drawn_by_hand(relaxed: bool) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        colours = identity_colours(boxes.instance, generator)
        shown = relax_for_inference(boxes, generator) if relaxed else boxes
        numbers = fitted(box_numbers(shown, colours), 8)
        said = fitted(boxes.given, 8)
        return held.box_token(
            rearrange(numbers, "b o t n -> (b t) o n"), rearrange(said, "b o t -> (b t) o")
        )

    assert torch.equal(told(boxes), drawn_by_hand(True))
    assert torch.equal(told(boxes), told(boxes))
    assert not torch.equal(drawn_by_hand(True)[:FRAMES], drawn_by_hand(False)[:FRAMES])
    assert torch.equal(drawn_by_hand(True)[FRAMES:], drawn_by_hand(False)[FRAMES:])  # hard
    assert torch.equal(told(boxes, grow=False), drawn_by_hand(False))  # as in training


def test_too_many_objects_are_refused() -> None:
    held = Boximator.for_base(tiny_unet3d(), objects=1)
    with pytest.raises(ModelError, match="boxes were given for 2 objects; the boximator adapter"):
        held.condition(given(two_objects()))

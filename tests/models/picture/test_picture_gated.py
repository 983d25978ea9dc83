"""Gated cross-attention: SMCD's counts, its equation, its place among other gates."""

import pytest
import torch
from diffusers import UNet3DConditionModel

from clip_given import BASES, BATCH, FRAMES, both_bases, clips, noise, prediction, shaken
from kineograph.core.errors import ModelError
from kineograph.models.condition import Tokens
from kineograph.models.picture.concat import PictureConcat
from kineograph.models.picture.dual import PictureDual
from kineograph.models.picture.gated import PictureGate, PictureGated
from tiny import TEXT_WIDTH

SMALL = {"widths": (8, 16), "depth": 1}


def parameters(network: torch.nn.Module) -> int:
    return sum(held.numel() for held in network.parameters())


@pytest.mark.slow
def test_full_size_has_smcds_parameters() -> None:
    with torch.device("meta"):
        unet = UNet3DConditionModel(cross_attention_dim=1024, attention_head_dim=64)
        adapter = PictureDual.for_base(unet)
    assert parameters(adapter.gates) == 211_213_152
    assert parameters(adapter.encoder) == 202_936_064
    assert adapter.conv.weight.shape == (320, 4, 3, 3)
    shapes = {name: tuple(held.shape) for name, held in adapter.gates[0].state_dict().items()}
    assert len(adapter.gates) == 16 and adapter.config.heads[0] == 320 // 64
    assert shapes["linear.weight"] == (320, 1024) and shapes["attn.to_k.weight"] == (320, 320)
    assert shapes["ff.net.0.proj.weight"] == (2560, 320)
    assert shapes["ff.net.2.weight"] == (320, 1280)
    assert shapes["alpha_attn"] == shapes["alpha_dense"] == ()
    assert {"attn.to_out.0.bias", "norm1.weight", "norm2.bias"} <= set(shapes)


def test_the_gate_is_the_papers_equation() -> None:
    torch.manual_seed(0)
    gate = PictureGate(8, 2, 6)
    with torch.no_grad():
        gate.alpha_attn.fill_(0.7)
        gate.alpha_dense.fill_(-0.4)
    x, tokens = noise(3, 5, 8), Tokens(noise(3, 4, 6, seed=1), 3, (1, 5))
    held = gate.state_dict()

    def heads(rows: torch.Tensor, name: str) -> torch.Tensor:
        return (rows @ held[f"attn.to_{name}.weight"].T).unflatten(-1, (2, 4)).transpose(1, 2)

    context = tokens.tokens @ held["linear.weight"].T + held["linear.bias"]
    weights = heads(gate.norm1(x), "q") @ heads(context, "k").transpose(-1, -2) / 4**0.5
    read = (weights.softmax(-1) @ heads(context, "v")).transpose(1, 2).flatten(-2)
    read = read @ held["attn.to_out.0.weight"].T + held["attn.to_out.0.bias"]
    wanted = x + torch.tanh(torch.tensor(0.7)) * read
    wanted = wanted + torch.tanh(torch.tensor(-0.4)) * gate.ff(gate.norm2(wanted))
    torch.testing.assert_close(gate(x, tokens), wanted)
    assert torch.equal(gate(x, tokens, 0), x)


@both_bases
def test_at_first_nothing_changes_and_later_it_does(family: str) -> None:
    unet = BASES[family]()
    bare = prediction(unet, {}, clips())
    adapter = PictureGated.for_base(unet, **SMALL)
    assert torch.equal(prediction(unet, {"p": adapter}, clips()), bare)
    made = prediction(unet, {"p": shaken(adapter)}, clips())
    assert not torch.allclose(made, bare, atol=1e-4)
    assert torch.equal(prediction(unet, {}, clips()), bare)


def test_gates_keep_the_heads_of_their_blocks() -> None:
    unet = BASES["animatediff"]()
    adapter = PictureGated.for_base(unet, **SMALL)
    widths = [gate.norm1.normalized_shape[0] for gate in adapter.gates]
    assert widths == list(adapter.config.base.blocks)
    assert [gate.attn.heads for gate in adapter.gates] == list(adapter.config.heads)


def test_heads_that_do_not_fit_the_blocks_are_refused() -> None:
    unet = BASES["animatediff"]()
    blocks = len(PictureGated.for_base(unet, **SMALL).gates)
    for heads in ((2,) * (blocks + 1), (3,) * blocks, (0,) * blocks):
        with pytest.raises(ModelError, match="one number for each, which divides the width"):
            PictureGated.for_base(unet, heads=heads, **SMALL)


def test_every_frame_reads_its_own_clips_tokens() -> None:
    adapter = PictureGated.for_base(BASES["animatediff"](), **SMALL)
    tokens = adapter.condition(clips()).tokens
    apart = tokens.tokens.unflatten(0, (BATCH, FRAMES))
    assert tokens.frames == FRAMES and tokens.grid == (6, 8)
    assert tokens.tokens.shape == (BATCH * FRAMES, 3 * 4, 16)
    assert (apart == apart[:, :1]).all() and not torch.equal(apart[0], apart[1])
    torch.testing.assert_close(apart[:, 0], adapter.encoder(clips().picture_latent))


def test_a_clip_without_a_picture_has_the_tokens_of_an_empty_latent() -> None:
    adapter = PictureGated.for_base(BASES["animatediff"](), **SMALL)
    empty = adapter.encoder(torch.zeros(1, 4, 6, 8))[0]
    one = adapter.condition(clips(picture_given=torch.tensor([False, True]))).tokens.tokens
    torch.testing.assert_close(one[0], empty)
    torch.testing.assert_close(one[FRAMES:], adapter.condition(clips()).tokens.tokens[FRAMES:])
    for nothing in (clips().without("picture"), clips(picture=None, picture_latent=None)):
        torch.testing.assert_close(adapter.condition(nothing).tokens.tokens[-1], empty)


def test_the_order_among_gates() -> None:
    unet = BASES["animatediff"]()
    ranks = [
        PictureGated.for_base(unet, order=order, **SMALL).rank
        for order in ("before", "beside", "after")
    ]
    assert ranks[0] < ranks[1] == 10 < ranks[2]


def test_order_decides_what_a_gate_reads() -> None:
    unet = BASES["modelscope"]()
    boxes = shaken(PictureGated.for_base(unet, order="beside", **SMALL), seed=1)
    made = {}
    for order in ("before", "beside", "after"):
        picture = shaken(PictureGated.for_base(unet, order=order, **SMALL), seed=2)
        for gate in [*boxes.gates, *picture.gates]:
            torch.nn.init.constant_(gate.alpha_attn, 1.0)
            torch.nn.init.constant_(gate.alpha_dense, 1.0)
        made[order] = prediction(unet, {"boxes": boxes, "picture": picture}, clips())
    assert not torch.allclose(made["before"], made["after"], atol=1e-5)
    assert not torch.allclose(made["beside"], made["after"], atol=1e-5)


def test_tokens_of_a_vision_encoder_instead() -> None:
    unet = BASES["animatediff"]()
    adapter = PictureGated.for_base(unet, source="vision", vision_width=TEXT_WIDTH)
    assert adapter.encoder is None
    given = clips(picture_given=torch.tensor([True, False]))
    tokens = adapter.condition(given).tokens.tokens
    assert torch.equal(tokens[0], given.picture_tokens[0]) and not tokens[FRAMES:].any()
    with pytest.raises(ModelError, match=r"tokens are \(2, 17, 8\); 2 clips of width 32"):
        adapter.condition(clips(picture_tokens=torch.zeros(2, 17, 8)))
    with pytest.raises(ModelError, match="take a base that has an image_encoder"):
        adapter.condition(clips(picture_tokens=None))


@both_bases
def test_dual_is_both_at_once(family: str) -> None:
    unet, given = BASES[family](), clips()
    dual = shaken(PictureDual.for_base(unet, **SMALL))
    gated = PictureGated.for_base(unet, **SMALL)
    held = {name: tensor.clone() for name, tensor in dual.state_dict().items()}
    conv = held.pop("conv.weight")
    gated.load_state_dict(held)
    bare, whole = prediction(unet, {}, given), prediction(unet, {"p": dual}, given)
    torch.nn.init.zeros_(dual.conv.weight)
    only_gates = prediction(unet, {"p": dual}, given)
    assert torch.equal(only_gates, prediction(unet, {"p": gated}, given))
    concat = PictureConcat.for_base(unet)
    with torch.no_grad():
        concat.conv.weight.copy_(conv)
        dual.conv.weight.copy_(conv)
        for gate in dual.gates:
            gate.alpha_attn.zero_()
            gate.alpha_dense.zero_()
    only_conv = prediction(unet, {"p": dual}, given)
    assert torch.equal(only_conv, prediction(unet, {"p": concat}, given))
    for other in (bare, only_gates, only_conv):
        assert not torch.allclose(whole, other, atol=1e-4)

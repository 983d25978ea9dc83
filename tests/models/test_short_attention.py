"""Attention that chooses by length gives what diffusers' gives."""

import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor, AttnProcessor2_0
from torch import Tensor

from clip_given import BASES, both_bases, clips, noise, prediction
from kineograph.models.short_attention import SHORT, ShortAttention, attend_shortly


@pytest.mark.parametrize("length", [1, 16, SHORT, SHORT + 1])
@pytest.mark.parametrize("crossed", [False, True])
@torch.no_grad()
def test_it_is_the_fused_one_at_any_length(length: int, crossed: bool) -> None:
    torch.manual_seed(0)
    layer = Attention(16, cross_attention_dim=12 if crossed else None, heads=4, dim_head=4)
    hidden = noise(3, length, 16)
    told = noise(3, 5, 12, seed=1) if crossed else None
    layer.set_processor(AttnProcessor2_0())
    wanted = layer(hidden, encoder_hidden_states=told)
    layer.set_processor(ShortAttention())
    torch.testing.assert_close(
        layer(hidden, encoder_hidden_states=told), wanted, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("length", [SHORT, SHORT + 1])
def test_short_ones_are_plain_and_long_ones_fused(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    called: list[type] = []
    for kind in (AttnProcessor, AttnProcessor2_0):

        def kept(self: object, attn: object, hidden: Tensor, *_: object, k: type = kind) -> Tensor:
            called.append(k)
            return hidden

        monkeypatch.setattr(kind, "__call__", kept)
    ShortAttention()(Attention(8, heads=2, dim_head=4), noise(1, length, 8))
    assert called == [AttnProcessor if length <= SHORT else AttnProcessor2_0]


@both_bases
def test_a_network_says_what_it_said(family: str) -> None:
    unet = BASES[family]()
    names, bare = list(unet.state_dict()), prediction(unet, {}, clips())
    before = unet.attn_processors
    attend_shortly(unet)
    after = unet.attn_processors
    changed = {name for name, held in after.items() if type(held) is ShortAttention}
    assert changed == {name for name, held in before.items() if type(held) is AttnProcessor2_0}
    assert changed and list(unet.state_dict()) == names
    torch.testing.assert_close(prediction(unet, {}, clips()), bare, atol=1e-5, rtol=1e-4)


def test_layers_that_someone_has_chosen_stay() -> None:
    unet = BASES["animatediff"]()
    name = next(iter(unet.attn_processors))
    chosen = AttnProcessor()
    unet.set_attn_processor({**unet.attn_processors, name: chosen})
    attend_shortly(unet)
    assert unet.attn_processors[name] is chosen
    kept = dict(unet.attn_processors)
    attend_shortly(unet)
    assert unet.attn_processors == kept

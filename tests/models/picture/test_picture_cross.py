"""Cross-attention to image embeddings, and the tokens it reads."""

import pytest
import torch

from clip_given import BASES, BATCH, FRAMES, both_bases, clips, noise, prediction, shaken
from kineograph.core.errors import ModelError
from kineograph.models.condition import Tokens
from kineograph.models.picture.cross import CrossGate, PictureCross
from tiny import TEXT_WIDTH


@both_bases
@pytest.mark.parametrize("count", [None, 4])
def test_at_first_nothing_changes_and_later_it_does(family: str, count: int | None) -> None:
    unet = BASES[family]()
    bare = prediction(unet, {}, clips())
    adapter = PictureCross.for_base(unet, vision_width=TEXT_WIDTH, count=count)
    assert torch.equal(prediction(unet, {"p": adapter}, clips()), bare)
    made = prediction(unet, {"p": shaken(adapter)}, clips())
    assert not torch.allclose(made, bare, atol=1e-4)


def test_as_many_tokens_as_asked_for() -> None:
    unet, given = BASES["animatediff"](), clips()
    every = PictureCross.for_base(unet, vision_width=TEXT_WIDTH)
    few = PictureCross.for_base(unet, vision_width=TEXT_WIDTH, count=4)
    tokens = every.condition(given).tokens
    assert tokens.tokens.shape == (BATCH * FRAMES, 17, TEXT_WIDTH) and tokens.grid == (6, 8)
    assert few.condition(given).tokens.tokens.shape == (BATCH * FRAMES, 4, TEXT_WIDTH)
    linear = few.tokens.projection.image_embeds
    apart = linear(given.picture_tokens.mean(1)).unflatten(-1, (4, TEXT_WIDTH))
    wanted = few.tokens.projection.norm(apart)
    torch.testing.assert_close(few.condition(given).tokens.tokens[::FRAMES], wanted)


def test_the_gate_adds_an_attention_to_the_tokens() -> None:
    torch.manual_seed(0)
    gate = CrossGate(8, 1, 6)
    x, said = noise(2, 5, 8), noise(2, 1, 6, seed=1)
    tokens = Tokens(said, 2, (1, 5))
    assert torch.equal(gate(x, tokens), x)
    torch.nn.init.eye_(gate.attn.to_out[0].weight)
    # one token is all there is to attend to, so that its value is what is added
    wanted = x + said @ gate.attn.to_v.weight.T
    torch.testing.assert_close(gate(x, tokens), wanted)
    torch.testing.assert_close(gate(x, tokens, 0.5), x + 0.5 * (wanted - x))


def test_no_picture_says_the_same_however_it_is_said() -> None:
    unet = BASES["animatediff"]()
    adapter = shaken(PictureCross.for_base(unet, vision_width=TEXT_WIDTH))
    nothing = clips(picture=None, picture_latent=None, picture_tokens=None)
    left_out = prediction(unet, {"p": adapter}, clips().without("picture"))
    torch.testing.assert_close(prediction(unet, {"p": adapter}, nothing), left_out)
    one = prediction(unet, {"p": adapter}, clips(picture_given=torch.tensor([True, False])))
    torch.testing.assert_close(one[1], left_out[1])
    torch.testing.assert_close(one[0], prediction(unet, {"p": adapter}, clips())[0])


def test_tokens_alone_are_a_picture() -> None:
    adapter = PictureCross.for_base(BASES["animatediff"](), vision_width=TEXT_WIDTH)
    alone = adapter.condition(clips(picture=None, picture_latent=None))
    assert torch.equal(alone.tokens.tokens, adapter.condition(clips()).tokens.tokens)


def test_what_does_not_suit_is_refused() -> None:
    unet = BASES["animatediff"]()
    with pytest.raises(ModelError, match="a picture of 0 tokens; give 1 or more"):
        PictureCross.for_base(unet, vision_width=TEXT_WIDTH, count=0)
    adapter = PictureCross.for_base(unet, vision_width=8)
    with pytest.raises(ModelError, match="take the vision encoder that the adapter was made with"):
        adapter.condition(clips())

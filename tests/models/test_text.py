"""Text features: against transformers, one layer after the other, and by hand."""

import pytest
import torch

import tiny
from kineograph.core.errors import ModelError
from kineograph.models.text import TextEncoder

LONG = "smoke rises from the roof of a house behind the trees " * 12


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(tiny.tiny_tokenizer(), tiny.tiny_text_encoder(layers=3))


def ids(encoder: TextEncoder, text: str) -> torch.Tensor:
    held = encoder.tokenizer(text, padding="max_length", max_length=77, return_tensors="pt")
    return held.input_ids


def test_features_are_those_of_the_padded_text(encoder: TextEncoder) -> None:
    texts = [tiny.CORPUS[0], ""]
    made = encoder.encode(texts)
    assert made.shape == (2, 77, 32) and not made.requires_grad
    for text, features in zip(texts, made, strict=True):
        wanted = encoder.model(ids(encoder, text)).last_hidden_state[0]
        torch.testing.assert_close(features, wanted)


def test_clip_skip_leaves_out_layers_but_not_the_norm(encoder: TextEncoder) -> None:
    """Against a network that has only the layers that are left."""
    shallow = tiny.tiny_text_encoder(layers=2)
    held = encoder.model.state_dict()
    shallow.load_state_dict({name: held[name] for name in shallow.state_dict()})
    wanted = TextEncoder(encoder.tokenizer, shallow).encode(["a red ball"])
    torch.testing.assert_close(encoder.encode(["a red ball"], clip_skip=1), wanted)
    assert not torch.allclose(encoder.encode(["a red ball"]), wanted, atol=1e-3)
    with pytest.raises(ModelError, match="clip_skip 3 was given; the text encoder has 3 layers"):
        encoder.encode(["a red ball"], clip_skip=3)


def test_a_label_is_the_feature_where_its_text_ends(encoder: TextEncoder) -> None:
    texts = ["a red ball", "a kite", "a woman in a blue coat"]
    made = encoder.labels(texts)
    for text, feature in zip(texts, made, strict=True):
        end = encoder.count(text) + 1
        alone = ids(encoder, text)
        assert alone[0, end] == encoder.tokenizer.eos_token_id
        told = encoder.model(alone)
        torch.testing.assert_close(feature, told.last_hidden_state[0, end])
        torch.testing.assert_close(feature, told.pooler_output[0])
    assert encoder.labels([]).shape == (0, 32)


def test_a_text_that_is_too_long_is_refused_and_told_where_it_ends(encoder: TextEncoder) -> None:
    encoder.encode(["a " * 75])
    with pytest.raises(ModelError) as told:
        encoder.encode(["a kite", "a " * 76])
    assert str(told.value) == (
        "the text has 76 tokens, the text encoder reads 75; it would be cut after "
        "'... a a a a'; shorten it"
    )
    with pytest.raises(ModelError, match=r"has 216 tokens, .* after '... behind the trees smok'"):
        encoder.labels([LONG])


def test_one_text_by_itself_is_no_list(encoder: TextEncoder) -> None:
    with pytest.raises(ModelError, match="give a list of texts"):
        encoder.encode("a red ball")


def test_padding_is_not_read_where_the_network_wants_a_mask(encoder: TextEncoder) -> None:
    """With use_attention_mask, what stands behind the text must not matter to any kept token."""
    masked = TextEncoder(encoder.tokenizer, tiny.tiny_text_encoder(layers=3))
    masked.model.config.use_attention_mask = True
    seen = []
    masked.model.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs["attention_mask"]), with_kwargs=True
    )
    masked.encode(["a red ball"])
    assert seen[0].sum() == 1 + masked.count("a red ball")  # the end is what pads in this tokenizer
    encoder.encode(["a red ball"])


def test_it_moves_itself(encoder: TextEncoder) -> None:
    other = TextEncoder(encoder.tokenizer, tiny.tiny_text_encoder())
    assert other.to(dtype=torch.bfloat16) is other
    assert other.encode(["a kite"]).dtype == torch.bfloat16
    assert (other.width, other.length, other.layers) == (32, 77, 2)

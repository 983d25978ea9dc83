"""A tiny Grounding DINO in transformers' layout, with random weights."""

from pathlib import Path

from transformers import (
    BertConfig,
    BertTokenizerFast,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    SwinConfig,
)

from tiny import made
from tiny_words import CORPUS

WORDS = sorted({word.strip(",") for line in CORPUS for word in line.split()})


def tiny_grounding_dino(place: Path) -> Path:
    """The folder of one that reads the words of `CORPUS`."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    place.mkdir(parents=True)
    (place / "vocab.txt").write_text("\n".join([*special, ".", *WORDS]))
    tokenizer = BertTokenizerFast(str(place / "vocab.txt"))
    text = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=37,
        max_position_embeddings=64,
    )
    eye = SwinConfig(
        window_size=7,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 1, 1],
        image_size=224,
        out_features=["stage2", "stage3", "stage4"],
        out_indices=[2, 3, 4],
    )
    config = GroundingDinoConfig(
        backbone_config=eye,
        text_config=text,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        num_queries=5,
        num_feature_levels=4,
        encoder_n_points=2,
        decoder_n_points=2,
        max_text_len=64,
    )
    network = made(lambda: GroundingDinoForObjectDetection(config))
    network.save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place

"""Tiny CLIP, DINO and DINOv2 folders in transformers' layout, with random weights."""

import json
from pathlib import Path

from transformers import CLIPConfig, CLIPModel, Dinov2Config, Dinov2Model, ViTConfig, ViTModel

from tiny import made
from tiny_words import tiny_tokenizer

WIDE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}


def tiny_clip(place: Path, side: int = 32) -> Path:
    """A CLIP of `side` px and features of 24, with its tokenizer."""
    tokenizer = tiny_tokenizer()
    text = {
        **WIDE,
        "intermediate_size": 37,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 77,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {**WIDE, "intermediate_size": 37, "image_size": side, "patch_size": 8}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    made(lambda: CLIPModel(config)).save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


def tiny_dino(place: Path, side: int = 28) -> Path:
    """A DINO: a ViT of `side` px without a pooler, with a processor's settings."""
    config = ViTConfig(**WIDE, intermediate_size=37, image_size=side, patch_size=7)
    made(lambda: ViTModel(config, add_pooling_layer=False)).save_pretrained(place)
    said = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.25], "size": side}
    (place / "preprocessor_config.json").write_text(json.dumps(said))
    return place


def tiny_dinov2(place: Path) -> Path:
    """A DINOv2 of 14 px patches."""
    config = Dinov2Config(**WIDE, image_size=56, patch_size=14)
    made(lambda: Dinov2Model(config)).save_pretrained(place)
    return place


def tiny_folder(place: Path) -> Path:
    """A folder with all three under their usual names."""
    tiny_clip(place / "clip-vit-base-patch32")
    tiny_dino(place / "dino-vits16")
    tiny_dinov2(place / "dinov2-base")
    return place

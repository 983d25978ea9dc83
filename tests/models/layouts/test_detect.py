"""What a weights file is, told by its names."""

from importlib import import_module
from typing import Any

import pytest
import torch

from kineograph.models.layouts import motion_module
from kineograph.models.layouts.detect import LAYOUTS, layout_of
from tiny import made, tiny_motion_adapter, tiny_unet2d

BLOCK = "down_blocks.0.attentions.0.transformer_blocks.0."
MOTION = "down_blocks.0.motion_modules.0.temporal_transformer."
ORIGINAL_BLOCK = "input_blocks.1.1.transformer_blocks.0."


def names(*held: str) -> dict[str, Any]:
    return dict.fromkeys(held, (4, 4))


@pytest.mark.parametrize(
    ("version", "options"),
    [
        ("v1", {"motion_max_seq_length": 24}),
        ("v2", {"mid": True}),
        ("v3", {}),
    ],
)
def test_motion_modules_by_version(version: str, options: dict[str, Any]) -> None:
    held = motion_module.write(tiny_motion_adapter(**options))
    assert layout_of(held) == f"animatediff-motion-module {version}"
    assert layout_of({n: tuple(t.shape) for n, t in held.items()}) == layout_of(held)


@pytest.mark.parametrize(
    ("held", "name"),
    [
        (
            names(
                f"{MOTION}transformer_blocks.0.attention_blocks.0.processor.to_q_lora.down.weight"
            ),
            "motion-lora",
        ),
        (names(f"{BLOCK}attn1.processor.to_q_lora.down.weight"), "domain-adapter"),
        (
            names("controlnet_cond_embedding.weight", f"{MOTION}proj_in.weight"),
            "sparse-control rgb",
        ),
        (
            names("controlnet_cond_embedding.conv_in.weight", f"{MOTION}proj_in.weight"),
            "sparse-control scribble",
        ),
        (names(f"{ORIGINAL_BLOCK}fuser.linear.weight"), "gligen original"),
        (names(f"{BLOCK}fuser.linear.weight"), "gligen diffusers"),
        (names(f"{ORIGINAL_BLOCK}gate_attn.linear.weight"), "smcd"),
        (names("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight"), "lora"),
        (names("lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"), "lora"),
        (names(f"unet.{BLOCK}attn1.to_q.lora_A.weight"), "lora"),
        (names(f"unet.{BLOCK}attn1.to_q.lora.down.weight"), "lora"),
        (names(f"unet.{BLOCK}attn1.processor.to_q_lora.down.weight"), "lora"),
        (
            names(
                "model.diffusion_model.input_blocks.0.0.weight",
                "first_stage_model.encoder.conv_in.weight",
            ),
            "stable-diffusion",
        ),
        (names("conv.weight"), None),
        ({}, None),
    ],
)
def test_layouts_by_name(held: dict[str, Any], name: str | None) -> None:
    assert layout_of(held) == name


def test_networks_of_diffusers_are_no_foreign_layout() -> None:
    assert layout_of(tiny_unet2d().state_dict()) is None
    assert layout_of(tiny_motion_adapter(True).state_dict()) is None
    assert layout_of(made(lambda: torch.nn.Linear(2, 2)).state_dict()) is None


def test_every_layout_has_what_the_table_needs() -> None:
    for _, module in LAYOUTS:
        layout = import_module(module)
        assert callable(layout.detect)
        assert callable(layout.read)
        assert callable(layout.write)

"""Tiny networks of every kind, with random weights: the tests run the real code on them.

Every builder is deterministic (its own seed, the global random state is left as it was) and leaves
no parameter at zero, so that a layer which starts silent in training still shows in a test.
Two levels of 8 and 16 channels, text and vision tokens 32 wide, an autoencoder of stride 2.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    DDIMScheduler,
    MotionAdapter,
    UNet2DConditionModel,
    UNet3DConditionModel,
    UNetMotionModel,
)
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from tiny_words import CORPUS as CORPUS
from tiny_words import tiny_tokenizer

CHANNELS = (8, 16)
"""The widths of the two levels of every U-Net."""
TEXT_WIDTH = 32
"""The width of text features, of the vision encoder's tokens and of what cross-attention reads."""
LATENT_CHANNELS = 4
"""The channels of a latent."""
STRIDE = 2
"""Pixels along the side of a latent cell."""
MOTION_LENGTH = 32
"""The frames the motion layers know positions for."""

Network = TypeVar("Network", bound=torch.nn.Module)


def made(build: Callable[[], Network], seed: int = 0) -> Network:
    """`build()` with every parameter random under `seed`, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build()
        randomise(network)
    return network.eval()


@torch.no_grad()
def randomise(network: torch.nn.Module) -> None:
    """Replace zero matrices by random ones and shake all other parameters, in place.

    Draws from the global generator: call it inside `made`, or after `torch.manual_seed`.
    """
    for parameter in network.parameters():
        noise = torch.randn(parameter.shape)
        if parameter.dim() > 1 and not parameter.any():
            parameter.copy_(noise / max(1, parameter[0].numel()) ** 0.5)
        else:
            parameter.add_(0.05 * noise)


def tiny_text_encoder(seed: int = 0, width: int = TEXT_WIDTH, layers: int = 2) -> CLIPTextModel:
    """A CLIP text encoder for `tiny_tokenizer()`; 77 tokens, `width` wide."""
    tokenizer = tiny_tokenizer()
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=37,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=77,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return made(lambda: CLIPTextModel(config), seed)


def tiny_vae(seed: int = 0) -> AutoencoderKL:
    """An autoencoder of stride 2 with four latent channels."""
    levels = len(CHANNELS)
    return made(
        lambda: AutoencoderKL(
            block_out_channels=CHANNELS,
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            layers_per_block=1,
            latent_channels=LATENT_CHANNELS,
            norm_num_groups=2,
            sample_size=32,
            scaling_factor=0.18215,
        ),
        seed,
    )


def tiny_fast_vae(seed: int = 0) -> AutoencoderTiny:
    """A distilled autoencoder (diffusers' AutoencoderTiny) of stride 2."""
    return made(
        lambda: AutoencoderTiny(
            encoder_block_out_channels=CHANNELS[:1] * 2,
            decoder_block_out_channels=CHANNELS[:1] * 2,
            num_encoder_blocks=(1, 1),
            num_decoder_blocks=(1, 1),
            latent_channels=LATENT_CHANNELS,
        ),
        seed,
    )


def tiny_unet2d(seed: int = 0, **options: Any) -> UNet2DConditionModel:
    """A U-Net for pictures, of Stable Diffusion 1.5's make."""
    settings: dict[str, Any] = {
        "block_out_channels": CHANNELS,
        "layers_per_block": 1,
        "sample_size": 8,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": TEXT_WIDTH,
        "norm_num_groups": 2,
        "attention_head_dim": 4,
    }
    return made(lambda: UNet2DConditionModel(**settings | options), seed)


def tiny_motion_adapter(mid: bool = False, seed: int = 0, **options: Any) -> MotionAdapter:
    """AnimateDiff's motion layers for `tiny_unet2d`; `mid` adds version 2's layer in the middle."""
    settings: dict[str, Any] = {
        "block_out_channels": CHANNELS,
        "motion_layers_per_block": 1,
        "motion_norm_num_groups": 2,
        "motion_num_attention_heads": 2,
        "motion_max_seq_length": MOTION_LENGTH,
        "use_motion_mid_block": mid,
    }
    return made(lambda: MotionAdapter(**settings | options), seed)


def tiny_motion_unet(mid: bool = False, seed: int = 0, **options: Any) -> UNetMotionModel:
    """AnimateDiff's U-Net: `tiny_unet2d` with `tiny_motion_adapter` in it."""
    unet, motion = tiny_unet2d(seed, **options), tiny_motion_adapter(mid, seed)
    with torch.random.fork_rng(devices=[]):
        return UNetMotionModel.from_unet2d(unet, motion).eval()


def tiny_unet3d(seed: int = 0, **options: Any) -> UNet3DConditionModel:
    """ModelScope's U-Net."""
    settings: dict[str, Any] = {
        "block_out_channels": CHANNELS,
        "layers_per_block": 1,
        "sample_size": 8,
        "down_block_types": ("CrossAttnDownBlock3D", "DownBlock3D"),
        "up_block_types": ("UpBlock3D", "CrossAttnUpBlock3D"),
        "cross_attention_dim": TEXT_WIDTH,
        "norm_num_groups": 2,
        "attention_head_dim": 4,
    }
    return made(lambda: UNet3DConditionModel(**settings | options), seed)


def tiny_vision_encoder(seed: int = 0) -> CLIPVisionModelWithProjection:
    """A CLIP vision encoder: 32x32 pictures, 16 patches and a class token, 32 wide."""
    config = CLIPVisionConfig(
        hidden_size=TEXT_WIDTH,
        intermediate_size=37,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
    )
    return made(lambda: CLIPVisionModelWithProjection(config), seed)


def tiny_image_processor() -> CLIPImageProcessorPil:
    """What turns pictures into `tiny_vision_encoder`'s input."""
    return CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})


def tiny_scheduler(**options: Any) -> DDIMScheduler:
    """AnimateDiff's noise schedule (linear in beta), the samples not clipped."""
    settings: dict[str, Any] = {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "linear",
        "clip_sample": False,
        "steps_offset": 1,
    }
    return DDIMScheduler(**settings | options)


FAMILIES = ("animatediff", "stable-diffusion", "modelscope")
"""The layouts `tiny_model_folder` writes."""


def tiny_model_folder(
    folder: Path, family: str = "animatediff", *, mid: bool = False, vision: bool = False
) -> Path:
    """Write a whole tiny model in diffusers' folder layout, and return its folder.

    `family`: "animatediff" (unet/ is a UNetMotionModel), "stable-diffusion" (unet/ is a
    UNet2DConditionModel beside motion_adapter/) or "modelscope" (unet/ is a UNet3DConditionModel).
    `vision` adds image_encoder/ and feature_extractor/.
    """
    parts: dict[str, Any] = {
        "tokenizer": tiny_tokenizer(),
        "text_encoder": tiny_text_encoder(),
        "vae": tiny_vae(),
        "scheduler": tiny_scheduler(),
    }
    if family == "animatediff":
        parts["unet"] = tiny_motion_unet(mid)
        parts["motion_adapter"] = tiny_motion_adapter(mid)
    elif family == "stable-diffusion":
        parts["unet"] = tiny_unet2d()
        parts["motion_adapter"] = tiny_motion_adapter(mid)
    elif family == "modelscope":
        parts["unet"] = tiny_unet3d()
    else:
        raise ValueError(f"no tiny model of the family '{family}'; there are {FAMILIES}")
    if vision:
        parts["image_encoder"] = tiny_vision_encoder()
        parts["feature_extractor"] = tiny_image_processor()
    pipeline = "TextToVideoSDPipeline" if family == "modelscope" else "AnimateDiffPipeline"
    return write_pipeline(folder, pipeline, parts)


def write_pipeline(folder: Path, pipeline: str, parts: dict[str, Any]) -> Path:
    """Write `parts` (name -> model, tokenizer or scheduler) and the model_index.json over them."""
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, Any] = {"_class_name": pipeline, "_diffusers_version": "0.42.1"}
    for name, part in parts.items():
        part.save_pretrained(folder / name)
        index[name] = [type(part).__module__.split(".")[0], type(part).__name__]
    (folder / "model_index.json").write_text(json.dumps(index, indent=2))
    return folder

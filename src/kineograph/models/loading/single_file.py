"""Personalised checkpoints in one file: a whole Stable Diffusion 1.5 in its original layout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffusers import AutoencoderTiny
from diffusers.loaders.single_file_utils import (
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.checkpoint import compare_keys, read_tensors
from kineograph.models.loading.parts import quiet

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."
"""What the names of each part begin with in such a file."""

_OTHERS = {
    "conditioner.embedders.": "Stable Diffusion XL",
    "cond_stage_model.model.": "Stable Diffusion 2",
    "lora_unet_": "a LoRA, which is applied on top of a model (--lora)",
    "motion_modules.": "a motion module of AnimateDiff (--set motion=FILE)",
}


@dataclass(frozen=True, eq=False)
class SingleFile:
    """The parts of a single file under diffusers' names; a part that is not in it is None.

    Args:
        unet: the spatial U-Net, without motion layers.
        vae: the autoencoder.
        text: the text encoder.
    """

    unet: dict[str, Tensor]
    vae: dict[str, Tensor] | None
    text: dict[str, Tensor] | None


def read_single_file(
    path: str | Path, unet_config: Mapping[str, Any], vae_config: Mapping[str, Any]
) -> SingleFile:
    """A personalised checkpoint (DreamBooth and the like), translated with a base's configs.

    Args:
        path: a .safetensors file, or a .ckpt of tensors only.
        unet_config: of the base's U-Net, with or without motion layers.
        vae_config: of the base's autoencoder.

    Raises:
        ModelError: the file cannot be read, or is something else.
    """
    tensors = read_tensors(path)
    if not any(name.startswith(UNET) for name in tensors):
        raise ModelError(
            f"{path} is {_what(tensors)}, not a checkpoint of Stable Diffusion 1.5 in its original "
            f"layout (it has no {UNET}*); see: kineograph models inspect {path}"
        )
    for mark, what in _OTHERS.items():
        if any(name.startswith(mark) for name in tensors):
            raise ModelError(f"{path} is {what}; a checkpoint of Stable Diffusion 1.5 is wanted")
    with quiet():
        unet = convert_ldm_unet_checkpoint(tensors, _one_depth(unet_config))
        vae = _part(tensors, VAE, lambda: convert_ldm_vae_checkpoint(tensors, dict(vae_config)))
        text = _part(tensors, TEXT, lambda: convert_ldm_clip_checkpoint(tensors))
    return SingleFile(unet, vae, None if text is None else _own_names(text))


def apply_single_file(path: str | Path, unet: Any, vae: Any, text: Any) -> tuple[str, ...]:
    """Put a personalised checkpoint's weights into a base, whole parts only; tells which.

    The motion layers stay as they are, and so does an AutoencoderTiny. Nothing is changed unless
    all of it fits.

    Args:
        path: the file.
        unet: UNet2DConditionModel or UNetMotionModel.
        vae: AutoencoderKL or AutoencoderTiny.
        text: CLIPTextModel.

    Raises:
        ModelError: the file cannot be read, or does not fit the base.
    """
    file = read_single_file(path, unet.config, vae.config)
    held = {"unet": (unet, file.unet)}
    if file.vae is not None and not isinstance(vae, AutoencoderTiny):
        held["vae"] = (vae, file.vae)
    if file.text is not None:
        held["text encoder"] = (text, file.text)
    for name, (network, tensors) in held.items():
        wanted = {key: value for key, value in network.state_dict().items() if _given(key)}
        try:
            compare_keys(tensors, wanted, f"the {name} of this base")
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
    for network, tensors in held.values():
        network.load_state_dict(tensors, strict=False)
    return tuple(held)


def _given(key: str) -> bool:
    """Whether a weight is one that a picture model has."""
    return "motion_modules." not in key and not key.endswith("position_ids")


def _part(
    tensors: Mapping[str, Tensor], mark: str, convert: Callable[[], dict[str, Tensor]]
) -> dict[str, Tensor] | None:
    return convert() if any(name.startswith(mark) for name in tensors) else None


def _own_names(text: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The text encoder's names as transformers has them now, its table of positions left out."""
    names = {key: key.removeprefix("text_model.") for key in text}
    return {names[key]: value for key, value in text.items() if _given(key)}


def _one_depth(config: Mapping[str, Any]) -> dict[str, Any]:
    """A U-Net's config with one number of layers a block, as the original layout has."""
    layers = config["layers_per_block"]
    depths = {layers} if isinstance(layers, int) else set(layers)
    if len(depths) > 1:
        raise ModelError(
            f"the base's blocks have {', '.join(map(str, sorted(depths)))} layers; a checkpoint in "
            "the original layout fits only a base whose blocks are equally deep"
        )
    return dict(config) | {"layers_per_block": depths.pop()}


def _what(tensors: Mapping[str, Tensor]) -> str:
    for mark, what in _OTHERS.items():
        if any(mark in name for name in tensors):
            return what
    return "of another kind"

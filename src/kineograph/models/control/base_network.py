"""A base U-Net from its configuration: what is copied and what of it, without its weights."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

import torch
from diffusers import UNet3DConditionModel, UNetMotionModel
from diffusers.models.embeddings import SinusoidalPositionalEmbedding
from diffusers.models.resnet import TemporalConvLayer
from torch import nn

from kineograph.core.errors import ModelError

BASES = {"UNetMotionModel": UNetMotionModel, "UNet3DConditionModel": UNet3DConditionModel}
"""The U-Nets whose encoders can be copied: with AnimateDiff's motion layers, and ModelScope's."""


def network_config(unet: nn.Module) -> dict[str, Any]:
    """What it takes to build a base U-Net again, as JSON can hold it.

    Raises:
        ModelError: it is no U-Net that can be copied.
    """
    name = type(unet).__name__
    known = _fields(name)
    held: Any = unet.config
    return {
        "_class_name": name,
        **{key: _plain(value) for key, value in held.items() if key in known},
    }


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _fields(name: Any) -> set[str]:
    """The constructor's arguments of a base.

    Raises:
        ModelError: there is no such base.
    """
    if name not in BASES:
        raise ModelError(
            f"a ControlNet was asked for on a {name}; it can be made for {' or '.join(BASES)}"
        )
    return set(signature(BASES[name].__init__).parameters) - {"self"}


def without_weights(network: Mapping[str, Any]) -> nn.Module:
    """The whole base on the meta device, where it takes no memory.

    Raises:
        ModelError: the configuration is none of a base that can be copied.
    """
    name = network.get("_class_name")
    known = _fields(name)
    arguments = {key: value for key, value in network.items() if not key.startswith("_")}
    strange = sorted(set(arguments) - known)
    if strange:
        raise ModelError(
            f"the config of a {name} holds {', '.join(strange)}, which it does not know; it was "
            "written by another version of diffusers"
        )
    if arguments.get("addition_embed_type") or arguments.get("encoder_hid_dim_type"):
        raise ModelError(
            "a ControlNet was asked for on a base that reads more than text and time (SDXL, or "
            "one with an IP-Adapter); it can be made for Stable Diffusion 1.5's U-Net"
        )
    try:
        with torch.device("meta"):
            return BASES[name](**arguments)  # type: ignore[index]
    except (TypeError, ValueError, KeyError, IndexError, NotImplementedError) as error:
        raise ModelError(f"a {name} cannot be built from its config: {error}") from error


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """What diffusers' constructors would have filled the empty layers with."""
    for module in network.modules():
        reset: Any = getattr(module, "reset_parameters", None)
        if reset is not None:
            reset()
        elif isinstance(module, SinusoidalPositionalEmbedding):
            table: Any = module.pe
            _, length, width = table.shape
            table.copy_(SinusoidalPositionalEmbedding(width, length).pe)
    for module in network.modules():
        if isinstance(module, TemporalConvLayer):
            for parameter in module.conv4[-1].parameters():
                nn.init.zeros_(parameter)


def text_width(config: Mapping[str, Any]) -> int:
    """Width of the text features that a base reads."""
    width = config["cross_attention_dim"]
    return int(width if isinstance(width, int) else width[0])

"""SparseCtrl's network: built, started from a base, and what base it was made for."""

from collections.abc import Mapping
from typing import Any, Literal

from diffusers import SparseControlNetModel, UNetMotionModel
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from torch import nn

from kineograph.core.errors import ModelError
from kineograph.models.adapter import BaseShape

Variant = Literal["rgb", "scribble"]
"""What a SparseCtrl reads: latents of pictures, or drawings in pixels."""


def built_network(network: Mapping[str, Any]) -> SparseControlNetModel:
    """The network of a configuration.

    Raises:
        ModelError: it cannot be built.
    """
    arguments = {key: value for key, value in network.items() if not key.startswith("_")}
    try:
        return SparseControlNetModel(**arguments)
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise ModelError(f"SparseCtrl cannot be built from its config: {error}") from error


def held_config(network: SparseControlNetModel) -> dict[str, Any]:
    """A network's configuration, as JSON can hold it."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in network.config.items()
        if not key.startswith("_")
    }


def network_for(base: Any, variant: Variant) -> dict[str, Any]:
    """The configuration of a network for a base, of the published ones' make."""
    shared = (
        "down_block_types",
        "block_out_channels",
        "layers_per_block",
        "downsample_padding",
        "mid_block_scale_factor",
        "act_fn",
        "norm_num_groups",
        "norm_eps",
        "cross_attention_dim",
        "use_linear_projection",
        "num_attention_heads",
        "motion_max_seq_length",
        "motion_num_attention_heads",
    )
    network = {
        key: list(base[key]) if isinstance(base[key], tuple) else base[key] for key in shared
    }
    return network | {
        "in_channels": 4,
        "attention_head_dim": network["num_attention_heads"],
        "conditioning_channels": 4 if variant == "rgb" else 3,
        "use_simplified_condition_embedding": variant == "rgb",
    }


def copy_spatial(unet: UNetMotionModel, network: SparseControlNetModel) -> None:
    """Take over all of the base's encoder but its motion layers.

    Raises:
        ModelError: its layers have been replaced, as by a LoRA that is still on it.
    """
    wanted, held = network.state_dict(), unet.state_dict()
    parts = ("time_embedding.", "down_blocks.", "mid_block.", "conv_in.")
    names = [name for name in wanted if name.startswith(parts) and ".motion_modules." not in name]
    missing = [name for name in names if name not in held]
    if missing:
        raise ModelError(
            f"the base has no {missing[0]}; take LoRAs and other additions off the base before it "
            "is copied"
        )
    network.load_state_dict(wanted | {name: held[name] for name in names})
    for module in network.modules():
        if isinstance(module, AnimateDiffTransformer3D):
            # motion layers that nobody has trained add nothing to the spatial ones
            nn.init.zeros_(module.proj_out.weight)
            nn.init.zeros_(module.proj_out.bias)


def base_of(network: SparseControlNetModel) -> BaseShape:
    """The shape of the base that a network was made for."""
    config: Any = network.config
    widths = tuple(config["block_out_channels"])
    text, layers = config["cross_attention_dim"], config["layers_per_block"]
    read = [
        width
        for width, kind in zip(widths, config["down_block_types"], strict=True)
        if kind.startswith("CrossAttn")
    ]
    down = [width for width in read for _ in range(layers)]
    up = [width for width in reversed(read) for _ in range(layers + 1)]
    return BaseShape(
        family="animatediff",
        widths=widths,
        text_width=text if isinstance(text, int) else text[0],
        latent_channels=config["in_channels"],
        blocks=(*down, widths[-1], *up),
    )

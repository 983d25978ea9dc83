"""Tiny networks written in Stable Diffusion's original layout, as personalised checkpoints are."""

import re
from typing import Any

from torch import Tensor

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}


def original(unet: Any, vae: Any, text: Any) -> dict[str, Tensor]:
    """One checkpoint of all three networks; motion layers have no place in it."""
    levels = len(vae.config.block_out_channels)
    tensors = {
        f"model.diffusion_model.{unet_name(name, unet)}": held
        for name, held in unet.state_dict().items()
        if "motion_modules" not in name
    }
    for name, held in vae.state_dict().items():
        written = vae_name(name, levels)
        square = ".attn_1." in written and held.dim() == 2
        tensors[f"first_stage_model.{written}"] = held[..., None, None] if square else held
    for name, held in text.state_dict().items():
        tensors[f"cond_stage_model.transformer.text_model.{name}"] = held
    return {name: held.detach().clone().contiguous() for name, held in tensors.items()}


def unet_name(name: str, unet: Any) -> str:
    """A weight of a U-Net whose blocks have one layer (downwards; two upwards)."""
    layers = unet.config.layers_per_block
    layers = layers if isinstance(layers, int) else layers[0]
    for ours, theirs in UNET_ENDS.items():
        if name.startswith(f"{ours}."):
            return name.replace(ours, theirs, 1)
    found = re.match(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.*)", name)
    if found is None:
        kind, number, rest = re.match(r"mid_block\.(\w+)\.(\d+)\.(.*)", name).groups()
        place = 2 * int(number) if kind == "resnets" else 1
        return f"middle_block.{place}.{resnet(rest) if kind == 'resnets' else rest}"
    side, block, kind, number, rest = found.groups()
    each = layers + 1
    if side == "down":
        place = int(block) * each + 1 + (layers if kind == "downsamplers" else int(number))
        inside = {"resnets": 0, "attentions": 1, "downsamplers": 0}[kind]
        rest = rest.replace("conv.", "op.") if kind == "downsamplers" else rest
        return f"input_blocks.{place}.{inside}.{resnet(rest) if kind == 'resnets' else rest}"
    place = int(block) * each + (layers if kind == "upsamplers" else int(number))
    attends = "CrossAttn" in unet.config.up_block_types[int(block)]
    inside = {"resnets": 0, "attentions": 1, "upsamplers": 2 if attends else 1}[kind]
    return f"output_blocks.{place}.{inside}.{resnet(rest) if kind == 'resnets' else rest}"


def resnet(name: str) -> str:
    part, leaf = name.rsplit(".", 1)
    return f"{RESNET[part]}.{leaf}"


def vae_name(name: str, levels: int) -> str:
    """A weight of an autoencoder."""
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = re.sub(r"down_blocks\.(\d)\.resnets\.", r"down.\1.block.", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    turned = re.match(r"decoder\.up_blocks\.(\d)\.(resnets|upsamplers)\.", name)
    if turned:
        level = levels - 1 - int(turned[1])
        name = re.sub(r"up_blocks\.\d\.resnets\.", f"up.{level}.block.", name)
        name = re.sub(r"up_blocks\.\d\.upsamplers\.0", f"up.{level}.upsample", name)
    name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    if "mid_block.attentions.0." in name:
        head, rest = name.split("mid_block.attentions.0.")
        part, leaf = rest.rsplit(".", 1)
        return f"{head}mid.attn_1.{VAE_ATTENTION[part]}.{leaf}"
    return name

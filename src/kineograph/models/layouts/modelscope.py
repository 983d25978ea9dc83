"""ModelScope's text-to-video U-Net (2308.06571): its own file and diffusers', both ways.

The original code is latent diffusion's, with a temporal transformer behind every spatial one and
temporal convolutions, "temopral_conv", in every residual block. SMCD's base has these names too.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from diffusers import UNet3DConditionModel
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.checkpoint import compare_keys, shape_of

WHAT = "ModelScope's text-to-video U-Net"

_ENDS = (
    ("time_embed.0", "time_embedding.linear_1"),
    ("time_embed.2", "time_embedding.linear_2"),
    ("input_blocks.0.0", "conv_in"),
    ("input_blocks.0.1", "transformer_in"),
    ("out.0", "conv_norm_out"),
    ("out.2", "conv_out"),
)
_RESIDUAL = (
    ("in_layers.0", "resnets.{}.norm1"),
    ("in_layers.2", "resnets.{}.conv1"),
    ("emb_layers.1", "resnets.{}.time_emb_proj"),
    ("out_layers.0", "resnets.{}.norm2"),
    ("out_layers.3", "resnets.{}.conv2"),
    ("skip_connection", "resnets.{}.conv_shortcut"),
    ("temopral_conv", "temp_convs.{}"),
)
_TEMPORAL_ENDS = re.compile(r"(?:.+\.temp_attentions\.\d+|transformer_in)\.proj_(?:in|out)\.weight")


def detect(tensors: Mapping[str, Any]) -> bool:
    """Whether these names (to tensors or shapes) are those of ModelScope's U-Net, without gates."""
    temporal = any(".temopral_conv." in name for name in tensors)
    return temporal and not any(".gate_attn." in name for name in tensors)


def read(tensors: Mapping[str, Tensor], *, head_dim: int = 64, groups: int = 32) -> Any:
    """The U-Net as diffusers' UNet3DConditionModel, bit for bit; its parameters are the tensors.

    Args:
        tensors: of an original file.
        head_dim: width of an attention head, which no shape tells.
        groups: of its group normalisations, likewise.

    Raises:
        ModelError: they are not those of ModelScope's U-Net, or cannot have these heads and groups.
    """
    said = config(tensors)
    network = _built(said, head_dim, groups)
    compare_keys(tensors, write(network), WHAT)
    modules = dict(_modules(said))
    state = {}
    for name, held in tensors.items():
        ours = _renamed(name, modules)
        state[ours] = held.squeeze(-1) if _TEMPORAL_ENDS.fullmatch(ours) else held
    network.load_state_dict(state, assign=True)
    return network.eval()


def _built(said: Mapping[str, Any], head_dim: int, groups: int) -> Any:
    widths = said["block_out_channels"]
    if any(width % head_dim or width % groups for width in widths):
        raise ModelError(
            f"{WHAT} with levels of {', '.join(map(str, widths))} channels cannot have heads of "
            f"{head_dim} and {groups} groups; give those that it was trained with"
        )
    with torch.device("meta"):
        return UNet3DConditionModel(**said, attention_head_dim=head_dim, norm_num_groups=groups)


def write(network: Any) -> dict[str, Tensor]:
    """The tensors of a UNet3DConditionModel under ModelScope's names."""
    modules = {ours: original for original, ours in _modules(network.config)}
    return {
        _renamed(name, modules): held[..., None] if _TEMPORAL_ENDS.fullmatch(name) else held
        for name, held in network.state_dict().items()
    }


def config(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """What names and shapes tell of the network's configuration.

    Raises:
        ModelError: they do not tell it.
    """
    shapes = {name: shape_of(held) for name, held in tensors.items()}
    ends = sorted(int(found[1]) for name in shapes if (found := _DOWN.fullmatch(name)))
    needed = (_FIRST, _LAST, _TEXT)
    if not ends or any(name not in shapes for name in needed):
        raise ModelError(f"this is not {WHAT}: it lacks {', '.join(needed)} or its downsamplers")
    step = ends[0]
    firsts = [1 + step * level for level in range(len(ends) + 1)]
    crossed = [f"input_blocks.{first}.1.norm.weight" in shapes for first in firsts]
    down = tuple("CrossAttnDownBlock3D" if held else "DownBlock3D" for held in crossed)
    up = tuple("CrossAttnUpBlock3D" if held else "UpBlock3D" for held in reversed(crossed))
    return {
        "in_channels": shapes[_FIRST][1],
        "out_channels": shapes[_LAST][0],
        "down_block_types": down,
        "up_block_types": up,
        "block_out_channels": tuple(
            shapes[f"input_blocks.{first}.0.out_layers.3.weight"][0] for first in firsts
        ),
        "layers_per_block": step - 1,
        "cross_attention_dim": shapes[_TEXT][1],
    }


_DOWN = re.compile(r"input_blocks\.(\d+)\.op\.weight")
_FIRST, _LAST = "input_blocks.0.0.weight", "out.2.weight"
_TEXT = "middle_block.1.transformer_blocks.0.attn2.to_k.weight"


def _modules(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(Original name, diffusers' name) of modules; every tensor is in one of them."""
    layers, levels = said["layers_per_block"], len(said["block_out_channels"])
    yield from _ENDS
    for level, kind in enumerate(said["down_block_types"]):
        first = 1 + level * (layers + 1)
        for slot in range(layers):
            yield from _layer(f"input_blocks.{first + slot}", f"down_blocks.{level}", slot, kind)
        yield f"input_blocks.{first + layers}.op", f"down_blocks.{level}.downsamplers.0.conv"
    yield from _layer("middle_block", "mid_block", 0, "CrossAttn")
    yield from ((f"middle_block.3.{a}", f"mid_block.{b.format(1)}") for a, b in _RESIDUAL)
    for level, kind in enumerate(said["up_block_types"]):
        first = level * (layers + 1)
        for slot in range(layers + 1):
            yield from _layer(f"output_blocks.{first + slot}", f"up_blocks.{level}", slot, kind)
        if level < levels - 1:
            place = 3 if kind.startswith("CrossAttn") else 1
            theirs = f"output_blocks.{first + layers}.{place}.conv"
            yield theirs, f"up_blocks.{level}.upsamplers.0.conv"


def _layer(original: str, ours: str, slot: int, kind: str) -> Iterator[tuple[str, str]]:
    """A residual block and, in levels that read the text, its two transformers."""
    yield from ((f"{original}.0.{a}", f"{ours}.{b.format(slot)}") for a, b in _RESIDUAL)
    if kind.startswith("CrossAttn"):
        yield f"{original}.1", f"{ours}.attentions.{slot}"
        yield f"{original}.2", f"{ours}.temp_attentions.{slot}"


def _renamed(name: str, modules: Mapping[str, str]) -> str:
    """The name with its module's name replaced; the longest that fits."""
    parts = name.split(".")
    for end in range(len(parts) - 1, 0, -1):
        module = modules.get(".".join(parts[:end]))
        if module is not None:
            return ".".join([module, *parts[end:]])
    return name

"""SparseCtrl (2311.16933): AnimateDiff's own files and diffusers' SparseControlNetModel, both ways.

The network is Stable Diffusion's encoder with motion layers of one attention each. Two variants:
"rgb" reads 4 latent channels and a mask through one convolution, "scribble" reads 3 picture
channels and a mask through a stack of convolutions of stride 8.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import SparseControlNetModel
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.checkpoint import compare_keys, shape_of
from kineograph.models.layouts.motion_module import RENAMING

WHAT = "a sparse control network of AnimateDiff"

_CONDITION = "controlnet_cond_embedding"
_PE = ".attention_blocks.0.pos_encoder.pe"


def detect(tensors: Mapping[str, Any]) -> bool:
    """Whether these names (to tensors or shapes) are SparseCtrl in AnimateDiff's layout."""
    condition = any(name.startswith(f"{_CONDITION}.") for name in tensors)
    return condition and any(".temporal_transformer." in name for name in tensors)


def variant(tensors: Mapping[str, Any]) -> str:
    """What it reads: "rgb" (latents) or "scribble" (pictures)."""
    return "rgb" if f"{_CONDITION}.weight" in tensors else "scribble"


def read(
    tensors: Mapping[str, Tensor], *, heads: int = 8, groups: int = 32
) -> SparseControlNetModel:
    """The network of an original file as diffusers' SparseControlNetModel, bit for bit.

    The parameters of the network are the tensors themselves, not copies, in their dtype.

    Args:
        tensors: of an original file.
        heads: of all its attentions, which no shape tells; 8 in the released files.
        groups: of its group normalisations, likewise; 32.

    Raises:
        ModelError: they are not those of a SparseCtrl.
    """
    with torch.device("meta"):
        network = SparseControlNetModel(
            **config(tensors),
            attention_head_dim=heads,
            motion_num_attention_heads=heads,
            norm_num_groups=groups,
        )
    compare_keys(tensors, write(network), WHAT)
    ours = {RENAMING.ours(name) or name: value for name, value in tensors.items()}
    network.load_state_dict(ours, assign=True)
    return network.eval()


def write(network: SparseControlNetModel) -> dict[str, Tensor]:
    """The tensors of the network under AnimateDiff's own names."""
    held = network.state_dict()
    return {RENAMING.original(name) or name: value for name, value in held.items()}


def config(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """What names and shapes of an original file tell of the network's configuration.

    Raises:
        ModelError: they do not tell it.
    """
    shapes = {name: shape_of(value) for name, value in tensors.items()}
    rgb = f"{_CONDITION}.weight" in shapes
    first = shapes.get(f"{_CONDITION}.weight" if rgb else f"{_CONDITION}.conv_in.weight")
    widths = _widths(shapes)
    text = [shape[-1] for name, shape in shapes.items() if name.endswith("attn2.to_k.weight")]
    frames = [shape[1] for name, shape in shapes.items() if name.endswith(_PE)]
    if first is None or not (widths and text and frames and "conv_in.weight" in shapes):
        raise ModelError(f"this is not {WHAT}: it lacks its input convolutions or its first layers")
    crossed = [f"down_blocks.{i}.attentions.0.norm.weight" in shapes for i in range(len(widths))]
    stack = {} if rgb else {"conditioning_embedding_out_channels": _stack(shapes)}
    return stack | {
        "in_channels": shapes["conv_in.weight"][1],
        "conditioning_channels": first[1] - 1,  # the last one is the mask of given frames
        "concat_conditioning_mask": True,
        "use_simplified_condition_embedding": rgb,
        "down_block_types": tuple(
            "CrossAttnDownBlockMotion" if cross else "DownBlockMotion" for cross in crossed
        ),
        "block_out_channels": widths,
        "layers_per_block": len(_numbers(shapes, r"down_blocks\.0\.resnets\.(\d+)\.")),
        "cross_attention_dim": text[0],
        "motion_max_seq_length": frames[0],
    }


def _widths(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    levels = len(_numbers(shapes, r"down_blocks\.(\d+)\."))
    named = [f"down_blocks.{level}.resnets.0.conv2.weight" for level in range(levels)]
    return tuple(shapes[name][0] for name in named if name in shapes)


def _stack(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The widths of the scribble variant's convolutions: 16, 32, 96, 256 in the released file."""
    odd = [n for n in _numbers(shapes, rf"{_CONDITION}\.blocks\.(\d+)\.") if n % 2]
    wider = [f"{_CONDITION}.blocks.{number}.weight" for number in odd]
    names = [f"{_CONDITION}.conv_in.weight", *wider]
    return tuple(shapes[name][0] for name in names if name in shapes)


def _numbers(shapes: Mapping[str, tuple[int, ...]], pattern: str) -> list[int]:
    found = (re.match(pattern, name) for name in shapes)
    return sorted({int(match[1]) for match in found if match})

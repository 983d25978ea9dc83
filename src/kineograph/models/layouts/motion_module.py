"""AnimateDiff's motion module (2307.04725): its own files and diffusers' MotionAdapter, both ways.

Versions differ in two places only: v2 has a module in the middle block too, and v1 knows 24 frames
where v2 and v3 know 32. The table of sinusoidal positions is stored once for each attention, and
diffusers keeps one for both: the two must be equal, as AnimateDiff makes them.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import MotionAdapter
from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.checkpoint import compare_keys, shape_of
from kineograph.models.layouts.renaming import Renaming

WHAT = "a motion module of AnimateDiff"

_BLOCK = "{at}.temporal_transformer.transformer_blocks.{block}"
RENAMING = Renaming(
    fields={
        "at": r"(?:(?:down|up)_blocks\.\d+|mid_block)\.motion_modules\.\d+",
        "block": r"\d+",
        "edge": "norm|proj_in|proj_out",
        "of": r"to_[qkv]\.weight|to_out\.0\.weight|to_out\.0\.bias",
        "leaf": "weight|bias",
        "layer": r"net\.0\.proj|net\.2",
    },
    pairs=(
        ("{at}.temporal_transformer.{edge}.{leaf}", "{at}.{edge}.{leaf}"),
        (_BLOCK + ".attention_blocks.0.{of}", "{at}.transformer_blocks.{block}.attn1.{of}"),
        (_BLOCK + ".attention_blocks.1.{of}", "{at}.transformer_blocks.{block}.attn2.{of}"),
        (
            _BLOCK + ".attention_blocks.0.pos_encoder.pe",
            "{at}.transformer_blocks.{block}.pos_embed.pe",
        ),
        (_BLOCK + ".norms.0.{leaf}", "{at}.transformer_blocks.{block}.norm1.{leaf}"),
        (_BLOCK + ".norms.1.{leaf}", "{at}.transformer_blocks.{block}.norm2.{leaf}"),
        (_BLOCK + ".ff_norm.{leaf}", "{at}.transformer_blocks.{block}.norm3.{leaf}"),
        (_BLOCK + ".ff.{layer}.{leaf}", "{at}.transformer_blocks.{block}.ff.{layer}.{leaf}"),
    ),
)
"""Names of the motion module in AnimateDiff's files and in diffusers."""

_SECOND_PE = ".attention_blocks.1.pos_encoder.pe"
_FIRST_PE = ".attention_blocks.0.pos_encoder.pe"
_WHOLE_UNET = ("conv_in.weight", "conv_out.weight", "time_embedding.linear_1.weight")
_PLACE = re.compile(r"(down_blocks|up_blocks|mid_block)(?:\.(\d+))?\.motion_modules\.(\d+)\.")
_PROBE = "down_blocks.0.motion_modules.0.temporal_transformer."


def detect(tensors: Mapping[str, Any]) -> bool:
    """Whether these names (to tensors or shapes) are a motion module in AnimateDiff's layout."""
    condition = any(name.startswith("controlnet_cond_embedding.") for name in tensors)
    return f"{_PROBE}proj_in.weight" in tensors and not condition


def variant(tensors: Mapping[str, Any]) -> str:
    """The version: "v1", "v2", "v3", or "sdxl" for the one that fits only SDXL."""
    if any(name.startswith("mid_block.motion_modules.") for name in tensors):
        return "v2"
    widths = [width for width, _, _ in _levels(tensors, "down_blocks")]
    if widths == [320, 640, 1280]:
        return "sdxl"
    return "v1" if _frames(tensors) == 24 else "v3"


def read(tensors: Mapping[str, Tensor], *, heads: int = 8, groups: int = 32) -> MotionAdapter:
    """The motion module of an original file as diffusers' MotionAdapter, bit for bit.

    The parameters of the adapter are the tensors themselves, not copies, in their dtype. A whole
    U-Net, as AnimateDiff's trainer saves it, is read as AnimateDiff does: its motion layers only.

    Args:
        tensors: of an original file, any version.
        heads: of attention, which no shape tells; 8 in every released file.
        groups: of the group normalisation, likewise; 32.

    Raises:
        ModelError: they are not those of a motion module.
    """
    motion = motion_part(tensors)
    with torch.device("meta"):
        adapter = MotionAdapter(
            **config(motion), motion_num_attention_heads=heads, motion_norm_num_groups=groups
        )
    compare_keys(motion, write(adapter), WHAT)
    renamed, _ = RENAMING.read(without_second_table(motion))
    adapter.load_state_dict(renamed, assign=True)
    return adapter.eval()


def write(motion: nn.Module) -> dict[str, Tensor]:
    """The motion layers of a MotionAdapter or a UNetMotionModel under AnimateDiff's own names.

    Raises:
        ModelError: it has none, or layers that AnimateDiff's layout has no name for.
    """
    held = {n: value for n, value in motion.state_dict().items() if ".motion_modules." in n}
    original, unknown = RENAMING.write(held)
    if unknown or not held:
        found = unknown[0] if unknown else "no motion layer"
        raise ModelError(f"AnimateDiff's layout has no name for {found}; give a motion module")
    for name in list(original):
        twin = name.replace(_FIRST_PE, _SECOND_PE)
        if twin != name and twin.replace("pos_encoder.pe", "to_q.weight") in original:
            original[twin] = original[name]
    return original


def motion_part(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The motion layers of a file; of a whole U-Net's they are a part.

    Raises:
        ModelError: there is none, or beside them stand tensors that are not a U-Net's and would be
            lost (a widened input convolution, for example).
    """
    motion = {name: value for name, value in tensors.items() if ".motion_modules." in name}
    others = [name for name in tensors if name not in motion]
    if not motion:
        raise ModelError(f"this is not {WHAT}: no name in it has 'motion_modules'")
    whole = all(name in tensors for name in _WHOLE_UNET)
    if others and not (whole and shape_of(tensors["conv_in.weight"])[1] == 4):
        raise ModelError(
            f"this is not {WHAT} alone: it also holds {', '.join(others[:3])}, which would be "
            "lost; give a file of motion layers, or of the whole U-Net"
        )
    return motion


def config(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """What names and shapes of an original file tell of MotionAdapter's configuration.

    Raises:
        ModelError: they do not tell it.
    """
    down, middle = _levels(tensors, "down_blocks"), _levels(tensors, "mid_block")
    frames = _frames(tensors)
    if not down or frames is None:
        raise ModelError(f"this is not {WHAT}: it lacks its first layers or their positions (pe)")
    return {
        "block_out_channels": tuple(width for width, _, _ in down),
        "motion_layers_per_block": _one([modules for _, modules, _ in down]),
        "motion_transformer_layers_per_block": _one([blocks for _, _, blocks in down]),
        "motion_mid_block_layers_per_block": middle[0][1] if middle else 1,
        "motion_transformer_layers_per_mid_block": middle[0][2] if middle else 1,
        "use_motion_mid_block": bool(middle),
        "motion_max_seq_length": frames,
    }


def _levels(tensors: Mapping[str, Any], part: str) -> list[tuple[int, int, int]]:
    """(Width, modules, transformer blocks in each) of the levels of a part of the U-Net."""
    levels: dict[int, tuple[int, set[int], set[int]]] = {}
    for name, value in tensors.items():
        place = _PLACE.match(name)
        if place is None or place[1] != part:
            continue
        level = int(place[2] or 0)
        _, modules, blocks = levels.setdefault(level, (0, set(), set()))
        modules.add(int(place[3]))
        if block := re.search(r"transformer_blocks\.(\d+)\.", name):
            blocks.add(int(block[1]))
        if name.endswith(".temporal_transformer.norm.weight"):
            levels[level] = (shape_of(value)[0], modules, blocks)
    ordered = [levels[number] for number in sorted(levels)]
    return [(width, len(modules), len(blocks)) for width, modules, blocks in ordered if width]


def _frames(tensors: Mapping[str, Any]) -> int | None:
    """How many frames the table of positions has."""
    found = (shape_of(value)[1] for name, value in tensors.items() if name.endswith(_FIRST_PE))
    return next(found, None)


def _one(numbers: list[int]) -> int | tuple[int, ...]:
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)


def without_second_table(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with one table of positions a block, that of its first attention.

    Raises:
        ModelError: a block has two that differ.
    """
    for name in tensors:
        twin = name.replace(_SECOND_PE, _FIRST_PE)
        if twin != name and twin in tensors and not torch.equal(tensors[name], tensors[twin]):
            raise ModelError(f"{name} differs from the table of the first attention; one is kept")
    return {name: value for name, value in tensors.items() if not name.endswith(_SECOND_PE)}

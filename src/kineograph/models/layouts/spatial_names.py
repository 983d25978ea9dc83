"""What the spatial blocks of a U-Net are called: by latent diffusion's code, and by diffusers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Literal, TypeVar

from kineograph.models.gates import BlockShape

Names = Literal["original", "diffusers"]
Value = TypeVar("Value")
Place = tuple[int, int, int, int]

_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "original": re.compile(
        r"(?:model\.diffusion_model\.)?(?P<part>input_blocks|middle_block|output_blocks)"
        r"\.(?P<first>\d+)(?:\.(?P<second>\d+))?\.transformer_blocks\.(?P<depth>\d+)\.(?P<rest>.+)"
    ),
    "diffusers": re.compile(
        r"(?:unet\.)?(?P<part>down_blocks|mid_block|up_blocks)(?:\.(?P<first>\d+))?"
        r"\.attentions\.(?P<second>\d+)\.transformer_blocks\.(?P<depth>\d+)\.(?P<rest>.+)"
    ),
}
_PARTS = ("input_blocks down_blocks", "middle_block mid_block", "output_blocks up_blocks")


def placed(name: str, names: Names = "original") -> tuple[Place, str] | None:
    """Where a tensor's block is, and what the tensor is called in it; None outside such blocks.

    Places compare in the order of `models.gates.spatial_blocks`: down, middle, up.
    """
    found = _PATTERNS[names].fullmatch(name)
    if found is None:
        return None
    part = next(i for i, named in enumerate(_PARTS) if found["part"] in named.split())
    first, second = (int(found[field] or 0) for field in ("first", "second"))
    return (part, first, second, int(found["depth"])), found["rest"]


def gathered(
    tensors: Mapping[str, Value], inside: str, names: Names = "original"
) -> dict[Place, dict[str, Value]]:
    """The tensors of one submodule in every block that has it, in the order of the blocks.

    Args:
        tensors: by name.
        inside: the submodule's name within a block, as "fuser".
        names: the layout.

    Returns:
        For each place the tensors by their names within the submodule.
    """
    held: dict[Place, dict[str, Value]] = {}
    for name, value in tensors.items():
        found = placed(name, names)
        if found is not None and found[1].startswith(f"{inside}."):
            held.setdefault(found[0], {})[found[1].removeprefix(f"{inside}.")] = value
    return dict(sorted(held.items()))


def block_names(blocks: Sequence[BlockShape], names: Names = "original") -> list[str]:
    """What spatial blocks are called, given where they are; each level has its blocks in order."""
    layers = _layers(blocks)
    top = max(block.level for block in blocks)
    counters = {(block.part, block.level): count() for block in blocks}
    called = _original if names == "original" else _diffusers
    return [called(block, next(counters[block.part, block.level]), layers, top) for block in blocks]


def block_shapes_of(
    widths: Mapping[Place, int],
    names: Names = "original",
    *,
    heads: int | None = None,
    head_dim: int = 64,
) -> tuple[BlockShape, ...]:
    """The shapes of the blocks at some places.

    Args:
        widths: channels of the block at each place.
        names: the layout of the places.
        heads: of every block; None takes as many as heads of `head_dim` make up its width.
        head_dim: see `heads`.
    """
    levels = _levels(widths, names)
    shapes = []
    for place, width in sorted(widths.items()):
        each = heads or max(1, width // head_dim)
        part = ("down", "mid", "up")[place[0]]
        shapes.append(BlockShape(width, each, width // each, part, levels[place]))
    return tuple(shapes)


def _levels(places: Iterable[Place], names: Names) -> dict[Place, int]:
    """How often the latent grid has been halved at each place."""
    held = list(places)
    if names == "original":  # on the way down each level's blocks are followed by a downsampler
        run = _run(first for part, first, *_ in held if part == 0)
        steps = {place: (place[1] - (place[0] == 0)) // (run + 1) for place in held}
    else:
        steps = {place: place[1] for place in held}
    top = max(step for place, step in steps.items() if place[0] == 2)
    return {place: (step, top, top - step)[place[0]] for place, step in steps.items()}


def _layers(blocks: Sequence[BlockShape]) -> int:
    """Blocks a level on the way down."""
    first = min(block.level for block in blocks if block.part == "down")
    return sum(block.part == "down" and block.level == first for block in blocks)


def _original(block: BlockShape, index: int, layers: int, top: int) -> str:
    if block.part == "mid":
        return "middle_block.1.transformer_blocks.0"
    if block.part == "down":  # after the input convolution; each level ends with a downsampler
        return f"input_blocks.{1 + block.level * (layers + 1) + index}.1.transformer_blocks.0"
    return f"output_blocks.{(top - block.level) * (layers + 1) + index}.1.transformer_blocks.0"


def _diffusers(block: BlockShape, index: int, layers: int, top: int) -> str:
    if block.part == "mid":
        return "mid_block.attentions.0.transformer_blocks.0"
    where = (
        f"down_blocks.{block.level}" if block.part == "down" else f"up_blocks.{top - block.level}"
    )
    return f"{where}.attentions.{index}.transformer_blocks.0"


def _run(numbers: Iterable[int]) -> int:
    """How many of the lowest numbers follow one another without a gap."""
    held = sorted(set(numbers))
    return next((i for i, number in enumerate(held) if number != held[0] + i), len(held))

"""GLIGEN (2301.07093): the published text-box checkpoints and diffusers' GLIGEN U-Nets, both ways.

The published file is a dict of model, autoencoder, text_encoder, diffusion and config_dict; what
GLIGEN trained of `model` is position_net.* and, in every spatial block, fuser.*. Everything else
in it is Stable Diffusion 1.4 as it was, and is not read.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.adapter import BaseShape
from kineograph.models.checkpoint import compare_keys, shape_of
from kineograph.models.gates import BlockShape
from kineograph.models.grounding.grounding import Grounding, GroundingConfig
from kineograph.models.layouts.spatial_names import (
    Names,
    block_names,
    block_shapes_of,
    gathered,
)

WHAT = "a GLIGEN text-box model"
HEADS = 8
"""Attention heads of every block of Stable Diffusion 1.x."""
SLOTS = 30
"""How many boxes GLIGEN was trained to read."""

_NET = "position_net."


def detect(tensors: Mapping[str, Any]) -> bool:
    """Whether these names (to tensors or shapes) are GLIGEN's, in either layout."""
    return any(gathered(tensors, "fuser", names) for names in ("original", "diffusers"))


def variant(tensors: Mapping[str, Any]) -> str:
    """Whose names they are: "original" or "diffusers"."""
    return names_of(tensors)


def names_of(tensors: Mapping[str, Any]) -> Names:
    """The layout of the names.

    Raises:
        ModelError: they are not GLIGEN's.
    """
    if gathered(tensors, "fuser", "original"):
        return "original"
    if gathered(tensors, "fuser", "diffusers"):
        return "diffusers"
    raise ModelError(f"this is not {WHAT}: it has no fuser in any spatial block")


def read(
    tensors: Mapping[str, Tensor], *, family: str = "animatediff", heads: int = HEADS
) -> Grounding:
    """The grounding adapter of a GLIGEN file, bit for bit; its parameters are the tensors.

    Args:
        tensors: of the file's `model`, in either layout; what is not GLIGEN's own is left.
        family: of the base the adapter is for; GLIGEN's layers see single frames, so that they go
            onto any base with the same spatial blocks.
        heads: of every block's attention, which no shape tells.

    Raises:
        ModelError: they are not those of a text-box model.
    """
    names = names_of(tensors)
    own = {name.removeprefix("unet."): held for name, held in tensors.items() if _is_own(name)}
    made = build(config(own, family=family, heads=heads))
    compare_keys(own, write(made, names), WHAT)
    state = {name: held for name, held in own.items() if name.startswith(_NET)}
    for index, held in enumerate(gathered(own, "fuser", names).values()):
        state |= {f"gates.{index}.{name}": tensor for name, tensor in held.items()}
    made.load_state_dict(state, assign=True)
    return made.eval()


def write(adapter: Grounding, names: Names = "original") -> dict[str, Tensor]:
    """The adapter's tensors under GLIGEN's own names, or under diffusers'."""
    called = block_names(adapter.config.blocks, names)
    written = {}
    for name, held in adapter.state_dict().items():
        if name.startswith("gates."):
            _, index, rest = name.split(".", 2)
            name = f"{called[int(index)]}.fuser.{rest}"
        written[name] = held
    return written


def config(
    tensors: Mapping[str, Any], *, family: str = "animatediff", heads: int = HEADS
) -> GroundingConfig:
    """What names and shapes tell of the adapter.

    Raises:
        ModelError: they do not tell it, or tell of a model that is grounded by something else.
    """
    names = names_of(tensors)
    fusers = gathered(tensors, "fuser", names)
    first, last = (shape_of(tensors.get(f"{_NET}{name}", ())) for name in _ENDS)
    linear = shape_of(next(iter(fusers.values())).get("linear.weight", ()))
    if not (len(first) == 1 and len(last) == 2 and len(linear) == 2):
        raise ModelError(
            f"this is not {WHAT}: it lacks {_NET}{_ENDS[0]} or {_NET}{_ENDS[1]}; models that are "
            "grounded by pictures, key points or maps are not read"
        )
    widths = {place: shape_of(held["linear.weight"])[0] for place, held in fusers.items()}
    blocks = block_shapes_of(widths, names, heads=heads)
    return GroundingConfig(
        base=base_shape(blocks, family, linear[1]),
        blocks=blocks,
        label_width=first[0],
        token_width=last[0],
        objects=SLOTS,
    )


def base_shape(blocks: tuple[BlockShape, ...], family: str, text_width: int) -> BaseShape:
    """The base that gates of some blocks stand in; levels without blocks are as the middle is."""
    middle = next(block for block in blocks if block.part == "mid")
    by_level = {block.level: block.channels for block in blocks}
    widths = tuple(by_level.get(level, middle.channels) for level in range(middle.level + 1))
    return BaseShape(
        family=family,
        widths=widths,
        text_width=text_width,
        latent_channels=4,
        blocks=tuple(block.channels for block in blocks),
    )


def build(config: GroundingConfig) -> Grounding:
    """An adapter without its weights, on the meta device."""
    with torch.device("meta"):
        return Grounding(config)


_ENDS = ("null_positive_feature", "linears.4.weight")


def _is_own(name: str) -> bool:
    return name.removeprefix("unet.").startswith(_NET) or ".fuser." in name

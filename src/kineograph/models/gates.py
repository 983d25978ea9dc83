"""Gates: layers between a spatial block's self-attention and its attention to the text."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.condition import Tokens


class Gate(nn.Module, ABC):
    """A layer that changes a frame's features by what its tokens say; at first not at all."""

    @abstractmethod
    def forward(
        self,
        x: Float[Tensor, "batch_frames cells width"],
        tokens: Tokens,
        strength: float | int | Tensor = 1.0,
    ) -> Float[Tensor, "batch_frames cells width"]:
        """The features, changed.

        Args:
            x: the frame's features after self-attention, cells row by row.
            tokens: what is said of each frame.
            strength: 0 leaves x as it is; what is added grows with it.
        """


@dataclass(frozen=True)
class BlockShape:
    """A spatial transformer block of a U-Net.

    Args:
        channels: the width of its features.
        heads: of its self-attention.
        head_dim: the width of each.
        part: "down", "mid" or "up".
        level: how many times the latent grid has been halved there.
    """

    channels: int
    heads: int
    head_dim: int
    part: str
    level: int


def spatial_blocks(unet: nn.Module) -> list[BasicTransformerBlock]:
    """The spatial transformer blocks, downwards, in the middle, upwards, each in order."""
    return [block for _, _, block in _placed(unet)]


def block_shapes(unet: nn.Module) -> list[BlockShape]:
    """The shapes of `spatial_blocks`, in their order."""
    shapes = []
    for part, level, block in _placed(unet):
        attention = block.attn1
        heads = attention.heads
        width = attention.to_q.in_features
        shapes.append(BlockShape(width, heads, attention.inner_dim // heads, part, level))
    return shapes


def _placed(unet: Any) -> Iterator[tuple[str, int, BasicTransformerBlock]]:
    down, up = list(unet.down_blocks), list(unet.up_blocks)
    parts = [("down", level, block) for level, block in enumerate(down)]
    parts.append(("mid", len(down) - 1, unet.mid_block))
    parts += [("up", len(up) - 1 - index, block) for index, block in enumerate(up)]
    for part, level, block in parts:
        for attention in getattr(block, "attentions", None) or ():
            if isinstance(attention, Transformer2DModel):
                for layer in attention.transformer_blocks:
                    yield part, level, layer


@dataclass(frozen=True)
class GateInput:
    """What a U-Net hands its gates: for each adapter its tokens and its strength."""

    held: Mapping[str, tuple[Tokens, float | int | Tensor]]


class GateStack:
    """One block's gates, in order; a plain callable, so that the base's weights keep their names.

    `BasicTransformerBlock` calls what stands in its slot `fuser` between self-attention and
    cross-attention, with what is passed as `cross_attention_kwargs["gligen"]["objs"]`.

    Args:
        groups: gates by their adapter's name. The groups act one after the other; the gates of one
            group all read the same features, and their changes are added up.
    """

    def __init__(self, groups: Sequence[Mapping[str, Gate]]) -> None:
        self.groups = [dict(group) for group in groups]

    def __call__(self, x: Tensor, given: GateInput) -> Tensor:
        """The features after the gates of the adapters that something is given to."""
        for group in self.groups:
            said = {name: gate for name, gate in group.items() if name in given.held}
            changed = [gate(x, *given.held[name]) for name, gate in said.items()]
            if changed:
                x = changed[0] + sum(other - x for other in changed[1:])
        return x


def _untouched(x: Tensor, given: Any) -> Tensor:
    """The slot of a temporal block: gates are for the spatial ones."""
    return x


def put_in(unet: nn.Module, stacks: Sequence[Callable[..., Tensor]]) -> None:
    """Put a stack into each spatial block's slot; temporal blocks let everything pass.

    Raises:
        ModelError: other gates are in the slots.
    """
    spatial = spatial_blocks(unet)
    if any("fuser" in vars(block) for block in spatial):
        raise ModelError(
            "this base has gates of another denoiser on it; release() that one first, or load the "
            "base again"
        )
    for module in unet.modules():
        if isinstance(module, BasicTransformerBlock):
            module.fuser = _untouched
    for block, stack in zip(spatial, stacks, strict=True):
        block.fuser = stack


def take_out(unet: nn.Module) -> None:
    """Empty every slot."""
    for module in unet.modules():
        if isinstance(module, BasicTransformerBlock) and "fuser" in vars(module):
            del module.fuser


@torch.no_grad()
def gate_values(named: Iterable[tuple[str, Tensor]]) -> dict[str, float]:
    """How far each gate is open, by name: the tanh of its alpha. Gates near zero do nothing.

    Args:
        named: parameters by name, of which those that are called alpha count.
    """
    found = {
        name: held
        for name, held in named
        if held.numel() == 1 and name.rsplit(".", 1)[-1].startswith("alpha")
    }
    if not found:
        return {}
    opened = torch.stack([held.detach().float().reshape(()) for held in found.values()]).tanh()
    return dict(zip(found, opened.tolist(), strict=True))

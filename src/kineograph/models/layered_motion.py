"""Layered motion: a picture as a few layers, each of which moves as a whole, as the words say.

Wang and Adelson (1994) tell a video so: masks, and an affine motion of each. A network that has to
say so moves things and not their cells, and what a text says of one, left or round, is one small
answer and not one for every cell.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.conditioning.first_motion import places

LAYERS = 6
"""How many layers there are; what stays behind them is one of these."""

HIDDEN = 128
"""Width of what decides a layer's motion."""

AFFINE = 6
"""Numbers of an affine motion: how far the layer's middle goes, and how what is around it does."""

WAVES = 2
"""Waves of which a motion over time is made, beside a straight and a bent line."""


@dataclass(frozen=True, eq=False)
class Layered:
    """What `LayeredMotion` says.

    Args:
        moved: displacement over time, in `first_motion.UNIT`.
        masks: how much of each cell of the first frame belongs to each layer; they sum to 1.
    """

    moved: Float[Tensor, "batch 2 frames rows columns"]
    masks: Float[Tensor, "batch layers rows columns"]


class LayeredMotion(nn.Module):
    """Masks on the first frame, and an affine motion about its middle for each.

    Args:
        features: channels that the masks are read from.
        text: numbers that say the text.
    """

    def __init__(self, features: int, text: int) -> None:
        super().__init__()
        self.masks = nn.Conv2d(features, LAYERS, kernel_size=3, padding=1)
        self.norm = nn.LayerNorm(features)
        self.hears = nn.Linear(text, HIDDEN)
        self.sees = nn.Linear(features + 3, HIDDEN)
        self.times = nn.Linear(2 + 2 * WAVES, HIDDEN, bias=False)
        last = nn.Linear(HIDDEN, AFFINE)
        self.says = nn.Sequential(nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), last)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(
        self,
        features: Float[Tensor, "batch frames channels rows columns"],
        text: Float[Tensor, "batch numbers"],
    ) -> Layered:
        """The layers and where they go; nothing of a new one moves.

        Args:
            features: on the first frame's grid; what they say of the masks is averaged over time.
            text: of each clip.
        """
        batch, frames, _, rows, columns = features.shape
        seen = self.masks(features.flatten(0, 1)).float()
        masks = reduce(seen, "(b f) k h w -> b k h w", "mean", b=batch).softmax(dim=1)
        size = masks.sum(dim=(2, 3))[..., None]
        share = masks / size[..., None].clamp(min=1e-3)
        look = torch.einsum("bkhw,bchw->bkc", share, features.float().mean(dim=1))
        at = places(rows, columns, features.device)
        middle = torch.einsum("bkhw,hwx->bkx", share, at)
        like = self.norm.weight.dtype
        told = torch.cat(
            [self.norm(look.to(like)), (size / rows / columns).to(like), middle.to(like)], 2
        )
        known = self.hears(text.to(like))[:, None] + self.sees(told)
        time = self.times(_waves(frames, features.device).to(like))
        affine = self.says(known[:, :, None] + time).float()
        slope = rearrange(affine[..., 2:], "b k f (x y) -> b k f x y", x=2)
        away = at - middle[:, :, None, None]
        gone = torch.einsum("bkfxy,bkhwy->bkfhwx", slope, away) + affine[..., None, None, :2]
        return Layered(torch.einsum("bkhw,bkfhwx->bxfhw", masks, gone), masks)


@contextmanager
def masks_said(network: nn.Module) -> Iterator[list[Tensor]]:
    """Inside, the masks of every layered motion that a network says are kept in the list."""
    kept: list[Tensor] = []
    hooks = [
        held.register_forward_hook(lambda _, given, made: kept.append(made.masks))
        for held in network.modules()
        if isinstance(held, LayeredMotion)
    ]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()


def _waves(frames: int, device: torch.device) -> Float[Tensor, "frames waves"]:
    time = torch.linspace(0, 1, frames, device=device)[:, None]
    turns = math.pi * torch.arange(1, WAVES + 1, device=device) * time
    return torch.cat([time, time**2, turns.sin(), turns.cos()], dim=1)

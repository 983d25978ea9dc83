"""What an adapter has made of a clip's conditions: the tensors it reads at every step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from kineograph.core.errors import ModelError


@dataclass(frozen=True, eq=False)
class Residuals:
    """What a ControlNet adds to the skip connections and the middle of a U-Net.

    Args:
        down: (batch * frames, channels, height, width) for each skip connection, in order.
        mid: the same for the middle block's output.
    """

    down: tuple[Tensor, ...]
    mid: Tensor

    def scaled(self, strength: float | int | Tensor) -> "Residuals":
        """All of them times `strength`."""
        return self.each(lambda held: held * strength)

    def __add__(self, other: "Residuals") -> "Residuals":
        down = tuple(a + b for a, b in zip(self.down, other.down, strict=True))
        return Residuals(down, self.mid + other.mid)

    def each(self, change: Callable[[Tensor], Tensor]) -> "Residuals":
        """A function of each tensor."""
        return Residuals(tuple(change(held) for held in self.down), change(self.mid))


@dataclass(frozen=True, eq=False)
class Tokens:
    """What gates attend to, frame by frame.

    Args:
        tokens: the tokens of every frame of every clip.
        frames: frames a clip.
        grid: (height, width) of the latents, from which a gate knows its own level's.
        extra: whatever else the gates read, (batch * frames, ...) each.
    """

    tokens: Float[Tensor, "batch_frames length width"]
    frames: int
    grid: tuple[int, int]
    extra: Mapping[str, Tensor] = field(default_factory=dict)

    def each(self, change: Callable[[Tensor], Tensor]) -> "Tokens":
        """A function of each tensor."""
        extra = {name: change(held) for name, held in self.extra.items()}
        return replace(self, tokens=change(self.tokens), extra=extra)


@dataclass(frozen=True, eq=False)
class Condition:
    """One adapter's condition for a batch of clips; what it does not use is None.

    Args:
        channels: joined to the latents at the input.
        tokens: for the gates in the spatial blocks.
        hint: a ControlNet's input, already on the latent grid.
        residuals: a ControlNet's output, where it does not change from step to step.
    """

    channels: Float[Tensor, "batch channels frames height width"] | None = None
    tokens: Tokens | None = None
    hint: Float[Tensor, "batch hint_channels frames height width"] | None = None
    residuals: Residuals | None = None

    @property
    def frames(self) -> int:
        """How many frames a clip has.

        Raises:
            ModelError: the condition is empty.
        """
        for held in (self.channels, self.hint):
            if held is not None:
                return int(held.shape[2])
        if self.tokens is None:
            raise ModelError("a condition without tensors has no frames")
        return self.tokens.frames

    @staticmethod
    def cat(conditions: Sequence["Condition"]) -> "Condition":
        """Several batches as one, in order."""
        return _joined(conditions)

    def repeat(self, count: int) -> "Condition":
        """The batch `count` times over."""
        return Condition.cat([self] * count)

    def picked(self, frames: Sequence[int]) -> "Condition":
        """Some frames only, as a context window sees them."""
        held, index = self.frames, list(frames)

        def clip(tensor: Tensor) -> Tensor:
            return tensor[:, :, index]

        def rows(tensor: Tensor) -> Tensor:
            apart = rearrange(tensor, "(b f) ... -> b f ...", f=held)
            return rearrange(apart[:, index], "b f ... -> (b f) ...")

        tokens = None if self.tokens is None else self.tokens.each(rows)
        return Condition(
            channels=None if self.channels is None else clip(self.channels),
            tokens=None if tokens is None else replace(tokens, frames=len(index)),
            hint=None if self.hint is None else clip(self.hint),
            residuals=None if self.residuals is None else self.residuals.each(rows),
        )

    def to(self, **where: Any) -> "Condition":
        """The same at another device or dtype, as of `Tensor.to`; whole numbers keep theirs."""

        def move(tensor: Tensor) -> Tensor:
            return tensor.to(**where) if tensor.is_floating_point() else tensor.to(**_place(where))

        return Condition(
            channels=None if self.channels is None else move(self.channels),
            tokens=None if self.tokens is None else self.tokens.each(move),
            hint=None if self.hint is None else move(self.hint),
            residuals=None if self.residuals is None else self.residuals.each(move),
        )


def _place(where: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in where.items() if name != "dtype"}


def _joined(parts: Sequence[Any]) -> Any:
    """Tensors joined along the first axis, and so through everything that holds tensors."""
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat(list(parts))
    if isinstance(first, tuple) and first and isinstance(first[0], Tensor):
        return tuple(_joined(items) for items in zip(*parts, strict=True))
    if isinstance(first, Mapping):
        return {name: _joined([part[name] for part in parts]) for name in first}
    if isinstance(first, Condition | Tokens | Residuals):
        joined = {name: _joined([getattr(part, name) for part in parts]) for name in vars(first)}
        return type(first)(**joined)
    return first

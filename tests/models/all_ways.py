"""A small real adapter that acts in all three ways: at the input, by gates, on the skips."""

import torch
from einops import repeat
from torch import Tensor, nn

from kineograph.models.adapter import Adapter, AdapterConfig
from kineograph.models.condition import Condition, Residuals, Tokens
from kineograph.models.gates import Gate
from kineograph.models.given import Given


class AllWaysConfig(AdapterConfig):
    """What it takes to build it."""

    place: int = 10
    blocks_with_gates: tuple[int, ...] | None = None


class Shift(Gate):
    """Adds what a token says to every cell, through a matrix that starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(4, width, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(self, x: Tensor, tokens: Tokens, strength: float | int | Tensor = 1.0) -> Tensor:
        return x + strength * self.linear(tokens.tokens) * (1 + x)


class AllWays(Adapter):
    """Reads the picture's latent: its mean colour, and it as it is."""

    kind = "all-ways"
    Config = AllWaysConfig
    reads = frozenset({"picture"})

    def __init__(self, config: AllWaysConfig) -> None:
        super().__init__(config)
        base = config.base
        self.conv = nn.Conv2d(4, base.widths[0], 3, padding=1, bias=False)
        nn.init.zeros_(self.conv.weight)
        wanted = config.blocks_with_gates
        self.gates = nn.ModuleList(
            Shift(width)
            for index, width in enumerate(base.blocks)
            if wanted is None or index in wanted
        )
        self.mid = nn.Parameter(torch.zeros(base.widths[-1]))

    @property
    def rank(self) -> int:
        return self.config.place

    @property
    def gate_blocks(self) -> tuple[int, ...]:
        return self.config.blocks_with_gates or tuple(range(len(self.config.base.blocks)))

    def condition(self, given: Given) -> Condition:
        shape = (given.batch, 4, *given.grid)
        latent = torch.zeros(shape) if given.picture_latent is None else given.picture_latent
        latent = latent * given.has_picture()[:, None, None, None]
        means = repeat(latent.mean((2, 3)), "b c -> (b f) 1 c", f=given.frames)
        return Condition(
            channels=repeat(latent, "b c h w -> b c f h w", f=given.frames),
            tokens=Tokens(means, given.frames, given.grid),
        )

    def residuals(self, condition: Condition, timestep: Tensor, text: Tensor) -> Residuals | None:
        assert condition.channels is not None
        batch, _, frames, height, width = condition.channels.shape
        share = 1 + condition.channels.mean()
        rows, (first, last) = batch * frames, self.config.base.widths
        small = (height // 2, width // 2)
        down = [(first, height, width), (first, height, width), (first, *small), (last, *small)]
        skips = tuple(torch.zeros(rows, *shape) for shape in down)
        mid = share * self.mid[None, :, None, None].expand(rows, last, *small)
        return Residuals(skips, mid)

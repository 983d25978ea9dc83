"""SMCD's visual encoder: the first frame's latent as a few tokens (arXiv 2403.10179)."""

from collections.abc import Sequence

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn


class VisualEncoder(nn.Module):
    """A convolutional network from a latent to tokens, an eighth of its sides apart.

    A convolution, then a stage for each width of `depth` residual blocks; every stage but the
    first begins by halving the sides (rounded up). At the released size a latent of 32x32 gives
    16 tokens of 1,024, from 202,936,064 parameters. Module names are those of SMCD's files:
    conv_in, body.N.{in_conv, block1, block2, down_opt.op}.

    Args:
        channels: of the latent.
        widths: of the stages; the last is the tokens'.
        depth: residual blocks a stage.
    """

    def __init__(
        self,
        channels: int = 4,
        widths: Sequence[int] = (256, 512, 1024, 1024),
        depth: int = 3,
    ) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.body = nn.ModuleList()
        before = widths[0]
        for stage, width in enumerate(widths):
            for index in range(depth):
                self.body.append(_ResidualBlock(before, width, halve=stage > 0 and index == 0))
                before = width

    def forward(
        self, latent: Float[Tensor, "batch channels h w"]
    ) -> Float[Tensor, "batch length width"]:
        """The tokens, row by row."""
        x = self.conv_in(latent)
        for block in self.body:
            x = block(x)
        return rearrange(x, "b c h w -> b (h w) c")


class _ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a ReLU between them, around an identity; no normalisation."""

    def __init__(self, before: int, width: int, *, halve: bool) -> None:
        super().__init__()
        self.down_opt = _Halving(before) if halve else None
        self.in_conv = nn.Conv2d(before, width, 3, padding=1)
        self.block1 = nn.Conv2d(width, width, 3, padding=1)
        self.block2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """The features of the next block."""
        if self.down_opt is not None:
            x = self.down_opt(x)
        x = self.in_conv(x)
        added: Tensor = self.block2(torch.relu(self.block1(x)))
        return x + added


class _Halving(nn.Module):
    """A convolution of stride 2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """The features at half the sides."""
        halved: Tensor = self.op(x)
        return halved

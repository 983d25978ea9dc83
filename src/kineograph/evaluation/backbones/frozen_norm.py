"""Batch normalisation as it is after training: a scale and a shift a channel."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class FrozenNorm(nn.Module):
    """Normalises by the statistics of training; the names of its tensors are BatchNorm's.

    Args:
        channels: of what it normalises.
        least: added to variances.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, least: float = 1e-3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self._least = least

    def forward(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "..."]:
        """The same shape."""
        return functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self._least
        )

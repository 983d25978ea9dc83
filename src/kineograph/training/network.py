"""A training step as one network: what Accelerate prepares, synchronises and shards."""

from typing import Any

import torch
from torch import nn

from kineograph.training.contracts import Learner, Step

_COMPILED = ("BasicTransformerBlock", "ResnetBlock2D", "TemporalConvLayer")
"""The blocks of diffusers that come many times, by name: compiled once, used everywhere."""


class StepNetwork(nn.Module):
    """All networks of a subject in one, whose forward is a whole training step.

    Gradients meet in its forward and backward, so that DDP and FSDP see every weight, however the
    step uses the networks. Modes and weights are left as the subject has them.

    Args:
        subject: what trains.
        step: from subject, batch and chance to the loss.
        compiled: whether the blocks of its U-Net are compiled.
    """

    def __init__(self, subject: Learner, step: Step, *, compiled: bool = False) -> None:
        super().__init__()
        self.networks = nn.ModuleList([subject.denoiser, *subject.base.networks.values()])
        self._subject, self._step = subject, step
        if compiled:
            for block in subject.denoiser.modules():
                if type(block).__name__ in _COMPILED:
                    block.compile()

    def forward(self, batch: Any, generator: torch.Generator) -> Any:
        """The loss of a batch."""
        return self._step(self._subject, batch, generator)

"""What the loop asks of those it calls: subject, step, source of batches, probes, progress."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from kineograph.data.skipped import SkipReport
from kineograph.training.probes.measured import Measured
from kineograph.training.stage import Probe

RunProbes = Callable[[tuple[Probe, ...], Any, int], Iterable[Measured]]
"""Probes that are due, subject and step to what they find."""
Progress = Callable[[int, int, Mapping[str, float]], None]
"""Steps done, steps in all and the numbers of the last one: a progress bar."""
OnEvent = Callable[[str], None]
"""What happened, in a sentence for a person."""


@runtime_checkable
class Learner(Protocol):
    """What the loop asks of a `Subject`."""

    @property
    def base(self) -> Any:
        """Its `networks` are every network of the base, by name."""

    @property
    def denoiser(self) -> nn.Module:
        """The base's U-Net with all adapters."""

    def trainable(self) -> dict[str, nn.Parameter]:
        """What learns, by name, always in the same order."""

    def frozen_digest(self) -> str:
        """A hash of everything that must not change."""


@runtime_checkable
class StepLoss(Protocol):
    """What the loop asks of a `Loss`."""

    total: Tensor
    """A number with a gradient."""
    parts: Mapping[str, float]
    """What it is made of, for the record."""


Step = Callable[[Any, Any, torch.Generator], Any]
"""Subject, batch and chance to loss, as `kineograph.training.step.training_step`."""


@runtime_checkable
class Position(Protocol):
    """What is asked of the data: to say where it is, and to go there."""

    def state_dict(self) -> dict[str, Any]:
        """Where it is, in plain data and tensors."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go there."""


@runtime_checkable
class Source(Position, Protocol):
    """Where batches come from, as `kineograph.training.source` makes it."""

    def part(self, process: int, processes: int, device: torch.device) -> Any:
        """The share of one of several processes, from the beginning, with batches on a device."""

    def __iter__(self) -> Iterator[Any]:
        """Batches without end, from where it is."""

    @property
    def report(self) -> SkipReport:
        """What had to be left out so far."""

    def close(self) -> None:
        """Let go of what reads ahead."""

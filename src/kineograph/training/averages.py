"""The moving average of the weights, which is what is probed and exported."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor

from kineograph.training.sharding import own_part, placed_like, whole_like

Weights = Mapping[str, torch.nn.Parameter]


class Averages:
    """An exponential moving average of weights; with a decay of 0 there is none, at no cost.

    Early on it forgets faster: the decay at step n is at most (1 + n) / (10 + n).

    Args:
        weights: what is averaged, by name.
        decay: how much of the average stays at each step.
    """

    def __init__(self, weights: Weights, decay: float | int) -> None:
        self._weights = dict(weights)
        self._held: EMAModel | None = None
        if decay:
            self._held = EMAModel(self._parts(), decay=decay, foreach=True)

    def update(self) -> None:
        """Take in the weights as they are after a step."""
        if self._held is not None:
            self._held.step(self._parts())

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Inside, the weights are their average; afterwards they are exactly as they were."""
        if self._held is None:
            yield
            return
        self._held.store(self._parts())
        self._held.copy_to(self._parts())
        try:
            yield
        finally:
            self._held.restore(self._parts())

    def settle(self) -> None:
        """Make the weights their average for good: training is over."""
        if self._held is not None:
            self._held.copy_to(self._parts())

    @property
    def updates(self) -> int:
        """How many steps were taken in."""
        return 0 if self._held is None else int(self._held.optimization_step)

    def tensors(self) -> dict[str, Tensor]:
        """The averages by name, whole; empty if there are none."""
        if self._held is None:
            return {}
        shadows = self._held.shadow_params
        pairs = zip(self._weights.items(), shadows, strict=True)
        return {name: whole_like(shadow, held) for (name, held), shadow in pairs}

    def load(self, tensors: Mapping[str, Tensor], updates: int) -> None:
        """Go on from what `tensors` and `updates` said."""
        if self._held is None:
            return
        self._held.optimization_step = updates
        pairs = zip(self._weights.items(), self._held.shadow_params, strict=True)
        for (name, held), shadow in pairs:
            shadow.copy_(own_part(placed_like(tensors[name], held)))

    def _parts(self) -> list[Tensor]:
        """What this process holds of the weights: an average needs nothing of the others."""
        return [own_part(held) for held in self._weights.values()]

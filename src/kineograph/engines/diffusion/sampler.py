"""The sampler: noise becomes latents, step by step, under guidance."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from kineograph.engines.diffusion.guidance import Guidance
from kineograph.engines.diffusion.schedulers import step_options
from kineograph.engines.diffusion.strength import Schedule
from kineograph.engines.diffusion.terms import Branch
from kineograph.engines.diffusion.windows import Windows
from kineograph.models.condition import Condition
from kineograph.models.denoiser import Denoiser

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True, eq=False)
class Told:
    """What the model is told in one branch of the guidance.

    Args:
        text: the text encoder's features, one row a clip.
        conditions: what each adapter reads.
    """

    text: Float[Tensor, "batch length width"]
    conditions: Mapping[str, Condition] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Step:
    """Where the sampler is, after a step.

    Args:
        index: of the step, counted from 0.
        steps: how many there are.
        timestep: of the noise schedule.
        latents: what the next step starts from.
    """

    index: int
    steps: int
    timestep: int | float
    latents: Latents


OnStep = Callable[[Step], Tensor | None]
"""Called after each step; latents that it returns take the place of the step's own. An exception
stops the sampling."""


@dataclass(eq=False)
class Sampler:
    """Denoises latents with a model, a noise schedule and guidance.

    Args:
        denoiser: the base with its adapters.
        scheduler: a diffusers scheduler whose timesteps are set.
        branches: what is told in each branch that the guidance may ask for.
        guidance: how the branches' predictions are combined at each step.
        strengths: of adapters over the steps; 1 where nothing is said.
        windows: for clips longer than the model's motion layers reach; None sees all frames.
        dtype: what the network computes in; the schedule always computes in float32.
    """

    denoiser: Denoiser
    scheduler: Any
    branches: Mapping[Branch, Told]
    guidance: Guidance
    strengths: Mapping[str, Schedule] = field(default_factory=dict)
    windows: Windows | None = None
    dtype: torch.dtype = torch.float32
    _joined: dict[tuple[Branch, ...], Told] = field(default_factory=dict, init=False, repr=False)

    @torch.no_grad()
    def __call__(
        self,
        latents: Latents,
        generator: torch.Generator | None = None,
        on_step: OnStep | None = None,
    ) -> Latents:
        """Latents without noise.

        Args:
            latents: noise, already scaled by the schedule's first sigma.
            generator: draws what a stochastic schedule draws.
            on_step: see `OnStep`.
        """
        timesteps: Iterable[Tensor] = self.scheduler.timesteps
        extra = step_options(self.scheduler, generator)
        for index, timestep in enumerate(timesteps):
            scaled = self.scheduler.scale_model_input(latents, timestep)
            predicted = self.predict(scaled, timestep, index).to(latents.dtype)
            latents = self.scheduler.step(predicted, timestep, latents, return_dict=False, **extra)[
                0
            ]
            if on_step is not None:
                step = Step(index, len(self.scheduler.timesteps), timestep.item(), latents)
                changed = on_step(step)
                latents = latents if changed is None else changed
        return latents

    def predict(self, sample: Latents, timestep: Tensor, index: int) -> Latents:
        """The guided prediction of one step; branches that do not count are not run."""
        steps = len(self.scheduler.timesteps)
        shares = self.guidance.coefficients(index, steps)
        active = tuple(shares)
        told = self._told(active)
        strengths = {name: held.value(index, steps) for name, held in self.strengths.items()}
        batch = sample.to(self.dtype).repeat(len(active), 1, 1, 1, 1)
        made = self._windowed(batch, timestep.to(sample.device), told, strengths, index)
        apart = dict(zip(active, made.float().chunk(len(active)), strict=True))
        return self.guidance.combine(apart, index, steps)

    def _windowed(
        self,
        batch: Tensor,
        timestep: Tensor,
        told: Told,
        strengths: Mapping[str, float],
        index: int,
    ) -> Tensor:
        """The network's prediction for all frames, window by window where they are many."""
        if self.windows is None:
            return self.denoiser(batch, timestep, told.text, told.conditions, strengths)
        windows = moved(self.windows, index)

        def predictions() -> Iterator[Tensor]:
            for frames in windows.frames:
                picked = {name: held.picked(frames) for name, held in told.conditions.items()}
                part = batch[:, :, frames.start : frames.stop]
                yield self.denoiser(part, timestep, told.text, picked, strengths)

        return windows.blend(predictions())

    def _told(self, active: Sequence[Branch]) -> Told:
        """The branches as one batch; kept, since most steps ask for the same ones."""
        key = tuple(active)
        if key not in self._joined:
            parts = [self.branches[branch] for branch in key]
            names = parts[0].conditions
            self._joined[key] = Told(
                torch.cat([part.text for part in parts]),
                {name: Condition.cat([part.conditions[name] for part in parts]) for name in names},
            )
        return self._joined[key]


def moved(windows: Windows, index: int) -> Windows:
    """The windows of one step: a third of their distance earlier than in the step before."""
    return replace(windows, shift=index * max(1, windows.stride // 3) % windows.stride)

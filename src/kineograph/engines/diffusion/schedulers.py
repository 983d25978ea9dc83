"""Schedulers: a sampling method of diffusers, set up with what the model was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, Literal

import diffusers
import torch

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.flow import FlowScheduler
from kineograph.engines.diffusion.methods import METHODS, Method, check_kind, method
from kineograph.engines.diffusion.noise_schedules import (
    NoiseSchedule,
    differences,
    noise_schedule,
)

SPACINGS = ("leading", "trailing", "linspace")


@dataclass(frozen=True, eq=False)
class Chosen:
    """A scheduler ready to sample with.

    Args:
        scheduler: diffusers' own, or a `FlowScheduler` around it; its timesteps are set.
        steps: how many steps were asked for; `len(scheduler.timesteps)` may be more (heun).
        notes: what a user should know, a sentence each.
    """

    scheduler: Any
    steps: int
    notes: tuple[str, ...] = ()


def scheduler_for(
    name: str,
    config: Mapping[str, Any],
    motion: str | None = None,
    *,
    steps: int | None = None,
    spacing: str | None = None,
    wrong: Literal["correct", "refuse"] = "correct",
    device: torch.device | str = "cpu",
) -> Chosen:
    """A scheduler for a model, by name.

    Args:
        name: one of `METHODS`.
        config: the scheduler config of the model's folder; empty if it has none.
        motion: what the motion layers are, one of `NOISE_SCHEDULES`; None trusts the config, and
            has to be for a flow.
        steps: of denoising; the method's usual number if None.
        spacing: of the timesteps: "leading", "trailing" or "linspace"; the model's own if None.
            SMCD's grid, 1 + (0, 20, ..., 980), is leading with 50 steps. A flow's levels are even.
        wrong: what happens where the config does not fit the motion layers: it is put right and
            said in the notes, or refused. A folder of Stable Diffusion under an AnimateDiff motion
            module never fits as it is.
        device: where the timesteps lie.

    Raises:
        EngineError: the method is unknown or cannot follow the noise schedule, or is not for what
            the model predicts, the number of steps is impossible, or the config is refused.
    """
    asked = method(name)
    check_kind(name, config)
    if asked.flow:
        return _flow(asked, config, motion or spacing, steps, device)
    notes = []
    settled: dict[str, Any] = {}
    if motion is not None:
        wanted = noise_schedule(motion)
        notes += _fit(config, wanted, motion, wrong)
        settled = wanted.config() | {"timestep_spacing": wanted.spacing}
    settled |= asked.options
    if spacing is not None:
        settled["timestep_spacing"] = _known_spacing(spacing)
    steps = asked.steps if steps is None else steps
    notes += _steps_notes(name, asked, steps)
    return Chosen(_made(name, asked, {**config, **settled}, steps, device), steps, tuple(notes))


def _flow(
    asked: Method,
    config: Mapping[str, Any],
    schedule: str | None,
    steps: int | None,
    device: torch.device | str,
) -> Chosen:
    """A scheduler of a flow, its timesteps set."""
    if schedule is not None:
        raise EngineError(
            f"the noise schedule or spacing {schedule} was given, and this model predicts a flow, "
            "which has neither; leave it out"
        )
    made = FlowScheduler(asked.target, asked.options, config)
    steps = asked.steps if steps is None else steps
    _check_steps(steps, made.trained)
    made.set_timesteps(steps, device)
    return Chosen(made, steps)


def step_options(
    scheduler: Any, generator: torch.Generator | None = None, eta: float | int | None = None
) -> dict[str, Any]:
    """What a scheduler's `step` takes of a generator and eta (DDIM: 0 draws no noise, the default).

    Raises:
        EngineError: eta is given to a scheduler that has none.
    """
    takes = signature(scheduler.step).parameters
    if eta is not None and "eta" not in takes:
        raise EngineError(
            f"eta {eta:g} was given, but {type(scheduler).__name__} has none; ddim has"
        )
    given = {"generator": generator} | ({} if eta is None else {"eta": eta})
    return {key: value for key, value in given.items() if key in takes}


def _fit(config: Mapping[str, Any], wanted: NoiseSchedule, motion: str, wrong: str) -> list[str]:
    """A note on what is put right in the model's scheduler config.

    Raises:
        EngineError: something is wrong and that is to be refused.
    """
    found = list(differences(config, wanted))
    if not found:
        return []
    told = f"the model's scheduler does not fit motion layers {motion}: {'; '.join(found)}"
    if wrong == "refuse":
        raise EngineError(f"{told}; mend its scheduler_config.json, or let it be corrected")
    return [f"{told}; put right, as colours would be wrong"]


def _made(
    name: str, asked: Method, config: dict[str, Any], steps: int, device: torch.device | str
) -> Any:
    """The scheduler with its timesteps set."""
    made = getattr(diffusers, asked.target)
    takes = signature(made.__init__).parameters
    if config.get("rescale_betas_zero_snr") and "rescale_betas_zero_snr" not in takes:
        able = [
            known
            for known, held in METHODS.items()
            if not held.flow and _takes(known, "rescale_betas_zero_snr")
        ]
        raise EngineError(
            f"scheduler {name} cannot begin at pure noise as this model has to; "
            f"use one of {', '.join(able)}"
        )
    scheduler = made.from_config({key: value for key, value in config.items() if key in takes})
    _check_steps(steps, scheduler.config.num_train_timesteps)
    try:
        scheduler.set_timesteps(steps, device=device)
    except ValueError as error:
        told = " ".join(str(error).split())
        raise EngineError(f"scheduler {name} cannot do {steps} steps: {told}") from None
    return scheduler


def _check_steps(steps: int, limit: int) -> None:
    if not 1 <= steps <= limit:
        raise EngineError(f"{steps} steps were asked for; give 1 to {limit}")


def _takes(name: str, option: str) -> bool:
    return option in signature(getattr(diffusers, METHODS[name].target).__init__).parameters


def _steps_notes(name: str, asked: Method, steps: int) -> list[str]:
    """A sentence where a few-step method is given another number of steps than it is made for."""
    if not asked.few or steps in asked.few:
        return []
    return [
        f"{steps} steps were asked for; models for scheduler {name} are made for "
        f"{', '.join(map(str, asked.few))}"
    ]


def _known_spacing(spacing: str) -> str:
    if spacing not in SPACINGS:
        raise EngineError(f"timestep spacing {spacing} was given; give {' or '.join(SPACINGS)}")
    return spacing

"""Models that predict a flow: how their scheduler config says so, and how they are sampled.

A flow's network is told the noise level times the number of timesteps, a number and not a place in
a table, and says noise minus clip (Lipman et al. 2023, arXiv:2210.02747; Liu et al. 2023,
arXiv:2209.03003). `training/noising.py` trains so.
"""

from collections.abc import Mapping
from inspect import signature
from typing import Any

import diffusers
import torch
from jaxtyping import Float
from torch import Tensor

from kineograph.core.errors import EngineError

Latents = Float[Tensor, "batch channels frames height width"]

STEPS = 1000
"""Timesteps of a config that does not say how many it has."""

FLOW_CONFIG: Mapping[str, Any] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": STEPS,
    "shift": 1.0,
}
"""The scheduler config of a model that was trained to predict a flow, as diffusers reads it."""

LEAST_SIGNAL = 1e-6
"""What solvers that count in log(signal / noise) find of the clip in pure noise, whose logarithm is
not finite; diffusers' UniPC begins there too."""


def is_flow(config: Mapping[str, Any]) -> bool:
    """Whether a scheduler's config is that of a model which predicts a flow.

    It is by its class, as a FlowMatchEulerDiscreteScheduler, or by prediction_type, as a
    UniPCMultistepScheduler with flow_prediction.
    """
    predicts = str(config.get("prediction_type")).removesuffix("_prediction")
    return str(config.get("_class_name")).startswith("FlowMatch") or predicts == "flow"


def prediction_of(config: Mapping[str, Any]) -> str:
    """What a model predicts by its scheduler's config: "epsilon", "v_prediction" or "flow"."""
    said = str(config.get("prediction_type") or "epsilon")
    return "flow" if is_flow(config) else {"v": "v_prediction"}.get(said, said)


def shift_of(config: Mapping[str, Any]) -> float:
    """How far a flow's levels lie towards noise; 1 leaves them even.

    Raises:
        EngineError: it depends on the size of the picture.
    """
    if config.get("use_dynamic_shifting"):
        raise EngineError(
            "the model's scheduler shifts its flow by the picture's size (use_dynamic_shifting), "
            "which this engine does not; set it false, and shift, in its scheduler_config.json"
        )
    return float(config.get("flow_shift") or config.get("shift") or 1.0)


def levels(steps: int, shift: float | int = 1.0) -> Float[Tensor, " steps"]:
    """Noise levels that so many steps begin at, from 1, pure noise, evenly down; the end is 0.

    Args:
        steps: of sampling.
        shift: s becomes shift s / (1 + (shift - 1) s) (Esser et al. 2024, arXiv:2403.03206, 5.3.2).
    """
    even = torch.linspace(1, 0, steps + 1, dtype=torch.float64)[:-1]
    return (shift * even / (1 + (shift - 1) * even)).float()


class FlowScheduler:
    """One of diffusers' schedulers, sampling a flow; to be used as they are.

    Their grids differ and some begin short of pure noise or round timesteps, which a flow's network
    has never seen so; here all have the same one, `levels`.

    Args:
        target: the name of diffusers' class.
        options: of its config.
        config: of the model's scheduler; its number of timesteps and its shift are read.

    Raises:
        EngineError: the shift depends on the size of the picture.
    """

    init_noise_sigma = 1.0

    def __init__(self, target: str, options: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        self.trained = int(config.get("num_train_timesteps") or STEPS)
        self.shift = shift_of(config)
        made = getattr(diffusers, target)
        takes = signature(made.__init__).parameters
        self._logarithmic = "use_flow_sigmas" in takes
        flow: dict[str, Any] = {}
        if self._logarithmic:
            flow = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
        self._held = made(num_train_timesteps=self.trained, **flow, **options)

    @property
    def config(self) -> Any:
        """That of diffusers' scheduler."""
        return self._held.config

    @property
    def timesteps(self) -> Float[Tensor, " evaluations"]:
        """What the network is told: the levels times the number of timesteps of training."""
        timesteps: Tensor = self._held.timesteps
        return timesteps

    def set_timesteps(self, steps: int, device: torch.device | str = "cpu") -> None:
        """Begin anew, with so many steps."""
        self._held.set_timesteps(steps, device=device)
        begun = levels(steps, self.shift)
        if self._logarithmic:
            begun = begun.clamp(max=1 - LEAST_SIGNAL)
        if self._held.order == 2:  # every level but the first is looked at twice
            begun = torch.cat([begun[:1], begun[1:].repeat_interleave(2)])
        self._held.sigmas = torch.cat([begun, torch.zeros(1)])
        self._held.timesteps = (begun * self.trained).to(device)

    def scale_model_input(self, sample: Latents, timestep: Tensor) -> Latents:
        """The latents as they are."""
        return sample

    def step(
        self,
        predicted: Latents,
        timestep: Tensor,
        sample: Latents,
        *,
        generator: torch.Generator | None = None,
        return_dict: bool = False,
    ) -> tuple[Latents]:
        """The latents at the next level, in a tuple as diffusers' schedulers give them.

        Args:
            predicted: noise minus clip.
            timestep: the one of `timesteps` whose turn it is.
            sample: the latents at this level.
            generator: draws what a stochastic method draws.
            return_dict: nothing else than a tuple is given.
        """
        extra = {"generator": generator} if self._draws else {}
        made = self._held.step(predicted, timestep, sample, return_dict=False, **extra)
        return (made[0],)

    @property
    def _draws(self) -> bool:
        return "generator" in signature(self._held.step).parameters

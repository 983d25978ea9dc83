"""Noising: which noise level a clip is trained at, what it looks like there, what is predicted."""

from collections.abc import Mapping
from inspect import signature
from typing import Any, Literal

import torch
from diffusers import DDPMScheduler
from jaxtyping import Float
from torch import Tensor

from kineograph.core.errors import TrainingError
from kineograph.engines.diffusion.noise_schedules import noise_schedule
from kineograph.engines.diffusion.outline import OWN

Prediction = Literal["epsilon", "v_prediction", "flow"]
Latents = Float[Tensor, "batch channels frames height width"]

STEPS = 1000
"""Timesteps of a schedule that does not say how many it has."""


def schedule_config(config: Mapping[str, Any], family: str, *, temporal: bool) -> dict[str, Any]:
    """The noise schedule to train with: the one that engine `unet` samples with.

    Motion layers settle it, whatever the folder under them says: AnimateDiff's betas are linear
    although Stable Diffusion's are not. Without motion layers it is the folder's own.

    Args:
        config: of the base's scheduler.
        family: "animatediff" or "modelscope".
        temporal: whether motion layers take part.
    """
    if not temporal or is_flow(config):
        return dict(config)
    name = OWN[family]
    return {**config, **noise_schedule(name).config()}


def is_flow(config: Mapping[str, Any]) -> bool:
    """Whether a scheduler's config is one of flow matching."""
    return str(config.get("_class_name", "")).startswith("FlowMatch")


class Noising:
    """From clean latents x and noise n to what a network sees and what it is to say.

    It sees a x + s n and is timestep t's (a, s). With "epsilon" and "v_prediction" these are the
    schedule's, a^2 + s^2 = 1, and the target is n (Ho et al. 2020, arXiv:2006.11239) or a n - s x
    (Salimans and Ho 2022, arXiv:2202.00512). With "flow" a = 1 - s and the target is n - x (Lipman
    et al. 2023, arXiv:2210.02747; Liu et al. 2023, arXiv:2209.03003).

    Args:
        config: of the scheduler: betas and `rescale_betas_zero_snr` of a diffusion schedule, or
            `shift` of a flow.
        prediction: what the network is to say.

    Raises:
        TrainingError: noise is to be predicted where there is nothing but noise.
    """

    def __init__(self, config: Mapping[str, Any], prediction: Prediction) -> None:
        self.prediction = prediction
        self.steps = int(config.get("num_train_timesteps", STEPS))
        self.shift = float(config.get("shift") or 1.0)
        if prediction == "epsilon" and config.get("rescale_betas_zero_snr"):
            raise TrainingError(
                "the noise schedule ends in pure noise (rescale_betas_zero_snr), and a network "
                "that predicts noise learns nothing there; set objective.prediction=v_prediction, "
                "or take a base with another schedule"
            )
        kept = None if prediction == "flow" else _kept(config)
        self._signal = None if kept is None else kept.sqrt()
        self._noise = None if kept is None else (1 - kept).sqrt()

    def timesteps(
        self, batch: int, generator: torch.Generator, device: torch.device | str = "cpu"
    ) -> Tensor:
        """One timestep a clip, all alike probable; a flow's are any numbers up to `steps`.

        A flow's schedule may be shifted towards noise (Esser et al. 2024, arXiv:2403.03206, 5.3.2).
        """
        if self.prediction != "flow":
            drawn = torch.randint(
                self.steps, (batch,), generator=generator, device=generator.device
            )
            return drawn.to(device)
        share = torch.rand(batch, generator=generator, device=generator.device)
        shifted = self.shift * share / (1 + (self.shift - 1) * share)
        return (shifted * self.steps).to(device)

    def noisy(self, clean: Latents, noise: Latents, timestep: Tensor) -> Latents:
        """What the network sees."""
        signal, spread = self._levels(timestep)
        return signal * clean + spread * noise

    def target(self, clean: Latents, noise: Latents, timestep: Tensor) -> Latents:
        """What the network is to say."""
        if self.prediction == "epsilon":
            return noise
        if self.prediction == "flow":
            return noise - clean
        signal, spread = self._levels(timestep)
        return signal * noise - spread * clean

    def snr(self, timestep: Tensor) -> Float[Tensor, " batch"]:
        """Signal to noise, a^2 / s^2; 0 for pure noise."""
        signal, spread = self._levels(timestep)
        return ((signal / spread) ** 2).flatten()

    def min_snr(self, timestep: Tensor, gamma: float | int) -> Float[Tensor, " batch"]:
        """Weights by which no noise level counts more than its share (min-SNR).

        min(snr, gamma) on the error of the clean latents, said for the error of what is predicted:
        / snr for noise, s^2 for v and flows (Hang et al. 2023, arXiv:2303.09556, 3.4).
        """
        snr = self.snr(timestep)
        if self.prediction == "epsilon":
            return (gamma / snr).clamp(max=1)
        return snr.clamp(max=gamma) * self._levels(timestep)[1].flatten() ** 2

    def _levels(self, timestep: Tensor) -> tuple[Tensor, Tensor]:
        """(a, s) of each clip, for latents of five axes."""
        if self._signal is None or self._noise is None:
            share = (timestep.float() / self.steps)[:, None, None, None, None]
            return 1 - share, share
        if self._signal.device != timestep.device:
            self._signal = self._signal.to(timestep.device)
            self._noise = self._noise.to(timestep.device)
        each = (len(timestep), 1, 1, 1, 1)
        return self._signal[timestep].view(each), self._noise[timestep].view(each)


def _kept(config: Mapping[str, Any]) -> Float[Tensor, " steps"]:
    """How much of the signal's power is left at each timestep.

    Raises:
        TrainingError: the config is none of a diffusion schedule.
    """
    if is_flow(config):
        raise TrainingError(
            f"the base's scheduler is {config['_class_name']}, which is of flows; set "
            "objective.prediction=flow, or take a base with a diffusion schedule"
        )
    takes = signature(DDPMScheduler.__init__).parameters
    known = {name: value for name, value in config.items() if name in takes}
    return DDPMScheduler(**known).alphas_cumprod.float()

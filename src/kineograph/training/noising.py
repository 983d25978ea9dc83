"""Noising: which noise level a clip is trained at, what it looks like there, what is predicted."""

from collections.abc import Mapping
from inspect import signature
from typing import Any, Literal

import torch
from diffusers import DDPMScheduler
from jaxtyping import Float
from torch import Tensor

from kineograph.core.errors import TrainingError
from kineograph.engines.diffusion.flow import (
    FLOW_CONFIG,
    STEPS,
    is_flow,
    prediction_of,
    shift_of,
)
from kineograph.engines.diffusion.noise_schedules import noise_schedule
from kineograph.engines.diffusion.outline import OWN
from kineograph.training.stage import Stage

Prediction = Literal["epsilon", "v_prediction", "flow"]
Latents = Float[Tensor, "batch channels frames height width"]


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


def trained_config(config: Mapping[str, Any], prediction: Prediction) -> dict[str, Any]:
    """The scheduler config of a model once it was trained to predict so: engine `unet` reads it.

    Args:
        config: of the model before; it stays as it is if that said so already.
        prediction: what it was trained to predict.
    """
    if prediction == prediction_of(config):
        return dict(config)
    if prediction == "flow":
        return {**FLOW_CONFIG, "num_train_timesteps": config.get("num_train_timesteps", STEPS)}
    return {**config, "prediction_type": prediction}


def check_prediction(stage: Stage, config: Mapping[str, Any]) -> None:
    """Check that a base which stays as it is goes on predicting what it did.

    Args:
        stage: of a recipe.
        config: of the base's scheduler.

    Raises:
        TrainingError: the stage is to predict something else.
    """
    said, wanted = prediction_of(config), stage.objective.prediction
    if wanted == said or stage.trains == ("vae",) or learns_to_predict(stage):
        return
    raise TrainingError(
        f"stage {stage.name} is to predict {wanted} and its frozen base predicts {said}; set "
        f"objective.prediction={said}, or train unet as well"
    )


def learns_to_predict(stage: Stage) -> bool:
    """Whether a stage changes the base itself, so that it may come to predict something else."""
    return any(part.startswith("unet") for part in stage.trains)


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
        self.shift = shift_of(config) if prediction == "flow" else 1.0
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

    def at(self, place: Float[Tensor, " batch"]) -> Tensor:
        """The timesteps at places from 0, no noise, to 1; a flow's lie between two numbers too."""
        exact = place * self.steps
        return exact.float() if self.prediction == "flow" else exact.long()

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

"""The noise schedules that public models were trained with, and how a folder's own may differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from math import isclose
from typing import Any

import diffusers

from kineograph.core.errors import EngineError
from kineograph.gestures.writing.messages import nearest


@dataclass(frozen=True)
class NoiseSchedule:
    """How noise grows over the timesteps of training.

    Sampling has to use the schedule of training: with another one colours come out washed out or
    burnt, which no error tells.

    Args:
        betas: "linear", or "scaled_linear", which is linear in their square roots (what the latent
            diffusion code calls linear).
        start: the first beta.
        end: the last beta.
        zero_snr: whether they are rescaled so that the last timestep is pure noise (Lin et al.
            2023, arXiv:2305.08891, 3.1).
        prediction: what the network predicts, if the motion layers settle it; else the folder's.
        spacing: of the timesteps that the model's own code samples at.
    """

    betas: str = "scaled_linear"
    start: float = 0.00085
    end: float = 0.012
    zero_snr: bool = False
    prediction: str | None = None
    spacing: str = "leading"

    def config(self) -> dict[str, Any]:
        """The fields of a diffusers scheduler's config that it settles."""
        settled: dict[str, Any] = {
            "num_train_timesteps": 1000,
            "beta_schedule": self.betas,
            "beta_start": self.start,
            "beta_end": self.end,
            "trained_betas": None,
            "rescale_betas_zero_snr": self.zero_snr,
            "clip_sample": False,
            "steps_offset": 1,
        }
        return settled | ({"prediction_type": self.prediction} if self.prediction else {})


_ANIMATEDIFF = NoiseSchedule(betas="linear", spacing="linspace")
_ZERO_SNR = NoiseSchedule(zero_snr=True, prediction="v_prediction", spacing="trailing")

NOISE_SCHEDULES: Mapping[str, NoiseSchedule] = {
    "v1": _ANIMATEDIFF,
    "v2": _ANIMATEDIFF,
    "v3": _ANIMATEDIFF,
    "modelscope": NoiseSchedule(),
    "videocrafter": NoiseSchedule(),
    "dynamicrafter": _ZERO_SNR,
    "motif": _ZERO_SNR,
}
"""By what the motion layers are: AnimateDiff's versions (all linear, although Stable Diffusion is
scaled_linear), ModelScope, VideoCrafter 2, and what predicts v down to pure noise (DynamiCrafter;
MotiF is not public and taken to be like it)."""


def noise_schedule(motion: str) -> NoiseSchedule:
    """The noise schedule that a kind of motion layers was trained with.

    Raises:
        EngineError: the kind is unknown.
    """
    if motion not in NOISE_SCHEDULES:
        raise EngineError(
            f"the noise schedule of motion layers {motion} is not known; "
            f"{nearest(motion, NOISE_SCHEDULES)}known: {', '.join(NOISE_SCHEDULES)}"
        )
    return NOISE_SCHEDULES[motion]


def differences(config: Mapping[str, Any], wanted: NoiseSchedule) -> Iterator[str]:
    """Where a folder's scheduler config is not what the motion layers were trained with.

    Yields:
        such as "beta_schedule is scaled_linear, not linear".
    """
    if not config:
        return  # a folder that says nothing says nothing wrong
    said = {"rescale_betas_zero_snr": False} | _said(config)
    for name, value in wanted.config().items():
        if name == "steps_offset" or name not in said:
            continue  # how to place timesteps is the sampler's choice
        if not _same(said[name], value):
            yield f"{name} is {said[name]}, not {value}"


def _said(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config with the defaults of its scheduler where it leaves something out."""
    made = getattr(diffusers, str(config.get("_class_name")), None)
    if made is None:
        return dict(config)
    given = signature(made.__init__).parameters.items()
    defaults = {name: p.default for name, p in given if p.default is not Parameter.empty}
    return defaults | dict(config)


def _same(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, float) and isinstance(given, int | float):
        return isclose(given, wanted, rel_tol=1e-6)
    return bool(given == wanted)

"""How a clip is sampled: method, steps, guidance, strengths and windows, resolved from settings."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from kineograph.core.errors import EngineError
from kineograph.engines.base import Request
from kineograph.engines.diffusion.guidance import Guidance
from kineograph.engines.diffusion.methods import default_method, is_few_step
from kineograph.engines.diffusion.model import Model
from kineograph.engines.diffusion.outline import check_free_init, trained_on
from kineograph.engines.diffusion.schedulers import scheduler_for
from kineograph.engines.diffusion.strength import Schedule
from kineograph.engines.diffusion.windows import Windows
from kineograph.engines.unet import UnetSettings

GUIDANCE, WINDOW = 7.5, 32
"""What is taken where nothing is said; 7.5 as AnimateDiff's own code does."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything about the sampling of one clip.

    Args:
        scheduler: its timesteps set.
        steps: how many were asked for.
        guidance: over the conditions that are given.
        strengths: of adapters over the steps.
        windows: of context windows, None if all frames are seen at once.
        free_noise: the same for FreeNoise, which blends inside the network instead.
        free_init: rounds of FreeInit beside the first.
        clip_skip: layers of the text encoder left out.
    """

    scheduler: Any
    steps: int
    guidance: Guidance
    strengths: dict[str, Schedule]
    windows: Windows | None
    free_noise: Windows | None
    free_init: int
    clip_skip: int

    @staticmethod
    def of(settings: UnetSettings, model: Model, request: Request) -> "Plan":
        """The plan for a request.

        Raises:
            EngineError: settings do not fit each other or the request.
        """
        config = model.base.scheduler
        name = settings.scheduler or default_method(config)
        weight = settings.guidance
        if weight is None:
            weight = 1.0 if is_few_step(name) else GUIDANCE
        check_free_init(settings, config)
        motion = trained_on(settings, model.base.family, config)
        chosen = scheduler_for(name, config, motion, steps=settings.steps, device=model.device)
        windows = windows_for(request.frames, model.base.frames, settings)
        inside = settings.long == "free-noise"
        strengths = {
            name: Schedule.parse(held, f"the strength of {name}")
            for name, held in settings.strengths.items()
        }
        return Plan(
            scheduler=chosen.scheduler,
            steps=chosen.steps,
            guidance=Guidance.parse(weight).among(request.given()),
            strengths=strengths,
            windows=None if inside else windows,
            free_noise=windows if inside else None,
            free_init=settings.free_init,
            clip_skip=settings.clip_skip,
        )

    def started(
        self, noise: Float[Tensor, "batch channels frames height width"], steps: int
    ) -> Float[Tensor, "batch channels frames height width"]:
        """Noise as the first of so many steps wants it; the scheduler starts anew."""
        self.scheduler.set_timesteps(steps, device=noise.device)
        return noise * self.scheduler.init_noise_sigma


def windows_for(frames: int, reach: int | None, settings: UnetSettings) -> Windows | None:
    """The windows of a clip; None if it fits into one.

    Args:
        frames: of the clip.
        reach: the most frames that the motion layers know positions for; None if any.
        settings: of the engine.

    Raises:
        EngineError: a window is longer than the reach, or its overlap longer than itself.
    """
    length = settings.window or min(reach or WINDOW, WINDOW)
    if reach is not None and length > reach:
        raise EngineError(
            f"windows of {length} frames were asked for; the motion layers of this model reach "
            f"{reach}; set window={reach} or less"
        )
    if frames <= length:
        return None
    overlap = length // 4 if settings.overlap is None else settings.overlap
    return Windows(frames, length, overlap)

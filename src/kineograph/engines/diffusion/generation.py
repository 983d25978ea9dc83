"""One clip by latent diffusion: what is told, noise, denoising, frames."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from kineograph.engines.base import Frame, Progress, Request
from kineograph.engines.diffusion.conditions import acting, branches_told, given_of, with_labels
from kineograph.engines.diffusion.free_init import FreeInit
from kineograph.engines.diffusion.free_noise import repeated_noise, windowed_motion
from kineograph.engines.diffusion.memory import told_of_memory
from kineograph.engines.diffusion.model import Model
from kineograph.engines.diffusion.plan import Plan
from kineograph.engines.diffusion.sampler import OnStep, Sampler, Step, Told
from kineograph.engines.diffusion.terms import EVERYTHING, Branch
from kineograph.engines.unet import UnetSettings
from kineograph.models import vae
from kineograph.models.adapter import Adapter


class Generation:
    """A clip that is being made by a loaded model.

    Args:
        model: the base with its adapters.
        request: what is asked, lowered to what the model reads.
        settings: of the engine.
        on_step: called after each denoising step.
    """

    def __init__(
        self,
        model: Model,
        request: Request,
        settings: UnetSettings,
        on_step: OnStep | None = None,
    ) -> None:
        self.model = model
        self.request = request
        self.plan = Plan.of(settings, model, request)
        self.on_step = on_step

    def frames(self, progress: Progress | None = None) -> Iterator[Frame]:
        """The frames, decoded a few at a time as they are asked for."""
        with self._told_of_memory():
            latents = self.latents(progress)[:, : self.model.base.description.channels]
            parts = vae.decode(self.model.base.vae, latents)
        while (part := self._next(parts)) is not None:
            for image in part[0].numpy():
                yield Frame(image)

    def _next(self, parts: Iterator[Tensor]) -> Tensor | None:
        with self._told_of_memory():
            return next(parts, None)

    def latents(self, progress: Progress | None = None) -> Tensor:
        """The denoised latents, (1, channels, frames, height, width).

        Behind the pictures' channels come those that an adapter carries, such as the motion.
        """
        generator = torch.Generator("cpu").manual_seed(self.request.seed)
        noise = self._noise(generator)
        sampler = self._sampler(generator)
        rounds = FreeInit(self.plan.free_init)
        total = (1 + rounds.rounds) * len(self.plan.scheduler.timesteps)
        told = Watched(self.on_step, progress, total)

        def sample(start: Tensor, steps: int) -> Tensor:
            return sampler(self.plan.started(start, steps), generator, told)

        with self._windowed_motion():
            if not rounds.rounds:
                return sample(noise, self.plan.steps)
            alphas = self.plan.scheduler.alphas_cumprod
            return rounds(sample, noise, alphas, self.plan.steps, generator)

    def _told_of_memory(self) -> AbstractContextManager[None]:
        (width, height), frames = self.request.size, self.request.frames
        what = f"a clip of {frames} frames of {width}x{height}"
        return told_of_memory(what, self.model.settings.memory)

    def _windowed_motion(self) -> AbstractContextManager[None]:
        """FreeNoise's attention, if it is asked for."""
        windows = self.plan.free_noise
        if windows is None:
            return nullcontext()
        return windowed_motion(self.model.denoiser, windows.length, windows.overlap)

    def _noise(self, generator: torch.Generator) -> Tensor:
        """Drawn on the CPU, so that a seed means the same on every device."""
        base, (width, height) = self.model.base, self.request.size
        carried = sum(held.carries for held in self._acting().values())
        channels, stride = base.description.channels + carried, base.stride
        shape = (1, channels, self.request.frames, height // stride, width // stride)
        noise = torch.randn(shape, generator=generator)
        windows = self.plan.free_noise
        if windows is not None:
            noise = repeated_noise(noise, windows.length, windows.stride, generator)
        return noise.to(self.model.device)

    def _sampler(self, generator: torch.Generator) -> Sampler:
        return Sampler(
            denoiser=self.model.denoiser,
            scheduler=self.plan.scheduler,
            branches=self._branches(generator),
            guidance=self.plan.guidance,
            strengths=self.plan.strengths,
            windows=self.plan.windows,
            dtype=self.model.dtype,
        )

    def _branches(self, generator: torch.Generator) -> dict[Branch, Told]:
        adapters = self._acting()
        given = given_of(self.request, self.model.base, generator, self.model.device)
        if any(held.reads_labels for held in adapters.values()):
            given = with_labels(given, self.model.base)
        # In this order, as adapters draw from the generator when they are first asked.
        wanted = dict.fromkeys((EVERYTHING, *self.plan.guidance.branches()))
        return branches_told(wanted, self._texts(), given, adapters)

    def _acting(self) -> dict[str, Adapter]:
        return acting(self.model.adapters, self.request)

    def _texts(self) -> dict[bool, Tensor]:
        request = self.request
        both = self.model.base.text.encode(
            [request.text, request.negative_text], clip_skip=self.plan.clip_skip
        ).to(self.model.device, self.model.dtype)
        return {True: both[:1], False: both[1:]}


class Watched:
    """Tells of each step, whatever round it is in."""

    def __init__(self, on_step: OnStep | None, progress: Progress | None, total: int) -> None:
        self.on_step, self.progress, self.total = on_step, progress, total
        self.done = 0

    def __call__(self, step: Step) -> Tensor | None:
        """Tell; what the caller's function returns takes the place of the latents."""
        self.done += 1
        changed = None if self.on_step is None else self.on_step(step)
        if self.progress is not None:
            self.progress(self.done, self.total, "steps")
        return changed

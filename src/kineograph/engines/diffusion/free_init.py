"""FreeInit: sample again from noise that keeps the low frequencies of the last result (Wu et al.
2023, arXiv:2312.07537), which calms a flickering clip.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from diffusers.pipelines.free_init_utils import FreeInitMixin
from jaxtyping import Float
from torch import Tensor

from kineograph.core.errors import EngineError

Latents = Float[Tensor, "batch channels frames height width"]

Sample = Callable[[Tensor, int], Tensor]
"""Makes clean latents of noise of variance 1, in so many steps."""

Filter = Literal["butterworth", "gaussian", "ideal"]


@dataclass(frozen=True)
class FreeInit:
    """How often and how the noise is made again.

    Args:
        rounds: how often; a clip is sampled once more than that (diffusers' num_iters - 1).
        method: the low-pass filter.
        order: of the Butterworth filter.
        spatial: where the filter stops in height and width, 0 to 1 of the highest frequency.
        temporal: where it stops in time.
        coarse_to_fine: take fewer steps in the first samplings and all only in the last.

    Raises:
        EngineError: a value is not allowed.
    """

    rounds: int = 2
    method: Filter = "butterworth"
    order: int = 4
    spatial: float | int = 0.25
    temporal: float | int = 0.25
    coarse_to_fine: bool = False

    def __post_init__(self) -> None:
        if self.rounds < 0 or self.order < 1:
            raise EngineError(
                f"FreeInit with {self.rounds} rounds of order {self.order} was asked for; give 0 "
                "rounds or more, and an order of at least 1"
            )
        if self.method not in get_args(Filter):
            raise EngineError(
                f"FreeInit filter {self.method} is not known; known: {', '.join(get_args(Filter))}"
            )
        for name in ("spatial", "temporal"):
            if not 0 <= getattr(self, name) <= 1:
                raise EngineError(
                    f"FreeInit's {name} stop frequency is {getattr(self, name):g}; give 0 to 1"
                )

    def __call__(
        self,
        sample: Sample,
        noise: Latents,
        alphas_cumprod: Float[Tensor, " timesteps"],
        steps: int,
        generator: torch.Generator | None = None,
    ) -> Latents:
        """The latents of the last sampling.

        Args:
            sample: what is done in each round.
            noise: of variance 1, which the first sampling starts from.
            alphas_cumprod: of the noise schedule, a diffusers scheduler's.
            steps: of the last sampling.
            generator: draws the high frequencies of each new noise.
        """
        latents = sample(noise, self._steps(0, steps))
        for round_ in range(1, self.rounds + 1):
            again = self.noise_again(latents, noise, alphas_cumprod, generator)
            latents = sample(again, self._steps(round_, steps))
        return latents

    def noise_again(
        self,
        latents: Latents,
        noise: Latents,
        alphas_cumprod: Float[Tensor, " timesteps"],
        generator: torch.Generator | None = None,
    ) -> Latents:
        """Noise with the low frequencies of the result, diffused with the first noise to the last
        timestep, and new high ones.

        Args:
            latents: the result of the last sampling.
            noise: what the first sampling started from.
            alphas_cumprod: of the noise schedule.
            generator: draws the new noise, on its own device.
        """
        share = alphas_cumprod[-1].to(latents.device, torch.float32)
        noisy = share.sqrt() * latents.float() + (1 - share).sqrt() * noise.float()
        device = noise.device if generator is None else generator.device
        fresh = torch.randn(noise.shape, generator=generator, device=device).to(noise.device)
        kept = self.low_pass(latents.shape[2:]).to(noise.device)
        mixed = FreeInitMixin()._apply_freq_filter(noisy, fresh, low_pass_filter=kept)
        return mixed.to(noise.dtype)

    def low_pass(self, shape: tuple[int, ...] | torch.Size) -> Float[Tensor, "frames height width"]:
        """How much of each frequency is kept; frequency 0 is in the middle.

        The same numbers as diffusers', without its loop over every one of them.
        """
        if self.spatial == 0 or self.temporal == 0:
            return torch.zeros(*shape)
        frames, height, width = (2 * torch.arange(n, dtype=torch.float64) / n - 1 for n in shape)
        far = (
            (frames * self.spatial / self.temporal)[:, None, None] ** 2
            + height[:, None] ** 2
            + width**2
        )
        kept: dict[str, Any] = {
            "butterworth": lambda: 1 / (1 + (far / self.spatial**2) ** self.order),
            "gaussian": lambda: torch.exp(-far / (2 * self.spatial**2)),
            "ideal": lambda: far <= 2 * self.spatial,
        }
        return kept[self.method]().float()

    def _steps(self, round_: int, steps: int) -> int:
        """Steps of one sampling."""
        if not self.coarse_to_fine:
            return steps
        return max(1, steps * (round_ + 1) // (self.rounds + 1))

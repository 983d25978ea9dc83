"""FreeInit against diffusers' mixin."""

from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler
from diffusers.pipelines.free_init_utils import FreeInitMixin
from torch import Tensor

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.free_init import FreeInit

SHAPE = (2, 4, 6, 5, 8)


class Theirs(FreeInitMixin):
    """Diffusers' mixin without the rest of its pipeline."""

    def __init__(self, **options: Any) -> None:
        self.scheduler = DDIMScheduler(beta_start=0.00085, beta_end=0.012, clip_sample=False)
        self.enable_free_init(**options)


@pytest.mark.parametrize("method", ["butterworth", "gaussian", "ideal"])
@pytest.mark.parametrize(("spatial", "temporal"), [(0.25, 0.25), (0.5, 0.2), (0, 0.3)])
def test_the_filter_is_that_of_diffusers(method: Any, spatial: float, temporal: float) -> None:
    theirs = Theirs()._get_free_init_freq_filter(
        (1, 1, *SHAPE[2:]), "cpu", method, 4, spatial, temporal
    )
    ours = FreeInit(method=method, spatial=spatial, temporal=temporal).low_pass(SHAPE[2:])
    torch.testing.assert_close(ours, theirs[0, 0])


def model(noise: Tensor, steps: int) -> Tensor:
    """Stands for a sampling: something that depends on all of the noise and on the steps."""
    return noise.cumsum(2) * 0.2 + noise.roll(1, 3) + steps


@pytest.mark.parametrize("coarse", [False, True])
def test_the_rounds_are_those_of_diffusers(coarse: bool) -> None:
    theirs, cpu = Theirs(num_iters=3, use_fast_sampling=coarse), torch.device("cpu")
    start = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    wanted = start
    for index in range(3):
        wanted, timesteps = theirs._apply_free_init(
            wanted, index, 10, cpu, torch.float32, generator
        )
        wanted = model(wanted, len(timesteps))
    ours = FreeInit(rounds=2, coarse_to_fine=coarse)(
        model, start, theirs.scheduler.alphas_cumprod, 10, torch.Generator().manual_seed(1)
    )
    torch.testing.assert_close(ours, wanted)


def test_steps_grow_from_coarse_to_fine() -> None:
    asked: list[int] = []

    def sample(noise: Tensor, steps: int) -> Tensor:
        asked.append(steps)
        return noise

    shares = torch.linspace(1, 0, 10)
    FreeInit(rounds=2, coarse_to_fine=True)(sample, torch.zeros(SHAPE), shares, 25)
    FreeInit(rounds=1)(sample, torch.zeros(SHAPE), shares, 25)
    FreeInit(rounds=0)(sample, torch.zeros(SHAPE), shares, 25)
    assert asked == [8, 16, 25, 25, 25, 25]


def test_the_new_noise_is_still_noise_and_keeps_the_mean() -> None:
    """With a last timestep of pure noise the low frequencies are those of the first noise."""
    shape = (1, 4, 16, 32, 32)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    clip = torch.full(shape, 3.0)
    pure = torch.tensor([1.0, 0.0])
    again = FreeInit().noise_again(clip, noise, pure, torch.Generator().manual_seed(1))
    assert again.std().item() == pytest.approx(1, abs=0.03)
    torch.testing.assert_close(again.mean((2, 3, 4)), noise.mean((2, 3, 4)), atol=1e-4, rtol=0)
    assert not torch.allclose(again, noise, atol=0.1)
    half = FreeInit().noise_again(clip.half(), noise.half(), pure)
    assert half.dtype == torch.float16


def test_what_is_not_allowed_is_said() -> None:
    with pytest.raises(EngineError, match="FreeInit with -1 rounds of order 4 was asked for"):
        FreeInit(rounds=-1)
    with pytest.raises(EngineError, match="FreeInit's temporal stop frequency is 2; give 0 to 1"):
        FreeInit(temporal=2)

"""Sampling methods by name: noise schedules, grids of timesteps, and what they find."""

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.methods import METHODS, is_few_step
from kineograph.engines.diffusion.noise_schedules import NOISE_SCHEDULES, differences
from kineograph.engines.diffusion.schedulers import scheduler_for, step_options

NOISE = [name for name, held in METHODS.items() if not held.flow]
"""The methods for models that predict noise or v; test_flow.py has the others."""

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers")

STABLE_DIFFUSION = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
"""The scheduler config of Stable Diffusion 1.5's folder."""

ANIMATEDIFF = {**STABLE_DIFFUSION, "beta_schedule": "linear", "_class_name": "DDIMScheduler"}


def linear() -> Tensor:
    return torch.linspace(0.00085, 0.012, 1000, dtype=torch.float32)


def scaled_linear() -> Tensor:
    return torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float32) ** 2


@pytest.mark.parametrize("name", NOISE)
@pytest.mark.parametrize("motion", ["v1", "v2", "v3"])
def test_animatediff_is_sampled_with_linear_betas(name: str, motion: str) -> None:
    chosen = scheduler_for(name, STABLE_DIFFUSION, motion)
    assert torch.equal(chosen.scheduler.betas, linear())
    assert chosen.notes == (
        f"the model's scheduler does not fit motion layers {motion}: beta_schedule is "
        "scaled_linear, not linear; put right, as colours would be wrong",
    )


@pytest.mark.parametrize("name", NOISE)
def test_modelscope_is_sampled_with_its_own_betas(name: str) -> None:
    chosen = scheduler_for(name, STABLE_DIFFUSION, "modelscope")
    assert torch.equal(chosen.scheduler.betas, scaled_linear())
    assert chosen.notes == ()


def test_the_ddim_of_animatediff_is_that_of_diffusers_documentation() -> None:
    ours = scheduler_for("ddim", STABLE_DIFFUSION, "v3", steps=25).scheduler
    theirs = DDIMScheduler.from_config(
        STABLE_DIFFUSION,
        clip_sample=False,
        timestep_spacing="linspace",
        beta_schedule="linear",
        steps_offset=1,
    )
    theirs.set_timesteps(25)
    assert torch.equal(ours.timesteps, theirs.timesteps)
    assert torch.equal(ours.alphas_cumprod, theirs.alphas_cumprod)
    assert torch.equal(ours.final_alpha_cumprod, theirs.final_alpha_cumprod)


def test_smcds_grid_of_timesteps() -> None:
    grid = 1 + np.arange(0, 1000, 20)[::-1]
    chosen = scheduler_for("ddim", STABLE_DIFFUSION, "modelscope", steps=50)
    assert chosen.scheduler.timesteps.tolist() == grid.tolist()
    asked = scheduler_for("ddim", STABLE_DIFFUSION, "v3", steps=50, spacing="leading")
    assert asked.scheduler.timesteps.tolist() == grid.tolist()


@pytest.mark.parametrize(
    ("name", "steps", "grid"),
    [
        ("lightning", 4, [999, 749, 499, 249]),
        ("lightning", 2, [999, 499]),
        ("lcm", 4, [999, 759, 499, 259]),
    ],
)
def test_few_step_models_start_at_the_last_timestep(name: str, steps: int, grid: list[int]) -> None:
    chosen = scheduler_for(name, ANIMATEDIFF, "v3", steps=steps)
    assert chosen.scheduler.timesteps.tolist() == grid
    assert chosen.notes == ()
    assert is_few_step(name)
    assert not is_few_step("ddim")


def test_models_that_predict_v_begin_at_pure_noise() -> None:
    chosen = scheduler_for("ddim", STABLE_DIFFUSION, "motif", steps=10)
    assert chosen.scheduler.config.prediction_type == "v_prediction"
    assert chosen.scheduler.alphas_cumprod[-1] == 0
    assert chosen.scheduler.timesteps[0] == 999
    (note,) = chosen.notes
    assert "prediction_type is epsilon, not v_prediction" in note
    assert "rescale_betas_zero_snr is False, not True" in note
    for name in ("heun", "lms", "deis"):
        with pytest.raises(EngineError, match=f"scheduler {name} cannot begin at pure .*use one "):
            scheduler_for(name, STABLE_DIFFUSION, "motif")


def test_a_base_that_predicts_v_stays_so_under_animatediff() -> None:
    base = {**ANIMATEDIFF, "prediction_type": "v_prediction"}
    assert scheduler_for("euler", base, "v3").scheduler.config.prediction_type == "v_prediction"


def test_wrong_betas_can_be_refused() -> None:
    with pytest.raises(EngineError, match=r"layers v2: beta_schedule is .*; mend its scheduler_"):
        scheduler_for("ddim", STABLE_DIFFUSION, "v2", wrong="refuse")
    assert scheduler_for("ddim", ANIMATEDIFF, "v2", wrong="refuse").notes == ()
    assert scheduler_for("ddim", {}, "v2", wrong="refuse").notes == ()


def test_what_a_config_leaves_out_is_its_schedulers_default() -> None:
    told = list(differences({"_class_name": "DDIMScheduler"}, NOISE_SCHEDULES["v3"]))
    assert told == [
        "beta_start is 0.0001, not 0.00085",
        "beta_end is 0.02, not 0.012",
        "clip_sample is True, not False",
    ]


def test_without_motion_layers_the_folder_is_trusted() -> None:
    config = {"_class_name": "DDIMScheduler", "beta_end": 0.03, "clip_sample": False}
    scheduler = scheduler_for("ddim", config, steps=5).scheduler
    assert scheduler.config.beta_end == 0.03
    assert scheduler.timesteps.tolist() == [800, 600, 400, 200, 0]


def sampled(name: str, motion: str, model: Any, steps: int, seed: int = 0) -> Tensor:
    scheduler = scheduler_for(name, STABLE_DIFFUSION, motion, steps=steps).scheduler
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(1, 4, 3, 5, 5, generator=generator) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        share = scheduler.alphas_cumprod[int(timestep)]
        predicted = model(scheduler.scale_model_input(latents, timestep), share)
        options = step_options(scheduler, generator)
        latents = scheduler.step(predicted, timestep, latents, return_dict=False, **options)[0]
    return latents


@pytest.mark.parametrize(
    ("motion", "name"),
    [
        (motion, name)
        for motion in ("v3", "modelscope", "motif")
        for name in NOISE
        if motion != "motif" or name not in ("heun", "lms", "deis")  # refused, see above
    ],
)
def test_every_method_finds_the_clip_of_a_perfect_model(name: str, motion: str) -> None:
    """A model that knows the one clip there is leads every method to it, from any noise."""
    clip = torch.randn(1, 4, 3, 5, 5, generator=torch.Generator().manual_seed(7))

    def model(noisy: Tensor, share: Tensor) -> Tensor:
        noise = (noisy - share.sqrt() * clip) / (1 - share).sqrt()
        if motion == "motif":
            return share.sqrt() * noise - (1 - share).sqrt() * clip
        return noise

    steps = 4 if is_few_step(name) else 20
    found = sampled(name, motion, model, steps)
    assert found.dtype == torch.float32
    assert (found - clip).square().mean().sqrt() < 0.12
    assert torch.equal(found, sampled(name, motion, model, steps))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"name": "dimm"}, "the scheduler dimm is not known; did you mean ddim.*known: ddim, ddpm"),
        ({"motion": "v4"}, "motion layers v4 is not known; .*known: v1, v2, v3, modelscope"),
        ({"steps": 0}, "0 steps were asked for; give 1 to 1000"),
        ({"steps": 1001}, "1001 steps were asked for; give 1 to 1000"),
        ({"name": "lcm", "steps": 60}, "scheduler lcm cannot do 60 steps: "),
        ({"spacing": "even"}, "timestep spacing even was given; give leading or trailing"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(EngineError, match=told) as caught:
        scheduler_for(**{"name": "ddim", "config": STABLE_DIFFUSION, "motion": "v3", **asked})
    assert "\n" not in str(caught.value)


def test_an_unusual_number_of_steps_for_a_few_step_model_is_noted() -> None:
    (note,) = scheduler_for("lightning", ANIMATEDIFF, "v3", steps=3).notes
    assert note == "3 steps were asked for; models for scheduler lightning are made for 1, 2, 4, 8"
    assert scheduler_for("lightning", ANIMATEDIFF, "v3").steps == 4
    assert scheduler_for("ddim", ANIMATEDIFF, "v3").steps == 25


def test_eta_goes_to_schedulers_that_have_it() -> None:
    ddim = scheduler_for("ddim", ANIMATEDIFF, "v3").scheduler
    assert step_options(ddim, eta=0.5) == {"generator": None, "eta": 0.5}
    dpm = scheduler_for("lms", ANIMATEDIFF, "v3").scheduler
    assert step_options(dpm) == {}
    with pytest.raises(EngineError, match=r"eta 0.5 was given, but LMSDiscreteScheduler has none"):
        step_options(dpm, eta=0.5)

"""Noising: known schedules, targets that lead back to the clean latents, min-SNR."""

import pytest
import torch
from diffusers import DDPMScheduler
from torch import Tensor

from kineograph.core.errors import TrainingError
from kineograph.engines.diffusion.flow import levels
from kineograph.engines.diffusion.schedulers import scheduler_for
from kineograph.training.noising import Noising, schedule_config, trained_config

LINEAR = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "linear"}
ZERO = {**LINEAR, "rescale_betas_zero_snr": True, "_class_name": "DDIMScheduler"}
FLOW = {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000}
KINDS = [("epsilon", LINEAR), ("v_prediction", LINEAR), ("flow", FLOW)]


def clips(batch: int = 3, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    clean, noise = torch.randn(2, batch, 4, 2, 3, 3, generator=draw)
    return clean, noise, torch.tensor([0, 400, 999])[:batch]


def rebuilt(said: Tensor, seen: Tensor, kept: Tensor, kind: str) -> Tensor:
    """The clean latents from what is predicted and what is seen, by each kind's own algebra."""
    signal, spread = (held.view(-1, 1, 1, 1, 1) for held in (kept.sqrt(), (1 - kept).sqrt()))
    if kind == "epsilon":
        return (seen - spread * said) / signal
    return signal * seen - spread * said


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_the_target_leads_back_to_the_clean_latents(kind: str) -> None:
    clean, noise, steps = clips()
    noising = Noising(LINEAR, kind)
    betas = torch.linspace(0.00085, 0.012, 1000, dtype=torch.float64)
    kept = torch.cumprod(1 - betas, 0).float()[steps]
    seen = noising.noisy(clean, noise, steps)
    back = rebuilt(noising.target(clean, noise, steps), seen, kept, kind)
    torch.testing.assert_close(back, clean, atol=2e-4, rtol=1e-4)


def test_it_is_diffusers_own_schedule() -> None:
    clean, noise, steps = clips()
    theirs = DDPMScheduler(**LINEAR)
    ours = Noising(LINEAR, "v_prediction")
    torch.testing.assert_close(
        ours.noisy(clean, noise, steps), theirs.add_noise(clean, noise, steps)
    )
    torch.testing.assert_close(
        ours.target(clean, noise, steps), theirs.get_velocity(clean, noise, steps)
    )


def test_a_flow_goes_straight_from_the_clip_to_noise() -> None:
    clean, noise, _ = clips()
    noising = Noising(FLOW, "flow")
    start, middle, end = torch.tensor([0.0, 250.0, 1000.0])[:, None].expand(3, 3)
    assert torch.equal(noising.noisy(clean, noise, start), clean)
    assert torch.equal(noising.noisy(clean, noise, end), noise)
    torch.testing.assert_close(noising.noisy(clean, noise, middle), 0.75 * clean + 0.25 * noise)
    assert torch.equal(noising.target(clean, noise, middle), noise - clean)


def test_a_schedule_down_to_pure_noise() -> None:
    clean, noise, _ = clips(1)
    last = torch.tensor([999])
    noising = Noising(ZERO, "v_prediction")
    assert torch.equal(noising.noisy(clean, noise, last), noise)
    assert torch.equal(noising.target(clean, noise, last), -clean)
    assert noising.snr(last).item() == 0
    assert noising.min_snr(last, 5.0).item() == 0
    with pytest.raises(TrainingError, match="predicts noise learns nothing there; set objective"):
        Noising(ZERO, "epsilon")


def test_a_flows_scheduler_is_for_flows() -> None:
    with pytest.raises(TrainingError, match=r"which is of flows; set objective.prediction=flow"):
        Noising(FLOW, "epsilon")


@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_min_snr_is_a_weight_of_the_clean_latents_error(
    kind: str, config: dict[str, object]
) -> None:
    clean, noise, steps = clips()
    steps = torch.tensor([50, 400, 900]) if kind != "flow" else torch.tensor([50.0, 400.0, 900.0])
    noising = Noising(config, kind)
    seen = noising.noisy(clean, noise, steps)
    said = noising.target(clean, noise, steps)
    wrong = said + 0.1 * torch.randn(said.shape, generator=torch.Generator().manual_seed(1))
    if kind == "flow":
        share = (steps / 1000).view(-1, 1, 1, 1, 1)
        made, snr = seen - share * wrong, ((1 - share) / share).flatten() ** 2
    else:
        kept = DDPMScheduler(**LINEAR).alphas_cumprod[steps]
        made, snr = rebuilt(wrong, seen, kept, kind), kept / (1 - kept)
    of_clean = ((made - clean) ** 2).mean(dim=(1, 2, 3, 4))
    of_said = ((wrong - said) ** 2).mean(dim=(1, 2, 3, 4))
    wanted = snr.clamp(max=5.0) * of_clean
    assert snr.max() > 5 > snr.min()
    torch.testing.assert_close(noising.snr(steps), snr, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(noising.min_snr(steps, 5.0) * of_said, wanted, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_timesteps_are_drawn_from_all_of_them(kind: str, config: dict[str, object]) -> None:
    noising = Noising(config, kind)
    drawn = noising.timesteps(4000, torch.Generator().manual_seed(0))
    again = noising.timesteps(4000, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)
    assert drawn.is_floating_point() == (kind == "flow")
    assert drawn.min() >= 0 and drawn.max() <= 1000
    counts = torch.histc(drawn.float(), bins=10, min=0, max=1000)
    assert counts.min() > 330 and counts.max() < 470


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_flow_is_sampled_at_the_levels_it_is_trained_at(shift: float) -> None:
    """What engine `unet` tells the network of a level is what training tells it of that level."""
    clean, noise, _ = clips(1)
    config = {**FLOW, "shift": shift}
    noising = Noising(config, "flow")
    told = scheduler_for("flow-euler", config, steps=5).scheduler.timesteps
    for step, level in zip(told, levels(5, shift), strict=True):
        seen = noising.noisy(clean, noise, step[None])
        torch.testing.assert_close(seen, (1 - level) * clean + level * noise)


@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_a_place_in_the_schedule_is_a_timestep(kind: str, config: dict[str, object]) -> None:
    made = Noising(config, kind).at(torch.tensor([0.0, 0.4005, 0.7], dtype=torch.float64))
    wanted = [0.0, 400.5, 700.0] if kind == "flow" else [0, 400, 700]
    assert made.tolist() == wanted
    assert made.dtype == (torch.float32 if kind == "flow" else torch.int64)


def test_a_trained_model_says_what_it_predicts() -> None:
    ddim = {**LINEAR, "_class_name": "DDIMScheduler", "num_train_timesteps": 500}
    assert trained_config(ddim, "epsilon") == ddim
    assert trained_config(ddim, "v_prediction") == {**ddim, "prediction_type": "v_prediction"}
    flow = trained_config(ddim, "flow")
    assert flow == {**FLOW, "num_train_timesteps": 500, "shift": 1.0}
    shifted = {**FLOW, "shift": 3.0}
    assert trained_config(shifted, "flow") == shifted


def test_a_shifted_flow_is_trained_at_more_noise() -> None:
    draw = torch.Generator().manual_seed(0)
    drawn = Noising({**FLOW, "shift": 3.0}, "flow").timesteps(4000, draw)
    assert drawn.median().item() == pytest.approx(750, abs=15)  # 3 * 0.5 / (1 + 2 * 0.5)


def test_motion_layers_settle_the_schedule_and_pictures_keep_the_folders() -> None:
    folder = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    assert schedule_config(folder, "animatediff", temporal=True)["beta_schedule"] == "linear"
    assert schedule_config(folder, "modelscope", temporal=True)["beta_schedule"] == "scaled_linear"
    assert schedule_config(folder, "animatediff", temporal=False) == folder
    assert schedule_config(FLOW, "animatediff", temporal=True) == FLOW

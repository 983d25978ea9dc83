"""Flows: levels, straight paths that end where they should, and who samples what."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.flow import FLOW_CONFIG, is_flow, levels, prediction_of
from kineograph.engines.diffusion.methods import METHODS, default_method
from kineograph.engines.diffusion.schedulers import scheduler_for, step_options

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers")

FLOWS = [name for name, held in METHODS.items() if held.flow]
DRAWN = ["flow-dpm++-sde"]
WAN = {
    "_class_name": "UniPCMultistepScheduler",
    "num_train_timesteps": 1000,
    "prediction_type": "flow_prediction",
    "use_flow_sigmas": True,
    "flow_shift": 3.0,
}
"""How a folder says it whose scheduler is not of a flow alone."""
NOISE = {"_class_name": "DDIMScheduler", "beta_schedule": "linear"}
Network = Callable[[Tensor, Tensor], Tensor]


def drawn(seed: int = 0) -> Tensor:
    return torch.randn(1, 4, 3, 5, 5, generator=torch.Generator().manual_seed(seed))


def sampled(
    name: str, network: Network, steps: int, config: dict[str, Any] | None = None
) -> Tensor:
    """From `drawn()` on, as the sampler goes; the network is told latents and timestep."""
    scheduler = scheduler_for(name, config or dict(FLOW_CONFIG), steps=steps).scheduler
    generator = torch.Generator().manual_seed(1)
    options = step_options(scheduler, generator)
    latents = drawn() * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, timestep)
        (latents,) = scheduler.step(
            network(seen, timestep), timestep, latents, return_dict=False, **options
        )
    return latents


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 25])
@pytest.mark.parametrize("shift", [1.0, 3.0])
@pytest.mark.parametrize("name", FLOWS)
def test_a_straight_path_ends_at_the_clip(name: str, shift: float, steps: int) -> None:
    """A network that says, at the level it is told, where the path through what it sees comes from.

    That is exact only if the level it is told is the one that the latents have.
    """
    clip = drawn(7)

    def network(seen: Tensor, timestep: Tensor) -> Tensor:
        return (seen - clip) / (timestep / 1000)

    found = sampled(name, network, steps, {**FLOW_CONFIG, "shift": shift})
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, clip, atol=1e-5, rtol=0)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 25])
@pytest.mark.parametrize("name", [name for name in FLOWS if name not in DRAWN])
def test_one_velocity_all_along_leads_from_pure_noise(name: str, steps: int) -> None:
    """Noise minus clip at every level: exact only from pure noise all the way to the end."""
    clip, noise = drawn(7), drawn()
    found = sampled(name, lambda seen, timestep: noise - clip, steps)
    torch.testing.assert_close(found, clip, atol=2e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "few", "many"),
    [
        ("flow-euler", 0.1, 0.013),
        ("flow-heun", 0.013, 0.0002),
        ("flow-dpm++", 0.01, 0.0013),
        ("flow-unipc", 0.008, 0.0005),
    ],
)
def test_a_bent_path_ends_nearer_with_more_steps(name: str, few: float, many: float) -> None:
    """Clips spread by 0.3 about 0.7: the flow takes noise n to 0.7 + 0.3 n, its paths are bent."""

    def network(seen: Tensor, timestep: Tensor) -> Tensor:
        level = timestep / 1000
        spread = (1 - level) ** 2 * 0.09 + level**2
        off = (seen - (1 - level) * 0.7) / spread
        return level * off - (0.7 + (1 - level) * 0.09 * off)

    def error(steps: int) -> float:
        return float((sampled(name, network, steps) - (0.7 + 0.3 * drawn())).abs().max())

    assert error(20) < few
    assert error(160) < many


def test_levels_by_hand() -> None:
    torch.testing.assert_close(levels(4), torch.tensor([1, 0.75, 0.5, 0.25]))
    shifted = torch.tensor([1, 3 * 0.75 / 2.5, 3 * 0.5 / 2, 3 * 0.25 / 1.5])
    torch.testing.assert_close(levels(4, 3), shifted)


@pytest.mark.parametrize("name", FLOWS)
def test_the_network_is_told_the_level_as_it_was_trained(name: str) -> None:
    """Level times timesteps, unrounded; Heun looks at all but the first twice."""
    for config, wanted in (
        (dict(FLOW_CONFIG), 1000 * levels(3)),
        (WAN, 1000 * levels(3, 3.0)),
        ({**FLOW_CONFIG, "num_train_timesteps": 500}, 500 * levels(3)),
    ):
        chosen = scheduler_for(name, config, steps=3)
        told = chosen.scheduler.timesteps
        if name == "flow-heun":
            wanted = wanted[[0, 1, 1, 2, 2]]
        torch.testing.assert_close(told, wanted, atol=2e-3, rtol=0)
        assert told.is_floating_point() and chosen.notes == () and chosen.steps == 3


@pytest.mark.parametrize("name", FLOWS)
def test_it_can_begin_anew(name: str) -> None:
    scheduler = scheduler_for(name, dict(FLOW_CONFIG), steps=4).scheduler
    made = []
    for _ in range(2):
        scheduler.set_timesteps(3)
        latents, generator = drawn(), torch.Generator().manual_seed(0)
        for timestep in scheduler.timesteps:
            (latents,) = scheduler.step(latents.sin(), timestep, latents, generator=generator)
        made.append(latents)
    assert torch.equal(*made)


def test_a_drawn_path_follows_its_generator() -> None:
    clip = drawn(7)

    def middle(seed: int) -> Tensor:
        scheduler = scheduler_for("flow-dpm++-sde", dict(FLOW_CONFIG), steps=4).scheduler
        generator = torch.Generator().manual_seed(seed)
        timestep = scheduler.timesteps[0]
        made: Tensor = scheduler.step(drawn() - clip, timestep, drawn(), generator=generator)[0]
        return made

    assert torch.equal(middle(0), middle(0))
    assert not torch.equal(middle(0), middle(1))


def test_a_flow_is_told_by_its_folder() -> None:
    assert is_flow(FLOW_CONFIG) and is_flow(WAN) and not is_flow(NOISE) and not is_flow({})
    said = [prediction_of(held) for held in (FLOW_CONFIG, WAN, NOISE, {"prediction_type": "v"})]
    assert said == ["flow", "flow", "epsilon", "v_prediction"]
    assert [default_method(held) for held in (WAN, NOISE, {})] == ["flow-euler", "ddim", "ddim"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"name": "ddim"},
            "scheduler ddim samples models that predict noise or v, and this model predicts a "
            "flow; use one of flow-euler, flow-heun, flow-dpm++, flow-dpm++-sde, flow-unipc",
        ),
        (
            {"name": "flow-euler", "config": NOISE},
            "scheduler flow-euler samples models that predict a flow, and this model predicts "
            "epsilon; use one of ddim, ddpm, euler, euler-a, heun, lms, dpm++, dpm++-karras, "
            "dpm++-sde, unipc, deis, lcm, tcd, lightning",
        ),
        (
            {"name": "flow-unipc", "config": {**NOISE, "prediction_type": "v_prediction"}},
            "scheduler flow-unipc samples models that predict a flow, and this model predicts "
            "v_prediction; use one of ddim,",
        ),
        ({"name": "flow-eule"}, "the scheduler flow-eule is not known; did you mean flow-euler"),
        (
            {"motion": "v3"},
            "the noise schedule or spacing v3 was given, and this model predicts a flow, which "
            "has neither; leave it out",
        ),
        ({"spacing": "leading"}, "the noise schedule or spacing leading was given, and this"),
        ({"steps": 0}, "0 steps were asked for; give 1 to 1000"),
        ({"steps": 1001}, "1001 steps were asked for; give 1 to 1000"),
        (
            {"config": {**FLOW_CONFIG, "use_dynamic_shifting": True}},
            "the model's scheduler shifts its flow by the picture's size (use_dynamic_shifting), "
            "which this engine does not; set it false, and shift, in its scheduler_config.json",
        ),
    ],
)
def test_what_does_not_go_together_is_said_in_one_line(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(EngineError) as caught:
        scheduler_for(**{"name": "flow-euler", "config": dict(FLOW_CONFIG), **asked})
    assert str(caught.value).startswith(told) and "\n" not in str(caught.value)

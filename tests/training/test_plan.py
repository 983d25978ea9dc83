"""Plans: what trains, the memory it takes, and recipes changed from outside."""

from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from kineograph.core.errors import TrainingError
from kineograph.training.plan import Kept, alone, memory_of, plan_of, plan_stage
from kineograph.training.recipe import Recipe
from kineograph.training.run import changed, stages_of
from kineograph.training.subject import Subject

ADAPTER = {"kind": "track-control", "options": {"raster": 1, "channels": 8}}


def _recipe(base: Path | str, **fields: Any) -> Recipe:
    first: dict[str, Any] = {
        "name": "one",
        "trains": ["adapters.tracks"],
        "adapters": {"tracks": ADAPTER},
        "sampling": {"frames": 4, "size": [16, 16], "tracks": "dense"},
        "steps": 100,
        "batch": 2,
        "accumulate": 3,
    }
    second = {
        **first,
        "name": "two",
        "trains": ["unet.motion"],
        "base": "stage:one",
        "adapters": {"tracks": {"kind": "track-control", "source": "stage:one"}},
        "optimiser": {"name": "sgd", "ema": 0.9},
    }
    scenes = {"kind": "scenes", "objects": [1, 1]}
    return Recipe.of(
        {"name": "try", "base": str(base), "data": scenes, "stages": [first | fields, second]}
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.tiny_model_folder(tmp_path_factory.mktemp("base") / "model")


def test_the_memory_is_that_of_the_numbers(base: Path) -> None:
    recipe = _recipe(base)
    subject = Subject.of(recipe.stages[0], base)
    learns = sum(held.numel() for held in subject.adapters["tracks"].parameters())
    networks = [subject.denoiser, subject.base.vae, subject.base.text.model]
    every = sum(held.numel() for network in networks for held in network.parameters())
    memory = memory_of(subject)
    assert memory.weights == 4 * every and memory.gradients == 4 * learns
    assert memory.optimiser == 8 * learns and memory.averages == 0
    assert memory.total == 4 * every + 12 * learns
    half = memory_of(Subject.of(recipe.stages[0], base, dtype=torch.bfloat16))
    assert half.weights == 2 * (every - learns) + 4 * learns


def test_what_is_kept_for_the_backward_pass_is_counted_once(base: Path) -> None:
    subject = Subject.of(_recipe(base).stages[0], base)
    weight = next(iter(subject.trainable().values()))
    held = torch.randn(10, 10, requires_grad=True)
    with Kept(subject) as kept:
        made = held.exp()  # keeps its result
        (made * made).sum()  # keeps the same again
        (weight.sum() * weight.flatten()[:1] * 2).sum()  # a weight is no activation
    assert 400 <= kept.bytes < 500


@pytest.mark.slow
def test_a_plan_is_measured_and_changes_nothing(base: Path) -> None:
    recipe = _recipe(base)
    subject = Subject.of(recipe.stages[0], base)
    before = {name: held.clone() for name, held in subject.denoiser.state_dict().items()}
    chance = torch.random.get_rng_state()
    plan = plan_stage(recipe.stages[0], subject, recipe.data, measured=1)
    assert torch.equal(chance, torch.random.get_rng_state())
    assert all(torch.equal(held, before[n]) for n, held in subject.denoiser.state_dict().items())
    assert all(held.grad is None for held in subject.trainable().values())
    assert plan.memory.activations is not None and plan.memory.activations > 10_000
    assert plan.seconds is not None and plan.duration == pytest.approx(100 * plan.seconds)
    assert {part.name for part in plan.parts if part.trains} == {"adapters.tracks"}
    assert plan.learns == sum(held.numel() for held in subject.trainable().values())


@pytest.mark.slow
def test_checkpointing_keeps_less(base: Path) -> None:
    plain, saving = (
        _recipe(base, checkpointing=value).stages[0].model_copy(update={"accumulate": 1})
        for value in (False, True)
    )
    kept = []
    for stage in (plain, saving):
        plan = plan_stage(stage, Subject.of(stage, base), {"kind": "scenes"}, measured=1)
        kept.append(plan.memory.activations or 0)
    assert 0 < kept[1] < 0.8 * kept[0]


def test_stages_are_planned_before_the_earlier_ones_are_trained(base: Path) -> None:
    recipe = _recipe(base)
    second = alone(recipe.stages[1], recipe)
    assert second.base is None and second.adapters["tracks"].options == ADAPTER["options"]
    told: list[str] = []
    one, two = plan_of(
        recipe, lambda stage: Subject.of(stage, base), measured=0, on_stage=told.append
    )
    assert told == ["one", "two"] and one.seconds is None and one.duration is None
    assert {part.name for part in two.parts if part.trains} == {"unet.motion.attention"}
    assert two.memory.optimiser == 0 and two.memory.averages == 4 * two.learns
    (only,) = plan_of(recipe, lambda s: Subject.of(s, base), names=["two"], measured=0)
    assert only.stage.name == "two"


def test_recipes_are_changed_by_paths() -> None:
    recipe = _recipe("base")
    other = changed(
        recipe,
        [("one.optimiser.lr", 0.5), ("*.batch", 7), ("data.objects", [2, 3]), ("base", "b")],
    )
    assert [stage.optimiser.lr for stage in other.stages] == [0.5, 1e-4]
    assert [stage.batch for stage in other.stages] == [7, 7]
    assert other.data["objects"] == [2, 3] and other.base == "b"
    assert recipe.stages[0].batch == 2
    focal = changed(recipe, [("one.objective.focal.strength", 2.0)]).stages[0].objective.focal
    assert focal is not None and focal.strength == 2


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("three.batch", 1, "--set three.batch was given; write STAGE.field=value with a stage of"),
        ("one.bach", 1, "recipe try, changed: stages.0..bach|bach"),
        ("*.batch", 0, "batch"),
    ],
)
def test_wrong_changes_are_said(path: str, value: Any, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        changed(_recipe("base"), [(path, value)])


def test_stages_are_found_by_name() -> None:
    recipe = _recipe("base")
    assert [stage.name for stage in stages_of(recipe, ["two"])] == ["two"]
    assert stages_of(recipe, None) == recipe.stages
    with pytest.raises(TrainingError, match="recipe try has no stage x; its stages are one, two"):
        stages_of(recipe, ["x"])

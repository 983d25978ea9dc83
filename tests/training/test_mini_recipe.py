"""The recipe `mini`: its scales, what each stage takes from which, and its base from nothing."""

from pathlib import Path

import pytest
import torch

from kineograph.core.errors import TrainingError
from kineograph.engines.diffusion.flow import is_flow
from kineograph.models import vae
from kineograph.models.adapter_folder import adapter_class
from kineograph.models.kinds import READS
from kineograph.training.origin import MINI, MINI_CPU, MINI_TINY, Origin
from kineograph.training.recipe import Recipe
from kineograph.training.recipes import mini, recipe_named
from kineograph.training.stage import Stage
from kineograph.training.subject import Subject

ALL = [recipe_named("mini", scale=scale) for scale in mini.SCALES] + [mini.tiny()]
every = pytest.mark.parametrize("made", ALL, ids=lambda made: made.name)


def motion_stages(recipe: Recipe) -> list[Stage]:
    """Those that denoise motion beside pictures."""
    return [stage for stage in recipe.stages if "motion" in stage.adapters]


@every
def test_stages_build_one_on_the_other(made: Recipe) -> None:
    names = [stage.name for stage in made.stages]
    assert [stage.base for stage in made.stages] == [None, *(f"stage:{n}" for n in names[:-1])]
    held: dict[str, str] = {}
    for before, stage in zip([None, *names], made.stages, strict=False):
        assert set(held) <= set(stage.adapters)  # what was learnt is not lost
        for name, choice in stage.adapters.items():
            assert choice.kind == held.get(name, choice.kind)
            assert choice.source == (f"stage:{before}" if name in held else None)
            held[name] = choice.kind
        assert {f"adapters.{name}" for name in stage.adapters} <= set(stage.trains)
    assert set(held) == {"picture", "motion", "carried"}


@every
def test_what_is_denoised_is_what_is_given_to_learn_from(made: Recipe) -> None:
    (vae_stage, *others) = made.stages
    assert vae_stage.trains == ("vae",)
    assert {stage.objective.prediction for stage in others} == {"flow"}
    names = [stage.name for stage in motion_stages(made)]
    assert names == ["picture", "prompts", "sizes"][: len(names)] and "prompts" in names
    for stage in made.stages:
        carries = any(adapter_class(held.kind).carries for held in stage.adapters.values())
        assert (stage.sampling.motion == mini.STRIDE) == carries
        reads = {name for held in stage.adapters.values() for name in READS[held.kind]}
        assert (stage.sampling.picture == "first") == ("picture" in reads)
        prompted = stage.name in ("prompts", "sizes")
        assert (stage.sampling.tracks != "none") == prompted
        assert (stage.adapters != {} and stage.dropout.boxes < 1) == prompted
        assert all(side % (4 * mini.STRIDE) == 0 for side in stage.sampling.size)
        assert stage.sampling.frames <= mini.REACH


@every
def test_the_motion_focal_loss_and_its_ablation(made: Recipe) -> None:
    focal = [stage.name for stage in made.stages if stage.objective.focal is not None]
    assert focal == ["picture", "prompts"]
    plain = recipe_named("mini-plain")
    assert not any(stage.objective.focal for stage in plain.stages)
    names = [stage.name for stage in made.stages]
    assert [stage.name for stage in plain.stages][: len(names)] == names


def test_it_comes_in_two_scales() -> None:
    full, small = (recipe_named("mini", scale=scale) for scale in mini.SCALES)
    assert recipe_named("mini") == full
    assert (full.name, full.base) == ("mini", MINI)
    assert (small.name, small.base) == ("mini-cpu", MINI_CPU)
    assert recipe_named("mini-plain", scale="cpu").name == "mini-plain-cpu"
    steps = [sum(stage.steps for stage in recipe.stages) for recipe in (full, small, mini.tiny())]
    assert steps == sorted(steps, reverse=True) and len(set(steps)) == 3


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mini", {"scale": "huge"}, "scale huge of the recipe mini was .* comes in full, cpu$"),
        ("mini", {"scale": "tiny"}, "scale tiny of the recipe mini was asked for"),
        ("motif", {"scale": "cpu"}, "recipe motif was .* comes in one only: leave --scale out"),
        ("mini", {"scale": "cpu", "tiny": True}, "the tiny twin of mini and its scale cpu were"),
    ],
)
def test_other_scales_are_refused(name: str, options: dict, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        recipe_named(name, **options)


# the base


def test_it_starts_from_nothing_by_name() -> None:
    assert mini.tiny().base == MINI_TINY
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        base = Origin(MINI_TINY).load()
        torch.manual_seed(0)
        again = mini.new_base("tiny")
    assert base.stride == mini.STRIDE and base.description.channels == mini.CHANNELS
    assert base.description.widths == tuple(base.unet.config["block_out_channels"])
    assert is_flow(base.scheduler)
    base.check_frames(mini.REACH)
    for name, held in base.networks.items():
        other = again.networks[name].state_dict()
        assert all(torch.equal(value, other[key]) for key, value in held.state_dict().items())


def test_a_base_that_nobody_knows_is_refused_with_those_there_are() -> None:
    message = f"a base new:huge was asked for; from nothing there is new:tiny, {MINI}, {MINI_CPU}"
    with pytest.raises(TrainingError, match=message):
        Origin("new:huge").load()


@torch.no_grad()
def test_latents_are_an_eighth_of_the_sides() -> None:
    base = mini.new_base("tiny")
    picture = torch.rand(1, 3, 64, 96) * 2 - 1
    latent = vae.encode(base.vae, picture)
    assert latent.shape == (1, 4, 8, 12)
    assert vae.decode_pictures(base.vae, latent).shape == picture.shape


@torch.no_grad()
def test_new_motion_layers_are_silent() -> None:
    """Frames that see each other say what each says by itself."""
    base = mini.new_base("tiny")
    sample, text = torch.randn(1, 4, 3, 8, 8), torch.randn(1, 5, 32)
    made = base.unet(sample, 500, text.repeat(3, 1, 1)).sample
    alone = base.unet(sample[:, :, 1:2], 500, text).sample
    torch.testing.assert_close(made[:, :, 1:2], alone, atol=1e-5, rtol=1e-5)
    assert alone.any()


@pytest.mark.slow
def test_every_stage_of_the_twin_finds_what_it_builds_on(tmp_path: Path) -> None:
    """Untrained, from stage to stage: each is built, exported and built on."""
    torch.set_num_threads(1)
    recipe, earlier = mini.tiny(), dict[str, Path]()
    for stage in recipe.stages:
        subject = Subject.of(stage, recipe.base, earlier=earlier)
        assert set(subject.adapters) == set(stage.adapters)
        if stage.name == "picture":
            torch.nn.init.constant_(subject.adapters["motion"].head.bias, 0.25)
        earlier[stage.name] = tmp_path / stage.name / "trained"
        subject.export(earlier[stage.name])
    assert (subject.adapters["motion"].head.bias == 0.25).all()

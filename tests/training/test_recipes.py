import pytest

from kineograph.core.errors import TrainingError
from kineograph.models.picture.arms import ARMS
from kineograph.training.recipe import Recipe
from kineograph.training.recipes import RECIPES, recipe_named
from kineograph.training.run import stages_of
from kineograph.training.stage import Stage

SYSTEMS = ("animatediff", "motion-prompting", "smcd", "boximator", "motif", "personalize")


def only(recipe: Recipe, name: str) -> Stage:
    return stages_of(recipe, [name])[0]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_and_its_twin_can_be_written_and_read_again(name: str) -> None:
    for recipe in (recipe_named(name), recipe_named(name, tiny=True)):
        assert Recipe.of(recipe.plain()) == recipe
        assert recipe.about
        assert all(stage.about for stage in recipe.stages)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_has_probes(name: str) -> None:
    for recipe in (recipe_named(name), recipe_named(name, tiny=True)):
        assert any(stage.probes for stage in recipe.stages)


def test_every_system_is_there() -> None:
    assert set(SYSTEMS) <= set(RECIPES)


@pytest.mark.parametrize("name", SYSTEMS)
def test_twins_start_from_nothing(name: str) -> None:
    twin = recipe_named(name, tiny=True)
    assert twin.base == "new:tiny"
    assert [stage.name for stage in twin.stages][:2] == ["autoencoder", "pictures"]


def test_an_unknown_recipe_is_said_with_the_nearest() -> None:
    with pytest.raises(TrainingError, match=r"no recipe 'motife'; did you mean motif.* there are"):
        recipe_named("motife")


def test_animatediff_has_the_papers_figures() -> None:
    recipe = recipe_named("animatediff")
    motion = only(recipe, "motion")
    assert (motion.sampling.frames, motion.sampling.size) == (16, (256, 256))
    assert motion.sampling.strides == (4,)
    held = motion.optimiser
    assert (held.lr, held.weight_decay, held.clip, held.schedule) == (1e-4, 1e-2, 1.0, "constant")
    assert motion.trains == ("unet.motion",)
    assert motion.dropout.text == 0.1
    domain = only(recipe, "domain")
    assert domain.lora is not None
    assert (domain.lora.rank, domain.lora.on, domain.temporal) == (128, "spatial", False)
    assert only(recipe, "motion-lora").steps == 2000
    image = only(recipe_named("animatediff-image"), "image")
    assert (image.optimiser.lr, image.batch, image.sampling.frames) == (1e-5, 50, 1)


def test_motion_prompting_has_the_papers_figures() -> None:
    for name, tracks in (
        ("motion-prompting", "dense"),
        ("motion-prompting-sparse", "sparse"),
        ("motion-prompting-log-uniform", "log-uniform"),
    ):
        stage = only(recipe_named(name), "tracks")
        assert stage.sampling.tracks == tracks
        assert (stage.optimiser.name, stage.optimiser.lr) == ("adafactor", 1e-4)
        assert stage.optimiser.schedule == "constant"
        assert (stage.steps, stage.trains) == (70_000, ("adapters.tracks",))


def test_smcd_has_the_papers_figures() -> None:
    boxes, picture = recipe_named("smcd").stages
    assert (boxes.temporal, boxes.sampling.frames, boxes.steps, boxes.batch) == (
        False,
        1,
        50_000,
        32,
    )
    assert (boxes.optimiser.lr, boxes.dropout.text) == (3e-5, 0.5)
    dropped = picture.dropout
    assert (dropped.boxes, dropped.picture, dropped.picture_tokens) == (0.1, 0.25, 0.1)
    assert (dropped.text, dropped.per) == (0.0, "batch")
    assert (picture.optimiser.lr, picture.batch * picture.accumulate) == (5e-5, 16)
    assert (picture.steps, picture.sampling.frames, picture.sampling.size) == (
        60_000,
        8,
        (256, 256),
    )
    assert "adapters.boxes" not in picture.trains
    assert picture.adapters["boxes"].source == "stage:boxes"
    assert "unet.motion.attention" in picture.trains
    (joint,) = recipe_named("smcd-joint").stages
    assert {"adapters.boxes", "adapters.picture-dual"} <= set(joint.trains)


def test_smcd_has_every_arm_of_its_ablation() -> None:
    for arm in ("zc", "gca", "ctrl", "zc+ctrl", "image-first", "parallel", "gca-vision"):
        picture = only(recipe_named(f"smcd-{arm}"), "picture")
        kinds = tuple(held.kind for name, held in picture.adapters.items() if name != "boxes")
        assert kinds == ARMS[arm].kinds
        options = [held.options for name, held in picture.adapters.items() if name != "boxes"]
        assert {k: v for some in options for k, v in some.items()} == dict(ARMS[arm].settings)


def test_boximator_has_the_papers_figures() -> None:
    hard, soft, clean = recipe_named("boximator").stages
    assert [stage.steps for stage in (hard, soft, clean)] == [50_000, 50_000, 10_000]
    assert [stage.optimiser.lr for stage in (hard, soft, clean)] == [2e-4, 3e-5, 3e-5]
    assert [stage.sampling.painted for stage in (hard, soft, clean)] == ["boxes", "boxes", "none"]
    assert [stage.sampling.soft for stage in (hard, soft, clean)] == [0.0, 0.8, 0.8]
    for stage in (hard, soft, clean):
        assert (stage.optimiser.schedule, stage.optimiser.warmup) == ("linear", 7500)
        assert stage.batch * stage.accumulate == 128
        assert stage.dropout.boxes == 0.25
    assert clean.adapters["boxes"].source == "stage:soft"


def test_motif_has_the_papers_figures() -> None:
    (stage,) = recipe_named("motif").stages
    assert stage.objective.focal is not None
    assert (stage.objective.focal.strength, stage.objective.prediction) == (1.0, "v_prediction")
    assert (stage.optimiser.lr, stage.batch * stage.accumulate, stage.steps) == (5e-5, 64, 32_000)
    assert (stage.sampling.size, stage.sampling.strides) == ((512, 320), (1, 2, 3, 4, 5, 6))
    assert (stage.dropout.text, stage.dropout.picture) == (0.1, 0.0)
    assert stage.adapters["picture-concat"].kind == "picture-concat"


def test_motif_has_every_arm_of_its_ablation() -> None:
    for name, strength in (("0", 0.0), ("0.5", 0.5), ("2", 2.0), ("5", 5.0)):
        focal = recipe_named(f"motif-{name}").stages[0].objective.focal
        assert focal is not None and focal.strength == strength
    assert recipe_named("motif-plain").stages[0].objective.focal is None
    inverse = recipe_named("motif-inverse").stages[0].objective.focal
    masks = recipe_named("motif-masks").stages[0].objective.focal
    assert inverse is not None and inverse.inverse and not inverse.masks
    assert masks is not None and masks.masks and not masks.inverse
    for arm in ("cx-attn", "cx+x-cat"):
        (stage,) = recipe_named(f"motif-{arm}").stages
        assert tuple(held.kind for held in stage.adapters.values()) == ARMS[arm].kinds


def test_ablations_are_called_by_their_names() -> None:
    names = [recipe_named(name).name for name in RECIPES]
    assert len(set(names)) == len(names)

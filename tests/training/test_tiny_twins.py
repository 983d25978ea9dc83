"""Every recipe's tiny twin trains from nothing, and its probe tells; a few minutes in all."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kineograph.engines.unet import UnetEngine
from kineograph.models.adapter_folder import load_adapter
from kineograph.training.export import engine_settings
from kineograph.training.loop import train_stage
from kineograph.training.origin import SETTINGS
from kineograph.training.probes import Probing
from kineograph.training.probes.generating import request_of
from kineograph.training.recipe import Recipe
from kineograph.training.recipes import recipe_named
from kineograph.training.recipes.tiny_base import FRAMES
from kineograph.training.run import TRAINED, Run
from kineograph.training.source import source_for
from kineograph.training.stage import Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("twins")]

BASE = ("autoencoder", "pictures", "clips")


@dataclass(frozen=True)
class Trained:
    """How a stage went: what was measured before and after, and whether what is frozen is."""

    values: dict[str, tuple[float, float]]
    kept: bool
    frames: np.ndarray
    folder: Path


def train(run: Run, stage: Stage) -> Trained:
    """Train a stage, export it, and generate with the export in engine `unet`."""
    torch.set_num_threads(1)
    subject = run.build(stage)
    frozen, data = subject.frozen_digest(), stage.data or run.recipe.data
    source, folder = source_for(data, stage, workers=0), run.out / stage.name
    probing = Probing(data, folder)
    result = train_stage(stage, subject, source, folder, run_probes=probing)
    kept = subject.frozen_digest() == frozen
    subject.export(folder / TRAINED)
    values: dict[str, tuple[float, float]] = {}
    for measured in result.probes:
        mean = float(np.mean(measured.clips))
        values[measured.measure] = (values.get(measured.measure, (mean, mean))[0], mean)
    frames = np.zeros(0)
    if stage.probes:
        request = request_of(probing.clips(stage.probes[0], subject)[0], subject, seed=1)
        if request.frames == 1:  # what was learnt from pictures goes with any motion
            request = replace(request, frames=FRAMES)
        settings = {**engine_settings(folder / TRAINED), "device": "cpu", "steps": 4, "guidance": 1}
        made = UnetEngine().generate(replace(request, settings=settings))
        frames = np.stack([frame.image for frame in made])
    return Trained(values, kept, frames, folder / TRAINED)


def twin(recipe: Recipe, base: Path, out: Path) -> dict[str, Trained]:
    """Train the stages of a twin that the shared base has not."""
    for name in BASE:
        shutil.copytree(base / name, out / name, ignore=shutil.ignore_patterns("checkpoints"))
    run = Run(recipe, out, device="cpu", workers=0)
    return {
        stage.name: train(run, stage)
        for stage in recipe.stages
        if not (out / stage.name / TRAINED / SETTINGS).is_file()
    }


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Trained]]:
    """The tiny base from nothing, which all twins share."""
    out = tmp_path_factory.mktemp("tiny-base")
    run = Run(recipe_named("tiny-base"), out, device="cpu", workers=0)
    return out, {stage.name: train(run, stage) for stage in run.recipe.stages}


def check(made: Trained, frames: int = FRAMES) -> None:
    """What holds for every stage: what is frozen has not changed a bit, and the export works."""
    assert made.kept
    assert made.frames.shape == (frames, 32, 32, 3)
    assert made.frames.std() > 5


def gain(made: Trained, measure: str = "loss") -> float:
    """By which share of itself a measure that should fall has fallen."""
    before, after = made.values[measure]
    return 1 - after / before


Base = tuple[Path, dict[str, Trained]]


def test_the_tiny_base_trains_from_nothing(tiny_base: Base) -> None:
    """Nothing but the autoencoder changes in its stage, and so on; the whole can be generated.

    Its last stage is a motion module's: the motion layers alone, on frozen pictures.
    """
    _, made = tiny_base
    assert list(made) == list(BASE)
    assert all(stage.kept for stage in made.values())
    check(made["clips"])
    assert gain(made["clips"]) > 0.05


def test_animatediff(tiny_base: Base, tmp_path: Path) -> None:
    """A look, then motion under it, then one kind of motion: each on what was before, frozen."""
    made = twin(recipe_named("animatediff", tiny=True), tiny_base[0], tmp_path)
    assert list(made) == ["domain", "motion", "motion-lora"]
    for stage in made.values():
        check(stage)
    settings = engine_settings(made["motion-lora"].folder)
    assert [Path(name).name for name in settings["loras"]] == [
        "domain.safetensors",
        "motion-lora.safetensors",
    ]
    assert settings["motion"] == str(made["motion"].folder / "motion")
    assert gain(made["domain"]) > 0.3
    assert gain(made["motion"]) > 0.05
    assert gain(made["motion-lora"]) > 0.02


def test_motion_prompting(tiny_base: Base, tmp_path: Path) -> None:
    """Tracks are followed more closely, and tell of what is to be seen."""
    made = twin(recipe_named("motion-prompting", tiny=True), tiny_base[0], tmp_path)["tracks"]
    check(made)
    before, after = made.values["epe"]
    assert after < before - 0.5
    assert gain(made) > 0.02


def test_smcd(tiny_base: Base, tmp_path: Path) -> None:
    """Boxes tell what is where; then the picture comes, and the boxes' gates stay as they are.

    The loss of fixed clips under fixed noise falls by a sixth in a minute, and what is generated
    lies within its boxes more often.
    """
    made = twin(recipe_named("smcd", tiny=True), tiny_base[0], tmp_path)
    assert made["boxes"].kept
    assert any(opened(made["boxes"]))
    assert gain(made["boxes"]) > 0.06
    before, after = made["boxes"].values["box-iou"]
    assert after > before + 0.03
    check(made["picture"])
    before, after = made["picture"].values["picture"]
    assert after > before + 0.3
    assert gain(made["picture"]) > 0.005


def opened(made: Trained) -> list[float]:
    """The values of the boxes' gates."""
    return list(load_adapter(made.folder / "adapters" / "boxes").gate_values().values())


def test_motif(tiny_base: Base, tmp_path: Path) -> None:
    """The first frame comes out more like the picture."""
    made = twin(recipe_named("motif", tiny=True), tiny_base[0], tmp_path)["picture"]
    check(made)
    before, after = made.values["picture"]
    assert after > before + 0.3
    assert gain(made) > 0.02


def test_personalize(tiny_base: Base, tmp_path: Path) -> None:
    """A LoRA learns shapes, colours and a ground that the base has never seen."""
    made = twin(recipe_named("personalize", tiny=True), tiny_base[0], tmp_path)["subject"]
    check(made)
    assert gain(made) > 0.3


def test_dreambooth(tiny_base: Base, tmp_path: Path) -> None:
    """The same by the network's own weights, from the frames of a handful of scenes."""
    recipe = recipe_named("personalize-dreambooth", tiny=True)
    made = twin(recipe, tiny_base[0], tmp_path)["subject"]
    check(made)
    assert (made.folder / "base" / "model_index.json").is_file()
    assert gain(made) > 0.3


def test_boximator(tiny_base: Base, tmp_path: Path) -> None:
    """Painted frames are learnt, and unlearnt on clean ones.

    Where the boxes are is not learnt in a minute: objects do not fill them after the last stage.
    Without painting they do, see below.
    """
    made = twin(recipe_named("boximator", tiny=True), tiny_base[0], tmp_path)
    for stage in made.values():
        check(stage)
    assert gain(made["hard"]) > 0.15
    assert gain(made["clean"]) > 0.05


def test_boximator_without_painting(tiny_base: Base, tmp_path: Path) -> None:
    """What is generated lies within its boxes more often, by nothing but boxes."""
    made = twin(recipe_named("boximator-clean", tiny=True), tiny_base[0], tmp_path)["hard"]
    check(made, frames=2)
    before, after = made.values["box-iou"]
    assert after > before + 0.023
    assert gain(made) > 0.03

"""Stages that predict a flow: trained, probed, exported, taken up, and what is refused."""

import json
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from training_clips import FRAMES, SIZE, batch, clip

from kineograph.core.errors import EngineError, TrainingError
from kineograph.core.tracks import Tracks
from kineograph.engines.base import Request
from kineograph.engines.diffusion.flow import prediction_of
from kineograph.engines.diffusion.generation import Generation
from kineograph.engines.unet import UnetEngine, UnetSettings
from kineograph.training.export import engine_settings
from kineograph.training.probes.generating import Live
from kineograph.training.recipes import tiny_base
from kineograph.training.run import Run, changed
from kineograph.training.stage import Stage
from kineograph.training.step import training_step
from kineograph.training.subject import Subject
from kineograph.training.told import latents_of
from tiny import randomise, tiny_model_folder

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers")

TRACKS = {"tracks": {"kind": "track-control", "options": {"raster": 1, "channels": 8}}}
FLOW = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "shift": 1.0,
}


@pytest.fixture(scope="module")
def noise_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base that predicts noise."""
    torch.set_num_threads(1)
    return tiny_model_folder(tmp_path_factory.mktemp("bases") / "noise")


def stage(*trains: str, prediction: str = "flow", **fields: Any) -> Stage:
    held = {
        "name": "flowing",
        "trains": trains,
        "sampling": {"frames": FRAMES, "size": SIZE},
        "objective": {"prediction": prediction},
        "dropout": {"text": 0.0},
    }
    return Stage.model_validate(held | fields)


@pytest.fixture(scope="module")
def subject(noise_base: Path) -> Subject:
    """That base, trained to predict a flow for a while, on one clip."""
    made = Subject.of(stage("unet"), noise_base)
    held, draw = batch(1), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(made.trainable().values(), lr=4e-3)
    for _ in range(200):
        optimiser.zero_grad()
        training_step(made, held, draw).total.backward()
        optimiser.step()
    return made


@pytest.fixture(scope="module")
def exported(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "flowing" / "trained"
    subject.export(folder)
    return folder


def request(**fields: Any) -> Request:
    held = {"size": SIZE, "frames": FRAMES, "fps": 8, "text": clip(0).caption, "seed": 3}
    return Request(**(held | fields))


def images(engine: UnetEngine, asked: Request) -> np.ndarray:
    return np.stack([frame.image for frame in engine.generate(asked)])


def write_flow(folder: Path) -> None:
    """Have a model folder say that it predicts a flow."""
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(FLOW))


def latents(subject: Subject, scheduler: str | None = None, steps: int = 10) -> torch.Tensor:
    settings = UnetSettings(model="it", steps=steps, guidance=1.0, scheduler=scheduler)
    return Generation(Live.around(subject), request(), settings).latents()


@pytest.mark.slow
def test_what_was_trained_is_what_is_sampled(subject: Subject, noise_base: Path) -> None:
    """A network that has seen one clip leads every flow method to it, in one step or more."""
    clean = latents_of(subject.base, batch(1).video, torch.Generator().manual_seed(0))

    def off(made: Subject, scheduler: str | None, steps: int) -> float:
        return float((latents(made, scheduler, steps) - clean).square().mean().sqrt())

    untrained = off(Subject.of(stage("unet"), noise_base), None, 10)
    for scheduler in (None, "flow-heun", "flow-dpm++", "flow-dpm++-sde", "flow-unipc"):
        assert off(subject, scheduler, 10) < 0.45 * untrained, scheduler
    assert off(subject, None, 1) < 0.5 * untrained


@pytest.mark.slow
def test_the_export_remembers_that_it_is_a_flow(subject: Subject, exported: Path) -> None:
    config = exported / "base" / "scheduler" / "scheduler_config.json"
    assert json.loads(config.read_text()) == FLOW
    assert diffusers.FlowMatchEulerDiscreteScheduler.from_pretrained(config.parent)
    settings = engine_settings(exported) | {"steps": 3, "guidance": 1.0}
    made = images(UnetEngine(), request(settings=settings))
    settings = UnetSettings(model="it", steps=3, guidance=1.0)
    live = Generation(Live.around(subject), request(), settings)
    np.testing.assert_array_equal(made, np.stack([frame.image for frame in live.frames()]))


@pytest.mark.slow
def test_adapters_go_onto_a_flow_as_onto_any_base(exported: Path) -> None:
    """Trained, guided, windowed and blended like all others."""
    made = stage("adapters.tracks", adapters=TRACKS, base="stage:flowing")
    again = Subject.of(made, None, earlier={"flowing": exported})
    assert again.base.scheduler == FLOW
    training_step(again, batch(), torch.Generator().manual_seed(0)).total.backward()
    assert any(held.grad is not None and held.grad.any() for held in again.trainable().values())
    randomise(again.adapters["tracks"])
    again.export(exported.parent.parent / "tracks" / "trained")
    settings = engine_settings(exported.parent.parent / "tracks" / "trained") | {"steps": 2}
    engine, frames = UnetEngine(), 9
    tracks = Tracks.of(np.full((2, frames, 2), 5.0), size=SIZE, fps=8)
    told = {
        "plain": {},
        "guided": {"guidance": "text=3,tracks=2"},
        "windows": {"window": 4, "overlap": 2},
        "free-noise": {"window": 4, "overlap": 2, "long": "free-noise"},
        "weak": {"strengths": {"tracks": 0.2}},
    }
    found = {}
    for name, more in told.items():
        asked = request(frames=frames, tracks=tracks, settings=settings | more)
        found[name] = images(engine, asked)
    for name, video in found.items():
        assert video.shape == (frames, *SIZE, 3)
        assert name == "plain" or not np.array_equal(video, found["plain"]), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"scheduler": "ddim"}, "scheduler ddim samples models that predict noise or v, and this"),
        ({"free_init": 2}, "2 rounds of FreeInit were asked for, which keeps what a noise schedul"),
        ({"noise_schedule": "v3"}, "the noise schedule or spacing v3 was given, and this model pr"),
    ],
)
def test_the_engine_says_what_a_flow_has_not(
    exported: Path, settings: dict[str, Any], told: str
) -> None:
    asked = request(settings=engine_settings(exported) | settings)
    with pytest.raises(EngineError, match=told) as caught:
        UnetEngine().capabilities_for(asked)
    assert "\n" not in str(caught.value)


def test_a_flow_method_is_not_for_a_base_that_predicts_noise(noise_base: Path) -> None:
    asked = request(settings={"model": str(noise_base), "scheduler": "flow-euler"})
    with pytest.raises(EngineError, match="flow-euler samples models that predict a flow, and th"):
        UnetEngine().capabilities_for(asked)


@pytest.mark.parametrize(
    ("base", "fields", "told"),
    [
        ("noise", {"trains": ["adapters.tracks"], "adapters": TRACKS}, "predict flow .* epsilon;"),
        ("noise", {"trains": ["lora"], "lora": {}}, "predict flow and its .* predicts epsilon; s"),
        ("flow", {"trains": ["text"]}, "predict epsilon .* predicts flow; set objective.predicti"),
    ],
)
def test_what_stays_frozen_goes_on_predicting_what_it_did(
    noise_base: Path, tmp_path: Path, base: str, fields: dict[str, Any], told: str
) -> None:
    """It is said before anything is trained or probed."""
    if base == "flow":
        noise_base = tiny_model_folder(tmp_path / "flow")
        write_flow(noise_base)
    prediction = "flow" if base == "noise" else "epsilon"
    with pytest.raises(TrainingError, match=told):
        Subject.of(stage(*fields.pop("trains"), prediction=prediction, **fields), noise_base)


def test_motion_layers_that_predict_something_else_take_their_base_along(
    noise_base: Path, tmp_path: Path
) -> None:
    """Beside the base that they were trained on nothing would say what they predict now."""
    for prediction in ("epsilon", "v_prediction", "flow"):
        folder = tmp_path / prediction / "trained"
        Subject.of(stage("unet.motion", prediction=prediction), noise_base).export(folder)
        same = prediction == "epsilon"
        assert (folder / "motion").is_dir() == same and (folder / "base").is_dir() != same
        if not same:
            config = json.loads((folder / "base/scheduler/scheduler_config.json").read_text())
            assert prediction_of(config) == prediction


@pytest.mark.slow
def test_a_recipe_of_flows_from_nothing(tmp_path: Path) -> None:
    """The tiny base's stages, each on the export of the one before, and videos are measured."""
    probes = [{"measure": "direction", "clips": 1, "steps": 2}, {"measure": "loss", "clips": 1}]
    told = [
        ("*.objective.prediction", "flow"),
        ("*.steps", 2),
        ("*.batch", 2),
        ("data.few", 4),
        ("clips.probes", probes),
    ]
    runs = Run(changed(tiny_base.recipe(), told), tmp_path, workers=0).train()
    assert [run.finished for run in runs] == [True] * 3
    measured = [(held.measure, held.step) for held in runs[-1].result.probes]
    assert measured == [("direction", 0), ("loss", 0), ("direction", 2), ("loss", 2)]
    assert all(np.isfinite(held.value) for held in runs[-1].result.probes)
    assert list((tmp_path / "clips" / "samples").glob("*.mp4"))
    settings = engine_settings(runs[-1].trained) | {"steps": 2}
    made = images(UnetEngine(), request(size=(32, 32), settings=settings))
    assert made.shape == (FRAMES, 32, 32, 3)

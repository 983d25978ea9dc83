"""Clips made with an adapter that carries channels of the sample beside the pictures'."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.contract import picture
from kineograph.conditioning.first_motion import CHANNELS
from kineograph.core.picture import fit
from kineograph.core.tracks import Tracks
from kineograph.engines.base import Request
from kineograph.engines.diffusion.flow import FLOW_CONFIG
from kineograph.engines.diffusion.generation import Generation
from kineograph.engines.diffusion.model import Model
from kineograph.engines.diffusion.sampler import Step
from kineograph.engines.unet import UnetEngine, UnetSettings
from kineograph.models import vae
from kineograph.models.adapter_folder import adapter_class, save_adapter
from tiny import randomise, tiny_model_folder, tiny_motion_unet

FRAMES, SIZE = 3, (16, 16)
KINDS = {"picture": "picture-concat", "motion": "joint-motion"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that predicts a flow, of pictures and of motion."""
    torch.set_num_threads(1)
    made = tiny_model_folder(tmp_path_factory.mktemp("model") / "it")
    (made / "scheduler" / "scheduler_config.json").write_text(json.dumps(dict(FLOW_CONFIG)))
    for seed, (name, kind) in enumerate(KINDS.items()):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            adapter = adapter_class(kind).for_base(tiny_motion_unet())
            randomise(adapter)
        save_adapter(adapter, made / "adapters" / name)
    return made


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return Model.load(settings(folder))


def fields(folder: Path) -> dict[str, Any]:
    return {"model": str(folder), "steps": 2, "device": "cpu", "guidance": 1.0}


def settings(folder: Path, **changed: Any) -> UnetSettings:
    return UnetSettings(**fields(folder) | changed)


def request(**changed: Any) -> Request:
    frames = changed.get("frames", FRAMES)
    path = np.linspace([5, 5], [12, 7], frames)[None]
    held: dict[str, Any] = {
        "size": SIZE,
        "frames": frames,
        "fps": 8,
        "picture": fit(picture(), SIZE),
        "text": "a red ball rolls to the left",
        "tracks": Tracks.of(path, size=SIZE, fps=8),
        "seed": 3,
    }
    return Request(**held | changed)


def latents(model: Model, asked: Request, **changed: Any) -> torch.Tensor:
    return Generation(model, asked, settings(Path(model.settings.model), **changed)).latents()


def test_motion_comes_behind_the_pictures(model: Model) -> None:
    made = latents(model, request())
    assert made.shape == (1, 4 + CHANNELS, FRAMES, 8, 8) and torch.isfinite(made).all()
    assert torch.equal(latents(model, request()), made)
    for changed in ({"seed": 4}, {"tracks": None}, {"text": "smoke rises"}):
        other = latents(model, request(**changed))
        assert not torch.allclose(other[:, 4:], made[:, 4:], atol=1e-4), changed


def test_noise_of_all_channels_is_drawn_at_once(model: Model) -> None:
    """What a seed means is settled: pictures and motion from one draw on the CPU."""
    steps: list[Step] = []
    asked = request()
    made = Generation(model, asked, settings(Path(model.settings.model), steps=1), steps.append)
    made.latents()
    draw = torch.Generator("cpu").manual_seed(asked.seed)
    noise = torch.randn((1, 4 + CHANNELS, FRAMES, 8, 8), generator=draw)
    assert torch.equal(made._noise(torch.Generator("cpu").manual_seed(asked.seed)), noise)
    assert steps[0].latents.shape == noise.shape


def test_the_pictures_are_what_is_decoded(model: Model) -> None:
    asked = request()
    made = latents(model, asked)
    frames = Generation(model, asked, settings(Path(model.settings.model))).frames()
    wanted = torch.cat(list(vae.decode(model.base.vae, made[:, :4])), dim=1)[0]
    np.testing.assert_array_equal(np.stack([frame.image for frame in frames]), wanted.numpy())


def test_of_words_alone_there_are_no_parts_to_move(model: Model) -> None:
    assert latents(model, request(picture=None, tracks=None)).shape == (1, 4, FRAMES, 8, 8)


@pytest.mark.parametrize(
    ("frames", "changed"),
    [
        (FRAMES, {"guidance": "text=3,picture=2,tracks=1.5"}),
        (FRAMES, {"strengths": {"motion": [[0, 1], [0.5, 1], [0.5, 0]]}}),
        (9, {"window": 4, "overlap": 2}),
        (9, {"window": 4, "overlap": 2, "long": "free-noise"}),
    ],
)
def test_it_is_guided_windowed_and_weighed_like_all_others(
    model: Model, frames: int, changed: dict[str, Any]
) -> None:
    asked = request(frames=frames)
    made = latents(model, asked, **changed)
    assert made.shape == (1, 4 + CHANNELS, frames, 8, 8) and torch.isfinite(made).all()
    if frames == FRAMES:
        assert not torch.allclose(made, latents(model, asked), atol=1e-4)


def test_the_engine_makes_clips_with_it(folder: Path) -> None:
    frames = list(UnetEngine().generate(request(settings=fields(folder))))
    assert np.stack([frame.image for frame in frames]).shape == (FRAMES, *SIZE, 3)

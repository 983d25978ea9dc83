"""VideoMAE: a tiny one beside a slow loop over its frames."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from random_weights import frames_of
from torch.nn import functional
from transformers import VideoMAEConfig, VideoMAEForPreTraining, VideoMAEModel

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.store import Backbones
from kineograph.evaluation.backbones.videomae import VideoMae

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def model() -> VideoMAEForPreTraining:
    torch.manual_seed(0)
    config = VideoMAEConfig(
        image_size=32,
        patch_size=16,
        num_frames=4,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        decoder_num_hidden_layers=1,
        decoder_hidden_size=16,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=32,
        use_mean_pooling=False,
    )
    return VideoMAEForPreTraining(config).eval()


@pytest.fixture
def folder(model: VideoMAEForPreTraining, tmp_path: Path) -> Path:
    model.save_pretrained(tmp_path / "videomae-base")
    return tmp_path / "videomae-base"


def slow(model: VideoMAEModel, frames: list[np.ndarray]) -> np.ndarray:
    """Frame by frame, colour by colour, token by token."""
    pictures = []
    for frame in frames:
        x = torch.from_numpy(frame).permute(2, 0, 1)[None] / 255
        x = functional.interpolate(x, size=(32, 32), mode="bilinear", antialias=True)[0]
        colours = zip(x, MEAN, SPREAD, strict=True)
        pictures.append(torch.stack([(plane - mean) / spread for plane, mean, spread in colours]))
    with torch.no_grad():
        tokens = model(torch.stack(pictures)[None]).last_hidden_state[0]
    return np.mean([token.numpy() for token in tokens], axis=0)


@pytest.mark.parametrize("size", ((32, 32), (50, 44)))
def test_it_is_the_slow_loop(
    folder: Path, model: VideoMAEForPreTraining, size: tuple[int, int]
) -> None:
    video = frames_of(0, 4, size)
    found = VideoMae(folder).features(video)
    assert found.shape == (24,)
    np.testing.assert_allclose(found, slow(model.videomae, list(video)), atol=1e-5)


def test_of_longer_videos_frames_are_taken_evenly(folder: Path) -> None:
    network, video = VideoMae(folder), frames_of(1, 10, (32, 32))
    assert network.frames == 4
    np.testing.assert_array_equal(network.features(video), network.features(video[[0, 3, 6, 9]]))


def test_a_folder_with_its_own_colours(folder: Path) -> None:
    video = frames_of(2, 4, (32, 32))
    usual = VideoMae(folder).features(video)
    said = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    assert np.abs(VideoMae(folder).features(video) - usual).max() > 1e-3


def test_too_short_a_video(folder: Path) -> None:
    with pytest.raises(EvaluationError, match="reads 4 frames, this video has 3"):
        VideoMae(folder).features(frames_of(0, 3, (32, 32)))


def test_what_is_wrong_is_told_in_a_line(folder: Path) -> None:
    assert isinstance(Backbones(folder=folder.parent).get("videomae"), VideoMae)
    config = json.loads((folder / "config.json").read_text())
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(EvaluationError, match=r"cannot load .*MCG-NJU/videomae-base") as caught:
        VideoMae(folder)
    assert "\n" not in str(caught.value)
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "clip"}))
    with pytest.raises(EvaluationError, match="a network of the kind clip; videomae has to be"):
        VideoMae(folder)
    (folder / "config.json").unlink()
    with pytest.raises(EvaluationError, match=r"it has no config\.json"):
        VideoMae(folder)

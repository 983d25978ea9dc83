"""MotiF's loss ratio: the pure function against a slow one, and the probe on a tiny network."""

from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from kineograph.core.errors import EvaluationError, TrainingError
from kineograph.data.procedural.scene import scene
from kineograph.evaluation.metrics.loss_ratio import loss_ratio, loss_ratio_curve
from kineograph.training.probes import run_probes
from kineograph.training.probes.measuring_loss_ratio import loss_ratios
from kineograph.training.stage import Stage
from kineograph.training.subject import Subject


def slow(errors: np.ndarray, heat: np.ndarray, threshold: float) -> float:
    inside, whole = [], []
    for index in np.ndindex(errors.shape):
        whole.append(errors[index])
        if heat[index[0], 0, *index[2:]] > threshold:
            inside.append(errors[index])
    return float(np.mean(inside) / np.mean(whole))


def test_the_ratio_is_that_of_the_slow_loop() -> None:
    rng = np.random.default_rng(0)
    errors, heat = rng.random((3, 2, 4, 5, 6)), rng.random((3, 1, 4, 5, 6))
    assert loss_ratio(errors, heat) == pytest.approx(slow(errors, heat, 0.5))
    assert loss_ratio(errors, heat, 0.9) == pytest.approx(slow(errors, heat, 0.9))


def test_known_answers() -> None:
    heat = np.zeros((1, 1, 2, 2, 2))
    heat[..., 0] = 0.9
    errors = np.where(heat > 0.5, 3.0, 1.0) * np.ones((1, 4, 1, 1, 1))
    assert loss_ratio(errors, heat) == 1.5
    assert loss_ratio(np.ones_like(errors), heat) == 1
    assert np.isnan(loss_ratio(errors, np.zeros_like(heat)))
    assert np.isnan(loss_ratio(np.zeros_like(errors), heat))


def test_a_curve_has_a_ratio_for_each_timestep() -> None:
    rng = np.random.default_rng(1)
    errors, heat = rng.random((5, 2, 3, 4, 4)), rng.random((5, 1, 3, 4, 4))
    steps = np.array([900, 100, 900, 500, 100])
    curve = loss_ratio_curve(errors, heat, steps)
    assert curve.timesteps.tolist() == [100, 500, 900] and curve.clips.tolist() == [2, 1, 2]
    assert curve.ratio[0] == loss_ratio(errors[[1, 4]], heat[[1, 4]])
    with pytest.raises(EvaluationError, match=r"5 clips were given with timesteps of \(3,\)"):
        loss_ratio_curve(errors, heat, steps[:3])
    with pytest.raises(EvaluationError, match="need the same clips, frames, rows and columns"):
        loss_ratio(errors, heat[:, :, :, :2])
    with pytest.raises(EvaluationError, match="an error is not finite"):
        loss_ratio(errors * np.nan, heat)


def subject(folder: Path, measure: str = "loss-ratio", **fields: object) -> Subject:
    given: dict[str, object] = {
        "name": "tracks",
        "trains": ["adapters.tracks"],
        "adapters": {"tracks": {"kind": "track-control", "options": {"raster": 1, "channels": 8}}},
        "sampling": {"frames": 4, "size": (32, 32), "tracks": "dense"},
        "probes": [{"measure": measure, "clips": 2, "steps": 3}],
    }
    stage = Stage.model_validate(given | fields)
    return Subject.of(stage, tiny.tiny_model_folder(folder / "base"))


@pytest.mark.slow
def test_the_probe_is_the_same_with_and_without_the_focal_loss(tmp_path: Path) -> None:
    plain = subject(tmp_path)
    before = {name: held.clone() for name, held in plain.denoiser.state_dict().items()}
    (found,) = run_probes(plain.stage.probes, plain, 0)
    assert found.measure == "loss-ratio" and len(found.clips) == 2
    assert list(found.beside) == ["at 0.167", "at 0.5", "at 0.833"]
    assert found.value == pytest.approx(np.mean(list(found.beside.values())))
    assert 0.2 < found.value < 5
    assert all(torch.equal(held, before[n]) for n, held in plain.denoiser.state_dict().items())
    objective = {"focal": {"strength": 5.0, "inverse": True}, "min_snr": 5.0}
    focal = subject(tmp_path, objective=objective)
    (again,) = run_probes(focal.stage.probes, focal, 0)
    assert again.clips == found.clips


@pytest.mark.slow
def test_what_has_no_flow_or_no_timesteps_is_refused(tmp_path: Path) -> None:
    clip = scene(5, size=(32, 32), frames=4, flow=False)
    with pytest.raises(TrainingError, match="the probe loss-ratio needs flow"):
        loss_ratios(subject(tmp_path), clip, 1, 0)
    coder = subject(tmp_path, trains=["vae"], adapters={})
    with pytest.raises(TrainingError, match="trains an autoencoder, which has no timesteps"):
        loss_ratios(coder, clip, 1, 0)

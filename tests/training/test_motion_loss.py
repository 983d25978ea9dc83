"""Training that denoises motion beside pictures: the loss, its parts, and what a stage needs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from training_clips import FRAMES, SIZE, clip

from kineograph.conditioning.first_motion import CHANNELS, motion_of, revealed
from kineograph.core.errors import TrainingError
from kineograph.core.tracks import Tracks
from kineograph.data.batch import Batch, collate
from kineograph.data.track_sampling import with_motion
from kineograph.models.adapter_folder import save_adapter
from kineograph.models.joint_motion import JointMotion
from kineograph.training import step, told
from kineograph.training.clips import needed
from kineograph.training.noising import Noising
from kineograph.training.objective import Loss, motion_error, squared_error
from kineograph.training.probes.probe_clips import probe_clips
from kineograph.training.source import Sampled, source_for
from kineograph.training.stage import Focal, Objective, Stage
from kineograph.training.step import training_step, weighed
from kineograph.training.subject import Subject
from tiny import STRIDE, tiny_model_folder, tiny_motion_unet

ADAPTERS = {"motion": {"kind": "joint-motion"}}


def batch(count: int = 2) -> Batch:
    """Squares that go right, told by a track in each second cell and more on the squares."""
    y, x = np.mgrid[1 : SIZE[1] : 2, 1 : SIZE[0] : 4].reshape(2, -1)
    rest = np.stack([x, y], axis=1)[:, None].repeat(FRAMES, axis=1).astype(np.float32)
    made = []
    for number in range(count):
        held = clip(number)
        assert held.tracks is not None
        still = Tracks.of(rest, size=SIZE, fps=8)
        made.append(with_motion(clip(number, tracks=held.tracks.merge(still)), STRIDE))
    return collate(made)


def drawn(channels: int = 4 + CHANNELS, seed: int = 0) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    said, target = torch.randn(2, 2, channels, FRAMES, 8, 8, generator=draw)
    return said, target


# the error of the motion


LEVEL = torch.tensor([0.3, 0.8])
"""Of the noise of two clips."""


def loop(said: Tensor, target: Tensor, motion: Tensor, focal: Focal | None) -> float:
    total, count = 0.0, 0
    lengths = (motion[:, 0] ** 2 + motion[:, 1] ** 2) ** 0.5
    for b, t, y, x in motion[:, 3].nonzero().tolist():
        weight = 1.0
        if focal is not None:
            heat = float(lengths[b, t, y, x] / max(float(lengths[b].max()), 0.1))
            weight += focal.strength * (1 - heat if focal.inverse else heat) ** 2
        for channel in range(CHANNELS):
            off = float(said[b, channel, t, y, x] - target[b, channel, t, y, x])
            total, count = total + weight * (LEVEL[b].item() * off) ** 2, count + 1
    return total / count


@pytest.mark.parametrize("focal", [None, Focal(strength=2.0), Focal(strength=0.5, inverse=True)])
def test_the_error_of_the_motion_is_the_loop(focal: Focal | None) -> None:
    (said, target), held = drawn(CHANNELS), batch().motion
    assert held is not None and 0 < held[:, 3].mean() < 1
    made = motion_error(said, target, held, LEVEL, Objective(focal=focal))
    assert made.total.item() == pytest.approx(loop(said, target, held, focal), rel=1e-5)
    assert made.parts["plain"] == pytest.approx(loop(said, target, held, None), rel=1e-5)


def test_what_nobody_knows_of_the_motion_counts_nothing() -> None:
    (said, target), held = drawn(CHANNELS), batch().motion
    assert held is not None
    wild = said + 100 * (1 - held[:, 3:])
    plain = Objective()
    assert torch.equal(
        motion_error(wild, target, held, LEVEL, plain).total,
        motion_error(said, target, held, LEVEL, plain).total,
    )
    nothing = motion_error(said, target, torch.zeros_like(held), LEVEL, plain)
    assert nothing.total == 0 and nothing.parts == {"plain": 0}


def test_of_a_clip_at_rest_the_focal_loss_is_the_plain_one() -> None:
    (said, target), held = drawn(CHANNELS), batch().motion
    assert held is not None
    still = held * torch.tensor([0, 0, 1, 1])[:, None, None, None]
    focal = motion_error(said, target, still, LEVEL, Objective(focal=Focal(strength=5.0)))
    assert torch.equal(focal.total, motion_error(said, target, still, LEVEL, Objective()).total)


def test_two_losses_in_one() -> None:
    pictures = Loss(torch.tensor(2.0), {"plain": torch.tensor(1.5)})
    both = pictures.with_motion(Loss(torch.tensor(3.0), {"plain": torch.tensor(0.5)}), 0.25)
    assert both.total == 2.75
    assert both.parts == {"plain": 1.5, "motion_plain": 0.5}


# the whole loss


def test_the_loss_is_that_of_pictures_and_weighted_that_of_motion() -> None:
    said, target = drawn()
    held, noising = batch(), Noising({}, "flow")
    objective = Objective(prediction="flow", motion=2.0, revealed=3.0, focal=Focal())
    made = weighed(said, target, held, objective, noising, 1000 * LEVEL)
    assert held.motion is not None
    motion = motion_error(said[:, 4:], target[:, 4:], held.motion, LEVEL, objective)
    new = 1 + 3 * revealed(held.motion)
    plain = Objective(prediction="flow", focal=Focal())
    without = Batch(**{**vars(held), "motion": None})
    focal = weighed(said[:, :4], target[:, :4], without, plain, noising, 1000 * LEVEL)
    assert focal.total > squared_error(said[:, :4], target[:, :4]).total
    # what is revealed multiplies what the motion focal loss weighs
    scaled = new.sqrt() * (said - target)[:, :4]
    pictures = weighed(scaled, torch.zeros_like(scaled), without, plain, noising, 1000 * LEVEL)
    torch.testing.assert_close(made.total, pictures.total + 2 * motion.total)
    assert new.max() > 1.5
    assert made.parts["plain"] == pytest.approx(focal.parts["plain"])
    assert made.parts["motion_plain"] == pytest.approx(motion.parts["plain"])


def test_nothing_that_is_revealed_is_no_other_loss() -> None:
    said, target = drawn()
    held, noising = batch(), Noising({}, "flow")
    made = [
        weighed(said, target, held, Objective(motion=0.0, revealed=share), noising, torch.ones(2))
        for share in (0.0, 1.0)
    ]
    assert torch.equal(made[0].total, squared_error(said[:, :4], target[:, :4]).total)
    assert made[1].total > made[0].total


def test_latents_and_behind_them_the_motion() -> None:
    held = batch()
    clean = torch.randn(2, 4, FRAMES, 8, 8)
    made = told.with_motion(clean, held)
    assert held.motion is not None
    assert torch.equal(made[:, :4], clean) and torch.equal(made[:, 4:], held.motion[:, :3])
    assert told.with_motion(clean, Batch(**{**vars(held), "motion": None})) is clean
    assert told.with_motion(clean.to(torch.bfloat16), held).dtype == torch.bfloat16


# the step


def stage(**fields: Any) -> Stage:
    held: dict[str, Any] = {
        "name": "it",
        "trains": ["unet", "adapters.motion"],
        "adapters": ADAPTERS,
        "sampling": {"frames": FRAMES, "size": SIZE, "picture": "first", "motion": STRIDE},
        "objective": {"prediction": "flow", "motion": 2.0, "revealed": 1.0},
    }
    return Stage.model_validate(held | fields)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return tiny_model_folder(tmp_path_factory.mktemp("base") / "animatediff")


def test_a_step_trains_pictures_and_motion(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject.of(stage(dropout={"picture": 1.0}), base)
    calls: list[tuple[Any, ...]] = []
    forward = subject.denoiser.forward
    monkeypatch.setattr(
        subject.denoiser, "forward", lambda *given: calls.append(given) or forward(*given)
    )
    held = batch()
    made = training_step(subject, held, torch.Generator().manual_seed(0))
    made.total.backward()
    assert set(made.parts) >= {"plain", "motion_plain"}
    assert subject.adapters["motion"].head.weight.grad.any()
    assert subject.base.unet.conv_in.weight.grad.any()
    assert calls[0][0].shape == (2, 4 + CHANNELS, FRAMES, 8, 8)
    assert not calls[0][3]["motion"].channels[:, 0].any()  # dropped, and it carries all the same
    at_once = torch.zeros(2)
    training_step(subject, held, torch.Generator().manual_seed(0), dropping=False, places=at_once)
    assert held.motion is not None
    torch.testing.assert_close(calls[1][0][:, 4:], held.motion[:, :3])
    assert (calls[1][3]["motion"].channels[:, 0] == 1).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"sampling": {"frames": FRAMES, "size": SIZE}},
            "stage it has sampling.motion None; its adapters need 2: the pixels of a latent cell",
        ),
        (
            {"sampling": {"frames": FRAMES, "size": SIZE, "motion": 8}},
            "stage it has sampling.motion 8; its adapters need 2",
        ),
        (
            {"adapters": {}, "trains": ["unet"]},
            "stage it has sampling.motion 2; its adapters need None",
        ),
        (
            {"objective": {"prediction": "epsilon"}},
            "stage it predicts epsilon and has an adapter that carries motion, which is denoised",
        ),
    ],
)
def test_what_does_not_go_with_motion_is_said(
    base: Path, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        Subject.of(stage(**fields), base)


def test_motion_in_the_bases_own_folder_is_asked_for_as_well(tmp_path: Path) -> None:
    folder = tiny_model_folder(tmp_path / "it")
    save_adapter(JointMotion.for_base(tiny_motion_unet()), folder / "adapters" / "motion")
    fields: dict[str, Any] = {"adapters": {}, "trains": ["unet"]}
    assert set(Subject.of(stage(**fields), folder).denoiser.adapters) == {"motion"}
    without = stage(**fields, sampling={"frames": FRAMES, "size": SIZE})
    with pytest.raises(TrainingError, match=r"it has sampling\.motion None; its adapters"):
        Subject.of(without, folder)


# the clips


SCENES: dict[str, Any] = {"kind": "scenes", "few": 2, "objects": [1, 1], "sprites": 4}


def test_a_stage_with_motion_reads_tracks_and_keeps_them_to_itself() -> None:
    held = stage(sampling={"frames": FRAMES, "size": SIZE, "motion": STRIDE})
    assert "tracks" in needed(held)
    whole = clip(0)
    made = Sampled(held.sampling, needed(held))(whole, np.random.default_rng(0))
    assert made.tracks is None and made.motion is not None and whole.tracks is not None
    np.testing.assert_array_equal(made.motion, motion_of(whole.tracks, STRIDE))
    few = stage(
        sampling={"frames": FRAMES, "size": SIZE, "motion": STRIDE, "tracks": "sparse"}
    ).sampling
    counts = set()
    for seed in range(6):
        made = Sampled(few, needed(held))(whole, np.random.default_rng(seed))
        assert made.tracks is not None
        counts.add(made.tracks.count)
        np.testing.assert_array_equal(made.motion, motion_of(whole.tracks, STRIDE))
    assert min(counts) < whole.tracks.count  # of all tracks, not of those that are drawn


def test_scenes_tell_of_nearly_every_cell_to_learn_from_and_to_measure() -> None:
    sampling = {"frames": FRAMES, "size": (32, 32), "motion": 8}
    held = stage(sampling=sampling, batch=2)
    source = source_for(SCENES, held, workers=0)
    made = next(iter(source.part(0, 1)))
    assert made.motion is not None and made.motion.shape == (2, 4, FRAMES, 4, 4)
    assert made.motion[:, 3].mean() > 0.9
    (probed,) = probe_clips(held, 1, SCENES)
    assert probed.motion is not None and probed.motion.shape == (4, FRAMES, 4, 4)


@pytest.mark.slow
def test_a_few_dozen_steps_on_a_few_scenes_learn_their_motion(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From random weights: what can be seen, and how far what moves has gone."""
    adapters = {"picture": {"kind": "picture-concat"}, **ADAPTERS}
    made = stage(
        trains=["unet", "adapters.picture", "adapters.motion"],
        adapters=adapters,
        sampling={"frames": FRAMES, "size": (32, 32), "picture": "first", "motion": STRIDE},
        dropout={"text": 0.0},
        batch=2,
    )
    subject = Subject.of(made, base)
    data = next(iter(source_for({**SCENES, "still": 0.0}, made, workers=0).part(0, 1)))
    said: list[float] = []

    def kept(
        prediction: Tensor, target: Tensor, motion: Tensor, level: Tensor, objective: Objective
    ) -> Loss:
        moves = (motion[:, :2].abs().amax(dim=1, keepdim=True) > 0.1).float()
        off = (prediction[:, :2] - target[:, :2]).detach() * level[:, None, None, None, None]
        errors = off**2 * moves
        said.append(float(errors.sum() / moves.sum()))
        return motion_error(prediction, target, motion, level, objective)

    monkeypatch.setattr(step, "motion_error", kept)

    def measured() -> tuple[dict[str, float], float]:
        draw = torch.Generator().manual_seed(1)
        with torch.no_grad():
            parts = training_step(
                subject, data, draw, dropping=False, places=torch.tensor([0.5, 0.9])
            ).parts
        return parts, said[-1]

    before, far = measured()
    draw = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(subject.trainable().values(), lr=4e-3)
    for _ in range(60):
        optimiser.zero_grad()
        training_step(subject, data, draw).total.backward()
        optimiser.step()
    after, near = measured()
    assert after["motion_plain"] < 0.8 * before["motion_plain"]
    assert after["plain"] < before["plain"]
    assert near < 0.9 * far

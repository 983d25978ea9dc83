"""A run that is stopped and resumed is, bit for bit, the run that never stopped."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_learner import Learning, PairSource, noisy_step, same, stage, weights

from kineograph.core.errors import TrainingError
from kineograph.training.loop import train_stage
from kineograph.training.record import read_record
from kineograph.training.source import source_for
from kineograph.training.stage import AdapterChoice, Dropout, Optimiser, Sampling, Stage
from kineograph.training.state import differences
from kineograph.training.state_files import read_state, read_weights
from kineograph.training.subject import Subject
from tiny import tiny_model_folder


class CutShortError(Exception):
    """Something went wrong that nobody expected."""


def run(
    told: Stage,
    out: Path,
    *,
    resume: bool = False,
    learner: Learning | None = None,
    fail_at: int | None = None,
) -> tuple[Learning, PairSource]:
    learner, source = learner or Learning(), PairSource()

    def progress(step: int, steps: int, numbers: object) -> None:
        if step == fail_at:
            raise CutShortError

    train_stage(told, learner, source, out, resume=resume, step_of=noisy_step, progress=progress)
    return learner, source


SETTINGS: dict[str, dict[str, Any]] = {
    "adamw with everything": {},
    "adafactor": {"optimiser": Optimiser(name="adafactor", lr=1e-2, ema=0.0)},
    "sgd": {"optimiser": Optimiser(name="sgd", lr=1e-2, schedule="linear")},
    "accumulating": {"accumulate": 3},
    "bf16": {"precision": "bf16"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_ten_steps_are_five_and_five(tmp_path: Path, name: str) -> None:
    told = stage(save_every=5, **SETTINGS[name])
    straight, all_data = run(told, tmp_path / "straight")
    with pytest.raises(CutShortError):
        run(told, tmp_path / "cut", fail_at=7)
    resumed, rest = run(told, tmp_path / "cut", resume=True)
    assert same(weights(straight), weights(resumed))
    half = len(all_data.seen) // 2
    assert rest.seen == all_data.seen[half:]
    a, b = (tmp_path / held / "checkpoints" / "step-00000010" for held in ("straight", "cut"))
    assert same(read_weights(a / "weights.safetensors"), read_weights(b / "weights.safetensors"))
    assert equal(read_state(a / "optimiser.pt"), read_state(b / "optimiser.pt"))
    assert equal(read_state(a / "process-00000.pt"), read_state(b / "process-00000.pt"))


def test_two_runs_that_differ_are_not_equal(tmp_path: Path) -> None:
    """The comparison above can fail: another seed gives other weights."""
    one, _ = run(stage(), tmp_path / "a")
    other, _ = run(stage(seed=1), tmp_path / "b")
    assert not same(weights(one), weights(other))


def test_every_step_saved_and_resumed_is_the_same(tmp_path: Path) -> None:
    told = stage(steps=6, save_every=1, keep=10)
    straight, _ = run(told, tmp_path / "straight")
    for step in range(1, 6):
        with pytest.raises(CutShortError):
            run(told, tmp_path / "cut", resume=True, fail_at=step + 1)
    resumed, _ = run(told, tmp_path / "cut", resume=True)
    assert same(weights(straight), weights(resumed))


def test_record_goes_on_without_gaps_or_doubles(tmp_path: Path) -> None:
    told = stage(save_every=4)
    with pytest.raises(CutShortError):
        run(told, tmp_path, fail_at=7)
    run(told, tmp_path, resume=True)
    steps = [line["step"] for line in read_record(tmp_path) if line["kind"] == "step"]
    assert steps == list(range(1, 11))


def test_longer_is_allowed_where_the_rate_does_not_follow_from_it(tmp_path: Path) -> None:
    settings = Optimiser(lr=1e-2, ema=0.9)
    straight, _ = run(stage(optimiser=settings), tmp_path / "straight")
    run(stage(optimiser=settings, steps=5), tmp_path / "longer")
    resumed, _ = run(stage(optimiser=settings), tmp_path / "longer", resume=True)
    assert same(weights(straight), weights(resumed))


def test_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    first, _ = run(stage(), tmp_path)
    again, source = run(stage(), tmp_path, resume=True)
    assert same(weights(first), weights(again))
    assert source.seen == []


def test_nothing_to_resume_starts_anew(tmp_path: Path) -> None:
    said: list[str] = []
    train_stage(
        stage(steps=1),
        Learning(),
        PairSource(),
        tmp_path,
        resume=True,
        step_of=noisy_step,
        on_event=said.append,
    )
    assert said[0] == "nothing to go on from: starts anew"


def test_existing_run_is_not_overwritten(tmp_path: Path) -> None:
    run(stage(steps=3, optimiser=Optimiser()), tmp_path)
    with pytest.raises(TrainingError) as error:
        run(stage(), tmp_path)
    assert f"{tmp_path / 'checkpoints'} already holds checkpoints up to step 3" in str(error.value)
    assert "--resume" in str(error.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"optimiser": Optimiser(lr=2e-2, ema=0.9, schedule="cosine", warmup=2)},
            "it was trained with optimiser.lr 0.01, now it is 0.02",
        ),
        ({"batch": 8}, "with batch 4, now it is 8"),
        ({"seed": 3}, "with seed 0, now it is 3"),
        ({"steps": 20}, "with steps 10, now it is 20"),
        ({"accumulate": 2, "batch": 2}, "with batch 4, now it is 2"),
    ],
)
def test_other_settings_are_refused_and_named(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(CutShortError):
        run(stage(save_every=3), tmp_path, fail_at=5)
    with pytest.raises(TrainingError) as error:
        run(stage(**{"save_every": 3, **changed}), tmp_path, resume=True)
    assert said in str(error.value)
    assert "set it back, or start anew in another --out" in str(error.value)


def test_settings_that_decide_nothing_may_change(tmp_path: Path) -> None:
    straight, _ = run(stage(), tmp_path / "straight")
    with pytest.raises(CutShortError):
        run(stage(save_every=3), tmp_path / "cut", fail_at=5)
    changed = stage(save_every=2, keep=1, about="something else")
    resumed, _ = run(changed, tmp_path / "cut", resume=True)
    assert same(weights(straight), weights(resumed))


def test_another_base_is_refused(tmp_path: Path) -> None:
    run(stage(), tmp_path)
    with pytest.raises(TrainingError, match="on another base, or with other frozen adapters"):
        run(stage(), tmp_path, resume=True, learner=Learning(seed=1))


def test_other_weights_are_refused(tmp_path: Path) -> None:
    run(stage(), tmp_path)
    other = Learning()
    other.denoiser["second"] = torch.nn.Linear(16, 6, bias=False)
    with pytest.raises(TrainingError) as error:
        run(stage(), tmp_path, resume=True, learner=other)
    assert "with weights second.bias [6], now not there" in str(error.value)


def test_differences_are_named_in_order() -> None:
    then = {"a": 1, "b": {"c": [1, 2], "d": None}, "e": 0}
    now = {"a": 1, "b": {"c": [1, 3]}, "e": 0, "f": 5}
    assert list(differences(then, now)) == [("b.c", [1, 2], [1, 3]), ("f", None, 5)]


@pytest.mark.slow
def test_real_networks_on_scenes_read_ahead(tmp_path: Path) -> None:
    """A track ControlNet on a tiny base, its scenes made by another process."""
    base = tiny_model_folder(tmp_path / "base")
    told = Stage(
        name="tracks",
        trains=("adapters.tracks",),
        adapters={"tracks": AdapterChoice(kind="track-control", options={"raster": 1})},
        sampling=Sampling(frames=3, size=(16, 16), tracks="dense"),
        dropout=Dropout(text=0.5, tracks=0.5),
        optimiser=Optimiser(lr=1e-3, ema=0.5),
        steps=4,
        batch=2,
        save_every=2,
    )
    scenes = {"kind": "scenes", "objects": [1, 2], "kept": 4}

    def trained(out: Path, *, resume: bool = False, fail_at: int | None = None) -> Subject:
        subject, source = Subject.of(told, base), source_for(scenes, told, workers=1)
        before = subject.frozen_digest()

        def progress(step: int, steps: int, numbers: object) -> None:
            if step == fail_at:
                raise CutShortError

        train_stage(told, subject, source, out, resume=resume, progress=progress)
        assert subject.frozen_digest() == before
        return subject

    straight = trained(tmp_path / "straight")
    with pytest.raises(CutShortError):
        trained(tmp_path / "cut", fail_at=3)
    resumed = trained(tmp_path / "cut", resume=True)
    one, other, new = (held.trainable() for held in (straight, resumed, Subject.of(told, base)))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not all(torch.equal(one[name], new[name]) for name in one)


def equal(one: Any, other: Any) -> bool:
    """Nested containers, tensors bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)

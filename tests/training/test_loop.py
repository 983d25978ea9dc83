"""The loop does what a plain PyTorch loop does, stops when asked, and says what is wrong."""

import math
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_learner import (
    Learning,
    Loss,
    Pairs,
    PairSource,
    noisy_step,
    same,
    stage,
    still_step,
    weights,
)

from kineograph.core.errors import TrainingError
from kineograph.training.averages import Averages
from kineograph.training.chance import chance_of, seed_of
from kineograph.training.loop import train_stage
from kineograph.training.optimisers import optimiser_for, schedule_for
from kineograph.training.probes.measured import Measured
from kineograph.training.record import read_record
from kineograph.training.stage import Optimiser, Probe
from kineograph.training.stopping import listening
from kineograph.training.trouble import memory_watched, remedy


def bare(learner: Learning, steps: int, *, accumulate: int, lr: float, clip: float) -> None:
    """The loop as one writes it without Kineograph."""
    learner.denoiser.eval()
    optimiser = torch.optim.AdamW(learner.trainable().values(), lr=lr, weight_decay=1e-2)
    batches = iter(PairSource())
    for _ in range(steps):
        for _ in range(accumulate):
            batch = next(batches)
            loss = (learner.predict(batch.given) - batch.wanted).square().mean()
            (loss / accumulate).backward()
        torch.nn.utils.clip_grad_norm_(learner.trainable().values(), clip)
        optimiser.step()
        optimiser.zero_grad()


@pytest.mark.parametrize("accumulate", [1, 3])
def test_is_a_plain_loop(tmp_path: Path, accumulate: int) -> None:
    told = stage(accumulate=accumulate, optimiser=Optimiser(lr=1e-2, clip=0.5))
    ours, theirs = Learning(), Learning()
    result = train_stage(told, ours, PairSource(), tmp_path, step_of=still_step)
    bare(theirs, 10, accumulate=accumulate, lr=1e-2, clip=0.5)
    assert same(weights(ours), weights(theirs))
    assert result.finished and result.step == 10 and result.stopped is None


def test_learns_and_leaves_the_frozen_part(tmp_path: Path) -> None:
    learner = Learning()
    before, frozen = weights(learner), learner.frozen_digest()
    losses: list[float] = []
    told = stage(steps=120, optimiser=Optimiser(lr=2e-2))
    train_stage(
        told,
        learner,
        PairSource(),
        tmp_path,
        step_of=noisy_step,
        progress=lambda step, steps, numbers: losses.append(numbers["loss"]),
    )
    assert len(losses) == 120
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:20])
    assert learner.frozen_digest() == frozen
    assert not any(torch.equal(before[n], held) for n, held in weights(learner).items())


def test_rate_warms_up_and_falls(tmp_path: Path) -> None:
    rates: list[float] = []
    settings = Optimiser(lr=0.8, schedule="linear", warmup=2, clip=1e-6, weight_decay=0)
    train_stage(
        stage(steps=6, optimiser=settings),
        Learning(),
        PairSource(),
        tmp_path,
        step_of=still_step,
        progress=lambda step, steps, numbers: rates.append(numbers["lr"]),
    )
    assert rates == pytest.approx([0.0, 0.4, 0.8, 0.6, 0.4, 0.2])


def test_record_and_events(tmp_path: Path) -> None:
    said: list[str] = []
    train_stage(
        stage(steps=50, save_every=20),
        Learning(),
        PairSource(),
        tmp_path,
        step_of=noisy_step,
        on_event=said.append,
    )
    lines = [line for line in read_record(tmp_path) if line["kind"] == "step"]
    assert [line["step"] for line in lines] == list(range(1, 51))
    assert {"loss", "lr", "grad_norm", "clips_per_s", "wait", "memory", "parts"} <= set(lines[0])
    assert lines[0]["parts"]["plain"] == pytest.approx(lines[0]["loss"])
    assert 0 <= lines[0]["wait"] <= 1
    assert "gates" not in lines[0] and lines[49]["gates"].keys() == {"alpha"}
    assert [line.split(":")[0] for line in said] == ["step 20", "step 40", "step 50"]


def test_probes_see_the_average_and_training_does_not_notice(tmp_path: Path) -> None:
    probes = (Probe(measure="loss", every=4), Probe(measure="epe", every=3))
    calls: list[tuple[int, list[str]]] = []
    seen: list[dict[str, torch.Tensor]] = []

    def probed(due: tuple[Probe, ...], subject: Learning, step: int) -> list[Measured]:
        calls.append((step, [held.measure for held in due]))
        seen.append(weights(subject))
        torch.rand(7)
        return [Measured("loss", step, (1.0,))]

    with_probes, without = Learning(), Learning()
    result = train_stage(
        stage(probes=probes, steps=10),
        with_probes,
        PairSource(),
        tmp_path / "a",
        step_of=noisy_step,
        run_probes=probed,
    )
    train_stage(stage(steps=10), without, PairSource(), tmp_path / "b", step_of=noisy_step)
    assert [step for step, _ in calls] == [0, 3, 4, 6, 8, 9, 10]
    assert calls[1][1] == ["epe"] and calls[2][1] == ["loss"]
    assert calls[0][1] == calls[-1][1] == ["loss", "epe"]
    assert same(weights(with_probes), weights(without))
    assert same(seen[-1], weights(with_probes)), "the average is what is left at the end"
    assert len(result.probes) == len(calls)


def test_average_is_the_formula(tmp_path: Path) -> None:
    learner = Learning()
    snapshots: list[torch.Tensor] = []
    train_stage(
        stage(optimiser=Optimiser(lr=1e-2, ema=0.5), steps=5),
        learner,
        PairSource(),
        tmp_path,
        step_of=still_step,
        progress=lambda *_: snapshots.append(learner.denoiser["first"].weight.detach().clone()),
    )
    mean = snapshots[0]
    for n, held in enumerate(snapshots[1:], 1):
        decay = min(0.5, (1 + n) / (10 + n))
        mean = decay * mean + (1 - decay) * held
    assert torch.allclose(learner.denoiser["first"].weight, mean, atol=1e-6)
    assert not torch.equal(mean, snapshots[-1])


def test_swapped_averages_come_back_bit_for_bit() -> None:
    learner = Learning()
    averages = Averages(learner.trainable(), 0.9)
    for _ in range(3):
        for held in learner.trainable().values():
            held.data.add_(torch.randn_like(held))
        averages.update()
    before = weights(learner)
    with averages.swapped():
        assert not same(weights(learner), before)
        assert same(weights(learner), averages.tensors())
    assert same(weights(learner), before)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signal_saves_first(tmp_path: Path, name: str) -> None:
    def at_four(step: int, steps: int, numbers: object) -> None:
        if step == 4:
            os.kill(os.getpid(), getattr(signal, name))

    before = signal.getsignal(signal.SIGTERM)
    stopped = train_stage(
        stage(), Learning(), PairSource(), tmp_path, step_of=noisy_step, progress=at_four
    )
    assert signal.getsignal(signal.SIGTERM) == before
    assert stopped.stopped == name and not stopped.finished
    assert stopped.checkpoint is not None and stopped.checkpoint.name == f"step-{stopped.step:08d}"
    assert stopped.step in (4, 5)
    straight, resumed = Learning(), Learning()
    train_stage(stage(), straight, PairSource(), tmp_path / "b", step_of=noisy_step)
    train_stage(stage(), resumed, PairSource(), tmp_path, resume=True, step_of=noisy_step)
    assert same(weights(straight), weights(resumed))


def test_second_signal_interrupts_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), listening() as stopping:
        signal.raise_signal(signal.SIGTERM)
        assert stopping.asked
        signal.raise_signal(signal.SIGTERM)


def test_trains_outside_the_main_thread(tmp_path: Path) -> None:
    ended: list[bool] = []

    def run() -> None:
        result = train_stage(stage(), Learning(), PairSource(), tmp_path, step_of=still_step)
        ended.append(result.finished)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert ended == [True]


def test_not_finite_stops_before_the_weights_change(tmp_path: Path) -> None:
    learner = Learning()
    kept: list[dict[str, torch.Tensor]] = []

    def breaks(subject: Learning, batch: Pairs, generator: torch.Generator) -> Loss:
        made = still_step(subject, batch, generator)
        kept.append(weights(subject))
        return Loss(made.total * (math.nan if len(kept) == 4 else 1), made.parts)

    with pytest.raises(TrainingError) as error:
        train_stage(stage(save_every=2), learner, PairSource(), tmp_path, step_of=breaks)
    assert "stage tiny, step 4: the loss is nan; take a lower optimiser.lr" in str(error.value)
    assert same(weights(learner), kept[-1])
    assert (tmp_path / "checkpoints" / "step-00000002").is_dir()


@pytest.mark.parametrize(
    ("changed", "knob"),
    [
        ({}, "checkpointing: true"),
        ({"checkpointing": True}, "precision: bf16"),
        (
            {"checkpointing": True, "precision": "bf16", "accumulate": 3},
            "batch: 2 and accumulate: 6",
        ),
        ({"checkpointing": True, "precision": "bf16", "batch": 1}, "adafactor"),
    ],
)
def test_memory_names_the_knob(changed: dict[str, object], knob: str) -> None:
    told = stage(**changed)
    assert knob in remedy(told)
    with pytest.raises(TrainingError) as error, memory_watched(told):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
    assert knob in str(error.value)
    assert f"batch {told.batch} of 16 frames of 256x256" in str(error.value)


def test_real_lack_of_memory_in_a_step(tmp_path: Path) -> None:
    def greedy(subject: Learning, batch: Pairs, generator: torch.Generator) -> Loss:
        return Loss(torch.empty(2**60), {})

    with pytest.raises(TrainingError, match="stage tiny ran out of memory with batch 4"):
        train_stage(stage(), Learning(), PairSource(), tmp_path, step_of=greedy)


def test_other_errors_pass_through() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory_watched(stage()):
        raise RuntimeError("shapes do not match")


def test_half_precision_needs_a_gpu(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="precision: fp16, which needs a GPU"):
        train_stage(stage(precision="fp16"), Learning(), PairSource(), tmp_path, step_of=still_step)


def test_stages_of_other_precisions_follow_one_another(tmp_path: Path) -> None:
    types: list[torch.dtype] = []

    def looking(subject: Learning, batch: Pairs, generator: torch.Generator) -> Loss:
        types.append(subject.predict(batch.given).dtype)
        return still_step(subject, batch, generator)

    for precision in ("no", "bf16", "no"):
        told = stage(steps=1, precision=precision)
        out = tmp_path / str(len(types))
        train_stage(told, Learning(), PairSource(), out, step_of=looking)
    # The gate, in float32, comes last: what shows is what the layers before it made of bf16.
    assert types[0] == types[2] == torch.float32
    assert len(types) == 3


@pytest.mark.parametrize("name", ["adamw", "adafactor", "sgd"])
def test_optimisers_move_what_begins_at_zero(name: str) -> None:
    silent = torch.nn.Parameter(torch.zeros(4, 4))
    settings = Optimiser(name=name, lr=1e-2, weight_decay=0)
    optimiser = optimiser_for(settings, [silent])
    schedule = schedule_for(settings, optimiser, 10)
    for _ in range(10):
        (silent - 1).square().sum().backward()
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
    assert silent.min() > 0.05


def test_chance_is_given_by_its_place() -> None:
    def drawn(**changed: int) -> tuple[float, float]:
        place = {"seed": 1, "process": 0, "step": 5, "part": 0, **changed}
        generator = chance_of(**place)
        return float(torch.rand((), generator=generator)), float(torch.rand(()))

    assert drawn() == drawn()
    others = [drawn(seed=2), drawn(process=1), drawn(step=6), drawn(part=1)]
    assert len({drawn(), *others}) == 5
    assert seed_of(1, 2) != seed_of(2, 1)


def test_leaves_torchs_own_chance_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    train_stage(stage(steps=2), Learning(), PairSource(), tmp_path, step_of=noisy_step)
    assert torch.equal(torch.rand(4), expected)

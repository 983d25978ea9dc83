"""Two processes train as one with batches twice as large; gloo on the CPU."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_learner import Learning, PairSource, stage, still_step, weights

from kineograph.training.checkpoints import Checkpoints
from kineograph.training.loop import train_stage
from kineograph.training.record import read_record
from kineograph.training.stage import Optimiser
from kineograph.training.state_files import read_weights

HERE = Path(__file__).parent
pytestmark = pytest.mark.slow


def together(out: Path, script: str, *arguments: str) -> None:
    """Run a script in two processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)]
    ended = subprocess.run(
        [sys.executable, *launch, str(HERE / script), str(out), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes made, of every way to train; they are started once."""
    folder = tmp_path_factory.mktemp("together")
    together(folder, "together.py", "plain", "accumulating", "noisy", "stopped", "resumed", "full")
    return folder


def held(out: Path, how: str, rank: int) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(out / f"{how}-{rank}.pt", weights_only=True)
    return loaded


@pytest.mark.parametrize(("how", "accumulate"), [("plain", 1), ("accumulating", 2)])
def test_two_equal_one_of_twice_the_batch(
    out: Path, tmp_path: Path, how: str, accumulate: int
) -> None:
    settings = Optimiser(lr=1e-2, ema=0.9, clip=0.5)
    told = stage(batch=8, accumulate=accumulate, optimiser=settings)
    alone, source = Learning(), PairSource(batch=8)
    train_stage(told, alone, source, tmp_path, step_of=still_step)
    first, second = held(out, how, 0), held(out, how, 1)
    for name, weight in weights(alone).items():
        assert torch.equal(first["weights"][name], second["weights"][name])
        assert torch.allclose(first["weights"][name], weight, atol=1e-6), name
    assert sorted(first["seen"] + second["seen"]) == source.seen
    assert not set(first["seen"]) & set(second["seen"])
    losses = [x["loss"] for x in read_record(tmp_path) if x["kind"] == "step"]
    shared = [x["loss"] for x in read_record(out / how) if x["kind"] == "step"]
    assert shared == pytest.approx(losses, rel=1e-5)


def test_it_could_tell(out: Path, tmp_path: Path) -> None:
    """One process with the small batch ends up elsewhere."""
    told = stage(batch=4, optimiser=Optimiser(lr=1e-2, ema=0.9, clip=0.5))
    alone = Learning()
    train_stage(told, alone, PairSource(batch=4), tmp_path, step_of=still_step)
    first = held(out, "plain", 0)["weights"]
    assert not torch.allclose(first["first.weight"], alone.denoiser["first"].weight, atol=1e-4)


def test_signal_to_one_stops_both_and_they_go_on_bit_for_bit(out: Path) -> None:
    stops = [held(out, "stopped", rank) for rank in (0, 1)]
    assert stops[0]["step"] == stops[1]["step"] < 10
    assert [held["stopped"] for held in stops] == ["another process", "SIGTERM"]
    for rank in (0, 1):
        straight, resumed = held(out, "noisy", rank), held(out, "resumed", rank)
        assert resumed["step"] == 10
        for name, weight in straight["weights"].items():
            assert torch.equal(resumed["weights"][name], weight), name


def test_one_that_cannot_write_stops_all(out: Path) -> None:
    first, second = ((out / f"full-{rank}.txt").read_text() for rank in (0, 1))
    assert first.startswith("TrainingError: cannot write the checkpoint of step 1: another process")
    assert second.startswith("TrainingError: cannot write the checkpoint of step 1: No space left")
    assert Checkpoints(out / "full").steps == []
    assert list((out / "full").iterdir()) == []


def test_sharded_weights_are_saved_whole_and_read_back(tmp_path: Path) -> None:
    """FSDP's fully_shard: what is saved is what one process would save."""
    together(tmp_path, "sharded.py")
    plain = read_weights(tmp_path / "plain.safetensors")
    spread = read_weights(tmp_path / "spread.safetensors")
    assert plain.keys() == spread.keys()
    for name, weight in plain.items():
        assert torch.allclose(weight, spread[name], atol=1e-6), name
    again = [torch.load(tmp_path / f"again-{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert again == [True, True]

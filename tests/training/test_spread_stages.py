"""FSDP on two processors: real stages, spread, are what one process trains; and the command."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin
from safetensors.torch import load_file
from spread_stages import STAGES, STEPS, train
from tiny_learner import Learning
from torch import Tensor

from kineograph.core.errors import TrainingError
from kineograph.training.accelerator import DistributedType, is_sharded, settle_sharding
from kineograph.training.recipes import tiny_base
from kineograph.training.record import read_record
from kineograph.training.run import Run, changed
from tiny import tiny_model_folder

HERE = Path(__file__).parent
EXACT = ("tracks", "boxes")
"""The stages in full precision; the other's roundings depend on how clips are shared out."""


def together(*command: str) -> None:
    """Run a script in two processes that spread weights."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)]
    asked = {"ACCELERATE_USE_CPU": "true", "ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
    found = os.pathsep.join([str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, *launch, *command],
        env={**os.environ, **asked, "OMP_NUM_THREADS": "1", "PYTHONPATH": found},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every stage, trained by one process with two clips a step and by two with one each."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("spread")
    tiny_model_folder(folder / "base")
    for name in STAGES:
        train(folder / "base", folder / "one", name, 2)
    together(str(HERE / "spread_stages.py"), str(folder / "two"), "1", *STAGES, "command")
    return folder


def trained(folder: Path) -> dict[str, Tensor]:
    (file,) = (folder / "trained").rglob("*.safetensors")
    return load_file(file)


def recorded(folder: Path, kind: str, value: str) -> list[float]:
    return [line[value] for line in read_record(folder) if line["kind"] == kind]


@pytest.mark.slow
@pytest.mark.parametrize("name", STAGES)
def test_spread_over_two_a_stage_is_what_one_trains(out: Path, name: str) -> None:
    """Trained, stopped, gone on with, averaged and exported."""
    one, two = (trained(out / who / name) for who in ("one", "two"))
    assert one.keys() == two.keys()
    for key, held in one.items():
        assert two[key].shape == held.shape and two[key].dtype == held.dtype, key
        apart = (two[key].float() - held.float()).abs()
        assert apart.max() < 1e-5 if name in EXACT else apart.mean() < 1e-3, key
    losses = [recorded(out / who / name, "step", "loss") for who in ("one", "two")]
    assert len(losses[0]) == STEPS
    assert losses[1] == pytest.approx(losses[0], rel=1e-5 if name in EXACT else 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", STAGES)
def test_a_process_holds_its_part_only(out: Path, name: str) -> None:
    shares = [float((out / who / name / "share.txt").read_text()) for who in ("one", "two")]
    assert shares == [1.0, pytest.approx(0.5, abs=0.02)]


@pytest.mark.slow
def test_videos_are_generated_by_spread_networks(out: Path) -> None:
    """Before the first step too, from the averages, and the weights go on as they were."""
    one, two = (recorded(out / who / "tracks", "probe", "value") for who in ("one", "two"))
    assert len(one) == 3 and two == pytest.approx(one, rel=1e-3)


@pytest.mark.slow
def test_the_command_trains_spread(out: Path) -> None:
    """An autoencoder draws nothing, so that the command itself is what one process does."""
    told = [("autoencoder.steps", 2), ("autoencoder.batch", 32)]
    one = Run(changed(tiny_base.recipe(), told), out / "alone", workers=0)
    one.train(names=["autoencoder"])
    place = Path("autoencoder", "trained", "base", "vae", "diffusion_pytorch_model.safetensors")
    alone, two = (load_file(out / who / place) for who in ("alone", "two/command"))
    assert alone.keys() == two.keys()
    for key, held in alone.items():
        torch.testing.assert_close(two[key], held, atol=1e-6, rtol=0)


def crew(**asked: Any) -> Accelerator:
    """Accelerate as it would be if that had been asked of FSDP."""
    plugin = FullyShardedDataParallelPlugin(**asked)
    made = Accelerator.__new__(Accelerator)
    made.state = SimpleNamespace(
        distributed_type=DistributedType.FSDP,
        is_fsdp2=plugin.fsdp_version == 2,
        fsdp_plugin=plugin,
    )
    return made


def test_what_fsdp_cannot_do_here_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSDP_CPU_RAM_EFFICIENT_LOADING", "False")
    with pytest.raises(TrainingError, match="FSDP of version 1 was asked for; say fsdp_version: 2"):
        is_sharded(crew(fsdp_version=1))
    sized = crew(fsdp_version=2, auto_wrap_policy="size_based_wrap", min_num_params=10)
    with pytest.raises(TrainingError, match=r"wrap by size, which tears .*; leave fsdp_auto_wrap"):
        settle_sharding(sized, Learning())

"""A checkpoint is whole or not there, whatever ends the program and however full the disk is."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from tiny_learner import Learning, PairSource, noisy_step, same, stage, weights

from kineograph.core.errors import TrainingError
from kineograph.training import state
from kineograph.training.checkpoints import Checkpoints
from kineograph.training.loop import train_stage
from kineograph.training.state_files import (
    read_json,
    read_state,
    read_weights,
    write_state,
    write_weights,
)


def writing(text: str) -> object:
    return lambda folder: (folder / "held.txt").write_text(text)


@contextmanager
def little_room(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: the system refuses, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_keeps_the_newest(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "run", keep=2)
    assert checkpoints.latest is None and checkpoints.steps == []
    for step in (5, 10, 100, 15):
        checkpoints.save(step, writing(str(step)))
    assert checkpoints.steps == [15, 100]
    assert checkpoints.latest == tmp_path / "run" / "step-00000100"
    assert (checkpoints.latest / "held.txt").read_text() == "100"
    assert sorted(held.name for held in (tmp_path / "run").iterdir()) == [
        "step-00000015",
        "step-00000100",
    ]


def test_one_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(3, writing("first"))
    checkpoints.save(3, writing("second"))
    assert (checkpoints.at(3) / "held.txt").read_text() == "first"


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "step-notes").mkdir()
    (tmp_path / "step-7").mkdir()
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(1, writing("a"))
    checkpoints.save(2, writing("b"))
    assert checkpoints.steps == [2]
    assert (tmp_path / "step-notes").is_dir() and (tmp_path / "step-7").is_dir()


@pytest.mark.parametrize("write", [write_state, write_weights])
def test_full_disk_keeps_the_last_good_one(tmp_path: Path, write: object) -> None:
    checkpoints = Checkpoints(tmp_path / "run")
    large = {"held": torch.zeros(100_000)}
    name = "held.safetensors" if write is write_weights else "held.pt"
    checkpoints.save(1, lambda folder: write(folder / name, large))
    with pytest.raises(TrainingError) as error, little_room(65_536):
        checkpoints.save(2, lambda folder: write(folder / name, large))
    said = str(error.value)
    assert said.startswith("cannot write the checkpoint of step 2: ")
    assert "File too large" in said
    assert f"{tmp_path / 'run' / 'step-00000001'} is whole; make room" in said
    assert [held.name for held in (tmp_path / "run").iterdir()] == ["step-00000001"]
    read = read_weights if write is write_weights else read_state
    assert torch.equal(read(checkpoints.at(1) / name)["held"], large["held"])


def test_full_disk_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = stage(save_every=4)
    straight, cut, resumed = Learning(), Learning(), Learning()
    train_stage(told, straight, PairSource(), tmp_path / "a", step_of=noisy_step)

    def full(path: Path, held: dict[str, torch.Tensor]) -> None:
        with little_room(100 if path.parent.name == ".unfinished-8" else resource.RLIM_INFINITY):
            write_weights(path, held)

    with monkeypatch.context() as patched, pytest.raises(TrainingError) as error:
        patched.setattr(state, "write_weights", full)
        train_stage(told, cut, PairSource(), tmp_path / "b", step_of=noisy_step)
    assert "step-00000004 is whole; make room, and go on with --resume" in str(error.value)
    assert Checkpoints(tmp_path / "b" / "checkpoints").steps == [4]
    train_stage(told, resumed, PairSource(), tmp_path / "b", resume=True, step_of=noisy_step)
    assert same(weights(straight), weights(resumed))


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(TrainingError, match=r"step 1: .*; there is none before it; make room"):
        Checkpoints(tmp_path / "run").save(1, writing("x"))


def test_programming_errors_are_not_hidden(tmp_path: Path) -> None:
    def wrong(folder: Path) -> None:
        raise KeyError("a name")

    with pytest.raises(KeyError):
        Checkpoints(tmp_path).save(1, wrong)
    assert Checkpoints(tmp_path).steps == []


@pytest.mark.parametrize("name", ["weights.safetensors", "optimiser.pt", "process-00000.pt"])
def test_broken_checkpoint_is_named(tmp_path: Path, name: str) -> None:
    told = stage(save_every=5)
    train_stage(told, Learning(), PairSource(), tmp_path, step_of=noisy_step)
    newest = tmp_path / "checkpoints" / "step-00000010"
    held = (newest / name).read_bytes()
    (newest / name).write_bytes(held[: len(held) // 2])
    with pytest.raises(TrainingError) as error:
        train_stage(told, Learning(), PairSource(), tmp_path, resume=True, step_of=noisy_step)
    assert f"the checkpoint {newest} is broken ({name}: " in str(error.value)
    assert "remove its folder to go on from the one before" in str(error.value)


def test_pickles_with_code_are_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (os.mkdir, (str(tmp_path / "made"),))

    torch.save({"source": Evil()}, tmp_path / "process-00000.pt")
    with pytest.raises(TrainingError, match="is broken"):
        read_state(tmp_path / "process-00000.pt")
    assert not (tmp_path / "made").exists()


KILLED = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    import torch
    torch.set_num_threads(1)
    from tiny_learner import Learning, PairSource, noisy_step, stage
    from kineograph.training import state
    from kineograph.training.loop import train_stage

    real, out = state.write_state, Path(sys.argv[1])

    def slow(path, held):
        real(path, held)
        if path.parent.name == ".unfinished-8" and path.name == "optimiser.pt":
            path.write_bytes(path.read_bytes()[:100])
            (out / "half").touch()
            time.sleep(60)

    state.write_state = slow
    train_stage(stage(save_every=4), Learning(), PairSource(), out, step_of=noisy_step)
"""


@pytest.mark.slow
def test_kill_in_the_middle_of_a_checkpoint(tmp_path: Path) -> None:
    told, out = stage(save_every=4), tmp_path / "killed"
    straight, resumed = Learning(), Learning()
    train_stage(told, straight, PairSource(), tmp_path / "straight", step_of=noisy_step)
    here = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(out), here],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        for _ in range(600):
            if (out / "half").exists() or process.poll() is not None:
                break
            time.sleep(0.1)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    checkpoints = out / "checkpoints"
    assert (checkpoints / ".unfinished-8").is_dir(), "it was killed while it wrote"
    assert Checkpoints(checkpoints).steps == [4]
    train_stage(told, resumed, PairSource(), out, resume=True, step_of=noisy_step)
    assert same(weights(straight), weights(resumed))
    assert sorted(held.name for held in checkpoints.iterdir()) == [
        "step-00000004",
        "step-00000008",
        "step-00000010",
    ]
    assert read_json(checkpoints / "step-00000010" / "run.json")["step"] == 10

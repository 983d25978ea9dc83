"""A folder with a small photograph, and the command run in it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import kineograph as kg
from kineograph.cli.main import app

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, photograph: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with `photo.png`, 64x48."""
    place = tmp_path / "here"
    place.mkdir()
    kg.write_picture(
        place / "photo.png", cv2.resize(photograph[:384], (64, 48), interpolation=cv2.INTER_AREA)
    )
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def run(folder: Path) -> Run:
    """Run a command line in this process; asserts that it ends as expected."""

    def run(*words: object, code: int = 0) -> Result:
        done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done

    return run


@pytest.fixture
def scene(folder: Path) -> Path:
    """A motion document in the working folder: one drag and one box, 5 frames at 4 fps."""
    document = kg.Document.for_picture("photo.png", frames=5, fps=4).add(
        kg.Drag(path=[(20, 24), (28, 24)], radius=6, stride=3, name="nose"),
        kg.Box.through([40, 10, 52, 20], [44, 10, 56, 20], label="kite"),
    )
    document.save(folder / "scene.motion.json")
    return folder / "scene.motion.json"


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command in a process of its own, in the working folder; it ends with the test."""
    started = []

    def start(*words: object) -> subprocess.Popen[str]:
        code = "from kineograph.cli.main import run; run()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *(str(word) for word in words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def left(folder: Path) -> set[str]:
    """Everything in a folder, hidden files too, but the photograph."""
    return {path.name for path in folder.iterdir()} - {"photo.png"}

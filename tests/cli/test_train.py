"""`kineograph train`: plans, runs that go on after a stop, and errors in one line."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import tiny
from cli.conftest import Run
from kineograph.cli.tables import size
from kineograph.cli.training_bar import Lines, duration
from kineograph.training.record import read_record

STAGE: dict[str, Any] = {
    "name": "tracks",
    "about": "Tracks on a tiny base.",
    "trains": ["adapters.tracks"],
    "adapters": {"tracks": {"kind": "track-control", "options": {"raster": 1, "channels": 8}}},
    "sampling": {"frames": 4, "size": [16, 16], "tracks": "dense"},
    "steps": 2,
    "batch": 1,
    "save_every": 1,
}


@pytest.fixture
def recipe(folder: Path) -> Path:
    """A recipe of one stage in the working folder, `try.yaml`, on a tiny model."""
    tiny.tiny_model_folder(folder / "model")
    said = {
        "name": "try",
        "base": "model",
        "data": {"kind": "scenes", "objects": [1, 1], "backgrounds": 1, "sprites": 2},
        "stages": [STAGE],
    }
    (folder / "try.yaml").write_text(yaml.safe_dump(said))
    return folder / "try.yaml"


def _steps(folder: Path) -> list[int]:
    return [line["step"] for line in read_record(folder) if line["kind"] == "step"]


def test_recipes_are_listed(run: Run) -> None:
    told = run("train", "--list").stdout
    for name in ("animatediff", "motion-prompting", "smcd", "boximator", "motif", "personalize"):
        assert any(line.split()[:1] == [name] for line in told.splitlines())


@pytest.mark.slow
def test_the_plan_says_what_trains(run: Run, recipe: Path) -> None:
    told = run("train", "try.yaml", "--dry-run", "--set", "tracks.optimiser.lr=5e-5").stdout
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "recipe try" in lines and "stage tracks" in lines and "base model" in lines
    assert any(line.startswith("trains adapters.tracks ") for line in lines)
    assert any(line.startswith("frozen ") and "unet.spatial" in line for line in lines)
    assert "optimiser adamw, rate 5e-05, constant" in lines
    assert any(line.startswith("memory about ") and "activations" in line for line in lines)
    assert any(line.startswith("time ") and "2 steps of " in line for line in lines)
    assert not Path("runs").exists()


@pytest.mark.slow
def test_a_run_writes_everything_and_goes_on(run: Run, recipe: Path) -> None:
    words = ("--out", "runs/a", "--workers", 0)
    done = run("train", "try.yaml", *words)
    assert "wrote runs/a/tracks/trained: stage tracks" in done.stdout
    assert "tracks step 2/2: loss " in done.stderr
    stage = Path("runs/a/tracks")
    assert _steps(stage) == [1, 2]
    card = (stage / "trained" / "README.md").read_text()
    assert "- recipe: try" in card and "- steps: 2 of 1 clips" in card and "- seed: 0" in card
    adapter = json.loads((stage / "trained/adapters/tracks/config.json").read_text())
    assert adapter["kind"] == "track-control"
    again = run("train", "--resume", *words, "--steps", 3)
    assert "goes on from step 2" in again.stderr and _steps(stage) == [1, 2, 3]
    assert yaml.safe_load(Path("runs/a/recipe.yaml").read_text())["stages"][0]["steps"] == 3
    third = run("train", "--resume", *words)
    assert "stage tracks is trained" in third.stderr and _steps(stage) == [1, 2, 3]
    for options, said in (
        ((), "already holds checkpoints up to step 3"),
        (("--resume", "--set", "tracks.batch=2"), "it was trained with batch 1, now it is 2"),
        (
            ("--set", "data.objects=[2, 2]"),
            "holds a run with data.objects [1, 1], now it is [2, 2]",
        ),
    ):
        failed = run("train", "try.yaml", "--steps", 4, *words, *options, code=2)
        assert said in failed.stderr and failed.stderr.count("error: ") == 1


@pytest.mark.slow
def test_a_stop_saves_and_says_how_to_go_on(
    recipe: Path, start: Callable[..., subprocess.Popen[str]], run: Run
) -> None:
    words = ("--out", "runs/a", "--workers", "0", "--set", "tracks.save_every=100000")
    started = start("train", "try.yaml", "--steps", 100000, *words)
    record = Path("runs/a/tracks/record.jsonl")
    end = time.monotonic() + 120
    while not (record.is_file() and record.read_text().count("\n") > 2):
        assert time.monotonic() < end and started.poll() is None
        time.sleep(0.2)
    started.send_signal(signal.SIGINT)
    _, told = started.communicate(timeout=60)
    assert started.returncode == 130
    last = _steps(Path("runs/a/tracks"))[-1]
    assert f"stopped after step {last} of stage tracks, and saved; go on with kineograph" in told
    run("train", "--resume", "--out", "runs/a", "--workers", 0, "--steps", last + 1)
    assert _steps(Path("runs/a/tracks"))[-1] == last + 1
    assert Path("runs/a/tracks/trained/engine.json").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no recipe was given; name one (--list has them) or a YAML file"),
        (("try.yaml", "--tiny"), "--tiny was given with try.yaml; files come in one size"),
        (("try.yaml", "--scale", "cpu"), "--scale was given with try.yaml; files come in one size"),
        (("mini", "--scale", "huge"), "scale huge of the recipe mini was asked for; it comes in f"),
        (
            ("mini", "--tiny", "--scale", "cpu"),
            "the tiny twin of mini and its scale cpu were asked",
        ),
        (("motif", "--scale", "cpu"), "it comes in one only: leave --scale out"),
        (("motion-promptin",), "there is no recipe 'motion-promptin'; did you mean motion-prompt"),
        (("nothing.yaml",), "cannot read the recipe nothing.yaml"),
        (("try.yaml", "--resume", "--dry-run"), "--resume and --dry-run were given"),
        (("try.yaml", "--set", "lr"), "--set lr was given; write STAGE.field=value"),
        (
            ("try.yaml", "--set", "tracks.x=1"),
            "recipe try, changed: stages[0] has an unknown field 'x'",
        ),
        (("try.yaml", "--data", "nowhere"), "there is no data at nowhere"),
        (("try.yaml", "--stage", "x"), "recipe try has no stage x; its stages are tracks"),
        (("try.yaml", "--base", "no/where"), "no/where"),
        (("try.yaml", "--resume", "--out", "model"), "there is no run to go on with in model"),
    ],
)
def test_errors_are_one_line(run: Run, recipe: Path, words: tuple[str, ...], said: str) -> None:
    done = run("train", *words, code=2)
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and said in lines[0], done.stderr


def test_lines_come_now_and_then_and_say_the_time_left() -> None:
    told: list[str] = []
    now = [0.0]
    lines = Lines("tracks", told.append, lambda: now[0])
    for step in range(1, 201):
        now[0] = step * 0.5
        lines(step, 200, {"loss": 0.25, "clips_per_s": 8.0})
    assert told[0] == "tracks step 1/200: loss 0.2500, 8 clips/s"
    assert told[1] == "tracks step 61/200: loss 0.2500, 8 clips/s, 70 s left"
    assert told[-1] == "tracks step 200/200: loss 0.2500, 8 clips/s, 0 s left"
    assert len(told) == 5


def test_times_and_sizes_are_said_in_words() -> None:
    seconds = (40, 720, 12_000, 190_000)
    assert [duration(held) for held in seconds] == ["40 s", "12 min", "3 h 20 min", "2 d 4 h"]
    assert [size(held) for held in (12, 1536, 3 << 30)] == ["12 bytes", "1.5 KiB", "3 GiB"]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['kineograph', 'train', '--help']\n"
        "from kineograph.cli.main import run\n"
        "try: run()\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'numpy', 'diffusers', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]" and "RECIPE" in done.stdout

"""`kineograph measure`: a video against its own request, a true one, or tracks from a file."""

import json
from pathlib import Path

import numpy as np
import pytest

import kineograph as kg
from cli.conftest import Run
from kineograph.core.video import read_video
from kineograph.core.video_writer import VideoWriter


@pytest.fixture
def animated(folder: Path, photograph: np.ndarray, run: Run) -> Path:
    """A drag of a photograph, made by the engine `warp`, with its request in it."""
    kg.write_picture(folder / "large.png", photograph[60:252, 130:322])
    drag = "96,96 > 120,96 radius=40"
    run("animate", "large.png", "--drag", drag, "--frames", "6", "-q", "-o", "out.mp4")
    return folder / "out.mp4"


def values(folder: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads((folder / "values.json").read_text())
    return found


def test_a_video_is_held_against_its_own_request(animated: Path, run: Run) -> None:
    said = run("measure", animated, "--metrics", "epe,leakage", "-o", "values.json").stdout
    found = values(animated.parent)
    assert found["video"]["epe"] < 1 < found["still"]["epe"]
    assert any(
        line.split()[:2] == ["epe", "0." + line.split()[1][2:]] for line in said.splitlines()
    )
    assert "px at 256x256, lower is better" in said


def test_left_to_itself_it_measures_what_there_is_enough_for(animated: Path, run: Run) -> None:
    done = run("measure", animated, "-o", "values.json")
    found = values(animated.parent)["video"]
    assert {"epe", "objmc", "temporal-flickering"} <= set(found)
    assert "psnr" not in found and "clip-smooth" not in found
    assert "not measured for want of weights (--weights):" in done.stderr


def test_the_true_video_is_the_floor(animated: Path, run: Run) -> None:
    run("measure", animated, "--truth", animated, "--metrics", "psnr,epe", "-o", "values.json")
    found = values(animated.parent)
    assert found["video"] == found["truth"] and found["video"]["psnr"] == 60
    assert found["still"]["psnr"] < 40


def test_tracks_of_a_file(animated: Path, folder: Path, run: Run) -> None:
    run("track", animated, "--grid", "6", "-q", "-o", "t.npz")
    plain = read_video(animated)
    with VideoWriter(folder / "bare.mkv", plain.size, plain.fps, lossless=True) as writer:
        for frame in plain.frames:
            writer.write(frame)
    run("measure", "bare.mkv", "--tracks", "t.npz", "--metrics", "epe", "-o", "values.json")
    assert values(folder)["video"]["epe"] < 0.2


def test_what_was_named_and_has_no_value_says_why(animated: Path, run: Run) -> None:
    done = run("measure", animated, "--metrics", "epe,psnr,epe-horizon,camera-rotation,ao")
    assert "psnr was not measured: it needs truth (--truth)" in done.stderr
    assert "epe-horizon was not measured: it is a curve; a report of" in done.stderr
    assert "camera-rotation was not measured: it needs cameras, truth (--truth)" in done.stderr
    assert "ao was not measured: it does not apply to this video" in done.stderr
    assert "epe was not" not in done.stderr


def test_one_video_is_no_set(animated: Path, run: Run) -> None:
    said = run("measure", animated, "--truth", animated, "--metrics", "psnr,fvd", code=2).stderr
    assert "fvd holds a set of videos against another, and here is one; measure it with" in said


def test_what_does_not_fit_is_refused_until_it_is_allowed(
    animated: Path, folder: Path, run: Run
) -> None:
    held = read_video(animated)
    with VideoWriter(folder / "longer.mkv", held.size, held.fps, lossless=True) as writer:
        for frame in [*held.frames, held.frames[-1]]:
            writer.write(frame)
    words = ("measure", animated, "--truth", "longer.mkv", "--metrics", "psnr")
    assert "7 frames where 6 are wanted; allow --align length=cut" in run(*words, code=2).stderr
    run(*words, "--align", "length=cut", "-o", "values.json")
    assert values(folder)["video"]["psnr"] > 40
    assert (
        "--align long= was given; there are size" in run(*words, "--align", "long=1", code=2).stderr
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--metrics", "pnsr"), "there is no metric 'pnsr'; there are: "),
        (("--metrics", "lpips"), "lpips-alex"),
        (("--weights", "nowhere"), "there is no folder nowhere of weights"),
        (("--backbone", "clip"), "write --backbone NAME=VALUE"),
        (("--backbone", "clip=nowhere"), "there is no nowhere, given for clip"),
        (("--tracker", "cotracker"), "cotracker"),
    ],
)
def test_one_line_for_what_is_wrong(
    animated: Path, run: Run, words: tuple[str, ...], message: str
) -> None:
    done = run("measure", animated, *words, code=0 if "lpips" in words else 2)
    assert message in done.stderr

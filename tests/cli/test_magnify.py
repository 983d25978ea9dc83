"""`kineograph magnify`: what it writes, what it says, and what it refuses in one line."""

from pathlib import Path

import numpy as np
import pytest
from tests.gestures.test_magnify import swinging
from typer.testing import CliRunner

from kineograph.cli import main
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video, open_video, read_request


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    video = swinging(0.3)
    Video(video.frames[:24], video.fps).save(tmp_path / "swing")
    return tmp_path / "swing"


def run(*arguments: object):
    return CliRunner().invoke(main.app, ["magnify", *map(str, arguments)])


def test_it_writes_the_video_the_tracks_and_the_gain(saved: Path, tmp_path: Path) -> None:
    out, npz = tmp_path / "out.mp4", tmp_path / "out.npz"
    done = run(saved, "--factor", 8, "--compensate", "-o", out, "--tracks", npz)
    assert done.exit_code == 0, done.output
    assert "factor 8." in done.output and "measured in the output" in done.output
    with open_video(out) as video:
        assert (video.size, video.frames, video.fps) == ((160, 96), 24, 30)
    assert read_request(out)["magnify"]["compensate"] is True
    tracks = Tracks.load(npz)
    assert tracks.frames == 24 and np.abs(tracks.displacements()).max() > 1.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--factor", 64), "magnify has the factor 64; give 1 to 32"),
        (("--band", "3"), "--band 3 was given; write two frequencies in hertz, as 0.5-3"),
        (("--band", "2-20"), "the band reaches 20 Hz; a video of 30 fps holds motion below 15 Hz"),
        (("--tracks", "a.txt"), "--tracks a.txt was given; name a file that ends in .npz"),
        (("--engine", "magic"), "magic"),
        (("-o", "out.avi"), ".avi is no known ending"),
    ],
)
def test_it_refuses_in_one_line(saved: Path, arguments: tuple, message: str) -> None:
    done = run(saved, *arguments)
    assert done.exit_code == 2 and message in done.stderr and done.stderr.count("\n") == 1


def test_a_video_without_motion(tmp_path: Path) -> None:
    swinging(0).save(tmp_path / "still")
    done = run(tmp_path / "still", "-o", tmp_path / "out.mp4")
    assert done.exit_code == 2 and "error: there is no motion to magnify" in done.stderr
    assert not (tmp_path / "out.mp4").exists()

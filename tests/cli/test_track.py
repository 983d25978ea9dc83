"""`kineograph track`, run as a person would."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from kineograph.cli.main import app
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video, read_video
from named_scenes import scene


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames of a sliding picture, 192x256."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    frames = scene("pan", 8).video().frames[:, :, :192]
    Video(np.ascontiguousarray(frames), 24).save(path)
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["track", *(str(word) for word in words)])


def test_a_grid_with_its_overlay(clip: Path, tmp_path: Path) -> None:
    out, drawn = tmp_path / "tracks.npz", tmp_path / "tracks-overlay.mp4"
    shown = run(clip, "-o", out, "--grid", 8, "--overlay")
    assert shown.exit_code == 0, shown.output
    assert f"wrote {out}: 48 tracks, " in shown.output
    assert f"wrote {drawn}: 192x256, 8 frames at 24 fps" in shown.output
    tracks = Tracks.load(out)
    assert (tracks.count, tracks.frames, tracks.size, tracks.fps) == (48, 8, (192, 256), 24)
    true = scene("pan", 8).follow(tracks.points[:, 0].astype(np.float64), 0)
    seen = tracks.visible[:, -1] & true.visible[:, -1]
    error = np.linalg.norm(tracks.points[seen, -1] - true.points[seen, -1], axis=1)
    assert seen.sum() > 35 and np.median(error) < 0.15
    picture = read_video(drawn).frames[-1]
    assert np.abs(picture.astype(int) - read_video(clip).frames[-1]).max() > 80


def test_queries_of_other_tracks_at_a_smaller_size(clip: Path, tmp_path: Path) -> None:
    asked, out = tmp_path / "asked.npz", tmp_path / "out.npz"
    points = np.full((2, 8, 2), 0.0) + np.array([[60.5, 80.25], [100, 120]])[:, None]
    seen = np.zeros((2, 8), bool)
    seen[0, 2:], seen[1, 4] = True, True
    Tracks.of(points, seen, size=(192, 256), fps=24).save(asked)
    shown = run(clip, "-o", out, "--queries", asked, "--size", 128, "--frames", 6, "-q")
    assert (shown.exit_code, shown.output) == (0, "")
    found = Tracks.load(out)
    assert (found.count, found.frames) == (2, 6)
    assert found.points[0, 2] == pytest.approx([60.5, 80.25], abs=1e-3)
    assert found.points[1, 4] == pytest.approx([100, 120], abs=1e-3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--queries", "x.npz", "--grid", "4"), "--queries has its own points; leave --grid"),
        (("--frame", "99"), "--frame 99 was given; the video has 0 to 7"),
        (("--weights", "w.pt"), "--weights w.pt was given; say whose with --tracker: cotracker"),
        (("--tracker", "eagle"), "there is no tracker eye 'eagle'; there are: flow, cotracker"),
    ],
)
def test_what_is_asked_wrongly(
    clip: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    shown = run(clip, "-o", tmp_path / "out.npz", *words)
    assert shown.exit_code == 2
    assert message in " ".join(shown.stderr.split()) and shown.stderr.count("\n") == 1
    assert not (tmp_path / "out.npz").exists()


def test_wrong_files(clip: Path, tmp_path: Path) -> None:
    shown = run(clip, "-o", tmp_path / "out.txt")
    assert "name a file that ends in .npz" in shown.stderr
    other = tmp_path / "other.npz"
    Tracks.of(np.zeros((1, 3, 2)), size=(64, 64), fps=8).save(other)
    shown = run(clip, "-o", tmp_path / "out.npz", "--queries", other)
    assert "other.npz is for a video of 64x64; this one is 192x256" in shown.stderr
    assert "there is no video at" in run(tmp_path / "no.mp4", "-o", tmp_path / "o.npz").stderr

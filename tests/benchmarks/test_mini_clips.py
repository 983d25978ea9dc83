"""Windows of real videos: of one shot, in which something moves, at the rate of `mini`."""

from pathlib import Path

import mini_clips
import numpy as np
import pytest

from kineograph.core.errors import EvaluationError
from kineograph.core.video import read_video
from kineograph.core.video_writer import VideoWriter
from kineograph.evaluation.suites.reading import fitted


def texture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (12, 16, 3), np.uint8)
    return np.kron(coarse, np.ones((6, 6, 1), np.uint8))


def moving(seed: int, count: int) -> list[np.ndarray]:
    """A bright square goes to the right over a texture of 96x72."""
    frames = []
    for number in range(count):
        frame = texture(seed)
        frame[20:44, number : number + 24] = 250
        frames.append(frame)
    return frames


def film(path: Path, frames: list[np.ndarray], fps: float) -> Path:
    with VideoWriter(path, (96, 72), fps, lossless=True) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def test_windows_are_near_to_the_rate_of_mini(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", moving(0, 60), 30)
    frames, fps = next(mini_clips.windows(path, 48))
    assert frames.shape == (16, 48, 48, 3)
    assert fps == pytest.approx(15)
    begin = round((60 - 31) * mini_clips.PLACES[0])
    whole = read_video(path).frames[begin : begin + 31 : 2]
    np.testing.assert_array_equal(frames, fitted(whole, (48, 48)))


def test_nothing_that_rests_or_is_cut_is_taken(tmp_path: Path) -> None:
    still = film(tmp_path / "still.mkv", [texture(1)] * 40, 15)
    assert list(mini_clips.windows(still, 48)) == []
    lighter = [np.full((48, 48, 3), 90 + 4 * number, np.uint8) for number in range(16)]
    assert not mini_clips.moves(np.stack(lighter)), "a change of the light is no motion"
    assert mini_clips.moves(np.stack(moving(0, 16)))
    cut = np.stack([*moving(0, 8), *moving(5, 8)])
    assert not mini_clips.one_shot(cut)
    assert mini_clips.one_shot(np.stack(moving(0, 16)))


def test_a_short_video_gives_none(tmp_path: Path) -> None:
    assert list(mini_clips.windows(film(tmp_path / "a.mkv", moving(0, 12), 15), 48)) == []


def test_windows_are_cut_once_and_so_many_of_each(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    film(tmp_path / "in" / "a.mkv", moving(0, 60), 15)
    folder = mini_clips.cut_windows(tmp_path / "in", tmp_path / "out", each=2, side=48)
    assert [path.name for path in sorted(folder.iterdir())] == ["a-0.mkv", "a-1.mkv"]
    before = (folder / "a-0.mkv").stat().st_mtime_ns
    assert mini_clips.cut_windows(tmp_path / "in", tmp_path / "out", each=2, side=48) == folder
    assert (folder / "a-0.mkv").stat().st_mtime_ns == before


def test_a_folder_without_a_window_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    film(tmp_path / "in" / "a.mkv", [texture(0)] * 20, 15)
    with pytest.raises(EvaluationError, match=r"gives no window of 16 frames; name another folder"):
        mini_clips.cut_windows(tmp_path / "in", tmp_path / "out", each=1, side=48)

"""`kineograph data`: shards from videos and scenes, and a look at them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.conftest import Run
from kineograph.core.video import Video
from kineograph.data.shards import Shards


@pytest.fixture
def films(folder: Path, photograph: np.ndarray) -> Path:
    """Two videos in the working folder, one broken, with a caption."""
    place = folder / "films"
    place.mkdir()
    frames = np.stack([photograph[100:148, 100 + 2 * i : 164 + 2 * i] for i in range(8)])
    Video(frames, 8).save(place / "pan.mp4")
    (place / "pan.txt").write_text("an astronaut moves left")
    (place / "broken.mp4").write_bytes(b"nothing" * 100)
    return place


def test_videos_to_shards_to_a_picture(run: Run, films: Path) -> None:
    words = ("data", "prepare", "films", "-o", "shards", "--frames", 4, "--size", "32x32")
    done = run(*words, "--tracks", 4, "--flow")
    assert "wrote shards: 2 clips in 1 shard, 2 of them new" in done.stdout
    assert "note: left out: cannot read films/broken.mp4 as a video" in done.stderr
    clip = Shards(Path("shards")).read(1, np.random.default_rng(0))
    assert (clip.name, clip.caption) == ("pan.mp4#4", "an astronaut moves left")
    assert clip.tracks is not None and clip.tracks.count == 16 and clip.flow is not None
    assert "2 clips in 1 shard, 0 of them new" in run(*words, "--tracks", 4, "--flow").stdout
    told = run("data", "preview", "shards", "-o", "sheet.png", "--frames", 4, "--width", 400).stdout
    assert told == "wrote sheet.png: 2 clips of 2\n"
    sheet = cv2.imread("sheet.png")
    assert sheet.shape[1] == 400 and sheet.std() > 20


def test_a_preview_of_videos_leaves_out_what_is_broken(run: Run, films: Path) -> None:
    done = run("data", "preview", "films", "-o", "sheet.png", "--frames", 4, "--clips", 1)
    assert "wrote sheet.png: 1 clip of 2" in done.stdout


def test_scenes_to_shards(run: Run, folder: Path) -> None:
    done = run("data", "scenes", "-n", 2, "-o", "scenes", "--size", "32x32", "--frames", 3)
    assert "wrote scenes: 2 clips in 1 shard, 2 of them new" in done.stdout
    clip = Shards(folder / "scenes").read(0, np.random.default_rng(0))
    assert clip.size == (32, 32) and clip.frames == 3 and clip.caption
    assert clip.tracks is not None and clip.boxes is not None and clip.flow is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prepare", "films", "-o", "x", "--stride", 2, "--fps", 4), "--stride and --fps both say"),
        (("prepare", "films", "-o", "x", "--stretch"), "give --size as well"),
        (("prepare", "none", "-o", "x"), "there are no videos at none"),
        (("prepare", "films", "-o", "x", "--size", "32"), "--size 32 was given"),
        (("prepare", "films", "-o", "x", "--limit", 0), "more than the 0 allowed"),
        (("preview", "none", "-o", "x.png"), "there is no training data at none"),
        (("preview", "films", "-o", "x.mp4"), "-o x.mp4 was given; name a .png or .jpg"),
        (("scenes", "-n", 1, "-o", "x", "--size", "8x8"), "16 pixels or more"),
    ],
)
def test_mistakes_are_one_line(run: Run, films: Path, words: tuple[object, ...], said: str) -> None:
    done = run("data", *words, code=2)
    assert said in done.stderr and done.stderr.count("\n") == 1

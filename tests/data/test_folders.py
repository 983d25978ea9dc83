"""Plain folders: windows of videos with what lies beside them, and finding what a place holds."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from kineograph.core.boxes import Boxes
from kineograph.core.errors import DataError, VideoError
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.data.find_source import find_source
from kineograph.data.folders import VideoFolder
from kineograph.data.shards import Shards, write_shard
from kineograph.data.source import ClipSource
from kineograph.data.stream import ClipStream

FRAMES, SIZE, FPS = 10, (32, 24), 8


def stepped(frames: int = FRAMES) -> np.ndarray:
    """Frames that are told by their grey: frame i is 20 i throughout."""
    levels = np.arange(frames, dtype=np.uint8) * 20
    return np.broadcast_to(levels[:, None, None, None], (frames, 24, 32, 3)).copy()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a captioned video with tracks and boxes, and another one deeper in it."""
    Video(stepped(), FPS).save(tmp_path / "a.mp4")
    (tmp_path / "a.txt").write_text("a grey\n wall  brightens \n")
    (tmp_path / "deep").mkdir()
    Video(stepped(), FPS).save(tmp_path / "deep" / "b.mkv")
    points = np.stack([np.arange(FRAMES) + 0.5, np.full(FRAMES, 3.0)], axis=1)[None]
    Tracks.of(points, size=SIZE, fps=FPS).save(tmp_path / "a.tracks.npz")
    boxes = np.concatenate([points, points + 4], axis=2)
    Boxes.of(boxes, size=SIZE, fps=FPS, labels=("wall",)).save(tmp_path / "a.boxes.npz")
    return tmp_path


def shown(clip_video: np.ndarray) -> list[int]:
    """Which frames these are."""
    return np.rint(clip_video.mean(axis=(1, 2, 3)) / 20).astype(int).tolist()


def test_windows_with_all_that_lies_beside(place: Path) -> None:
    source = VideoFolder(place, frames=3, strides=(2, 2))
    assert isinstance(source, ClipSource)
    assert [source.name(i) for i in range(len(source))] == ["a.mp4", "deep/b.mkv"]
    for seed in range(8):
        clip = source.read(0, np.random.default_rng(seed))
        start = shown(clip.video)[0]
        picked = [start, start + 2, start + 4]
        assert shown(clip.video) == picked and clip.fps == FPS / 2
        assert clip.caption == "a grey wall brightens"
        assert clip.tracks is not None and clip.boxes is not None
        assert clip.tracks.points[0, :, 0].tolist() == [i + 0.5 for i in picked]
        assert clip.boxes.boxes[0, :, 2].tolist() == [i + 4.5 for i in picked]
    bare = source.read(1, np.random.default_rng(0))
    assert (bare.caption, bare.tracks, bare.boxes) == ("", None, None)


@pytest.mark.parametrize("key", ["deep/b.mkv", "deep/b", "b.mkv", "b"])
def test_captions_of_a_whole_folder(place: Path, key: str) -> None:
    (place / "captions.json").write_text(json.dumps({key: " a  wall ", "a": "not this"}))
    source = VideoFolder(place, frames=2)
    rng = np.random.default_rng(0)
    assert source.read(1, rng).caption == "a wall"
    assert source.read(0, rng).caption == "a grey wall brightens"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("captions.json", b"{", "captions.json cannot be read as JSON"),
        ("captions.json", b"[1]", "captions.json has to hold names of videos with a caption each"),
        ("deep/b.txt", b"\xff\xfe\x00", "b.txt cannot be read as text in UTF-8"),
        ("deep/b.txt", b"x" * 100_001, "b.txt is no caption: it is larger than 100000 bytes"),
        ("deep/b.tracks.npz", b"nothing", "b.tracks.npz: it is not a .npz file of tracks"),
    ],
)
def test_what_is_malformed_beside_a_video(place: Path, name: str, data: bytes, said: str) -> None:
    (place / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        VideoFolder(place, frames=2).read(1, np.random.default_rng(0))
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("frames", "size", "fps"), [(9, SIZE, 8), (10, (24, 32), 8), (10, SIZE, 9)]
)
def test_tracks_that_do_not_fit_are_left_out_and_listed(
    place: Path, frames: int, size: tuple[int, int], fps: int
) -> None:
    Tracks.of(np.zeros((1, frames, 2)), size=size, fps=fps).save(place / "deep" / "b.tracks.npz")
    stream = ClipStream(VideoFolder(place, frames=2))
    assert {clip.name for clip in islice(stream, 4)} == {"a.mp4"}
    assert stream.report.lines() == [
        f"deep/b.mkv: b.tracks.npz does not fit b.mkv: it is of {frames} frames of "
        f"{size[0]}x{size[1]} at {fps} fps, the video of 10 of 32x24 at 8"
    ]


def test_broken_and_short_videos_are_left_out_and_listed(place: Path) -> None:
    (place / "broken.mp4").write_bytes((place / "a.mp4").read_bytes()[:300])
    Video(stepped(3), FPS).save(place / "short.mp4")
    source = VideoFolder(place, frames=5)
    with pytest.raises(VideoError):
        source.read(1, np.random.default_rng(0))
    stream = ClipStream(source)
    assert {clip.name for clip in islice(stream, 12)} == {"a.mp4", "deep/b.mkv"}
    assert set(stream.report.reasons) == {"broken.mp4", "short.mp4"}
    assert stream.report.reasons["short.mp4"] == (
        "short.mp4: it has 3 frames, too few for 5 at a stride of 1"
    )


def test_the_fingerprint_follows_the_videos(place: Path) -> None:
    before = VideoFolder(place, frames=2).fingerprint
    assert VideoFolder(place, frames=2).fingerprint == before
    assert VideoFolder(place, frames=3).fingerprint != before
    Video(stepped(4), FPS).save(place / "new.mp4")
    assert VideoFolder(place, frames=2).fingerprint != before


def test_one_video_is_a_source(place: Path) -> None:
    source = find_source(place / "a.mp4", frames=2)
    assert source.name(0) == "a.mp4"
    assert source.read(0, np.random.default_rng(0)).caption == "a grey wall brightens"


def test_sources_are_found_by_what_lies_there(place: Path, made: Callable[[], None]) -> None:
    assert isinstance(find_source(place, frames=2), VideoFolder)
    made()
    assert isinstance(find_source(place, frames=2), Shards)
    assert isinstance(find_source(place / "s.tar", frames=2), Shards)


@pytest.fixture
def made(place: Path) -> Callable[[], None]:
    """Put a shard beside the videos."""
    from made_clips import made_clip

    return lambda: print(write_shard(place / "s.tar", [made_clip()]))


def test_places_without_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no training data at .*none; check the name"):
        find_source(tmp_path / "none", frames=2)
    with pytest.raises(DataError, match=r"give shards \(.tar\), videos, or the root of GOT-10k"):
        find_source(tmp_path, frames=2)
    with pytest.raises(DataError, match="there are no videos at"):
        VideoFolder(tmp_path, frames=2)

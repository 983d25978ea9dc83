"""Preparing shards: what is cut out, what is measured, what is skipped, and going on later."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from kineograph.core.errors import DataError, OutputError
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.data.clip import Clip
from kineograph.data.cutting import Cut, cut
from kineograph.data.loader import BatchLoader
from kineograph.data.prepare import Prepared, prepare, prepare_scenes
from kineograph.data.procedural.scene import Scenes
from kineograph.data.procedural.settings import settings_of
from kineograph.data.scene_source import SceneSource
from kineograph.data.shards import Shards
from kineograph.data.stream import ClipStream, Share

RNG = np.random.default_rng(0)


def stepped(frames: int, size: tuple[int, int] = (32, 24)) -> Video:
    """A video whose frame i is of grey 8 i, at 8 fps."""
    levels = np.arange(frames, dtype=np.uint8) * 8
    shape = (frames, size[1], size[0], 3)
    return Video(np.broadcast_to(levels[:, None, None, None], shape).copy(), 8)


def shown(clip: Clip) -> list[int]:
    return np.rint(clip.video.mean(axis=(1, 2, 3)) / 8).astype(int).tolist()


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Three videos of 14 frames, one of them captioned."""
    folder = tmp_path / "films"
    folder.mkdir()
    for name in "abc":
        stepped(14).save(folder / f"{name}.mp4")
    (folder / "a.txt").write_text("a wall brightens")
    return folder


def clips(out: Path) -> list[Clip]:
    shards = Shards(out)
    return [shards.read(i, RNG) for i in range(len(shards))]


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ({"frames": 5}, [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]),
        ({"frames": 5, "step": 9}, [[0, 1, 2, 3, 4], [9, 10, 11, 12, 13]]),
        ({"frames": 5, "step": 7}, [[0, 1, 2, 3, 4], [7, 8, 9, 10, 11]]),
        ({"frames": 12, "step": 1}, [list(range(i, i + 12)) for i in range(3)]),
        ({"frames": 3, "stride": 3, "step": 2}, [[0, 3, 6], [6, 9, 12]]),
        ({"frames": 3, "fps": 3}, [[0, 3, 6]]),
        ({"frames": 1, "stride": 5}, [[0], [5], [10]]),
    ],
)
def test_windows_of_a_video(films: Path, how: dict[str, Any], wanted: list[list[int]]) -> None:
    found = list(cut(films / "a.mp4", films, Cut(**how)))
    assert [shown(clip) for clip in found] == wanted
    assert [clip.name for clip in found] == [f"a.mp4#{frames[0]}" for frames in wanted]
    stride = wanted[0][1] - wanted[0][0] if len(wanted[0]) > 1 else 5
    assert {clip.fps for clip in found} == {8 / stride}
    assert {clip.caption for clip in found} == {"a wall brightens"}


def test_tracks_beside_a_video_are_cut_with_it(films: Path) -> None:
    points = np.stack([np.arange(14) + 2.0, np.full(14, 3.0)], axis=1)[None]
    Tracks.of(points, size=(32, 24), fps=8).save(films / "a.tracks.npz")
    second = list(cut(films / "a.mp4", films, Cut(frames=5, size=(12, 12), tracks=4)))[1]
    assert second.tracks is not None and second.tracks.count == 1
    np.testing.assert_allclose(second.tracks.points[0, :, 0], (np.arange(5, 10) + 2.0 - 4) / 2)
    np.testing.assert_allclose(second.tracks.points[0, :, 1], 1.5)


def test_tracks_and_flow_are_measured(tmp_path: Path, photograph: np.ndarray) -> None:
    rows = [photograph[50:170, 100 + 4 * i : 260 + 4 * i] for i in range(4)]
    Video(np.stack(rows), 8).save(tmp_path / "pan.mp4")
    how = Cut(frames=4, size=(80, 60), tracks=8, flow=True)
    (clip,) = cut(tmp_path / "pan.mp4", tmp_path, how)
    assert clip.tracks is not None and clip.flow is not None
    assert clip.tracks.count == 48
    stays = clip.tracks.visible.all(axis=1)
    moved = clip.tracks.points[stays, -1] - clip.tracks.points[stays, 0]
    assert stays.sum() > 35
    np.testing.assert_allclose(np.median(moved, axis=0), [-6, 0], atol=0.15)
    np.testing.assert_allclose(np.median(clip.flow, axis=(0, 1, 2)), [-2, 0], atol=0.1)


def test_videos_become_shards(films: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    how = Cut(frames=5, size=(16, 16))
    made = prepare(
        [films], tmp_path / "out", how, per_shard=2, progress=lambda *at: seen.append(at)
    )
    assert (made.clips, made.shards, made.made, len(made.report)) == (6, 2, 6, 0)
    assert seen == [(0, 3), (2, 3), (3, 3)]
    found = clips(tmp_path / "out")
    assert [clip.name for clip in found] == [f"{v}.mp4#{i}" for v in "abc" for i in (0, 5)]
    assert {clip.size for clip in found} == {(16, 16)}
    assert shown(found[3]) == [5, 6, 7, 8, 9]


def test_several_processes_make_the_same_bytes(films: Path, tmp_path: Path) -> None:
    how = Cut(frames=5)
    prepare([films], tmp_path / "one", how, per_shard=1)
    prepare([films], tmp_path / "two", how, per_shard=1, processes=2)
    for number in range(3):
        name = f"shard-{number:06d}.tar"
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_same_again_makes_only_what_is_missing(films: Path, tmp_path: Path) -> None:
    out, how = tmp_path / "out", Cut(frames=5)
    prepare([films], out, how, per_shard=2)
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.tar")}
    stepped(9).save(films / "aa.mp4")
    made = prepare([films], out, how, per_shard=2)
    assert (made.clips, made.made) == (7, 1)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert [clip.name for clip in clips(out)][-1] == "aa.mp4#0"


def stop_after(count: int) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done >= count:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("processes", [1, 2])
def test_stopped_work_goes_on_later(films: Path, tmp_path: Path, processes: int) -> None:
    out, how = tmp_path / "out", Cut(frames=5)
    with pytest.raises(KeyboardInterrupt):
        prepare([films], out, how, per_shard=1, processes=processes, progress=stop_after(1))
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
    held = json.loads((out / "prepared.json").read_text())["clips"]
    assert len(held) >= 1
    made = prepare([films], out, how, per_shard=1)
    assert made.clips == 6 and made.made == 6 - 2 * len(held)
    whole = prepare([films], tmp_path / "whole", how, per_shard=1)
    assert whole.clips == 6
    for path in (tmp_path / "whole").glob("*.tar"):
        assert path.read_bytes() == (out / path.name).read_bytes()


def test_another_way_is_refused(films: Path, tmp_path: Path) -> None:
    prepare([films], tmp_path / "out", Cut(frames=5))
    with pytest.raises(DataError, match=r"out was made with frames 5, not 6; give the same set"):
        prepare([films], tmp_path / "out", Cut(frames=6))
    with pytest.raises(DataError, match=r"was made with kind videos, not scenes"):
        prepare_scenes(1, tmp_path / "out", settings_of(frames=2))
    (tmp_path / "out" / "prepared.json").write_text("{")
    with pytest.raises(DataError, match=r"prepared.json cannot be read; prepare into another"):
        prepare([films], tmp_path / "out", Cut(frames=5))


def test_a_folder_with_other_things_is_left_alone(films: Path) -> None:
    with pytest.raises(OutputError, match="the folder is not empty and was not made by"):
        prepare([films], films, Cut(frames=5))


def test_what_cannot_be_used_is_listed(films: Path, tmp_path: Path) -> None:
    whole = (films / "b.mp4").read_bytes()
    (films / "b.mp4").write_bytes(whole[: len(whole) // 2])
    stepped(4).save(films / "d.mp4")
    made = prepare([films], tmp_path / "out", Cut(frames=5, captions="refuse"))
    assert made.clips == 2
    assert made.report.reasons["c.mp4"] == "c.mp4: it has no caption"
    assert set(made.report.reasons) == {"b.mp4", "c.mp4", "d.mp4"}
    again = prepare([films], tmp_path / "out", Cut(frames=5, captions="refuse"))
    assert again.report.reasons == made.report.reasons
    with pytest.raises(DataError, match="3 clips or shards could not be used, more than the 2"):
        prepare([films], tmp_path / "other", Cut(frames=5, captions="refuse"), limit=2)


def test_short_videos_and_videos_without_names_of_their_own(films: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it has 14 frames, too few for 8 at a stride of 2"):
        list(cut(films / "a.mp4", films, Cut(frames=8, stride=2)))
    shutil.copytree(films, tmp_path / "more")
    with pytest.raises(DataError, match="have the same name in the folders given"):
        prepare([films, tmp_path / "more"], tmp_path / "out", Cut(frames=5))
    with pytest.raises(DataError, match="no videos were given"):
        prepare([], tmp_path / "out", Cut(frames=5))


SETTINGS = settings_of(size=(32, 32), frames=3, spacing=4, objects=(1, 2))


def scenes(count: int, out: Path, processes: int = 1) -> Prepared:
    return prepare_scenes(count, out, SETTINGS, seed=3, per_shard=2, processes=processes)


def test_scenes_become_shards_and_more_are_added(tmp_path: Path) -> None:
    made = scenes(4, tmp_path / "out")
    assert (made.clips, made.shards) == (4, 2)
    first = clips(tmp_path / "out")
    made = scenes(6, tmp_path / "out", processes=2)
    assert (made.clips, made.made) == (6, 2)
    found = clips(tmp_path / "out")
    assert [clip.name for clip in found[:4]] == [clip.name for clip in first]
    wanted = Scenes(SETTINGS, 3)
    for index in (0, 5):
        clip = wanted[index]
        assert found[index].caption == clip.caption and found[index].facts == clip.facts
        np.testing.assert_array_equal(found[index].video, clip.video)
        assert clip.tracks is not None and found[index].tracks is not None
        np.testing.assert_array_equal(found[index].tracks.points, clip.tracks.points)


def test_scenes_stream_as_anything_else(tmp_path: Path) -> None:
    source = SceneSource(Scenes(SETTINGS, 3), 3)
    stream = ClipStream(source, transform=lambda clip, _: replace(clip, depth=None, masks=None))
    seen = [clip.name for clip in islice(stream, 6)]
    assert len(set(seen)) == 3 and sorted(seen[:3]) == sorted(seen[3:])
    batch = next(BatchLoader(ClipStream(source, share=Share(batch=2))))
    assert batch.pixels.shape == (2, 3, 3, 32, 32)
    with pytest.raises(DataError, match="0 scenes were asked for"):
        SceneSource(Scenes(SETTINGS), 0)


def test_pictures_of_the_middle(tmp_path: Path) -> None:
    frames = np.zeros((2, 24, 32, 3), np.uint8)
    frames[:, :, 4:28] = 200
    Video(frames, 8).save(tmp_path / "middle.mkv")
    (clip,) = cut(tmp_path / "middle.mkv", tmp_path, Cut(frames=2, size=(12, 12)))
    assert clip.video.min() > 150
    how = Cut(frames=2, size=(12, 12), fitting="stretch")
    (clip,) = cut(tmp_path / "middle.mkv", tmp_path, how)
    small = cv2.resize(frames[0], (12, 12), interpolation=cv2.INTER_AREA)
    assert np.abs(clip.video[0].astype(int) - small).max() < 16

"""YouTube-VIS's layout, in a tiny copy, read as SMCD trains on it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from kineograph.core.errors import DataError
from kineograph.data import ytvis
from kineograph.data.find_source import find_source
from kineograph.data.source import ClipSource
from kineograph.data.ytvis import YouTubeVis, held_out

Written = dict[str, Any]


def instances(names: list[str], frames: int = 9) -> Written:
    """Videos of two objects each: a dog that is gone in frame 4, and a person throughout."""
    held: Written = {
        "videos": [],
        "categories": [{"id": 3, "name": "dog"}, {"id": 7, "name": "ape_man"}],
        "annotations": [],
    }
    for number, name in enumerate(names, 1):
        files = [f"{name}/{5 * i:05d}.jpg" for i in range(frames)]
        held["videos"].append({"id": number, "width": 40, "height": 30, "file_names": files})
        dog = [None if i == 4 else [i, 2.5, 10, 8] for i in range(frames)]
        person = [[1, i, 5, 20] for i in range(frames)]
        for kind, boxes in ((3, dog), (7, person)):
            held["annotations"].append(
                {"video_id": number, "category_id": kind, "bboxes": boxes, "iscrowd": 0}
            )
    return held


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three videos, of which the first by name is held out."""
    monkeypatch.setattr(ytvis, "MEASURED", 1)
    names = ["bb", "aa", "cc"]
    write(tmp_path, lambda held: held, names)
    for name in names:
        folder = tmp_path / "train" / "JPEGImages" / name
        folder.mkdir(parents=True)
        for i in range(9):
            picture = np.full((30, 40, 3), 20 * i, np.uint8)
            cv2.imwrite(str(folder / f"{5 * i:05d}.jpg"), picture)
    (tmp_path / "caption.json").write_text(json.dumps({"bb": "a dog  greets an ape man"}))
    return tmp_path


def write(root: Path, change: Callable[[Written], Written], names: list[str]) -> None:
    (root / "train").mkdir(exist_ok=True)
    (root / "train" / "instances.json").write_text(json.dumps(change(instances(names))))


def test_a_window_with_the_boxes_of_all_objects(root: Path) -> None:
    source = YouTubeVis(root, frames=9)
    assert isinstance(source, ClipSource)
    assert [source.name(i) for i in range(len(source))] == ["bb", "cc"]
    clip = source.read(0, np.random.default_rng(0))
    assert (clip.caption, clip.fps, clip.size) == ("a dog greets an ape man", 6, (40, 30))
    assert clip.boxes is not None and clip.boxes.labels == ("dog", "ape man")
    assert clip.boxes.state[0].tolist() == [1] * 4 + [0] + [1] * 4
    assert clip.boxes.boxes[0, 3].tolist() == [3, 2.5, 13, 10.5]
    assert clip.boxes.boxes[1, 2].tolist() == [1, 2, 6, 22]


def test_a_video_without_a_caption_is_called_by_its_classes(root: Path) -> None:
    clip = YouTubeVis(root).read(1, np.random.default_rng(0))
    assert clip.caption == "A dog and an ape man."


def test_frames_and_boxes_stay_together(root: Path) -> None:
    source = YouTubeVis(root, frames=3, strides=(1, 4))
    for seed in range(10):
        clip = source.read(1, np.random.default_rng(seed))
        seen = np.rint(clip.video.mean(axis=(1, 2, 3)) / 20)
        assert clip.boxes is not None
        np.testing.assert_array_equal(clip.boxes.boxes[1, :, 1], seen)
        assert clip.fps == 6 / (seen[1] - seen[0])


def test_what_is_held_out() -> None:
    names = [f"{i:04x}" for i in range(300)]
    assert held_out(reversed(names)) == frozenset(names[:180])


def test_held_out_videos_are_read_only_when_asked(root: Path) -> None:
    source = YouTubeVis(root, evaluation=True)
    assert [source.name(i) for i in range(len(source))] == ["aa"]
    write(root, lambda held: held, ["aa"])
    with pytest.raises(DataError, match=r"no video of 8 frames that is not held out .*\(1 are\)"):
        YouTubeVis(root)


def test_short_videos_are_left_out(root: Path) -> None:
    def short(held: Written) -> Written:
        held["videos"][2]["file_names"] = held["videos"][2]["file_names"][:7]
        return held

    write(root, short, ["bb", "aa", "cc"])
    assert len(YouTubeVis(root)) == 1


def test_it_is_found_by_its_layout(root: Path) -> None:
    assert isinstance(find_source(root, frames=3), YouTubeVis)
    assert isinstance(find_source(root / "train", frames=3), YouTubeVis)


def changed(place: list[Any], value: Any) -> Callable[[Written], Written]:
    """Instances with one value in them replaced."""

    def change(held: Written) -> Written:
        inner: Any = held
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        return held

    return change


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (["annotations", 4, "bboxes"], [None], "cc: an object has 1 boxes for 9 frames"),
        (["annotations", 4, "category_id"], 5, "cc: an object is of the unknown category 5"),
        (["videos", 2, "width"], 41, "cc: its frames are 40x30, its boxes for 41x30"),
        (["videos", 2, "file_names"], ["cc/../../cc/x.jpg"] * 9, "is outside JPEGImages"),
        (["videos", 2, "file_names"], ["cc/none.jpg"] * 9, "none.jpg"),
    ],
)
def test_malformed_videos_are_told_in_one_line(
    root: Path, place: list[Any], value: Any, said: str
) -> None:
    write(root, changed(place, value), ["bb", "aa", "cc"])
    source = YouTubeVis(root, frames=9)
    number = next(i for i in range(len(source)) if source.name(i) != "bb")
    with pytest.raises(DataError) as caught:
        source.read(number, np.random.default_rng(0))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_malformed_file_is_told_in_one_line(root: Path) -> None:
    write(root, changed(["videos", 0, "id"], "x"), ["bb", "aa", "cc"])
    with pytest.raises(DataError, match=r"instances.json is malformed: videos.0.id: Input should"):
        YouTubeVis(root)
    (root / "train" / "instances.json").unlink()
    with pytest.raises(DataError, match=r"instances.json is missing; it holds the videos"):
        YouTubeVis(root)

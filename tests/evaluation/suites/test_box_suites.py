"""GOT-10k, YouTube-VIS and MSR-VTT on made-up clips in their layouts."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from same_loaded import check_repeats
from suite_clips import moving_frames, write_frames, write_video

from kineograph.core.boxes import Boxes
from kineograph.core.errors import EvaluationError
from kineograph.core.state import State
from kineograph.evaluation.suites.got10k import Got10kBoxes
from kineograph.evaluation.suites.msrvtt import MsrVtt, ends
from kineograph.evaluation.suites.ytvis import YouTubeVisBoxes


def got10k(root: Path, count: int = 2, frames: int = 12, absent: tuple[int, ...] = ()) -> Path:
    names = [f"GOT-10k_Val_{number + 1:06d}" for number in range(count)]
    (root / "val").mkdir(parents=True)
    (root / "val/list.txt").write_text("\n".join(names))
    for seed, name in enumerate(names):
        folder = root / "val" / name
        write_frames(folder, moving_frames((80, 40), frames, seed), begin=1, digits=8)
        boxes = [f"{10 + i}.0,8.0,20.0,16.0" for i in range(frames)]
        (folder / "groundtruth.txt").write_text("\n".join(boxes))
        gone = ["1" if i in absent else "0" for i in range(frames)]
        (folder / "absence.label").write_text("\n".join(gone))
        (folder / "meta_info.ini").write_text(
            "[METAINFO]\nobject_class: goat\nmotion_class: walking\nanno_fps: 10Hz\n"
        )
    return root


def test_got10k_gives_eight_stretched_frames_a_template_and_boxes(tmp_path: Path) -> None:
    suite = Got10kBoxes(got10k(tmp_path))
    cases = suite.cases()
    assert [case.key for case in cases] == ["GOT-10k_Val_000001", "GOT-10k_Val_000002"]
    loaded = check_repeats(suite, cases[1], pickle.loads(pickle.dumps(suite)))
    request = loaded.request
    assert (request.size, request.frames, request.fps) == ((256, 256), 8, 10)
    assert request.text == "A goat that is walking."
    assert request.boxes is not None and request.boxes.labels == ("goat",)
    sides = request.boxes.boxes[0, :, 2:] - request.boxes.boxes[0, :, :2]
    assert np.allclose(sides, [20 * 256 / 80, 16 * 256 / 40])
    assert request.picture is not None and loaded.truth is not None
    starts = {
        float(Got10kBoxes(tmp_path, seed=seed).load(cases[0]).request.boxes.boxes[0, 0, 0])
        for seed in range(6)
    }
    assert len(starts) > 1


def test_windows_begin_where_the_object_is_in_view(tmp_path: Path) -> None:
    suite = Got10kBoxes(got10k(tmp_path, 1, absent=(0, 1, 2)))
    for seed in range(4):
        suite = Got10kBoxes(tmp_path, seed=seed)
        boxes = suite.load(suite.cases()[0]).request.boxes
        assert boxes is not None and boxes.state[0, 0] == State.VISIBLE
    never = Got10kBoxes(got10k(tmp_path / "never", 1, absent=tuple(range(12))))
    with pytest.raises(EvaluationError, match="none of 32 windows of 8 frames begins with an obj"):
        never.load(never.cases()[0])


def test_got10k_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"the split are missing: .*val; wanted: val/list"):
        Got10kBoxes(tmp_path).cases()
    got10k(tmp_path / "some")
    (tmp_path / "some/val/list.txt").write_text("GOT-10k_Val_000001\nGOT-10k_Val_000180\n")
    with pytest.raises(EvaluationError, match=r"sequences are missing: .*GOT-10k_Val_000180; want"):
        Got10kBoxes(tmp_path / "some").cases()
    (tmp_path / "bare/val").mkdir(parents=True)
    with pytest.raises(EvaluationError, match=r"there is no list.txt and no sequence in"):
        Got10kBoxes(tmp_path / "bare").cases()


def ytvis(root: Path, count: int = 2, objects: int = 10) -> Path:
    videos, annotations = [], []
    for number in range(count):
        name = f"{number:04d}abc"
        write_frames(root / "train/JPEGImages" / name, moving_frames((80, 40), 9, number))
        files = [f"{name}/{index:05d}.jpg" for index in range(9)]
        videos.append({"id": number + 1, "width": 80, "height": 40, "file_names": files})
        for item in range(objects):
            boxes = [[5.0 + index, 4.0, 10.0 + item, 12.0] for index in range(9)]
            annotations.append({"video_id": number + 1, "category_id": 1, "bboxes": boxes})
    held = {"videos": videos, "categories": [{"id": 1, "name": "giant_panda"}]}
    (root / "train/instances.json").write_text(json.dumps({**held, "annotations": annotations}))
    (root / "caption.json").write_text(json.dumps({"0000abc": "Pandas eat."}))
    return root


def test_ytvis_gives_the_first_eight_objects_and_captions(tmp_path: Path) -> None:
    suite = YouTubeVisBoxes(ytvis(tmp_path))
    cases = suite.cases()
    assert [case.name for case in cases] == ["0000abc", "0001abc"]
    first, second = (check_repeats(suite, case).request for case in cases)
    assert (first.text, second.text) == ("Pandas eat.", "A giant panda.")
    assert first.boxes is not None and first.boxes.count == 8
    assert (first.size, first.frames) == ((256, 256), 8)
    assert YouTubeVisBoxes(tmp_path, count=1).cases() == cases[:1]


def test_ytvis_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"parts of it are missing: .*instances.json, .*JPEG"):
        YouTubeVisBoxes(tmp_path).cases()
    ytvis(tmp_path)
    (tmp_path / "train/instances.json").write_text("{}")
    with pytest.raises(EvaluationError, match=r"instances.json is malformed: .*; wanted: train/in"):
        YouTubeVisBoxes(tmp_path).cases()


def msrvtt(root: Path, frames: int = 60, fps: float = 12) -> Path:
    names = ("video7010", "video7011", "video1")
    for seed, name in enumerate(names[:2]):
        write_video(root / "TestVideo" / f"{name}.mp4", moving_frames((80, 64), frames, seed), fps)
    videos = [{"video_id": n, "split": "train" if n == "video1" else "test"} for n in names]
    said = [{"video_id": n, "caption": f"{n} says {i}"} for n in names for i in range(5)]
    held = json.dumps({"videos": videos, "sentences": said})
    (root / "test_videodatainfo.json").write_text(held)
    boxes = np.zeros((2, frames, 4), np.float32)
    boxes[:] = [20, 10, 40, 30]
    boxes[0, :, [0, 2]] += np.arange(frames) / 4
    state = np.ones((2, frames), np.uint8)
    state[1, 3] = State.OCCLUDED
    held_boxes = Boxes.of(boxes, state, size=(80, 64), fps=fps, labels=("a car", "a dog"))
    (root / "boxes").mkdir()
    held_boxes.save(root / "boxes/video7010.boxes.npz")
    return root


def test_msrvtt_gives_text_boxes_the_first_frame_or_both(tmp_path: Path) -> None:
    suite = MsrVtt(msrvtt(tmp_path))
    keys = [case.key for case in suite.cases()]
    assert keys[:4] == [f"video7010@{v}" for v in ("text", "box", "f0", "f0-box")]
    assert keys[4:] == ["video7011@text", "video7011@f0"]
    text, box, first, both = (check_repeats(suite, case).request for case in suite.cases()[:4])
    assert (text.boxes, text.picture, first.boxes, box.picture) == (None,) * 4
    assert text.text.startswith("video7010 says") and text.text == both.text
    assert (text.size, text.frames, text.fps) == ((256, 256), 16, 4)
    assert box.boxes is not None and both.boxes is not None and first.picture is not None
    assert box.boxes.labels == ("a car",)  # the dog is hidden once
    assert box.boxes.hard[0].tolist() == [True, *[False] * 14, True]
    # 80x64 is cut to 8..72 and scaled by 4; the car moves by 3 * 15 / 4 pixels
    assert box.boxes.boxes[0, 0].tolist() == [48, 40, 128, 120]
    assert box.boxes.boxes[0, -1, 0] == pytest.approx(48 + 45)
    assert box.boxes.boxes[0, 5, 0] == pytest.approx(48 + 15)
    truth = suite.load(suite.cases()[0]).truth
    assert truth is not None and truth.boxes is not None and truth.boxes.count == 1


def test_sentences_are_drawn_by_the_seed(tmp_path: Path) -> None:
    msrvtt(tmp_path)
    said = {
        MsrVtt(tmp_path, seed=s).load(MsrVtt(tmp_path).cases()[0]).request.text for s in range(6)
    }
    assert len(said) > 1


def test_msrvtt_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"has no test_videodatainfo.json; wanted: test_vid"):
        MsrVtt(tmp_path).cases()
    (tmp_path / "test_videodatainfo.json").write_text("{}")
    with pytest.raises(EvaluationError, match="has no folder TestVideo"):
        MsrVtt(tmp_path).cases()
    (tmp_path / "TestVideo").mkdir()
    with pytest.raises(EvaluationError, match="is malformed: it is to hold videos"):
        MsrVtt(tmp_path).cases()
    held = {"videos": [{"video_id": "video7010"}], "sentences": []}
    (tmp_path / "test_videodatainfo.json").write_text(json.dumps(held))
    with pytest.raises(EvaluationError, match=r"videos are missing: .*video7010\.mp4; wanted"):
        MsrVtt(tmp_path).cases()
    write_video(tmp_path / "TestVideo/video7010.mp4", moving_frames((64, 64), 5))
    with pytest.raises(EvaluationError, match="has no sentence of video7010"):
        MsrVtt(tmp_path).cases()
    held["sentences"] = [{"video_id": "video7010", "caption": "A car."}]
    (tmp_path / "test_videodatainfo.json").write_text(json.dumps(held))
    with pytest.raises(EvaluationError, match="has 5 frames, too few for 16 at 4 a second"):
        MsrVtt(tmp_path).load(MsrVtt(tmp_path).cases()[0])


def test_no_boxes_have_no_ends() -> None:
    assert ends(Boxes.of(np.zeros((0, 4, 4)), size=(8, 8), fps=1)) is None

"""DAVIS and a plain folder: Motion Prompting's protocol on made-up clips in their layouts."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from same_loaded import check_repeats
from suite_clips import moving_frames, write_frames, write_video

import kineograph
from kineograph.core.errors import EvaluationError
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.evaluation.suites import suite_named
from kineograph.evaluation.suites.davis import Davis
from kineograph.evaluation.suites.folder import Folder
from kineograph.evaluation.suites.track_suite import TrackSuite
from kineograph.evaluation.suites.tracks import CACHE, Followed, first_tracks


class Sliding:
    """A tracker that says that everything goes right by a pixel a frame, and counts its work."""

    calls = 0

    def __call__(self, video: Video, queries: np.ndarray) -> Tracks:
        type(self).calls += 1
        points = np.repeat(queries[:, None, 1:], len(video), axis=1).astype(np.float32)
        points[..., 0] += np.arange(len(video))
        return Tracks.of(points, size=video.size, fps=video.fps).hide_outside()


@pytest.fixture(autouse=True)
def quick_tracker(monkeypatch: pytest.MonkeyPatch) -> type[Sliding]:
    """Replace the tracker; what it finds is not what is tested here."""
    Sliding.calls = 0
    monkeypatch.setattr(Followed, "_tracker", lambda self: Sliding())
    return Sliding


def davis(root: Path, names: tuple[str, ...] = ("bike-packing", "camel"), frames: int = 5) -> Path:
    listed = root / "ImageSets" / "2017" / "val.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("\n".join(names) + "\n")
    for seed, name in enumerate(names):
        write_frames(root / "JPEGImages/480p" / name, moving_frames((96, 64), frames, seed))
    return root


def annotate(root: Path, name: str, frames: int, objects: int = 2) -> None:
    folder = root / "Annotations/480p" / name
    folder.mkdir(parents=True)
    for frame in range(frames):
        held = np.zeros((64, 96), np.uint8)
        for item in range(objects):
            held[10 + 24 * item : 30 + 24 * item, 30 + frame : 50 + frame] = item + 1
        held[:2] = 255
        picture = Image.fromarray(held, mode="P")
        picture.putpalette(list(range(256)) * 3)
        picture.save(folder / f"{frame:05d}.png")


def test_davis_gives_the_middle_square_its_title_and_exactly_so_many_tracks(tmp_path: Path) -> None:
    suite = Davis(davis(tmp_path), size=(64, 64), seed=3)
    cases = suite.cases()
    assert [case.key for case in cases[:7:3]] == [
        "bike-packing@1",
        "bike-packing@64",
        "camel@1",
    ]
    for case in cases:
        loaded = suite.load(case)
        request = loaded.request
        assert request.tracks is not None and request.tracks.count == int(case.variant)
        assert (request.tracks.points[:, 1, 0] - request.tracks.points[:, 0, 0] == 1).all()
        assert (request.size, request.frames, request.fps) == ((64, 64), 5, 24.0)
        assert loaded.truth is not None and loaded.truth.tracks is not None
        assert loaded.truth.tracks.count == 2048
    assert suite.load(cases[0]).request.text == "bike packing"


def test_a_video_is_followed_once_and_again_only_if_it_changes(
    tmp_path: Path, quick_tracker: type[Sliding]
) -> None:
    suite = Davis(davis(tmp_path), size=(64, 64))
    for case in suite.cases():
        suite.load(case)
    assert quick_tracker.calls == 2
    again = pickle.loads(pickle.dumps(suite))
    assert again._last is None
    check_repeats(suite, suite.cases()[4], again)
    assert quick_tracker.calls == 2
    kept = sorted((tmp_path / CACHE).rglob("*.npz"))
    assert len(kept) == 2 and kept[0].parent.name.startswith("default-")
    assert kept[0].parent.name.endswith("-64x64-5-seed0")
    assert suite.said == {"true videos followed by": f"default {kineograph.__version__}"}
    assert Followed(tmp_path, "tapir", Path("a/boots.pt")).said == "tapir boots"
    kept[0].write_bytes(b"broken")
    check_repeats(suite, suite.cases()[4], Davis(tmp_path, size=(64, 64)))
    assert quick_tracker.calls == 3 and Tracks.load(kept[0]).count == 2048
    write_frames(tmp_path / "JPEGImages/480p/camel", moving_frames((96, 64), 5, 9))
    fresh = Davis(tmp_path, size=(64, 64))
    fresh.load(fresh.cases()[-1])
    assert quick_tracker.calls == 4


def test_the_seed_decides_which_points_are_taken(tmp_path: Path) -> None:
    root = davis(tmp_path)
    one, other = (Davis(root, size=(64, 64), seed=seed) for seed in (0, 1))
    first, second = (suite.load(suite.cases()[2]).request.tracks for suite in (one, other))
    assert first is not None and second is not None
    assert not np.array_equal(first.points, second.points)
    starts = {tuple(point) for point in first.points[:, 0].tolist()}
    assert len(starts) == 16 and all((x * 2) % 1 == 0.5 for x, _ in starts)  # of a 128x128 grid


def test_frames_are_at_most_as_many_as_asked_for(tmp_path: Path) -> None:
    suite = Davis(davis(tmp_path), size=(64, 64), frames=3, count=1)
    assert len(suite.cases()) == 6
    assert suite.load(suite.cases()[0]).request.frames == 3
    assert Davis(tmp_path).frames == 80 and Davis(tmp_path).size == (256, 256)


def test_annotations_become_masks_and_boxes(tmp_path: Path) -> None:
    root = davis(tmp_path)
    annotate(root, "camel", 5)
    suite = Davis(root, size=(32, 32))
    bare, masked = (suite.load(case).truth for case in suite.cases()[::6])
    assert bare is not None and bare.masks is None and bare.boxes is None
    assert masked is not None and masked.masks is not None and masked.boxes is not None
    assert masked.masks.shape == (2, 5, 32, 32) and masked.boxes.labels == ("camel", "camel")
    # 96x64 is cut to 16..80 and halved: columns 30..50 become 7..17
    assert masked.boxes.boxes[0, 0].tolist() == [7, 5, 17, 15]
    assert masked.boxes.boxes[1, 4].tolist() == [9, 17, 19, 27]


def test_davis_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"suite davis needs its data \(--data\): ImageSets"):
        suite_named("davis")
    with pytest.raises(EvaluationError, match=r"names of the sequences are missing: .*val\.txt"):
        Davis(tmp_path).cases()
    davis(tmp_path)
    (tmp_path / "ImageSets/2017/val.txt").write_text("camel\ndogs-jump\n")
    with pytest.raises(EvaluationError, match=r"sequences are missing: \S*480p/dogs-jump; wanted"):
        Davis(tmp_path).cases()
    (tmp_path / "ImageSets/2017/val.txt").write_text("../../secret\n")
    with pytest.raises(EvaluationError, match="lies outside"):
        Davis(tmp_path).cases()
    (tmp_path / "ImageSets/2017/val.txt").write_text("\n")
    with pytest.raises(EvaluationError, match="is empty; it is to hold the names"):
        Davis(tmp_path).cases()
    (tmp_path / "ImageSets/2017/val.txt").write_text("camel\n")
    write_frames(tmp_path / "Annotations/480p/camel", moving_frames((96, 64), 5))
    for path in (tmp_path / "Annotations/480p/camel").glob("*.jpg"):
        Image.open(path).save(path.with_suffix(".png"))
    with pytest.raises(EvaluationError, match="is no annotation of DAVIS"):
        Davis(tmp_path, size=(32, 32)).load(Davis(tmp_path).cases()[0])


def test_a_folder_of_clips_has_captions_and_plain_names(tmp_path: Path) -> None:
    write_video(tmp_path / "zoo/a lion!.mp4", moving_frames((64, 64), 4), fps=8)
    write_video(tmp_path / "zoo/a lion?.mp4", moving_frames((64, 64), 6, 1), fps=12)
    (tmp_path / "zoo/a lion!.txt").write_text("A lion  walks.\n")
    suite = Folder(tmp_path, size=(64, 64), frames=5)
    names = list(dict.fromkeys(case.name for case in suite.cases()))
    assert len(names) == 2 and all(name.startswith("zoo_a_lion-") for name in names)
    first, second = (suite.load(suite.cases()[index]).request for index in (0, 6))
    assert (first.text, first.frames, first.fps) == ("A lion walks.", 4, 8)
    assert (second.text, second.frames, second.fps) == ("", 5, 12)
    check_repeats(suite, suite.cases()[3], Folder(tmp_path, size=(64, 64), frames=5))
    empty = tmp_path / "none"
    empty.mkdir()
    with pytest.raises(EvaluationError, match=r"there are no videos at .*; wanted: videos"):
        Folder(empty).cases()


def test_one_frame_is_no_clip_and_few_tracks_are_not_many(tmp_path: Path) -> None:
    suite: TrackSuite = Davis(davis(tmp_path), size=(64, 64), frames=1)
    with pytest.raises(EvaluationError, match="bike-packing has 1 frame; a clip needs 2 or more"):
        suite.load(suite.cases()[0])
    few = Tracks.of(np.zeros((3, 2, 2)), size=(8, 8), fps=1)
    with pytest.raises(EvaluationError, match="camel has 3 tracks and 4 are asked for"):
        first_tracks(few, 4, "camel")


def test_tracks_go_to_the_users_cache_where_the_data_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_tracker: type[Sliding]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / CACHE).write_text("a file where the folder would be")
    video = Video(moving_frames((64, 64), 3), 8)
    for _ in range(2):
        assert Followed(tmp_path / "data")("a", video).count == 2048
    assert quick_tracker.calls == 1
    assert len(list((tmp_path / "home/.cache/kineograph").rglob("a-*.npz"))) == 1
    (tmp_path / "home2").write_text("no folder")
    monkeypatch.setenv("HOME", str(tmp_path / "home2"))
    with pytest.raises(EvaluationError, match="tracks of a cannot be written to"):
        Followed(tmp_path / "data")("a", video)


def test_the_default_tracker_follows_what_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    found: Any = Followed(tmp_path)("a", Video(moving_frames((96, 96), 3), 8))
    middle = (found.points[:, 0] > 20).all(axis=1) & (found.points[:, 0] < 70).all(axis=1)
    moved = np.median(found.points[middle, -1] - found.points[middle, 0], axis=0)
    assert moved == pytest.approx([4, 0], abs=0.3)

"""TI2V-Bench, AnimateBench, VBench-I2V and MoveBench on made-up data in their layouts."""

import json
from pathlib import Path

import numpy as np
import pytest
from same_loaded import check_repeats
from suite_clips import moving_frames, write_picture, write_video

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.suites.animate_bench import AnimateBench
from kineograph.evaluation.suites.movebench import MoveBench
from kineograph.evaluation.suites.ti2v_bench import Ti2vBench
from kineograph.evaluation.suites.vbench_i2v import MOVES, VBenchI2V

SMALL = {"size": (32, 32), "frames": 4}


def ti2v(root: Path) -> Path:
    write_picture(root / "TI2V-Bench/aerial/aerial_car1.jpg", seed=1)
    write_picture(root / "TI2V-Bench/dog/dog1.png", (48, 64), seed=2)
    rows = [
        "image_path,prompt",
        "aerial/aerial_car1.jpg,the car drives left",
        'aerial/aerial_car1.jpg,"the car stops, then turns"',
        "TI2V-Bench/dog/dog1.png,the dog sits",
    ]
    (root / "prompt.csv").write_text("\n".join(rows))
    return root


def test_ti2v_bench_pairs_pictures_with_prompts(tmp_path: Path) -> None:
    suite = Ti2vBench(ti2v(tmp_path), **SMALL)
    cases = suite.cases()
    assert [case.key for case in cases] == [
        "aerial_car1_the_car_drives_left",
        "aerial_car1_the_car_stops_then_turns",
        "dog1_the_dog_sits",
    ]
    loaded = [check_repeats(suite, case, Ti2vBench(tmp_path, **SMALL)) for case in cases]
    assert [one.request.text for one in loaded][1] == "the car stops, then turns"
    assert loaded[2].truth is None and loaded[2].request.tracks is None
    assert loaded[2].request.picture is not None
    assert loaded[2].request.picture.shape == (32, 32, 3)
    assert Ti2vBench(tmp_path).size == (512, 320)
    assert Ti2vBench(tmp_path, count=1).cases() == cases[:1]


def test_ti2v_bench_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"are missing: \S*prompt\.csv; wanted: prompt\.csv"):
        Ti2vBench(tmp_path).cases()
    ti2v(tmp_path)
    (tmp_path / "TI2V-Bench/dog/dog1.png").unlink()
    with pytest.raises(EvaluationError, match=r"pictures are missing: \S*dog1\.png; wanted"):
        Ti2vBench(tmp_path).cases()
    (tmp_path / "prompt.csv").write_text("aerial/aerial_car1.jpg\n")
    with pytest.raises(EvaluationError, match=r"row 1 of .*prompt\.csv is 'aerial/aerial_car1"):
        Ti2vBench(tmp_path).cases()
    (tmp_path / "prompt.csv").write_text("/etc/secret.png,look\n")
    with pytest.raises(EvaluationError, match="lies outside"):
        Ti2vBench(tmp_path).cases()


def animate(root: Path) -> Path:
    for style in ("film", "lyriel"):
        for number in (1, 2):
            write_picture(root / f"img/{style}/{number}.png", seed=number)
    (root / "configs").mkdir()
    (root / "configs/film.yaml").write_text(
        "base: x\nprompts:\n  - - a man smiles\n    - a man nods\n  - - a lamp swings\n"
    )
    (root / "configs/lyriel.yaml").write_text("prompts: [fireworks, snow]\n")
    return root


def test_animate_bench_has_prompts_for_each_picture_of_each_style(tmp_path: Path) -> None:
    suite = AnimateBench(animate(tmp_path), **SMALL)
    cases = suite.cases()
    assert [case.name for case in cases] == [
        "film-1-0",
        "film-1-1",
        "film-2-0",
        "lyriel-1-0",
        "lyriel-1-1",
        "lyriel-2-0",
        "lyriel-2-1",
    ]
    texts = [check_repeats(suite, case).request.text for case in cases]
    assert texts[:5] == ["a man smiles", "a man nods", "a lamp swings", "fireworks", "snow"]


def test_animate_bench_refuses_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"parts of it are missing: .*configs, .*img; wanted"):
        AnimateBench(tmp_path).cases()
    animate(tmp_path)
    file = tmp_path / "configs/film.yaml"
    for text, told in (
        ("prompts: [[one]]", "has prompts for 1 pictures, .* has 2"),
        ("prompts: [1, 2]", "has no list of prompts, or something in it is no text"),
        ("n_prompt: [x]", "has no list of prompts"),
        ("prompts: [", "cannot be read as YAML"),
        ("prompts: !!python/object/apply:os.system ['true']", "cannot be read as YAML"),
    ):
        file.write_text(text)
        with pytest.raises(EvaluationError, match=told):
            AnimateBench(tmp_path).cases()
    (tmp_path / "configs/other.yaml").write_text("prompts: [a]")
    file.write_text("prompts: [a]")
    with pytest.raises(EvaluationError, match=r"pictures of a style are missing: .*img/other"):
        AnimateBench(tmp_path).cases()


def vbench(root: Path) -> Path:
    items = [
        {"file_name": "a cliff.jpg", "type": "architecture", "caption": "a cliff"},
        {"file_name": "a squirrel, eating.jpg", "type": "animal", "caption": "a squirrel, eating"},
    ]
    (root / "i2v-bench-info.json").write_text(json.dumps(items))
    for crop, size in (("1-1", (48, 48)), ("8-5", (64, 40))):
        for seed, item in enumerate(items):
            write_picture(root / "crop" / crop / item["file_name"], size, seed)
    return root


def test_vbench_tells_the_camera_to_move_before_backgrounds_only(tmp_path: Path) -> None:
    suite = VBenchI2V(vbench(tmp_path))
    keys = [case.key for case in suite.cases()]
    assert keys[:8] == [f"a_cliff@{variant}" for variant in ("caption", *MOVES)]
    assert keys[8:] == ["a_squirrel_eating@caption"]
    texts = [check_repeats(suite, case).request.text for case in suite.cases()]
    assert texts[0] == "a cliff" and texts[4] == "a cliff, camera tilts down"
    assert suite._pairs["a_cliff", "caption"].picture.parent.name == "8-5"
    square = VBenchI2V(tmp_path, size=(32, 32))
    assert square._pairs["a_cliff", "caption"].picture.parent.name == "1-1"
    assert len(VBenchI2V(tmp_path, count=1).cases()) == 8


def test_vbench_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"are missing: .*i2v-bench-info.json; wanted"):
        VBenchI2V(tmp_path).cases()
    vbench(tmp_path)
    (tmp_path / "crop/8-5/a cliff.jpg").unlink()
    with pytest.raises(EvaluationError, match=r"pictures are missing: .*8-5/a cliff.jpg; wanted"):
        VBenchI2V(tmp_path).cases()
    (tmp_path / "i2v-bench-info.json").write_text('[{"file_name": "x.jpg"}]')
    with pytest.raises(EvaluationError, match="a picture without file_name, caption or type"):
        VBenchI2V(tmp_path).cases()
    (tmp_path / "i2v-bench-info.json").write_text("{}")
    with pytest.raises(EvaluationError, match="is to hold a list of pictures"):
        VBenchI2V(tmp_path).cases()


def movebench(root: Path, videos: bool = True) -> Path:
    frames = moving_frames((64, 48), 5)
    en = root / "en"
    write_picture(en / "first_frame/Animals_1.jpg", (64, 48))
    if videos:
        write_video(en / "video/Animals_1.mp4", frames, fps=16)
    for mode, count in (("single", 1), ("multi", 3)):
        folder = en / "track" / mode
        folder.mkdir(parents=True)
        points = np.zeros((1, 5, count, 2), np.float32) + 10
        points[..., 0] += np.arange(5)[None, :, None] * 20
        np.save(folder / "Animals_1_tracks.npy", points)
        np.save(folder / "Animals_1_visibility.npy", np.ones((1, 5, count), bool))
        (en / f"{mode}_track.txt").write_text("Animals_1.mp4,A cat, black, walks.\n")
    return root


def test_movebench_gives_its_own_tracks(tmp_path: Path) -> None:
    suite = MoveBench(movebench(tmp_path))
    cases = suite.cases()
    assert [case.key for case in cases] == ["Animals_1@single", "Animals_1@multi"]
    single, multi = (check_repeats(suite, case, MoveBench(tmp_path)) for case in cases)
    request = single.request
    assert (request.size, request.frames, request.fps) == ((64, 48), 5, 16)
    assert request.text == "A cat, black, walks."
    assert request.tracks is not None and multi.request.tracks is not None
    assert (request.tracks.count, multi.request.tracks.count) == (1, 3)
    assert request.tracks.points[0, 0].tolist() == [10.5, 10.5]  # CoTracker's (0, 0) is a middle
    assert request.tracks.visible[0].tolist() == [True, True, True, False, False]
    assert single.truth is not None and single.truth.video.shape == (5, 48, 64, 3)
    small = MoveBench(tmp_path, size=(24, 24), frames=3).load(cases[0]).request
    assert (small.size, small.frames) == ((24, 24), 3)
    assert small.tracks is not None and small.tracks.points[0, 0, 1] == 5.25


def test_movebench_works_without_the_true_videos(tmp_path: Path) -> None:
    suite = MoveBench(movebench(tmp_path, videos=False))
    loaded = suite.load(suite.cases()[0])
    assert loaded.truth is None and loaded.request.frames == 5


def test_movebench_says_what_is_missing_or_broken(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"are missing: .*en/single_track.txt; wanted: en/si"):
        MoveBench(tmp_path).cases()
    movebench(tmp_path)
    tracks = tmp_path / "en/track/multi/Animals_1_tracks.npy"
    held = tracks.read_bytes()
    tracks.unlink()
    with pytest.raises(EvaluationError, match=r"tracks are missing: .*multi/Animals_1_tracks.npy;"):
        MoveBench(tmp_path).cases()
    tracks.write_bytes(held)
    suite = MoveBench(tmp_path)
    np.save(tracks, np.zeros((5, 3)))
    with pytest.raises(EvaluationError, match=r"is \(5, 3\), its visibility \(5, 3\); they have"):
        suite.load(suite.cases()[1])
    np.save(tracks, np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(EvaluationError, match="cannot be read as an array"):
        suite.load(suite.cases()[1])
    (tmp_path / "en/single_track.txt").write_text("Animals_1.mp4\n")
    with pytest.raises(EvaluationError, match=r"has the line 'Animals_1.mp4'; a line is a name, a"):
        MoveBench(tmp_path).cases()

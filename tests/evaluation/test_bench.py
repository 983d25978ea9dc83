"""A benchmark goes on where it was, records what fails, and gives the same figures however run."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from few_scenes import FewScenes

from kineograph.core.errors import EngineError, EvaluationError, VisionError
from kineograph.core.video import read_video
from kineograph.core.video_writer import VideoWriter
from kineograph.evaluation import measuring
from kineograph.evaluation.align import Alignment
from kineograph.evaluation.backbones.store import Backbones
from kineograph.evaluation.bench import generating
from kineograph.evaluation.bench.job import Bench
from kineograph.evaluation.bench.report_folder import (
    FEATURES,
    MEASURED,
    VIDEO,
    ReportFolder,
    RowHead,
)
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.bench.running import Crew, run
from kineograph.evaluation.eyes import Eyes
from kineograph.evaluation.metrics import METRICS
from kineograph.evaluation.suites.suite import Case, Loaded


def bench_of(where: Path, **changed: object) -> Bench:
    held = Bench(FewScenes(count=2), ("psnr", "epe"), ReportFolder(where), variants=("4",))
    return replace(held, **changed)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(bench_of(tmp_path_factory.mktemp("bench") / "report"), [])


def test_the_three_rows_are_always_there(done: Results) -> None:
    assert [row.label for row in done.head.rows] == ["truth", "still", "warp"]
    assert done.names == ("scene-0", "scene-1")
    assert not any(held.failed for held in done.cases)


def test_the_truth_is_the_floor_and_a_still_picture_errs_most(done: Results) -> None:
    floor, still, warp = (done.values("epe", row, "4") for row in ("truth", "still", "warp"))
    assert (floor < 1).all() and (warp < 1).all() and (still > 4 * np.maximum(floor, warp)).all()
    true, rest, drawn = (done.values("psnr", row, "4") for row in ("truth", "still", "warp"))
    assert (true == 60).all() and (rest < drawn).all() and (drawn < true).all()


def test_the_video_that_is_kept_is_what_was_measured(done: Results) -> None:
    place = done.folder.of("still", "scene-0@4") / VIDEO
    truth = FewScenes().load(FewScenes().cases()[0]).truth
    assert truth is not None
    np.testing.assert_array_equal(read_video(place).frames, np.repeat(truth.video[:1], 5, axis=0))


def test_a_second_run_makes_nothing_again(done: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(generating.ByEngine, "__call__", lambda *told: made.append(told))
    before = (done.folder.of("warp", "scene-0@4") / MEASURED).stat().st_mtime_ns
    again = run(bench_of(done.folder.where), [])
    assert made == []
    assert (done.folder.of("warp", "scene-0@4") / MEASURED).stat().st_mtime_ns == before
    np.testing.assert_array_equal(again.values("epe", "warp", "4"), done.values("epe", "warp", "4"))


def test_a_further_metric_measures_the_videos_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(bench_of(tmp_path, metrics=("psnr",)), [])
    monkeypatch.setattr(generating.ByEngine, "__call__", None)  # nothing can be made any more
    found = run(bench_of(tmp_path, metrics=("ssim",)), [])
    assert [held["name"] for held in found.head.metrics] == ["psnr", "ssim"]
    assert not np.isnan(found.values("ssim", "warp", "4")).any()
    assert not np.isnan(found.values("psnr", "warp", "4")).any()


def test_a_further_row_and_variant_join_the_report(tmp_path: Path) -> None:
    run(bench_of(tmp_path, metrics=("psnr",)), [RowHead("one", "warp")])
    found = run(bench_of(tmp_path, metrics=("psnr",), variants=("32",)), [RowHead("two", "warp")])
    assert [row.label for row in found.head.rows] == ["truth", "still", "warp", "one", "two"]
    assert tuple(found.head.variants) == ("4", "32")
    assert np.isnan(found.values("psnr", "one", "32")).all()
    assert not np.isnan(found.values("psnr", "one", "4")).any()


def test_other_settings_make_another_video(tmp_path: Path) -> None:
    run(bench_of(tmp_path, metrics=("psnr",)), [])
    stamp = (tmp_path / "clips" / "still" / "scene-0@4" / VIDEO).stat().st_mtime_ns
    suite = FewScenes(count=2)
    suite.load = lambda case: changed(FewScenes.load(suite, case))  # type: ignore[method-assign]
    run(bench_of(tmp_path, metrics=("psnr",), suite=suite), [])
    assert (tmp_path / "clips" / "still" / "scene-0@4" / VIDEO).stat().st_mtime_ns > stamp


def changed(loaded):  # type: ignore[no-untyped-def]
    return replace(loaded, request=replace(loaded.request, text="something else"))


def test_a_broken_measurement_stops_with_its_name(tmp_path: Path) -> None:
    run(bench_of(tmp_path, metrics=("psnr",)), [])
    (tmp_path / "clips" / "warp" / "scene-0@4" / MEASURED).write_text("{")
    with pytest.raises(EvaluationError, match=r"scene-0@4/measured.json is not a clip's"):
        Results.load(tmp_path)
    found = run(bench_of(tmp_path, metrics=("psnr",)), [])  # measured anew
    assert not np.isnan(found.values("psnr", "warp", "4")).any()


def test_an_unknown_tracker_is_said_before_anything_is_lost(tmp_path: Path) -> None:
    run(bench_of(tmp_path, metrics=("psnr",)), [])
    with pytest.raises(VisionError, match="there is no tracker eye 'nosuch'"):
        run(bench_of(tmp_path, metrics=("psnr",), eyes=Eyes(tracker="nosuch")), [])
    found = Results.load(tmp_path)
    assert found.head.about["tracker"] == "flow (default)"
    assert not np.isnan(found.values("psnr", "warp", "4")).any()


def test_a_failure_loses_nothing_that_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(bench_of(tmp_path, metrics=("psnr",)), [])
    broken = replace(METRICS["ssim"], measure=lambda look: float("inf"))
    monkeypatch.setattr(measuring, "METRICS", {**METRICS, "ssim": broken})
    with pytest.raises(EvaluationError, match="every case failed; the first: metric ssim gave inf"):
        run(bench_of(tmp_path, metrics=("psnr", "ssim")), [])
    monkeypatch.undo()
    assert not np.isnan(Results.load(tmp_path).values("psnr", "warp", "4")).any()
    monkeypatch.setattr(generating.ByEngine, "__call__", None)  # the videos are still there
    found = run(bench_of(tmp_path, metrics=("psnr", "ssim")), [])
    assert not np.isnan(found.values("ssim", "warp", "4")).any()
    assert not any(held.failed for held in found.cases)


def test_other_eyes_do_not_mix(tmp_path: Path) -> None:
    run(bench_of(tmp_path, metrics=("psnr",)), [])
    other = Eyes(flow="dis")  # the default by another name
    found = run(bench_of(tmp_path, suite=FewScenes(count=1), metrics=("psnr",), eyes=other), [])
    assert found.unseen == 3 and found.names == ("scene-0",)
    again = run(bench_of(tmp_path, metrics=("psnr",), eyes=other), [])
    assert again.unseen == 0 and again.names == ("scene-0", "scene-1")


def test_a_video_that_was_made_anew_is_measured_anew(tmp_path: Path) -> None:
    def rival(level: int) -> RowHead:
        for name in ("scene-0", "scene-1"):
            with VideoWriter(tmp_path / f"v/{name}.mkv", (96, 96), 16, lossless=True) as writer:
                for _ in range(5):
                    writer.write(np.full((96, 96, 3), level, np.uint8))
        return RowHead("rival", "videos", {"folder": str(tmp_path / "v")})

    bench = bench_of(tmp_path / "r", metrics=("psnr",), how=Alignment(rate="ignore"))
    first = run(bench, [rival(0)]).values("psnr", "rival", "4")
    second = run(bench, [rival(128)]).values("psnr", "rival", "4")
    assert (second > first).all()


def test_values_of_other_weights_do_not_mix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = replace(METRICS["psnr"], backbones=("clip",))
    monkeypatch.setattr(measuring, "METRICS", {**METRICS, "psnr": looking})
    monkeypatch.setattr(Backbones, "unusable", lambda self, name: "")
    folder = tmp_path / "weights" / "clip-vit-base-patch32"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"123")
    held = bench_of(tmp_path / "r", metrics=("psnr",), eyes=Eyes(backbones=folder.parent))
    run(held, [])
    run(held, [])
    (folder / "model.safetensors").write_bytes(b"1234")
    with pytest.raises(EvaluationError, match=r"network clip clip-vit-base-patch32, 3 bytes\)"):
        run(held, [])


def test_an_engine_that_is_set_wrong_is_said_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="foo"):
        run(bench_of(tmp_path / "r"), [RowHead("x", "warp", {"foo": 1})])
    assert not (tmp_path / "r").exists()


def test_a_row_is_dropped_by_deleting_its_folder(tmp_path: Path) -> None:
    run(bench_of(tmp_path, metrics=("psnr",)), [RowHead("typo", "warp")])
    shutil.rmtree(tmp_path / "clips" / "typo")
    found = run(bench_of(tmp_path, metrics=("psnr",)), [])
    assert [row.label for row in found.head.rows] == ["truth", "still", "warp"]


def test_what_fails_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    with VideoWriter(folder / "scene-0.mkv", (96, 96), 8, lossless=True) as writer:
        for _ in range(5):
            writer.write(np.zeros((96, 96, 3), np.uint8))
    rival = RowHead("rival", "videos", {"folder": str(folder)})
    rate = FewScenes().load(FewScenes().cases()[0]).request.fps
    how = Alignment(rate="ignore") if rate != 8 else Alignment()
    found = run(bench_of(tmp_path / "report", metrics=("psnr",), how=how), [rival])
    said = [held.failed for held in found.cases if held.row == "rival"]
    assert said[0] == "" and said[1].endswith("has no scene-1@4.mp4 or scene-1.mp4")
    assert found.values("psnr", "rival", "4")[0] < 20
    assert np.isnan(found.values("psnr", "rival", "4")[1])


def test_if_all_fails_it_says_why(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="every case failed; the first: scene-0 cannot be"):
        run(bench_of(tmp_path, suite=FewScenes(count=2, seed=13)), [])


def test_another_benchmark_is_not_overwritten(tmp_path: Path) -> None:
    run(bench_of(tmp_path, metrics=("psnr",)), [])
    with pytest.raises(EvaluationError, match=r"holds another benchmark \(seed 0\)"):
        run(bench_of(tmp_path, suite=FewScenes(count=2, seed=1)), [])


def test_two_rows_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="two rows are called warp"):
        run(bench_of(tmp_path), [RowHead("warp", "still")])


def test_an_unknown_metric(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="there is no metric 'pnsr'; there are: "):
        run(bench_of(tmp_path, metrics=("pnsr",)), [])


def test_a_metric_without_its_network_is_told_and_the_rest_measured(tmp_path: Path) -> None:
    found = run(bench_of(tmp_path, metrics=("psnr", "lpips")), [])
    assert "lpips" in found.head.missing["lpips"]
    assert not np.isnan(found.values("psnr", "warp", "4")).any()


def test_stopping_keeps_what_was_done(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(bench_of(tmp_path, metrics=("psnr",)), [], progress=stop)
    kept = sorted(path.parent.name for path in tmp_path.rglob(MEASURED))
    assert len(kept) == 3
    found = run(bench_of(tmp_path, metrics=("psnr",)), [])
    assert len(found.cases) == 6


@pytest.mark.slow
def test_processes_find_what_one_finds(done: Results, tmp_path: Path) -> None:
    found = run(bench_of(tmp_path), [], crew=Crew(2))
    for row in ("truth", "still", "warp"):
        for metric in ("psnr", "epe"):
            np.testing.assert_array_equal(
                found.values(metric, row, "4"), done.values(metric, row, "4")
            )
    assert not list(tmp_path.rglob(FEATURES))


class Deadly(FewScenes):
    """Loading a case ends the process, as the system does when memory runs out."""

    def load(self, case: Case) -> Loaded:
        os._exit(9)


@pytest.mark.slow
def test_a_process_that_dies_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="a process that measured has died"):
        run(bench_of(tmp_path, suite=Deadly(count=2)), [], crew=Crew(2))

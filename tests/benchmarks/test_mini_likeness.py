"""The tables of `mini`: what they say of figures that are known beforehand."""

from pathlib import Path

import mini
import mini_likeness
import pytest
from mini_plan import MINI, Plan, failures

from kineograph.evaluation.bench.report_folder import Head, Measured, ReportFolder, RowHead
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.measuring import metrics_named

CLIPS = [f"scene-{number:03d}" for number in range(6)]
ROWS = ("truth", "still", "warp", MINI)


def report(folder: Path, gain: float, *, worse_at: str = "") -> Results:
    """Still 20, warp 22, mini `gain` more than warp, at one count 3 less; every clip shifted."""
    metrics = tuple(held.plain() for held in metrics_named(["psnr", "ssim", "epe"]))
    held = ReportFolder(folder)
    rows = tuple(RowHead(name, name) for name in ROWS)
    held.write_head(
        Head(
            "procedural", "", rows, metrics, "tracks", mini_likeness.COUNTS, missing={"lpips": "-"}
        )
    )
    for place, clip in enumerate(CLIPS):
        for count in mini_likeness.COUNTS:
            less = 3 if count == worse_at else 0
            levels = {"truth": 60.0, "still": 20, "warp": 22, MINI: 22 + gain - less}
            for row, level in levels.items():
                psnr = level + place
                values = {"psnr": psnr, "ssim": psnr / 100, "epe": 60 - psnr}
                held.write(Measured(row, clip, count, values), {})
    return Results.load(folder)


def test_met_is_said_where_it_is(tmp_path: Path) -> None:
    lines = mini_likeness.tables(report(tmp_path, 1.5), "procedural")
    said = "\n".join(lines)
    assert "(PSNR, SSIM, EPE): **met**; beyond chance in 12 of 12." in said
    assert "not worse than the still picture: **met**; beyond chance in 12 of 12." in said
    assert "Of 24 videos of `mini`, 24 have a higher PSNR" in said
    assert "| 2,048 | 22.50 | 24.50 | 26.00 |" in said
    assert "**+1.50 [+1.50, +1.50]**" in said and "**-1.50 [-1.50, -1.50]**" in said


def test_what_falls_short_is_named(tmp_path: Path) -> None:
    said = "\n".join(mini_likeness.tables(report(tmp_path, 0.5, worse_at="16"), "procedural"))
    assert "**not met**: it is not at PSNR at 16, SSIM at 16, EPE at 16;" in said
    assert "beyond chance in 9 of 12" in said
    assert "still picture: **not met**: it is not at PSNR at 16" in said
    assert "Of 24 videos of `mini`, 18 have" in said


def test_real_clips_are_aimed_at_where_there_are_few_tracks(tmp_path: Path) -> None:
    said = "\n".join(mini_likeness.tables(report(tmp_path, 0.5, worse_at="512"), "real"))
    assert "`mini` better than `warp` (PSNR, SSIM): **met**; beyond chance in 4 of 4." in said


def test_failures_are_counted(tmp_path: Path) -> None:
    results = report(tmp_path, 1.0)
    folder = ReportFolder(tmp_path)
    folder.write(Measured(MINI, CLIPS[0], "16", {}, failed="out of memory"), {})
    assert list(failures(results)) == []
    told = list(failures(Results.load(tmp_path)))
    assert told == ["1 videos of mini could not be made; the first: out of memory"]


def test_without_real_clips_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KINEOGRAPH_CLIPS", raising=False)
    lines = mini_likeness.likeness(Plan(), "real")
    assert lines == ["Not measured: `KINEOGRAPH_CLIPS` names no folder of videos."]


def test_a_part_that_is_measured_again_takes_its_old_place() -> None:
    title = {name: held[0] for name, held in mini.PARTS.items()}
    old = f"how\n\n### {title['boxes']}\n\nold boxes\n\n### {title['speed']}\n\nold speed"
    new = mini.merged(old, {"boxes": [f"### {title['boxes']}", "", "new", ""], "text": [
        f"### {title['text']}", "", "words", ""
    ]})  # fmt: skip
    assert new.startswith("how\n\n### ")
    assert "old boxes" not in new and "old speed" in new
    order = [new.index(title[name]) for name in ("text", "boxes", "speed")]
    assert order == sorted(order)
    assert mini.merged(new, {}) == new


def test_a_model_that_made_nothing_is_told_of_and_has_no_differences(tmp_path: Path) -> None:
    report(tmp_path, 1.0)
    folder = ReportFolder(tmp_path)
    for clip in CLIPS:
        for count in mini_likeness.COUNTS:
            folder.write(Measured(MINI, clip, count, {}, failed="no weights"), {})
    said = "\n".join(mini_likeness.tables(Results.load(tmp_path), "procedural"))
    assert "24 videos of mini could not be made; the first: no weights" in said
    assert "Differences" not in said

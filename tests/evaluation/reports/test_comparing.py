"""Comparing two reports finds differences that are there, and none that are chance."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_up import CLIPS, EPE, PSNR, ROWS, noisy, report, values

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.report_folder import RowHead
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.reports.compared_page import HEADS, compared_html, compared_markdown
from kineograph.evaluation.reports.comparing import compare

MANY = tuple(f"clip-{index:02}" for index in range(30))


def test_a_report_and_itself_are_equal(tmp_path: Path) -> None:
    results = report(tmp_path)
    found = compare(results, results)
    assert {difference.verdict for difference in found.differences} == {"equal"}
    assert {difference.rows for difference in found.differences} == {("ours", "ours")}
    assert {difference.better for difference in found.differences} == {0.5}
    assert found.notes == ()


def test_a_real_gain_is_found_though_clips_differ_more(tmp_path: Path) -> None:
    one = report(tmp_path / "one", noisy(0.0, 1, 0.2), clips=MANY, variants=("4",))
    other = report(tmp_path / "other", noisy(0.5, 2, 0.2), clips=MANY, variants=("4",))
    found = next(d for d in compare(one, other).differences if d.metric["name"] == "epe")
    assert found.verdict == "better" and found.change.low < -0.5 < found.change.high < 0
    assert found.better > 0.8 and found.second < found.first
    back = next(d for d in compare(other, one).differences if d.metric["name"] == "epe")
    assert back.verdict == "worse" and back.change.value == pytest.approx(-found.change.value)


def test_chance_is_called_unclear(tmp_path: Path) -> None:
    verdicts = []
    for seed in range(12):
        one = report(tmp_path / f"{seed}a", noisy(0, seed), clips=MANY[:12], variants=("4",))
        other = report(tmp_path / f"{seed}b", noisy(0, seed + 99), clips=MANY[:12], variants=("4",))
        found = next(d for d in compare(one, other).differences if d.metric["name"] == "epe")
        verdicts.append(found.verdict)
    assert verdicts.count("unclear") >= 9  # 95 % intervals; fewer by chance in 1 of 200


def test_rows_of_two_names(tmp_path: Path) -> None:
    results = report(tmp_path)
    found = compare(results, results, [("warp", "ours")])
    epe = next(d for d in found.differences if d.metric["name"] == "epe")
    assert epe.verdict == "better" and epe.change.value == pytest.approx(-2) and epe.better == 1
    psnr = next(d for d in found.differences if d.metric["name"] == "psnr")
    assert psnr.verdict == "better" and psnr.change.value == pytest.approx(2)


def test_clips_that_only_one_has_are_named_and_left_out(tmp_path: Path) -> None:
    one = report(tmp_path / "one")
    other = report(tmp_path / "other", clips=CLIPS[1:])
    found = compare(one, other)
    assert len(found.notes) == 1 and found.notes[0].endswith("one and left out: bear")
    assert all(d.change.count == 3 for d in found.differences)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"suite": "other"}, "compare reports of one suite"),
        ({"about": {"seed": "1", "size": "64x64", "frames": "8"}}, r"differ in seed \(0, 1\)"),
        ({"variants": ("64",)}, "no clip, variant and metric in common"),
        (
            {"metrics": ({**EPE, "unit": "%"},)},
            "epe has unit 'px at 256x256' in one report and '%'",
        ),
        ({"metrics": ({**EPE, "better": "higher"},)}, "epe has better 'lower' in one report"),
    ],
)
def test_what_cannot_be_compared(tmp_path: Path, changed: dict, message: str) -> None:
    one = report(tmp_path / "one")
    other = report(tmp_path / "other", **changed)
    with pytest.raises(EvaluationError, match=message):
        compare(one, other)


def failing(row: str, variant: str, clip: str, index: int) -> Mapping[str, Any]:
    return {"failed": "no"} if (row, index) == ("ours", 1) else values(row, variant, clip, index)


def test_whatever_is_left_out_is_told(tmp_path: Path) -> None:
    fvd = {**EPE, "name": "fvd", "kind": "set"}
    one = report(tmp_path / "one", metrics=(EPE, PSNR, fvd))
    other = report(tmp_path / "other", failing, variants=("4", "64"), metrics=(EPE, fvd))
    notes = " | ".join(compare(one, other).notes)
    assert "1 variants are only in" in notes and "left out: 16" in notes and "out: 64" in notes
    assert "1 metrics are only in" in notes and "left out: psnr" in notes
    assert "fvd compare whole sets" in notes
    assert "2 cases of ours failed in" in notes


def test_other_pictures_under_one_name_are_noticed(tmp_path: Path) -> None:
    one, other = report(tmp_path / "one"), report(tmp_path / "other")
    held = other.folder.read("truth", "bear@4")
    assert held is not None
    other.folder.write(replace(held, print="another"), {})
    notes = compare(one, Results(other.folder)).notes
    assert notes == ("1 cases of one name are of other pictures or requests: bear@4",)


def test_an_unknown_row(tmp_path: Path) -> None:
    results = report(tmp_path, rows=(*ROWS, RowHead("ours", "unet")))
    with pytest.raises(EvaluationError, match="there is no row mine; there are truth, still"):
        compare(results, results, [("warp", "mine")])


def test_pages(tmp_path: Path) -> None:
    one, other = report(tmp_path / "<one>"), report(tmp_path / "other", noisy(1, 0))
    found = compare(one, other)
    page = compared_html(found)
    assert (
        "<one>" not in page and "&lt;one&gt;" in page and "http" not in page.split("<body")[0][200:]
    )
    assert page.count("<tr") == 1 + len(found.differences)
    lines = [x for x in compared_markdown(found).splitlines() if x.startswith("|")]
    assert len(lines) == 2 + len(found.differences)
    assert {line.count(" | ") for line in lines if "-|" not in line} == {len(HEADS) - 1}

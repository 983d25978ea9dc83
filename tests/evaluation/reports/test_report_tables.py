"""Tables say what was measured: what is best, what is a paper's, what cannot be compared."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from made_up import CLIPS, EPE, PSNR, ROWS, report, values

from kineograph.evaluation.bench.report_folder import RowHead
from kineograph.evaluation.metrics import METRICS
from kineograph.evaluation.reports.csv_table import COLUMNS, csv_page
from kineograph.evaluation.reports.latex import latex_page
from kineograph.evaluation.reports.markdown import markdown_page
from kineograph.evaluation.reports.table import notes_of, tables_of
from kineograph.evaluation.reports.writing import number


def test_a_table_a_variant_with_rows_in_order(tmp_path: Path) -> None:
    tables = tables_of(report(tmp_path))
    assert [table.variant for table in tables] == ["4", "16"]
    kinds = [(line.label, line.kind) for line in tables[0].lines]
    assert kinds == [
        ("truth", "truth"),
        ("still", "baseline"),
        ("warp", "baseline"),
        ("ours", "engine"),
        ("Theirs", "paper"),
    ]
    assert [line.label for line in tables[1].lines] == ["truth", "still", "warp", "ours"]


def test_neither_the_truth_nor_a_paper_is_ever_best(tmp_path: Path) -> None:
    lines = {line.label: line for line in tables_of(report(tmp_path))[0].lines}
    best = [label for label, line in lines.items() if line.cells["epe"].best]
    assert best == ["ours"]  # the truth and the paper have lower values
    assert lines["ours"].cells["epe"].interval.value == pytest.approx(2.15)
    assert lines["Theirs"].note == "Their paper, Table 1: another tracker"


def test_curves_are_drawn_and_not_in_tables(tmp_path: Path) -> None:
    results = report(tmp_path)
    assert [metric["name"] for metric in tables_of(results)[0].metrics] == ["epe", "psnr"]
    assert results.numbers("epe-horizon", "ours", "4") == pytest.approx([2.0, 2.1, 2.2, 2.3])


def failing(row: str, variant: str, clip: str, index: int) -> Mapping[str, Any]:
    if row == "ours" and clip == "dog":
        return {"failed": "out of memory"}
    return values(row, variant, clip, index)


def test_what_failed_and_what_is_unequal_is_said(tmp_path: Path) -> None:
    results = report(tmp_path, failing, missing={"lpips": "needs its file"})
    notes = notes_of(results)
    assert "lpips was not measured: needs its file" in notes
    assert any("ours: 2 cases failed, the first with: out of memory" in note for note in notes)
    assert any("not all rows of tracks 4 have the same clips" in note for note in notes)
    ours = next(line for line in tables_of(results)[0].lines if line.label == "ours")
    assert ours.note == "1 of 4 clips failed" and ours.cells["epe"].interval.count == 3


def test_too_few_clips_for_a_set_metric(tmp_path: Path) -> None:
    fvd = {**PSNR, "name": "psnr", "title": "FVD", "least": 256}
    notes = notes_of(report(tmp_path, metrics=(fvd,)))
    assert "FVD over 4 clips is not to be trusted; it wants 256 or more" in notes


def test_one_clip_has_no_distance_between_sets(tmp_path: Path) -> None:
    fvd = {**METRICS["fvd"].plain()}
    notes = notes_of(report(tmp_path, clips=CLIPS[:1], metrics=(EPE, fvd)))
    assert "FVD compares sets of clips, and there are not two to compare" in notes


HOSTILE = "<script>alert(1)</script> | *x* \\input{/etc/passwd} & %"


def test_no_name_means_anything_to_markdown_or_latex(tmp_path: Path) -> None:
    results = report(tmp_path, title=HOSTILE, missing={"lpips": HOSTILE})
    page = markdown_page(results)
    assert "<script>" not in page and r"\| \*x\*" in page
    tex = latex_page(results)
    assert "\\input{" not in tex and r"\textbackslash{}input\{" in tex and r"\& \%" in tex


def test_markdown_rows_have_as_many_cells_as_the_head(tmp_path: Path) -> None:
    lines = [x for x in markdown_page(report(tmp_path)).splitlines() if x.startswith("|")]
    assert len({line.count(" | ") for line in lines}) == 1
    assert any("truth (noise floor)" in line for line in lines)
    assert any(
        "*Theirs, from the paper: Their paper, Table 1: another tracker*" in x for x in lines
    )
    assert any("**2.15** <sub>" in line for line in lines)


def test_latex_is_balanced_and_marks_papers(tmp_path: Path) -> None:
    tex = latex_page(report(tmp_path))
    for name in ("table", "tabular"):
        assert tex.count(rf"\begin{{{name}}}") == tex.count(rf"\end{{{name}}}") == 2
    rows = [line for line in tex.splitlines() if line.endswith(r"\\")]
    assert {line.count("&") for line in rows} == {2}
    assert r"Theirs \dag{} & 1.25 & -- \\" in rows
    assert sum(r"\textbf{2.15} {\tiny" in line for line in rows) == 2


def test_csv_has_every_clip_and_every_mean(tmp_path: Path) -> None:
    clips = ("=1+1", "-2", "-cmd", "dog")
    read = list(csv.DictReader(io.StringIO(csv_page(report(tmp_path, clips=clips)))))
    assert tuple(read[0]) == COLUMNS
    ours = [r for r in read if (r["row"], r["metric"], r["variant"]) == ("ours", "epe", "4")]
    assert [r["clip"] for r in ours] == ["", "-2", "'-cmd", "'=1+1", "dog"]
    assert float(ours[0]["value"]) == pytest.approx(2.15) and ours[0]["clips"] == "4"
    assert float(ours[0]["low"]) < 2.15 < float(ours[0]["high"])
    assert not any(r["row"] == "Theirs" for r in read)


def test_a_report_without_clips_in_common_with_a_row(tmp_path: Path) -> None:
    found = tables_of(report(tmp_path, rows=ROWS, clips=CLIPS[:1]))
    interval = found[0].lines[1].cells["epe"].interval
    assert interval.count == 1 and interval.low != interval.low


def test_rows_without_a_number_are_still_named_if_they_failed(tmp_path: Path) -> None:
    rows = (*ROWS, RowHead("ours", "unet"))
    results = report(
        tmp_path, lambda *told: {"failed": "no"} if told[0] == "ours" else values(*told), rows=rows
    )
    assert [line.label for line in tables_of(results)[1].lines][-1] == "ours"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (0.0004, "0.0004"),
        (-0.00012, "-0.00012"),
        (0.12345, "0.123"),
        (3.14159, "3.14"),
        (99.999, "100.00"),
        (123.456, "123.5"),
        (1919.8, "1920"),
        (-0.5, "-0.500"),
        (float("nan"), ""),
    ],
)
def test_numbers(value: float, said: str) -> None:
    assert number(value) == said

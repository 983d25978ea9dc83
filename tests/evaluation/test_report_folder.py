"""A report's folder gives back what was written, and says what is broken."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.report_folder import (
    FEATURES,
    HEAD,
    MEASURED,
    Head,
    Measured,
    ReportFolder,
    RowHead,
)
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.metrics import METRICS


def head() -> Head:
    """A head as a benchmark writes it."""
    return Head(
        suite="made-up",
        title="Made up",
        rows=(RowHead("warp", "warp"), RowHead("ours", "unet", {"steps": 5})),
        metrics=(METRICS["epe"].plain(),),
        axis="tracks",
        variants=("1", "16"),
        about={"seed": "0"},
        missing={"lpips": "needs a file"},
    )


def test_the_head_comes_back(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path / "report")
    folder.write_head(head())
    assert folder.read_head() == head()


def test_measurements_come_back_with_their_holes(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path)
    features = {
        "fvd.generated": np.ones((1, 4), np.float32),
        "fvd.reference": np.zeros((1, 4), np.float32),
    }
    values = {"epe": float("nan"), "psnr": 21.5, "epe-by-frame": [0.0, float("nan"), 2.0]}
    written = Measured("ours", "clip 1", "16", values, seconds=1.5, print="a", seen="b")
    folder.write(written, features)
    found = folder.read("ours", "clip 1@16")
    assert found is not None
    assert np.isnan(found.values["epe"]) and found.values["psnr"] == 21.5
    np.testing.assert_array_equal(found.values["epe-by-frame"], [0, np.nan, 2])
    assert (found.seconds, found.print, found.seen, found.failed) == (1.5, "a", "b", "")
    back = folder.features("ours", "clip 1@16")
    assert set(back) == set(features)
    np.testing.assert_array_equal(back["fvd.generated"], features["fvd.generated"])
    assert list(folder.keys("ours")) == ["clip 1@16"] and list(folder.keys("warp")) == []


def test_the_file_is_plain_json(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path)
    folder.write(Measured("a", "b", "", {"epe": float("nan")}), {})
    assert "NaN" not in (folder.of("a", "b") / MEASURED).read_text()


def test_nothing_measured_is_none(tmp_path: Path) -> None:
    assert ReportFolder(tmp_path).read("a", "b") is None
    assert ReportFolder(tmp_path).features("a", "b") == {}


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"format": 1}', "{", "\0"])
def test_broken_files_are_named(tmp_path: Path, text: str) -> None:
    folder = ReportFolder(tmp_path)
    (tmp_path / HEAD).write_text(text)
    with pytest.raises(EvaluationError, match=r"bench\.json"):
        folder.read_head()
    place = folder.of("a", "b")
    place.mkdir(parents=True)
    (place / MEASURED).write_text(text)
    with pytest.raises(EvaluationError, match=r"measured\.json"):
        folder.read("a", "b")
    (place / FEATURES).write_text(text)
    with pytest.raises(EvaluationError, match=r"features\.safetensors is broken"):
        folder.features("a", "b")


def broken(where: Path, place: str, value: object) -> None:
    """Change one value of `bench.json`: "metrics.0.least"."""
    held = json.loads((where / HEAD).read_text())
    inner = held
    *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    for step in way:
        inner = inner[step]
    inner[last] = value
    (where / HEAD).write_text(json.dumps(held))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("rows.0.label", "../../../etc", r"rows\[0\].label is '../../../etc'; it has to match"),
        ("rows.0.label", "..", "it has to match"),
        ("metrics.0", 3, r"metrics\[0\]"),
        ("metrics.0.title", None, r"metrics\[0\].title"),
        ("metrics.0.least", "many", r"metrics\[0\].least"),
        ("metrics.0.kind", "chart", r"metrics\[0\].kind"),
        ("about", ["x"], "about"),
        ("published", [{"system": "x"}], r"published\[0\]"),
        ("more", 1, "more"),
    ],
)
def test_a_head_that_says_something_else(
    tmp_path: Path, place: str, value: object, message: str
) -> None:
    folder = ReportFolder(tmp_path)
    folder.write_head(head())
    broken(tmp_path, place, value)
    with pytest.raises(EvaluationError, match=message) as told:
        folder.read_head()
    assert str(told.value).startswith(str(tmp_path / HEAD)) and "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("values", {"epe": "large"}),
        ("values", {"epe": [[1]]}),
        ("values", [1]),
        ("seconds", "long"),
        ("row", "other"),
        ("case", "../x"),
        ("variant", "4"),
        ("print", 5),
    ],
)
def test_measurements_that_say_something_else(tmp_path: Path, field: str, value: object) -> None:
    folder = ReportFolder(tmp_path)
    folder.write(Measured("ours", "bear", "", {"epe": 1.0}), {})
    path = folder.of("ours", "bear") / MEASURED
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(EvaluationError, match=r"measured\.json.*; delete it and run bench again"):
        folder.read("ours", "bear")


@pytest.mark.parametrize("value", [3.0, [3.0]])
def test_a_number_where_a_curve_has_to_be(tmp_path: Path, value: object) -> None:
    folder = ReportFolder(tmp_path)
    names = ("epe-horizon",) if value == 3.0 else ("epe",)
    said = replace(head(), metrics=tuple(METRICS[name].plain() for name in names), variants=("",))
    folder.write_head(said)
    folder.write(Measured("ours", "bear", "", {names[0]: value}), {})
    with pytest.raises(EvaluationError, match=r"ours/bear: epe.* is .*, which no"):
        Results(folder)


def test_a_set_metric_of_another_version_has_no_value(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path)
    said = {**METRICS["fvd"].plain(), "name": "fvd-of-tomorrow"}
    folder.write_head(replace(head(), metrics=(said,), variants=("",)))
    folder.write(Measured("ours", "bear", "", {}), {})
    assert Results(folder).interval("fvd-of-tomorrow", "ours") is None


def test_no_report(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="give the folder of a report"):
        ReportFolder(tmp_path).read_head()

"""A report's folder gives back what was written, and says what is broken."""

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


def head() -> Head:
    return Head(
        suite="made-up",
        title="Made up",
        rows=(RowHead("warp", "warp"), RowHead("ours", "unet", {"steps": 5})),
        metrics=({"name": "epe", "kind": "clip"},),
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


def test_no_report(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="give the folder of a report"):
        ReportFolder(tmp_path).read_head()

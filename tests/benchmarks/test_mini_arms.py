"""Arms: how they are found, which engine runs them, and intervals over trainings and clips."""

import json
from pathlib import Path

import numpy as np
import pytest
from mini_arms import Arm, arms_of, differ, kinds_of, row_of, rows_of, spread

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.intervals import SAMPLES


def model(folder: Path, *kinds: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    for kind in kinds:
        place = folder / "adapters" / kind
        place.mkdir(parents=True)
        (place / "config.json").write_text(json.dumps({"kind": kind}))
    return folder


def test_arms_are_folders_of_seeds_or_one_model(tmp_path: Path) -> None:
    for name in ("a/1", "a/0", "b"):
        model(tmp_path / "text" / name)
    (tmp_path / "text" / "empty").mkdir()
    arms = arms_of(tmp_path, "text")
    assert [(arm.name, list(arm.models)) for arm in arms] == [("a", ["0", "1"]), ("b", ["0"])]
    assert arms_of(tmp_path, "boxes") == [] == arms_of(None, "text")


def test_a_row_names_the_engine_that_can_run_it(tmp_path: Path) -> None:
    plain = model(tmp_path / "plain", "track-control")
    joint = model(tmp_path / "joint", "joint-motion")
    rows = [row_of("x", held, {"detail": False}, {"steps": 4}) for held in (plain, joint)]
    assert [row.engine for row in rows] == ["unet", "mini"]
    assert rows[0].settings == {"model": str(plain), "steps": 4}
    assert rows[1].settings == {"model": str(joint), "detail": False, "steps": 4}


def test_an_export_is_read_by_what_it_names(tmp_path: Path) -> None:
    export = tmp_path / "stage"
    model(export / "base")
    place = tmp_path / "earlier" / "motion"
    place.mkdir(parents=True)
    (place / "config.json").write_text(json.dumps({"kind": "joint-motion"}))
    said = {"model": "base", "motion": None, "loras": [], "adapters": ["../earlier/motion"]}
    (export / "engine.json").write_text(json.dumps(said))
    assert kinds_of(export) == {"joint-motion"}
    assert row_of("arm.0", export, {}, {}).settings == {"model": str(export)}


def test_settings_of_a_question_reach_every_arm(tmp_path: Path) -> None:
    for name in ("a", "b"):
        model(tmp_path / "text" / name)
    (tmp_path / "text" / "settings.json").write_text('{"guidance": 2.0}')
    rows = rows_of(tmp_path, "text", arms_of(tmp_path, "text"), {})
    assert [row.label for row in rows] == ["a.0", "b.0"]
    assert all(row.settings["guidance"] == 2.0 for row in rows)


def test_a_label_is_one_plain_part_of_a_path() -> None:
    assert Arm("with focal/1", {}).label("0") == "with-focal-1.0"


def test_the_interval_is_that_of_a_loop_over_the_same_draws() -> None:
    values = np.random.default_rng(0).normal(size=(3, 5))
    found = spread(values, "psnr 4")
    import zlib

    rng = np.random.default_rng(zlib.crc32(b"psnr 4"))
    clips = rng.integers(0, 5, (SAMPLES, 5))
    seeds = rng.integers(0, 3, (SAMPLES, 3))
    means = [
        np.mean([values[seed, clip] for seed in chosen for clip in drawn])
        for chosen, drawn in zip(seeds, clips, strict=True)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((low, high))


def test_what_trainings_differ_by_is_in_the_interval() -> None:
    alike = np.tile(np.random.default_rng(1).normal(size=8), (4, 1))
    apart = alike + np.array([-3, -1, 1, 3.0])[:, None]
    one, other = spread(alike, "x"), spread(apart, "x")
    assert other.high - other.low > 2 * (one.high - one.low)
    single = spread(alike[:1], "x")
    assert single.high - single.low == pytest.approx(one.high - one.low, rel=0.15)


def test_pairs_take_out_what_both_have() -> None:
    rng = np.random.default_rng(2)
    first = rng.normal(size=(3, 10)) * 5
    change = differ(first, first + 0.5, "x", paired=True)
    assert (change.value, change.low, change.high) == pytest.approx((0.5, 0.5, 0.5))
    loose = differ(first, first + 0.5, "x", paired=False)
    assert loose.low < 0.5 < loose.high
    more = differ(first, np.concatenate([first, first[:1]]) + 0.5, "x", paired=False)
    assert more.low < more.value < more.high


def test_missing_values_are_left_out_and_nothing_is_an_error() -> None:
    values = np.array([[1.0, np.nan, 3.0]])
    assert spread(values, "x").value == 2.0
    with pytest.raises(EvaluationError, match="no clip could be measured"):
        spread(np.full((2, 3), np.nan), "x")

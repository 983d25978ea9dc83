"""The record of a run: lines of JSON that go on after a stop, and TensorBoard's files."""

import json
from pathlib import Path

import pytest

from kineograph.core.errors import TrainingError
from kineograph.training.probes.measured import Measured
from kineograph.training.record import LINES, Record, read_record


def _written(folder: Path, steps: range, resumed: int = 0) -> None:
    with Record(folder, resumed=resumed, board=False) as record:
        for step in steps:
            record.step(step, 1.0 / step, parts={"plain": 0.5}, lr=1e-4, wait=0.01)


def test_a_line_says_everything_and_is_there_at_once(tmp_path: Path) -> None:
    with Record(tmp_path / "new" / "stage", board=False) as record:
        record.step(1, 0.5, parts={"plain": 0.4}, gates={"alpha": 0.01}, lr=1e-4, memory=12.0)
        line = json.loads((record.folder / LINES).read_text())
        assert line == {
            "kind": "step",
            "step": 1,
            "loss": 0.5,
            "lr": 1e-4,
            "memory": 12.0,
            "parts": {"plain": 0.4},
            "gates": {"alpha": 0.01},
        }
        record.probe(Measured("epe", 1, (2.0, 4.0), unit="px", beside={"still": 9.0}))
        record.event(1, "skipped", clips=["a.mp4"])
        step, probe, event = read_record(record.folder)
    assert step == line
    assert probe["value"] == 3 and probe["clips"] == [2, 4] and probe["beside"] == {"still": 9}
    assert event["what"] == "skipped" and event["clips"] == ["a.mp4"]


def test_what_is_no_number_is_null(tmp_path: Path) -> None:
    with Record(tmp_path, board=False) as record:
        record.step(1, float("nan"), parts={"plain": float("inf")})
    text = (tmp_path / LINES).read_text()
    assert "NaN" not in text and "Infinity" not in text
    (line,) = read_record(tmp_path)
    assert line["loss"] is None and line["parts"]["plain"] is None


def test_going_on_takes_out_what_was_after_the_checkpoint(tmp_path: Path) -> None:
    _written(tmp_path, range(1, 8))
    _written(tmp_path, range(6, 9), resumed=5)
    steps = [line["step"] for line in read_record(tmp_path)]
    assert steps == [1, 2, 3, 4, 5, 6, 7, 8]


def test_beginning_anew_forgets_what_was(tmp_path: Path) -> None:
    _written(tmp_path, range(1, 5))
    _written(tmp_path, range(1, 3))
    assert [line["step"] for line in read_record(tmp_path)] == [1, 2]


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    _written(tmp_path, range(1, 4))
    whole = (tmp_path / LINES).read_text()
    (tmp_path / LINES).write_text(whole[:-20])
    assert [line["step"] for line in read_record(tmp_path)] == [1, 2]
    _written(tmp_path, range(3, 5), resumed=2)
    assert [line["step"] for line in read_record(tmp_path)] == [1, 2, 3, 4]


def test_broken_and_missing_records_are_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"cannot read the record .*record.jsonl"):
        list(read_record(tmp_path))
    (tmp_path / LINES).write_text('{"kind": "step", "step": 1}\n[1]\n{"kind": "x", "step": 2}\n')
    with pytest.raises(TrainingError, match=r"line 2 of the record .* has no kind or no step"):
        list(read_record(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"cannot write the record .*choose another --out"):
        Record(tmp_path / "file" / "stage", board=False)


def test_tensorboard_gets_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Record(tmp_path) as record:
        for step in (1, 2, 11):
            record.step(step, 1.0 / step, parts={"plain": 0.25}, gates={"a": 0.5}, lr=0.125)
        record.probe(Measured("epe", 2, (3.0,), beside={"true video": 1.5}))
    board = EventAccumulator(str(tmp_path / "board"))
    board.Reload()
    assert [(held.step, held.value) for held in board.Scalars("loss")] == [
        (1, 1.0),
        (11, pytest.approx(1 / 11)),
    ]
    assert [held.step for held in board.Scalars("gates/a")] == [1, 2, 11]
    tags = {"loss", "parts/plain", "gates/a", "run/lr", "probe/epe", "probe/epe (true video)"}
    assert set(board.Tags()["scalars"]) == tags
    assert board.Scalars("probe/epe (true video)")[0].value == 1.5

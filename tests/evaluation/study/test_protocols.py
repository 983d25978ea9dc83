"""The published protocols are as published; custom ones are checked in one line."""

import json
import sys
from pathlib import Path

import pytest

from kineograph.core.errors import StudyError
from kineograph.evaluation.study.protocols import MOTIF, MOTION_PROMPTING, protocol_of


def test_motion_prompting_is_as_published() -> None:
    held = MOTION_PROMPTING
    assert [question.id for question in held.questions] == ["follows", "motion", "quality"]
    assert all(question.kind == "choice" for question in held.questions)
    assert (held.tests, held.failures_allowed, held.shows_motion) == (3, 0, True)
    assert [question.motion for question in held.questions] == [True, False, False]


def test_motif_is_as_published() -> None:
    overall, why = MOTIF.questions
    assert (overall.kind, why.kind, why.least) == ("choice", "aspects", 1)
    assert [aspect.id for aspect in why.aspects] == ["motion", "text", "image", "quality"]
    assert (MOTIF.submit_after, MOTIF.least_seconds, MOTIF.opens_after) == (10, 60, 60)
    assert (MOTIF.watched, MOTIF.raters, MOTIF.tests > 0) == (True, 5, True)
    assert MOTIF.shows_text and MOTIF.shows_picture


def test_each_question_can_be_a_study_of_its_own() -> None:
    held = MOTION_PROMPTING.only(["quality"])
    assert [question.id for question in held.questions] == ["quality"]
    assert held.tests == 3
    with pytest.raises(StudyError, match="question beauty was asked for; motion-prompting has"):
        MOTION_PROMPTING.only(["beauty"])
    with pytest.raises(StudyError, match="the first question has to be a choice"):
        MOTIF.only(["why"])


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_a_file_departs_from_a_known_protocol(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"own.{ending}"
    path.write_text(json.dumps({"like": "motif", "least_seconds": 5, "title": "Choose"}))
    held = protocol_of(str(path))
    assert (held.least_seconds, held.title, held.questions) == (5, "Choose", MOTIF.questions)
    assert held.source == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as a protocol"),
        ("[]", "is no protocol; write its fields"),
        ('{"title": "T"}', "questions: Field required"),
        ('{"like": "motiv"}', "there is no motiv; give one of motion-prompting, motif"),
        ('{"like": "motif", "raters": 0}', "raters: Input should be greater than or equal to 1"),
        ('{"like": "motif", "seconds": 1}', "seconds: Extra inputs are not permitted"),
        ('{"like": "motif", "least_seconds": NaN}', "least_seconds: Input should be a finite"),
        (
            '{"title": "T", "questions": [{"id": "a", "text": "?"}, {"id": "a", "text": "?"}]}',
            "two questions have one id",
        ),
        (
            '{"title": "T", "questions": [{"id": "a", "text": "?", "motion": true}]}',
            "asks about the motion but shows_motion is false",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "own.json"
    path.write_text(text)
    with pytest.raises(StudyError, match=message) as raised:
        protocol_of(str(path))
    assert "\n" not in str(raised.value) and str(path) in str(raised.value)


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(StudyError, match="no protocol vbench; give one of motion-prompting, motif"):
        protocol_of("vbench")


def test_yaml_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.yaml").write_text("like: motif")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(
        StudyError, match=r"pip install 'kineograph\[study\]', or write .* as .json"
    ):
        protocol_of(str(tmp_path / "own.yaml"))

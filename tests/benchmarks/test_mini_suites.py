"""The suites of `mini`: tracks without words, and words that say the opposite."""

import numpy as np
import pytest
from mini_suites import OPPOSITE, TOLD, Pictured, Untold, opposite

from kineograph.evaluation.metrics.direction import scores
from kineograph.evaluation.suites.procedural import Procedural


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("a fox moves left", "a fox moves right"),
        ("it drifts up and to the right", "it drifts down and to the left"),
        ("a cup slides downwards", "a cup slides upwards"),
        ("the camera rolls counterclockwise", "the camera rolls clockwise"),
        ("an upside, a leftover", "an upside, a leftover"),
        ("", ""),
    ],
)
def test_the_opposite_changes_the_ways_and_nothing_else(text: str, other: str) -> None:
    assert opposite(text) == other
    assert opposite(other) == text


def test_tracks_are_those_of_the_suite_and_no_word_is_given() -> None:
    ours, theirs = Untold(count=1), Procedural(count=1)
    case = next(case for case in ours.cases() if case.variant == "16")
    one, other = ours.load(case).request, theirs.load(case).request
    assert one.text == "" and other.text
    assert one.tracks is not None and other.tracks is not None
    np.testing.assert_array_equal(one.tracks.points, other.tracks.points)
    assert one.picture is not None


@pytest.mark.slow
def test_the_truth_does_what_was_told_and_not_the_opposite() -> None:
    suite = Pictured(count=2)
    found: dict[str, list[float]] = {TOLD: [], OPPOSITE: []}
    for case in suite.cases():
        loaded = suite.load(case)
        assert loaded.truth is not None
        assert loaded.truth.facts, "every clip says something that can be seen"
        assert all(fact.direction for fact in loaded.truth.facts)
        found[case.variant] += scores(loaded.truth.video, loaded.truth, pictured=True)
    assert np.mean(found[TOLD]) > 0.6
    np.testing.assert_allclose(found[OPPOSITE], -np.array(found[TOLD]), atol=1e-9)


def test_the_opposite_says_the_other_way_of_the_same_picture() -> None:
    suite = Pictured(count=1)
    told, other = (suite.load(case) for case in suite.cases())
    assert told.truth is not None and other.truth is not None
    np.testing.assert_array_equal(told.request.picture, other.request.picture)
    assert told.request.text == opposite(other.request.text) != other.request.text
    ways = [
        (a.direction, b.direction) for a, b in zip(told.truth.facts, other.truth.facts, strict=True)
    ]
    assert ways and all(one == opposite(two or "") != two for one, two in ways)

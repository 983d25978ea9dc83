"""The suites that need nothing: exactly N tracks, held-out scenes, the same every time."""

import pickle

import numpy as np
import pytest
from same_loaded import check_repeats

from kineograph.core.errors import EvaluationError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.evaluation.metrics.direction import measurable
from kineograph.evaluation.suites import procedural
from kineograph.evaluation.suites.procedural import (
    SEED,
    Procedural,
    ProceduralBoxes,
    ProceduralText,
    in_order,
    moving,
)
from kineograph.training.probes import probe_clips

SMALL = {"size": (64, 64), "frames": 6}


def test_there_are_exactly_so_many_tracks_all_seen_at_first_and_the_first_one_moves() -> None:
    suite = Procedural(**SMALL, count=1)
    held: dict[str, Tracks] = {}
    for case in suite.cases():
        loaded = suite.load(case)
        tracks = loaded.request.tracks
        assert tracks is not None and tracks.count == int(case.variant)
        assert (tracks.state[:, 0] == State.VISIBLE).all()
        assert moving(tracks)[0] and loaded.request.picture is not None
        assert loaded.truth is not None and loaded.truth.masks is not None
        assert np.array_equal(loaded.request.picture, loaded.truth.video[0])
        assert loaded.request.text == loaded.truth.caption != ""
        held[case.variant] = tracks
    assert list(held) == ["1", "4", "16", "64", "512", "2048"]
    assert np.array_equal(held["2048"].points[:512], held["512"].points)


@pytest.mark.parametrize("kind", [Procedural, ProceduralBoxes, ProceduralText])
def test_cases_repeat_themselves_also_in_another_process(kind: type[Procedural]) -> None:
    suite = kind(**SMALL, count=2)
    copied = pickle.loads(pickle.dumps(suite))
    cases = suite.cases()
    assert cases == copied.cases() and len(cases) == 2 * len(suite.variants)
    last = check_repeats(suite, cases[-1], copied)
    assert (last.request.size, last.request.frames) == ((64, 64), 6)
    other = kind(**SMALL, count=2, seed=1)
    truth = other.load(other.cases()[0]).truth
    assert truth is not None
    assert not np.array_equal(truth.video, suite.load(cases[0]).truth.video)


def test_boxes_are_given_and_one_of_them_goes_somewhere() -> None:
    suite = ProceduralBoxes(**SMALL, count=2)
    for case in suite.cases():
        loaded = suite.load(case)
        boxes = loaded.request.boxes
        assert boxes is not None and 1 <= boxes.count <= 8 and all(boxes.labels)
        assert loaded.request.tracks is None and loaded.request.picture is not None
        far = np.linalg.norm(boxes.centres - boxes.centres[:, :1], axis=2).max()
        assert far > 0.03 * 64


def test_texts_say_a_way_and_come_with_and_without_the_picture() -> None:
    suite = ProceduralText(**SMALL, count=1)
    with_picture, alone = (suite.load(case) for case in suite.cases())
    assert with_picture.request.picture is not None and alone.request.picture is None
    assert alone.truth is not None and any(measurable(fact) for fact in alone.truth.facts)
    assert alone.request.text == with_picture.request.text


def test_scenes_are_none_of_those_that_probes_use() -> None:
    assert SEED > probe_clips.SEED + 10**6


def test_what_cannot_be_measured_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procedural, "TRIES", 3)
    suite = Procedural(size=(32, 32), frames=1, count=1)
    with pytest.raises(EvaluationError, match="none of 3 scenes of 1 frames has what suite proc"):
        suite.load(suite.cases()[0])


def test_in_order_leaves_out_what_is_not_seen_at_first() -> None:
    points = np.zeros((3, 4, 2), np.float32) + 10
    points[2, :, 0] += np.arange(4) * 5
    state = np.ones((3, 4), np.uint8)
    state[0, 0] = State.OCCLUDED
    ordered = in_order(Tracks.of(points, state, size=(64, 64), fps=8), 0)
    assert ordered.count == 2 and moving(ordered).tolist() == [True, False]

"""TAP-Vid's measures, against answers worked out by hand."""

import numpy as np
import pytest
from known_following import Says, look_at, shakes, stays, wild_tracks

from kineograph.core.errors import TracksError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.evaluation.metrics.tapvid import (
    METRICS,
    THRESHOLDS,
    TapVid,
    make_queries,
    mean_of,
    tapvid,
)

SIZE = (256, 256)


def tracks(points: list, seen: list, size: tuple[int, int] = SIZE) -> Tracks:
    return Tracks.of(points, np.array(seen, bool), size=size, fps=10)


def still(seen: list, off: float = 0.0, size: tuple[int, int] = SIZE) -> Tracks:
    """Tracks at (100, 100) of a 256x256 picture, `off` pixels to the right."""
    at = [(100 + off) * size[0] / 256, 100 * size[1] / 256]
    return tracks([[at] * len(row) for row in seen], seen, size)


def zeros(count: int) -> np.ndarray:
    return np.zeros(count, np.int64)


def test_a_perfect_answer_is_one_everywhere() -> None:
    truth = still([[1, 1, 0, 1], [1, 0, 0, 1]])
    found = tapvid(truth, truth, zeros(2))
    assert (found.delta_average, found.occlusion_accuracy, found.average_jaccard) == (1, 1, 1)


def test_a_known_answer_worked_out_by_hand() -> None:
    """One track, query at frame 0, frames 1 to 4 measured.

    frame      1      2      3       4
    true       seen   seen   hidden  seen
    said       seen   hidden seen    seen
    distance   0.5    0.5    -       3 px

    Seen: 3. Within 1 and 2 px: 2 of 3; within 4, 8, 16: 3 of 3.
    Visibility right at 1 and 4: 2 of 4.
    Jaccard at 1 and 2 px: hit at 1; false at 3 (hidden) and 4 (too far): 1 / (3 + 2).
    At 4, 8, 16: hits at 1 and 4; false at 3: 2 / (3 + 1).
    """
    truth = still([[1, 1, 1, 0, 1]])
    points = [[[100, 100], [100.5, 100], [100, 100.5], [7, 7], [103, 100]]]
    found = tapvid(truth, tracks(points, [[1, 1, 0, 1, 1]]), zeros(1))
    assert found.within == pytest.approx([2 / 3, 2 / 3, 1, 1, 1])
    assert found.jaccard == pytest.approx([1 / 5, 1 / 5, 1 / 2, 1 / 2, 1 / 2])
    assert found.delta_average == pytest.approx((4 / 3 + 3) / 5)
    assert found.average_jaccard == pytest.approx((2 / 5 + 3 / 2) / 5)
    assert found.occlusion_accuracy == pytest.approx(2 / 4)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_distance_equal_to_the_threshold_is_too_far(threshold: int) -> None:
    found = tapvid(still([[1, 1]]), still([[1, 1]], float(threshold)), zeros(1))
    assert found.within[THRESHOLDS.index(threshold)] == 0


def test_distances_are_those_of_a_256_picture() -> None:
    size = (1024, 512)
    small = tapvid(still([[1, 1]]), still([[1, 1]], 3.0), zeros(1))
    large = tapvid(still([[1, 1]], size=size), still([[1, 1]], 3.0, size), zeros(1))
    assert np.array_equal(small.within, large.within) and small.within.tolist() == [0, 0, 1, 1, 1]


def test_first_measures_after_the_query_and_strided_all_but_the_query() -> None:
    truth = still([[1, 1, 1, 1]])
    wrong_before = tracks([[[0, 0], [100, 100], [100, 100], [100, 100]]], [[1, 1, 1, 1]])
    at = np.array([1])
    assert tapvid(truth, wrong_before, at, "first").delta_average == 1
    assert tapvid(truth, wrong_before, at, "strided").delta_average == pytest.approx(2 / 3)


def test_unspecified_truth_is_left_out_and_unspecified_answers_are_wrong() -> None:
    state = np.array([[State.VISIBLE, State.UNSPECIFIED, State.VISIBLE]], np.uint8)
    truth = Tracks.of(np.full((1, 3, 2), 100.0), state, size=SIZE, fps=10)
    assert tapvid(truth, still([[1, 0, 1]]), zeros(1)).occlusion_accuracy == 1
    found = tapvid(still([[1, 1, 1]]), truth, zeros(1))
    assert found.delta_average == pytest.approx(1 / 2)
    assert found.average_jaccard == pytest.approx(1 / 2)


def test_queries_in_both_modes() -> None:
    seen = [[0, 1, 1, 1, 0, 1, 1], [0] * 7, [1, 1, 1, 1, 1, 1, 0]]
    truth = Tracks.of(np.arange(42.0).reshape(3, 7, 2), np.array(seen, bool), size=SIZE, fps=10)
    first = make_queries(truth, "first")
    assert first.which.tolist() == [0, 2]
    assert first.queries.tolist() == [[1, 2, 3], [0, 28, 29]]
    strided = make_queries(truth, "strided", stride=5)
    assert strided.which.tolist() == [2, 0, 2]
    assert strided.queries[:, 0].tolist() == [0, 5, 5]
    assert strided.queries[1].tolist() == [5, 10, 11]


def test_the_mean_is_over_clips() -> None:
    one = TapVid(0.5, 0.6, 0.2, np.full(5, 0.5), np.full(5, 0.2))
    two = TapVid(1.0, 1.0, 1.0, np.ones(5), np.ones(5))
    mean = mean_of([one, two])
    assert str(mean) == "AJ 60.0  delta 75.0  OA 80.0"
    assert mean.within.tolist() == [0.75] * 5


def test_what_cannot_be_measured() -> None:
    truth = still([[1, 1, 1]])
    with pytest.raises(TracksError, match=r"query mode 'last' is unknown; choose one of first, st"):
        tapvid(truth, truth, zeros(1), "last")
    with pytest.raises(TracksError, match=r"2 tracks of 3 frames were predicted for 1 queries of"):
        tapvid(truth, still([[1, 1, 1]] * 2), zeros(1))
    with pytest.raises(TracksError, match="no visible point is left to measure; the clip is too"):
        tapvid(still([[1]]), still([[1]]), zeros(1))
    with pytest.raises(TracksError, match="no point of the true tracks is ever visible"):
        make_queries(still([[0, 0]]))
    with pytest.raises(TracksError, match="no results were given to average; give at least one"):
        mean_of([])


@pytest.mark.parametrize("seed", range(3))
def test_the_metrics_are_those_of_asked_and_followed_tracks(seed: int) -> None:
    seen = np.random.default_rng(seed).random(9) < 0.7
    look = look_at(wild_tracks(seed, SIZE), Says(shakes(seed, 4), seen))
    asked = look.asked.hide_outside()
    kept = asked.select(asked.visible.any(axis=1))
    queries = make_queries(kept)
    followed = look.follow(look.sample.frames, queries.queries)
    found = tapvid(kept, followed, queries.queries[:, 0].astype(np.int64))
    measured = {metric.name: metric.measure(look) for metric in METRICS}
    assert measured == {
        "delta-average": found.delta_average,
        "occlusion-accuracy": found.occlusion_accuracy,
        "average-jaccard": found.average_jaccard,
    }


def test_the_metrics_are_nan_where_nothing_is_to_be_seen() -> None:
    for seen in ([[False, False]], [[True, False]], [[False, True]]):
        asked = still(np.array(seen).astype(int).tolist())
        assert all(np.isnan(metric.measure(look_at(asked, Says(stays)))) for metric in METRICS)

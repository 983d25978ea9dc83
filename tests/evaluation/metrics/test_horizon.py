"""Accuracy against horizon: against a slow loop, and late queries count from their own frame."""

import numpy as np
import pytest
from known_following import Says, drifts, look_at, shakes, stays, tracks_of, wild_tracks

from kineograph.core.state import State
from kineograph.evaluation.look import Look
from kineograph.evaluation.metrics.horizon import METRICS, epe_horizon, within_horizon

SIZE = (128, 320)


def slow(look: Look) -> tuple[list[float], list[float]]:
    asked, (queries, which), found = look.asked, look.queries, look.followed
    far: list[list[float]] = [[] for _ in range(asked.frames)]
    near: list[list[float]] = [[] for _ in range(asked.frames)]
    for row, (query, track) in enumerate(zip(queries, which, strict=True)):
        for frame in range(int(query[0]), asked.frames):
            x, y = asked.points[track, frame].astype(float)
            inside = 0 <= x < SIZE[0] and 0 <= y < SIZE[1]
            if asked.state[track, frame] == State.VISIBLE and inside:
                dx, dy = found.points[row, frame].astype(float) - (x, y)
                apart = np.hypot(dx * 256 / SIZE[0], dy * 256 / SIZE[1])
                far[frame - int(query[0])].append(apart)
                near[frame - int(query[0])].append(
                    np.mean([apart < pixels for pixels in (1, 2, 4, 8, 16)])
                )
    return [np.mean(x) if x else np.nan for x in far], [np.mean(x) if x else np.nan for x in near]


@pytest.mark.parametrize("seed", range(3))
def test_the_curves_are_those_of_a_slow_loop(seed: int) -> None:
    look = look_at(wild_tracks(seed, SIZE), Says(shakes(seed, 4)), size=SIZE)
    far, near = slow(look)
    assert np.allclose(epe_horizon(look), far, rtol=1e-6, equal_nan=True)
    assert np.allclose(within_horizon(look), near, equal_nan=True)


def test_an_error_that_grows_by_a_pixel_a_frame() -> None:
    late = [[[0, 0], [100, 100], [100, 100]], [[9, 9], [9, 9], [9, 9]]]
    asked = tracks_of(late, [[False, True, True], [True, True, True]])
    look = look_at(asked, Says(drifts((1.5, 0))))
    assert epe_horizon(look) == pytest.approx([0, 1.5, 3])
    assert within_horizon(look) == pytest.approx([1, 0.8, 0.6])


def test_a_horizon_that_no_track_reaches_is_nan() -> None:
    asked = tracks_of([[[9, 9], [9, 9], [9, 9]]], [[True, False, True]])
    assert np.isnan(epe_horizon(look_at(asked, Says(stays)))).tolist() == [False, True, False]
    never = tracks_of([[[9, 9], [9, 9]]], [[False, False]])
    assert np.isnan(epe_horizon(look_at(never, Says(stays)))).all()
    assert len(epe_horizon(look_at(tracks_of([[[9, 9]]]), Says(stays)))) == 1


def test_they_are_curves_over_frames() -> None:
    assert [(metric.kind, metric.axis) for metric in METRICS] == [("curve", "frame")] * 2

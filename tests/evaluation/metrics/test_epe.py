"""EPE: its variants against a slow loop, known answers, and what a still video has."""

import numpy as np
import pytest
from known_following import Says, drifts, look_at, shakes, stays, tracks_of, wild_tracks

from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip
from kineograph.evaluation.followable import still_error
from kineograph.evaluation.look import Look
from kineograph.evaluation.metrics.epe import METRICS, epe, epe_all, epe_own, epe_paired
from kineograph.evaluation.metrics.epe import epe_diagonal as epe_of_diagonal
from kineograph.vision.flow_tracker import FlowTracker

SIZE = (320, 128)


def slow(look: Look, scale: tuple[float, float], *, hidden: bool) -> float:
    """Track by track and frame by frame."""
    asked, (queries, which) = look.asked, look.queries
    found = look.followed
    held = []
    for row, (query, track) in enumerate(zip(queries, which, strict=True)):
        for frame in range(int(query[0]) + 1, asked.frames):
            state = asked.state[track, frame]
            x, y = asked.points[track, frame].astype(float)
            inside = 0 <= x < asked.size[0] and 0 <= y < asked.size[1]
            if (state == State.VISIBLE and inside) or (hidden and state != State.UNSPECIFIED):
                dx, dy = found.points[row, frame].astype(float) - (x, y)
                held.append(((dx * scale[0]) ** 2 + (dy * scale[1]) ** 2) ** 0.5)
    return float(np.mean(held))


@pytest.mark.parametrize("seed", range(4))
def test_the_variants_are_those_of_a_slow_loop(seed: int) -> None:
    look = look_at(wild_tracks(seed, SIZE), Says(shakes(seed, 5)), size=SIZE)
    scale = (256 / SIZE[0], 256 / SIZE[1])
    assert epe(look) == pytest.approx(slow(look, scale, hidden=False), rel=1e-6)
    assert epe_all(look) == pytest.approx(slow(look, scale, hidden=True), rel=1e-6)
    assert epe_own(look) == pytest.approx(slow(look, (1, 1), hidden=False), rel=1e-6)
    diagonal = 100 * slow(look, (1, 1), hidden=False) / (320**2 + 128**2) ** 0.5
    assert epe_of_diagonal(look) == pytest.approx(diagonal, rel=1e-6)
    assert epe_all(look) != pytest.approx(epe(look), rel=1e-3)


def test_a_perfect_answer_has_none_and_a_known_error_is_found() -> None:
    asked = tracks_of([[[100, 100], [103, 104], [106, 108]]])
    assert epe(look_at(asked, Says(drifts((3, 4))))) == 0
    assert epe(look_at(asked, Says(drifts((0, 0))))) == pytest.approx((5 + 10) / 2)
    hidden = tracks_of([[[100, 100], [103, 104], [106, 108]]], [[True, True, False]])
    look = look_at(hidden, Says(stays))
    assert epe(look) == pytest.approx(5) and epe_all(look) == pytest.approx(7.5)


def test_both_axes_are_brought_to_256() -> None:
    asked = tracks_of([[[100, 60], [100 + 320 / 256, 60]]], size=SIZE)
    assert epe(look_at(asked, Says(stays), size=SIZE)) == pytest.approx(1, rel=1e-5)
    asked = tracks_of([[[100, 60], [100, 60.5]]], size=SIZE)
    assert epe(look_at(asked, Says(stays), size=SIZE)) == pytest.approx(1, rel=1e-5)


def test_a_still_video_has_the_mean_displacement_that_was_asked() -> None:
    asked = wild_tracks(3, (256, 256)).select(np.arange(2, 30))
    asked = Tracks.of(asked.points.clip(0, 255), size=asked.size, fps=8)
    far = np.linalg.norm(asked.points[:, 1:].astype(float) - asked.points[:, :1], axis=2)
    look = look_at(asked, FlowTracker())
    assert epe(look) == pytest.approx(float(far.mean()), rel=1e-6)
    assert epe(look) == pytest.approx(still_error(asked), rel=1e-6)


def test_paired_holds_against_the_true_video_whatever_was_asked() -> None:
    asked = tracks_of([[[50, 50], [90, 90], [99, 99]]])
    frames = np.zeros((3, 256, 256, 3), np.uint8)
    truth = Clip(frames + np.uint8(1), 8)

    class Both(Says):
        """Points of the true video, whose pixels are 1, rest; the others drift."""

        def __call__(self, video, queries):
            self.places = stays if video.frames.max() else drifts((0, 2))
            return super().__call__(video, queries)

    look = look_at(asked, Both(stays), truth=truth)
    assert epe_paired(look) == pytest.approx((2 + 4) / 2)
    assert "truth" in look.sample.holds


def test_the_true_video_is_followed_once_and_paired_with_itself() -> None:
    asked = tracks_of([[[50, 50], [90, 90], [99, 99]]])
    frames = np.zeros((3, 256, 256, 3), np.uint8)
    look = look_at(asked, Says(shakes(0, 3)))
    tracker = Says(shakes(0, 3))
    sample = type(look.sample)(frames, look.sample.request, Clip(frames, 8))
    both = Look(sample, tracker)
    assert epe_paired(both) == 0 and epe(both) > 0
    assert tracker.asked == 1 + len(both.grid)


def test_nothing_to_measure_is_nan() -> None:
    never = tracks_of([[[50, 50], [90, 90]]], [[False, False]])
    only_first = tracks_of([[[50, 50], [90, 90]]], [[True, False]])
    one_frame = tracks_of([[[50, 50]]])
    outside = tracks_of([[[-50, 50], [-9, 90]]])
    for asked in (never, one_frame, outside):
        look = look_at(asked, Says(stays), truth=None)
        assert all(np.isnan(metric.measure(look)) for metric in METRICS if metric.name != PAIRED)
    look = look_at(only_first, Says(stays))
    assert np.isnan(epe(look)) and epe_all(look) == pytest.approx(40 * 2**0.5)


PAIRED = "epe-paired"


def test_every_variant_says_its_scale() -> None:
    units = {metric.name: metric.unit for metric in METRICS}
    assert units == {
        "epe": "px at 256x256",
        "epe-all": "px at 256x256",
        "epe-paired": "px at 256x256",
        "epe-diagonal": "% of the diagonal",
        "epe-own": "px of the video",
    }
    assert all(metric.motion and metric.better == "lower" for metric in METRICS)

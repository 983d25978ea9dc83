"""ObjMC and MC-Bench's DM: slow loops and known answers."""

import numpy as np
import pytest
from known_following import Says, drifts, look_at, shakes, stays, tracks_of, wild_tracks

from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.evaluation.look import Look
from kineograph.evaluation.metrics.objmc import blocks, drag_distance, objmc
from kineograph.evaluation.objects import object_tracks

SIZE = (320, 128)


def slow_objmc(look: Look) -> float:
    held = []
    for track in object_tracks(look.sample):
        row = look.queries[1].tolist().index(track)
        for frame in range(1, look.asked.frames):
            if look.asked.state[track, frame] != State.UNSPECIFIED:
                apart = look.followed.points[row, frame].astype(float)
                apart -= look.asked.points[track, frame]
                held.append(np.hypot(apart[0] * 256 / SIZE[0], apart[1] * 256 / SIZE[1]))
    return float(np.mean(held))


@pytest.mark.parametrize("seed", range(3))
def test_objmc_is_that_of_a_slow_loop(seed: int) -> None:
    asked = wild_tracks(seed, SIZE).with_group(np.arange(30) // 4 - 1)
    look = look_at(asked, Says(shakes(seed, 5)), size=SIZE)
    assert len(object_tracks(look.sample)) > 2
    assert objmc(look) == pytest.approx(slow_objmc(look), rel=1e-6)


def test_objmc_counts_hidden_frames_of_the_track_in_the_middle_only() -> None:
    middle, edge = [[50, 50], [53, 54], [56, 58]], [[60, 50], [99, 99], [99, 99]]
    other = [[40, 50], [99, 99], [99, 99]]
    asked = tracks_of([middle, edge, other], [[True, False, True], [True] * 3, [True] * 3])
    look = look_at(asked.with_group(0), Says(stays))
    assert objmc(look) == pytest.approx(7.5)
    assert np.isnan(objmc(look_at(asked, Says(stays))))
    assert np.isnan(objmc(look_at(tracks_of([[[9, 9]]]).with_group(0), Says(stays))))


def slow_dm(look: Look, tracker: Says) -> float:
    """As the benchmark writes it: queries column by column, the 37th of 64 is the drag."""
    each = []
    for track in range(look.asked.count):
        if look.asked.state[track, 0] != State.VISIBLE:
            continue
        x, y = (int(v) for v in look.asked.points[track, 0])
        queries = [(0, i + 0.5, j + 0.5) for i in range(x - 4, x + 4) for j in range(y - 4, y + 4)]
        found = tracker.places(np.array(queries), look.asked.frames)[36]
        apart = [
            np.hypot(*(found[t] - look.asked.points[track, t]))
            for t in range(1, look.asked.frames)
            if look.asked.state[track, t] != State.UNSPECIFIED
        ]
        if apart:
            each.append(np.mean(apart))
    return float(np.mean(each))


@pytest.mark.parametrize("seed", range(3))
def test_dm_is_that_of_a_slow_loop(seed: int) -> None:
    wild = wild_tracks(seed, SIZE, count=16)
    points = wild.points.clip(5, 122)
    asked = Tracks.of(points, wild.state, size=SIZE, fps=8)
    tracker = Says(
        lambda queries, frames: queries[:, None, 1:] * np.linspace(1, 1.1, frames)[:, None]
    )
    look = look_at(asked, tracker, size=SIZE)
    assert drag_distance(look) == pytest.approx(slow_dm(look, tracker), rel=1e-5)


def test_dm_in_own_pixels_and_its_block() -> None:
    asked = tracks_of([[[50.5, 60.5], [53.5, 64.5], [56.5, 68.5]]], size=SIZE)
    assert drag_distance(look_at(asked, Says(drifts((3, 4))), size=SIZE)) == 0
    assert drag_distance(look_at(asked, Says(stays), size=SIZE)) == pytest.approx(7.5)
    queries, middle = blocks(asked)
    assert middle.tolist() == [36] and queries[36].tolist() == [0, 50.5, 60.5]
    assert queries[:, 1:].min(axis=0).tolist() == [46.5, 56.5]
    assert queries[:, 1:].max(axis=0).tolist() == [53.5, 63.5]
    corner, _ = blocks(tracks_of([[[0.2, 127.9]]], size=SIZE))
    assert len(corner) == 64 and corner[:, 1].min() == 0.5 and corner[:, 2].max() == 127.5


def test_dm_is_for_drags() -> None:
    many = tracks_of(np.full((17, 2, 2), 50.0))
    late = tracks_of([[[50, 50], [60, 60]]], [[False, True]])
    one_frame = tracks_of([[[50, 50]]])
    let_go = Tracks.of([[[50, 50], [0, 0]]], np.array([[1, 0]], np.uint8), size=SIZE, fps=8)
    for asked in (many, late, one_frame, let_go):
        assert np.isnan(drag_distance(look_at(asked, Says(stays), size=asked.size)))

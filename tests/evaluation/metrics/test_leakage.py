"""Leakage: what counts as resting, and how much of it moves."""

from typing import Any

import numpy as np
import pytest
from known_following import FPS, Says, drifts, look_at, shakes, stays, tracks_of, wild_tracks

from kineograph.core.boxes import Boxes
from kineograph.core.cameras import Cameras
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip
from kineograph.data.procedural.scene import scene
from kineograph.engines.base import Request
from kineograph.evaluation.look import Look
from kineograph.evaluation.metrics.leakage import (
    METRICS,
    leakage,
    leakage_excess,
    leakage_share,
    resting,
)
from kineograph.evaluation.sample import Sample

SIZE = (320, 128)


def slow(look: Look) -> tuple[float, float]:
    """Of asked tracks alone: those that stay within half a pixel, wherever a place is given."""
    asked, (queries, which), found = look.asked, look.queries, look.followed
    scale, held = 256 / np.array(SIZE), []
    for row, (query, track) in enumerate(zip(queries, which, strict=True)):
        given = asked.points[track, asked.state[track] != State.UNSPECIFIED].astype(float)
        if np.linalg.norm((given - query[1:]) * scale, axis=1).max() > 0.5:
            continue
        for frame in range(int(query[0]) + 1, asked.frames):
            x, y = asked.points[track, frame]
            inside = 0 <= x < SIZE[0] and 0 <= y < SIZE[1]
            if asked.state[track, frame] == State.VISIBLE and inside:
                moved = (found.points[row, frame].astype(float) - query[1:]) * scale
                held.append(np.hypot(*moved))
    return float(np.mean(held)), float(np.mean(np.array(held) > 1))


@pytest.mark.parametrize("seed", range(3))
def test_of_pinned_tracks_it_is_that_of_a_slow_loop(seed: int) -> None:
    wild = wild_tracks(seed, SIZE)
    rests = (np.arange(30) % 2 == 0)[:, None, None]
    points = np.where(rests, wild.points.mean(axis=1, keepdims=True), wild.points)
    asked = Tracks.of(points, wild.state, size=SIZE, fps=FPS)
    look = look_at(asked, Says(shakes(seed, 1)), size=SIZE)
    mean, share = slow(look)
    assert leakage(look) == pytest.approx(mean, rel=1e-6)
    assert leakage_share(look) == pytest.approx(share)


def filmed(**more: Any) -> tuple[Clip, np.ndarray]:
    """Three frames of a resting camera, with one object in the left half."""
    frames = np.zeros((3, 128, 128, 3), np.uint8)
    masks = np.zeros((1, 3, 128, 128), bool)
    masks[0, 0, :, :32], masks[0, 1:, :, 32:64] = True, True
    cameras = Cameras.from_fov(50, (128, 128), frames=3, fps=FPS)
    return Clip(frames, FPS, **{"masks": masks, "cameras": cameras, **more}), frames


def look_at_filmed(clip: Clip, tracker: Says, *, pictured: bool = True) -> Look:
    generated = np.ones_like(clip.video)
    picture = generated[0] if pictured else None
    request = Request(size=clip.size, frames=3, fps=FPS, picture=picture)
    return Look(Sample(generated, request, clip), tracker)


def test_the_background_of_a_resting_camera_is_what_no_object_ever_covers() -> None:
    clip, _ = filmed()
    look = look_at_filmed(clip, Says(drifts((0.25, 0))))
    assert (look.grid[resting(look), 1] >= 64).all() and resting(look).sum() == 128
    assert leakage(look) == pytest.approx((0.5 + 1) / 2)
    assert leakage_share(look) == 0
    further = look_at_filmed(clip, Says(drifts((0.3, 0))))
    assert leakage_share(further) == 0.5
    assert leakage_excess(look) == 0  # the same tracker finds the same in the true video


def test_boxes_serve_where_there_are_no_masks() -> None:
    boxes = Boxes.of([[[0, 0, 32, 128], [32, 0, 64, 128], [32, 0, 64, 128]]], labels=["bar"],
                     size=(128, 128), fps=FPS)  # fmt: skip
    clip, _ = filmed(masks=None, boxes=boxes)
    look = look_at_filmed(clip, Says(stays))
    assert (look.grid[resting(look), 1] >= 64).all() and resting(look).sum() == 128


def test_where_nobody_can_say_what_rests_it_is_nan() -> None:
    moved = np.repeat(np.eye(4)[None], 3, axis=0)
    moved[:, 0, 3] = [0, 0.1, 0.2]
    cameras = filmed()[0].cameras
    assert cameras is not None
    goes = Cameras.of(cameras.K, moved, size=(128, 128), fps=FPS)
    for more in ({"cameras": goes}, {"cameras": None}, {"masks": None}):
        look = look_at_filmed(filmed(**more)[0], Says(stays))
        assert all(np.isnan(metric.measure(look)) for metric in METRICS)
    look = look_at_filmed(filmed()[0], Says(stays), pictured=False)
    assert np.isnan(leakage(look))
    assert np.isnan(leakage(look_at(tracks_of([[[50, 50], [60, 60]]]), Says(stays))))
    assert np.isnan(leakage(look_at(tracks_of([[[50, 50]]]), Says(stays))))
    none = Tracks.of(np.zeros((0, 3, 2)), size=SIZE, fps=FPS)
    assert np.isnan(leakage(look_at(none, Says(stays), size=SIZE)))
    never = look_at(tracks_of([[[50, 50], [50, 50]]], [[False, False]]), Says(stays))
    assert np.isnan(leakage(never))


def test_a_background_that_slides_leaks_and_the_true_one_does_not() -> None:
    truth = scene(40_000, size=(128, 128), frames=5, camera=0.0, flow=False)
    request = Request(size=(128, 128), frames=5, fps=truth.fps, picture=truth.video[0])
    slid = np.stack([np.roll(frame, 3 * t, axis=1) for t, frame in enumerate(truth.video)])
    of_truth = Look(Sample(truth.video, request, truth))
    of_slid = Look(Sample(slid, request, truth))
    still = Look(Sample(np.repeat(truth.video[:1], 5, axis=0), request, truth))
    assert leakage(still) < 0.01 and leakage(of_truth) < 0.5 and leakage_excess(of_truth) == 0
    # 3, 6, 9 and 12 pixels of 128
    assert leakage(of_slid) == pytest.approx(2 * 7.5, rel=0.1)
    assert leakage_share(of_slid) > 0.95
    assert leakage_excess(of_slid) == pytest.approx(leakage(of_slid) - leakage(of_truth))

"""Metrics of the camera: known answers, slow loops, and films of a room and of scenes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from known_following import Says, stays

from filmed_room import FPS, FRAMES, SIZE, film, moves
from kineograph.core.cameras import Cameras
from kineograph.data.clip import Clip
from kineograph.data.procedural.scene import scene
from kineograph.engines.base import Request
from kineograph.evaluation.background import background
from kineograph.evaluation.look import Look
from kineograph.evaluation.metrics.camera import (
    METRICS,
    aligning,
    camera_direction,
    camera_found,
    camera_rotation,
    camera_translation,
    camera_translation_aligned,
    cammc,
)
from kineograph.evaluation.sample import Sample

SHARE = 0.5


def films(path: Cameras, depth: np.ndarray) -> Says:
    """A tracker of a video in which the camera goes a path."""

    def places(queries: np.ndarray, frames: int) -> np.ndarray:
        column, row = np.floor(queries[:, 1:]).astype(int).T
        placed, _ = path.project(path.unproject(queries[:, 1:], depth[row, column]))
        return placed.astype(np.float64)

    return Says(places)


def plain(path: Cameras, **more: Any) -> Clip:
    """A clip of nothing but what is known: a slope that lies 4 to 8 deep."""
    depth = np.linspace(4, 8, SIZE[0], dtype=np.float32)
    depths = np.broadcast_to(depth, (FRAMES, *SIZE[::-1]))
    frames = np.zeros((FRAMES, *SIZE[::-1], 3), np.uint8)
    return Clip(frames, FPS, **{"cameras": path, "depth": depths, **more})


def look_at(clip: Clip, tracker: Any = None) -> Look:
    request = Request(size=SIZE, frames=FRAMES, fps=FPS, picture=clip.video[0])
    sample = Sample(clip.video, request, clip)
    return Look(sample) if tracker is None else Look(sample, tracker)


def half(path: Cameras) -> Cameras:
    """A camera that goes half as far and turns as much."""
    w2c = path.w2c.copy()
    w2c[:, :3, 3] *= SHARE
    return Cameras.of(path.K, w2c, size=SIZE, fps=FPS)


def test_a_camera_that_does_as_the_true_one() -> None:
    clip = plain(moves()["all"])
    assert clip.cameras is not None and clip.depth is not None
    look = look_at(clip, films(clip.cameras, clip.depth[0]))
    assert camera_rotation(look) < 1e-2 and camera_translation(look) < 1e-2
    assert camera_translation_aligned(look) < 1e-2 and camera_direction(look) < 0.5
    assert camera_found(look) == 1 and cammc(look) < 0.5


def test_a_camera_that_goes_half_as_far() -> None:
    clip = plain(moves()["truck"])
    assert clip.cameras is not None and clip.depth is not None
    look = look_at(clip, films(half(clip.cameras), clip.depth[0]))
    mean = np.linspace(0, 1, FRAMES)[1:].mean()
    assert camera_translation(look) == pytest.approx(SHARE * mean, rel=0.02)
    assert camera_translation_aligned(look) < 0.01 and camera_direction(look) < 1


def test_a_camera_that_rests_and_one_that_goes_the_other_way() -> None:
    clip = plain(moves()["truck"])
    assert clip.cameras is not None and clip.depth is not None
    rests = look_at(clip, Says(stays))
    mean = np.linspace(0, 1, FRAMES)[1:].mean()
    assert camera_translation(rests) == pytest.approx(mean, rel=1e-4)
    assert camera_translation_aligned(rests) == pytest.approx(mean, rel=1e-4)
    assert camera_direction(rests) == 90 and camera_rotation(rests) < 1e-3
    w2c = clip.cameras.w2c.copy()
    w2c[:, :3, 3] *= -1
    back = Cameras.of(clip.cameras.K, w2c, size=SIZE, fps=FPS)
    wrong = look_at(clip, films(back, clip.depth[0]))
    assert camera_direction(wrong) > 179
    assert camera_translation(wrong) == pytest.approx(2 * mean, rel=0.02)
    assert camera_translation_aligned(wrong) == pytest.approx(mean, rel=0.02)


def test_a_turn_of_6_degrees_that_is_not_made() -> None:
    look = look_at(plain(moves()["pan"]), Says(stays))
    assert camera_rotation(look) == pytest.approx(
        6 * np.linspace(0, 1, FRAMES)[1:].mean(), rel=1e-3
    )
    assert np.isnan(camera_translation(look)) and np.isnan(camera_direction(look))
    clip = plain(moves()["rest"])
    assert clip.depth is not None
    turned = look_at(clip, films(moves()["pan"], clip.depth[0]))
    assert camera_rotation(turned) == pytest.approx(3.6, rel=1e-2)


def test_cammc_is_that_of_a_slow_loop_over_what_is_clear() -> None:
    path = moves()["truck"]
    masks = np.zeros((1, FRAMES, *SIZE[::-1]), bool)
    masks[0, :, :40, :], masks[0, 3:, :, 100:] = True, True
    clip = plain(path, masks=masks)
    look = look_at(clip, Says(stays))
    held, slope = [], np.linspace(4, 8, SIZE[0])
    for _, x, y in look.grid.astype(np.float64):
        if y < 40:
            continue
        depth = np.interp(x, np.arange(SIZE[0]) + 0.5, slope)
        for frame in range(1, FRAMES):
            there = x - path.K[0, 0, 0] * path.centres[frame, 0] / depth
            covered = frame >= 3 and there >= 100
            # the depth map stays as it is, so the slope hides what the camera moves before it
            if there >= 0 and not covered and slope[int(there)] * 1.05 >= depth:
                held.append(abs(there - x) * 2)
    assert cammc(look) == pytest.approx(np.mean(held), rel=1e-3)


def test_what_is_behind_something_nearer_is_not_clear() -> None:
    path = moves()["rest"]
    depth = np.full((FRAMES, *SIZE[::-1]), 5, np.float32)
    depth[2, :, :64] = 2
    found = background(look_at(plain(path, depth=depth), Says(stays)))
    assert found.clear[:, [0, 1, 3]].all()
    assert (found.clear[:, 2] == (found.points[:, 0] >= 64)).all()


def test_aligning_is_least_squares_and_never_turns_back() -> None:
    true = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    found = np.array([[0.0, 0, 0], [0.5, 0.1, 0], [1, -0.2, 0.1]])
    counts = np.array([False, True, True])
    fitted = np.linalg.lstsq(found[1:].reshape(-1, 1), true[1:].ravel(), rcond=None)[0][0]
    assert aligning(found, true, counts) == pytest.approx(fitted)
    assert aligning(-found, true, counts) == 0
    assert aligning(found * 0.01, true, counts) == 1


def test_without_depth_it_is_told_by_parallax() -> None:
    clip = film(moves()["truck"])
    assert clip.depth is not None
    look = look_at(replace(clip, depth=None), films(moves()["truck"], clip.depth[0]))
    assert camera_direction(look) < 2 and camera_rotation(look) < 0.2
    assert np.isnan(camera_translation(look)) and np.isnan(cammc(look))


def test_one_frame_and_a_video_without_any_camera_are_nan() -> None:
    clip = plain(moves()["truck"])
    scattered = Says(lambda q, t: np.random.default_rng(0).uniform(0, 128, (len(q), t, 2)))
    look = look_at(clip, scattered)
    assert camera_found(look) == 0 and cammc(look) > 10
    told = [metric.measure(look) for metric in METRICS if metric.name.startswith("camera-")]
    assert np.isnan(told[:-1]).all()
    assert clip.cameras is not None and clip.depth is not None
    first = Cameras.of(clip.cameras.K[:1], clip.cameras.w2c[:1], size=SIZE, fps=FPS)
    one = Clip(clip.video[:1], FPS, cameras=first, depth=clip.depth[:1])
    request = Request(size=SIZE, frames=1, fps=FPS, picture=clip.video[0])
    look = Look(Sample(one.video, request, one), Says(stays))
    assert all(np.isnan(metric.measure(look)) for metric in METRICS)


@pytest.mark.slow
@pytest.mark.parametrize("move", ["truck", "dolly", "pan", "all"])
def test_films_of_a_room_tell_their_own_camera(move: str) -> None:
    clip = film(moves()[move])
    true = look_at(clip)
    frames = np.repeat(clip.video[:1], FRAMES, axis=0)
    still = Look(replace(true.sample, frames=frames))
    assert camera_found(true) == 1 and camera_rotation(true) < 0.15 and cammc(true) < 1
    assert camera_rotation(still) >= camera_rotation(true) or move in ("truck", "dolly")
    assert cammc(still) > 4 * cammc(true)
    if move != "pan":
        assert camera_translation(true) < 0.05 and camera_direction(true) < 5
        assert camera_direction(still) == 90


@pytest.mark.slow
def test_procedural_scenes_tell_their_own_camera() -> None:
    """Their background is one plane that faces the camera: the hard case of resection."""
    for seed in (3, 7):
        clip = scene(100 + seed, size=SIZE, frames=FRAMES, flow=False)
        look = Look(
            Sample(
                clip.video,
                Request(size=SIZE, frames=FRAMES, fps=clip.fps, picture=clip.video[0]),
                clip,
            )
        )
        assert camera_found(look) == 1 and camera_rotation(look) < 0.5
        assert camera_translation(look) < 0.1

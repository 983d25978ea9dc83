"""Flicker, smoothness, dynamic degree and camera classes against known answers."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from conftest import made_texture
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.data.clip import Clip, Fact
from kineograph.data.procedural.scene import scene
from kineograph.engines.base import Request
from kineograph.evaluation.look import Look
from kineograph.evaluation.metrics import camera_class as cameras
from kineograph.evaluation.metrics import vbench_motion
from kineograph.evaluation.metrics.camera_class import CLASSES, camera_class, grid, seen, ways
from kineograph.evaluation.metrics.vbench_motion import (
    between,
    dynamic_degree,
    flickering,
    smoothness_flow,
    speeds,
)
from kineograph.evaluation.sample import Sample
from kineograph.vision.dis import DisFlow


def look_at(
    frames: np.ndarray, fps: float = 8.0, text: str = "", truth: Clip | None = None
) -> Look:
    size = (frames.shape[2], frames.shape[1])
    return Look(Sample(frames, Request(size=size, frames=len(frames), fps=fps, text=text), truth))


def sliding(steps: list[float], size: tuple[int, int] = (96, 96), seed: int = 0) -> np.ndarray:
    """A texture that is seen so many pixels farther right at each frame."""
    width, height = size
    wide = made_texture((width + 200, height), seed)
    frames = []
    for step in steps:
        view = np.array([[1, 0, -100 + step], [0, 1, 0]], np.float32)
        frames.append(cv2.warpAffine(wide, view, size, flags=cv2.INTER_CUBIC))
    return np.stack(frames)


# flicker and smoothness


def test_flickering_is_the_mean_difference() -> None:
    levels = np.array([10, 20, 15, 15], np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (4, 20, 24, 3)).copy()
    assert flickering(look_at(frames)) == pytest.approx(100 * (255 - 5) / 255)
    assert flickering(look_at(frames[2:])) == 100
    black = np.zeros((3, 8, 8, 3), np.uint8)
    black[1] = 255
    assert flickering(look_at(black)) == 0


def test_flickering_by_a_slow_loop() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (4, 6, 7, 3), dtype=np.uint8)
    total, count = 0, 0
    for t in range(3):
        for one, other in zip(frames[t].ravel(), frames[t + 1].ravel(), strict=True):
            total += abs(int(one) - int(other))
            count += 1
    assert flickering(look_at(frames)) == pytest.approx(100 * (255 - total / count) / 255)


def test_the_frame_between_two_is_half_way() -> None:
    frames = sliding([0, 3, 6])
    made = between(frames[0], frames[2], DisFlow())
    inner = np.s_[8:-8, 8:-8]
    missed = np.abs(made[inner].astype(float) - frames[1][inner]).mean()
    still = np.abs(frames[0][inner].astype(float) - frames[1][inner]).mean()
    assert missed < 0.1 * still
    np.testing.assert_array_equal(between(frames[0], frames[0], DisFlow()), frames[0])


def test_smooth_motion_scores_above_jerks_and_below_rest() -> None:
    smooth = smoothness_flow(look_at(sliding([2.0 * t for t in range(7)])))
    jerky = smoothness_flow(look_at(sliding([2.0 * t + 4 * (t % 2) for t in range(7)])))
    assert 99 < smooth < 100 and jerky < smooth - 2
    assert smoothness_flow(look_at(sliding([0.0] * 5))) == 100


def test_only_odd_frames_between_two_count() -> None:
    frames = sliding([2.0 * t for t in range(6)])
    assert smoothness_flow(look_at(frames)) == smoothness_flow(look_at(frames[:5]))
    spoilt = frames[:5].copy()
    spoilt[1] = 255 - spoilt[1]
    assert smoothness_flow(look_at(spoilt)) < smoothness_flow(look_at(frames)) - 5
    assert np.isnan(smoothness_flow(look_at(frames[:2])))


def test_too_few_frames_are_not_measured() -> None:
    one = sliding([0.0])
    assert np.isnan(flickering(look_at(one))) and np.isnan(dynamic_degree(look_at(one)))


# dynamic degree


class Constant:
    """A flow whose share of `fast` of all pixels moves by so many pixels, the others rest."""

    def __init__(self, *far: float, fast: float = 0.05) -> None:
        self.far, self.fast, self.asked = list(far), fast, 0

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        flow = np.zeros((first.shape[0] * first.shape[1], 2), np.float32)
        flow[: int(self.fast * len(flow)), 1] = -self.far[self.asked % len(self.far)]
        self.asked += 1
        return flow.reshape(*first.shape[:2], 2)


def degree(flow: Constant, count: int = 16, fps: float = 8.0, side: int = 64) -> float:
    frames = np.zeros((count, side, 2 * side, 3), np.uint8)
    return dynamic_degree(replace(look_at(frames, fps), flow=flow))


def test_the_threshold_is_six_pixels_of_256() -> None:
    assert degree(Constant(1.51)) == 100 and degree(Constant(1.49)) == 0  # 6 * 64 / 256 = 1.5
    assert degree(Constant(2.9), side=128) == 0 and degree(Constant(3.1), side=128) == 100


def test_only_the_fastest_twentieth_counts() -> None:
    assert degree(Constant(1.51, fast=0.06)) == 100
    assert degree(Constant(2.9, fast=0.025)) == 0  # half of the twentieth rests: mean 1.45
    np.testing.assert_allclose(
        speeds(np.zeros((3, 20, 30, 3), np.uint8), Constant(4, 8, fast=0.025)), [2, 4]
    )


def test_a_quarter_of_the_frames_has_to_move() -> None:
    moves = [2.0] * 4 + [0.0] * 11
    assert degree(Constant(*moves)) == 100  # 4 of 16
    assert degree(Constant(*[2.0] * 3, *[0.0] * 12)) == 0
    assert degree(Constant(2.0, *[0.0] * 6), count=8) == 0  # 2 of 8
    assert degree(Constant(2.0, 2.0, *[0.0] * 5), count=8) == 100


def test_about_eight_frames_a_second_are_looked_at() -> None:
    flow = Constant(0.0)
    degree(flow, count=24, fps=24.0)
    assert flow.asked == 7  # every third frame: 8 frames
    flow = Constant(0.0)
    degree(flow, count=24, fps=4.0)
    assert flow.asked == 23


def test_dynamic_degree_of_rendered_motion() -> None:
    assert dynamic_degree(look_at(sliding([4.0 * t for t in range(5)]))) == 100  # of 96: above 2.25
    assert dynamic_degree(look_at(sliding([1.0 * t for t in range(5)]))) == 0
    assert dynamic_degree(look_at(sliding([0.0] * 5))) == 0


# camera classes


def moved(by: Callable[[np.ndarray], np.ndarray], size: tuple[int, int] = (256, 128)) -> np.ndarray:
    first = grid(size)[:, 1:].astype(np.float64)
    return np.stack([first, by(first)], axis=1)


MIDDLE = np.array([128.0, 64.0])


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        (lambda p: p, {"static"}),
        (lambda p: p + np.array([0.6, 0.6]), {"static"}),  # below 0.005 * 128 = 0.64
        (lambda p: p + np.array([0.7, 0]), {"pan left"}),
        (lambda p: p - np.array([30, 0]), {"pan right"}),
        (lambda p: p + np.array([0, 5]), {"tilt up"}),
        (lambda p: p - np.array([0, 5]), {"tilt down"}),
        (lambda p: p + np.array([9, -9]), {"pan left", "tilt down"}),
        (lambda p: MIDDLE + (p - MIDDLE) * 1.04, {"zoom in"}),
        (lambda p: MIDDLE + (p - MIDDLE) * 0.96, {"zoom out"}),
    ],
)
def test_classes_of_known_motion(by: Callable[[np.ndarray], np.ndarray], wanted: set[str]) -> None:
    assert seen(moved(by), 128) == wanted


def test_a_strong_zoom_shows_as_a_pan_too() -> None:
    """As in VBench: the middle of ten points is not the picture's, it drifts alike at both ends."""
    found = seen(moved(lambda p: MIDDLE + (p - MIDDLE) * 1.2), 128)
    assert found == {"zoom in", "pan left", "tilt up"}


def test_points_that_disagree_show_nothing() -> None:
    points = moved(lambda p: p).reshape(10, 10, 2, 2)
    points[0, 5, 1] += [9, 0]
    points[9, 5, 1] -= [9, 0]
    points[5, 0, 1] -= [0, 9]
    points[5, 9, 1] += [0, 9]
    assert seen(points.reshape(100, 2, 2), 128) == frozenset()


def test_ways_of_a_point() -> None:
    assert ways(np.array([1.0, -2.0]), 100) == ("right", "up")
    assert ways(np.array([-0.4, 0.5]), 100) == ("static",)
    assert ways(np.array([0.0, 0.51]), 100) == ("down",)


def test_the_grid_keeps_a_64th_of_the_width_from_the_edges() -> None:
    points = grid((128, 64))
    assert points.shape == (100, 3) and not points[:, 0].any()
    np.testing.assert_allclose(points[0, 1:], [2, 2])
    np.testing.assert_allclose(points[9, 1:], [126, 2])
    np.testing.assert_allclose(points[99, 1:], [126, 62])


def said(verb: str, direction: str | None = None) -> Fact:
    return Fact("camera", verb, direction)


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ((said("pans", "left"),), "pan left"),
        ((said("pans", "up"), Fact("red square", "moves", "left")), "tilt up"),
        ((said("zooms", "in"),), "zoom in"),
        ((said("moves", "out"),), "zoom out"),
        ((said("stays"),), "static"),
        ((said("pans", "up left"),), None),
        ((said("rolls", "clockwise"),), None),
        ((said("pans", "left"), said("zooms", "in")), None),
        ((Fact("red square", "moves", "left"),), None),
    ],
)
def test_what_facts_say_of_the_camera(facts: tuple[Fact, ...], wanted: str | None) -> None:
    assert cameras.of_facts(facts) == wanted
    assert wanted is None or wanted in CLASSES


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a dog on a beach, camera pans left", "pan left"),
        ("A castle, Camera tilts down", "tilt down"),
        ("a lake, camera zooms out.", "zoom out"),
        ("a lake, camera static", "static"),
        ("a lake, the camera is static", "static"),
        ("a camera on a table", None),
        ("camera pans left, then camera pans right", None),
        ("", None),
    ],
)
def test_what_a_text_says_of_the_camera(text: str, wanted: str | None) -> None:
    assert cameras.of_text(text) == wanted


def test_nothing_said_is_not_measured() -> None:
    frames = np.zeros((3, 64, 64, 3), np.uint8)
    assert np.isnan(camera_class(look_at(frames, text="a dog")))
    assert camera_class(look_at(frames, text="a dog, camera static")) == 100
    assert camera_class(look_at(frames, text="a dog, camera pans left")) == 0


def test_facts_go_before_the_text() -> None:
    frames = sliding([3.0 * t for t in range(4)])  # the picture goes right: the camera pans left
    clip = Clip(frames, 8.0, facts=(said("pans", "left"),))
    assert camera_class(look_at(frames, text="camera pans right", truth=clip)) == 100
    silent = Clip(frames, 8.0, facts=(Fact("sky", "stays"),))
    assert np.isnan(camera_class(look_at(frames, text="camera pans left", truth=silent)))


class Unmoved:
    """A tracker that finds every point where it was."""

    def __call__(self, video: Video, queries: np.ndarray) -> Tracks:
        points = np.repeat(queries[:, None, 1:], len(video), axis=1)
        return Tracks.of(points, size=video.size, fps=video.fps)


def test_the_looks_own_tracker_is_asked() -> None:
    look = replace(look_at(sliding([0, 9, 18]), text="camera static"), tracker=Unmoved())
    assert camera_class(look) == 100


@pytest.mark.slow
def test_procedural_cameras_are_recognised() -> None:
    """The classes of scenes whose camera is known; 35 of 35 over seeds 4000 to 4059."""
    found: list[tuple[str, float]] = []
    for seed in range(4000, 4024):
        clip = scene(
            seed, size=(128, 128), frames=12, objects=(0, 2), camera=0.9, still=0.1, flow=False
        )
        name = cameras.of_facts(clip.facts)
        if name is not None:
            found.append((name, camera_class(look_at(clip.video, 16.0, truth=clip))))
    assert len({name for name, _ in found}) >= 4
    assert np.mean([value for _, value in found]) > 90


def test_metrics_say_which_are_not_vbenchs() -> None:
    table = {metric.name: metric for metric in (*vbench_motion.METRICS, *cameras.METRICS)}
    assert set(table) == {
        "temporal-flickering",
        "smoothness-flow",
        "dynamic-degree-flow",
        "camera-class",
    }
    assert "AMT-S" in table["smoothness-flow"].what
    assert "RAFT" in table["dynamic-degree-flow"].what
    assert "CoTracker2" in table["camera-class"].what

"""Motions: parabolas that bounce, waves with an exact way back, and every kind on the stage."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from kineograph.data.procedural.motions import MOTIONS, Actor, bounces, draw_motion, flatten
from kineograph.data.procedural.waves import Waves, bent, unbent

ACTOR = Actor(stage=(96, 64), frames=33, span=20.0)
MIDDLE = np.array([48.0, 32.0])


def random_waves(frames: int = 5) -> Waves:
    rng = np.random.default_rng(4)
    sines = rng.uniform(-1, 1, (frames, 2, 3, 3)) * [2.0, 0.4, 3.0]
    return Waves(sines)


@pytest.mark.parametrize("kind", [kind for kind in MOTIONS if kind not in ("stay", "hinged")])
def test_every_motion_moves_smoothly_and_says_so(kind: str) -> None:
    for seed in range(8):
        motion = draw_motion(np.random.default_rng(seed), ACTOR, kind, MIDDLE)
        path = motion.path()
        assert np.isfinite(path).all() and (np.linalg.det(path[:, :, :2]) > 0).all()
        assert "stays" not in motion.verbs and motion.verbs
        moves = np.abs(np.diff(path, axis=0)).max() > 0
        assert moves or motion.waves is not None
        steps = np.linalg.norm(np.diff(motion.centre, axis=0), axis=1)
        assert steps.max() < 0.3 * 96, "no jumps"


def test_a_thing_at_rest_stays() -> None:
    motion = draw_motion(np.random.default_rng(0), ACTOR, "stay", MIDDLE)
    assert motion.verbs == ("stays",)
    np.testing.assert_array_equal(motion.path(), np.tile([[1.0, 0, 48], [0, 1, 32]], (33, 1, 1)))


def test_the_path_turns_clockwise_then_stretches_then_moves() -> None:
    motion = draw_motion(np.random.default_rng(0), ACTOR, "stay", MIDDLE)
    turned = motion.also(
        "rotates", angle=np.full(33, np.pi / 2), stretch=np.tile([2.0, 0.5], (33, 1))
    )
    # the point right of the middle goes below it, where the stage is squashed
    np.testing.assert_allclose(turned.path()[0] @ [10, 0, 1], [48, 37], atol=1e-9)
    assert turned.verbs == ("rotates",)


def test_bounces_are_parabolas_off_the_floor() -> None:
    time = np.linspace(0, 3, 601)
    heights, hits = bounces(time, 0.0, -2.0, 10.0, 5.0, 0.7)
    assert heights.max() <= 5 + 1e-9 and heights[0] == 0
    first = (2 + np.sqrt(4 + 100)) / 10
    assert hits[0][0] == pytest.approx(first) and hits[0][1] == pytest.approx(np.sqrt(104))
    assert hits[1][0] - first == pytest.approx(2 * 0.7 * np.sqrt(104) / 10)
    curve = np.diff(heights, 2) / (time[1] - time[0]) ** 2
    smooth = np.abs(curve - 10) < 1e-5
    assert (~smooth).sum() <= 2 * len(hits), "gravity everywhere but where it touches"
    tops = [heights[(time > a) & (time < b)].min() for (a, _), (b, _) in pairwise(hits)]
    rises = 5 - np.array(tops)
    np.testing.assert_allclose(rises[1:] / rises[:-1], 0.49, rtol=5e-3)


def test_what_bounces_no_more_lies_on_the_floor() -> None:
    time = np.linspace(0, 50, 500)
    heights, hits = bounces(time, 0.0, 0.0, 10.0, 5.0, 0.5)
    assert len(hits) < 12 and (heights[time > hits[-1][0]] == 5).all()


def test_a_fall_that_does_not_reach_the_floor_has_no_hits() -> None:
    time = np.linspace(0, 0.5, 11)
    heights, hits = bounces(time, 0.0, 0.0, 2.0, 5.0, 0.5)
    np.testing.assert_allclose(heights, time**2)
    assert hits == []


def test_flattening_comes_after_the_touch_only() -> None:
    np.testing.assert_allclose(flatten(np.array([-1.0, 0, 0.05])), [0, 1, np.exp(-1)])


def test_a_throw_never_sinks_into_its_floor() -> None:
    for seed in range(30):
        motion = draw_motion(np.random.default_rng(seed), ACTOR, "throw", MIDDLE)
        bottom = motion.centre[:, 1] + 10 * motion.stretch[:, 1]
        assert bottom.max() <= 64 + 1e-6
        assert motion.verbs[-1] in ("bounces", "falls", "flies")


def test_waves_are_undone_exactly() -> None:
    waves = random_waves()
    points = np.random.default_rng(0).uniform(-30, 30, (50, 2))
    there = waves.bend(points)
    sines = torch.from_numpy(waves.sines).float()
    tensor = bent(sines, torch.from_numpy(points).float().expand(5, -1, -1))
    np.testing.assert_allclose(tensor.numpy(), there, atol=2e-5)
    np.testing.assert_allclose(unbent(sines, tensor)[0].numpy(), points, atol=2e-5)
    assert np.abs(there[..., 0] - points[:, 0]).max() <= waves.reach
    assert np.abs(there - points).max() > 0.5


def test_waves_keep_areas() -> None:
    waves = random_waves(1)
    points = np.random.default_rng(1).uniform(-30, 30, (40, 2))
    step = 1e-5
    x, y = step * np.eye(2)
    right, down = (waves.bend(points + way) - waves.bend(points - way) for way in (x, y))
    area = (right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]) / (2 * step) ** 2
    np.testing.assert_allclose(area, 1, atol=1e-6)

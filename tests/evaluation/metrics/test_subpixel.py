"""Sub-pixel following: known gains, a slow loop, and videos that move by parts of a pixel."""

import numpy as np
import pytest
from known_following import FPS, Says, look_at, shakes, stays, tracks_of, wild_tracks

from kineograph.core.tracks import Tracks
from kineograph.engines.base import Request
from kineograph.evaluation.look import Look
from kineograph.evaluation.metrics.subpixel import subpixel_error, subpixel_gain
from kineograph.evaluation.sample import Sample

SIZE = (128, 128)


def slow(look: Look) -> tuple[float, float]:
    asked, (queries, which), found = look.asked.hide_outside(), look.queries, look.followed
    gains, errors = [], []
    for row, (query, track) in enumerate(zip(queries, which, strict=True)):
        start = int(query[0])
        later = [t for t in range(start, asked.frames) if asked.visible[track, t]]
        places = asked.points[track, later].astype(float) * 256 / np.array(SIZE)
        if 1 <= np.hypot(*np.ptp(places, axis=0)) <= 4:
            got = found.points[row, later].astype(float) * 256 / np.array(SIZE)
            moves = np.array([place - places[0] for place in places[1:]])
            found_moves = np.array([place - places[0] for place in got[1:]])
            slope = np.linalg.lstsq(moves.reshape(-1, 1), found_moves.ravel(), rcond=None)[0][0]
            gains.append(slope)
            errors.append(np.mean([d @ d for d in found_moves - moves]) ** 0.5)
    return float(np.median(gains)), float(np.median(errors))


@pytest.mark.parametrize("seed", range(3))
def test_gain_and_error_are_those_of_a_slow_loop(seed: int) -> None:
    wild = wild_tracks(seed, SIZE)
    mean = wild.points.mean(axis=1, keepdims=True)
    asked = Tracks.of(mean + (wild.points - mean) * 0.06, wild.state, size=SIZE, fps=FPS)
    look = look_at(asked, Says(shakes(seed, 0.5)), size=SIZE)
    gain, error = slow(look)
    assert subpixel_gain(look) == pytest.approx(gain, rel=1e-5)
    assert subpixel_error(look) == pytest.approx(error, rel=1e-5)


def test_half_of_a_swing_is_a_gain_of_a_half() -> None:
    swing = 50 + np.sin(np.arange(9))
    asked = tracks_of(np.stack([swing, np.full(9, 60.0)], -1)[None])
    half = np.stack([50 + np.sin(np.arange(9)) / 2, np.full(9, 60.0)], -1)[None]
    look = look_at(asked, Says(lambda queries, frames: np.repeat(half, len(queries), 0)))
    assert subpixel_gain(look) == pytest.approx(0.5, rel=1e-4)
    assert subpixel_error(look) == pytest.approx(
        float(np.sqrt(np.mean(np.sin(np.arange(1, 9)) ** 2))) / 2, rel=1e-4
    )


def test_only_extents_of_1_to_4_pixels_of_256_count() -> None:
    for far, counts in ((0.9, False), (1.1, True), (3.9, True), (4.1, False)):
        look = look_at(tracks_of([[[50, 50], [50 + far, 50]]]), Says(stays))
        assert (subpixel_gain(look) == 0) == counts and np.isnan(subpixel_error(look)) != counts
    small = look_at(tracks_of([[[50, 50], [51, 50]]], size=SIZE), Says(stays), size=SIZE)
    assert subpixel_error(small) == pytest.approx(2)
    assert np.isnan(subpixel_gain(look_at(tracks_of([[[50, 50]]]), Says(stays))))


def shifted(by: np.ndarray) -> np.ndarray:
    """A periodic texture rolled by parts of a pixel in every frame, exactly: turned in phase."""
    noise = np.random.default_rng(0).normal(size=(*SIZE, 3))
    y, x = (np.fft.fftfreq(side)[:, None] for side in SIZE)
    waves = np.fft.fft2(noise, axes=(0, 1)) * np.exp(-(x.T**2 + y**2) * 80)[..., None]
    frames = []
    for dx, dy in by:
        phase = np.exp(-2j * np.pi * (x.T * dx + y * dy))[..., None]
        frames.append(np.fft.ifft2(waves * phase, axes=(0, 1)).real)
    return np.clip(np.rint(128 + 45 * np.array(frames) / np.std(frames)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("done", [1.0, 0.5, 0.0])
def test_videos_that_move_by_parts_of_a_pixel(done: float) -> None:
    t = np.arange(8)
    asked = np.stack([0.8 * np.sin(t), 0.15 * t], axis=-1)
    starts = np.stack(np.meshgrid(np.arange(24, 110, 12), np.arange(24, 110, 12)), -1)
    points = starts.reshape(-1, 1, 2) + 0.5 + asked
    tracks = Tracks.of(points, size=SIZE, fps=FPS)
    frames = shifted(done * asked)
    look = Look(Sample(frames, Request(size=SIZE, frames=8, fps=FPS, tracks=tracks)))
    assert subpixel_gain(look) == pytest.approx(done, abs=0.03)
    missed = float(np.sqrt((((1 - done) * 2 * asked[1:]) ** 2).sum(axis=1).mean()))
    assert subpixel_error(look) == pytest.approx(missed, abs=0.08)

"""Registration and small motion: known displacements found again far below a pixel."""

import numpy as np
import pytest
from scipy.ndimage import fourier_shift
from tests.conftest import made_texture

from kineograph.core.errors import VideoError
from kineograph.core.interpolation import Spline
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.vision.registration import Registration, pixel_centres
from kineograph.vision.small_motion import SmallMotion, small_motion

INNER = np.s_[24:-24, 24:-24]


def shifted(image: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """Moved exactly, in the frequency domain; the texture is periodic."""
    moved = [
        np.fft.ifft2(fourier_shift(np.fft.fft2(image[..., c].astype(float)), (dy, dx))).real
        for c in range(3)
    ]
    return np.clip(np.rint(np.stack(moved, axis=2)), 0, 255).astype(np.uint8)


def test_a_spline_passes_through_the_pixels_and_reproduces_cubics() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((20, 30, 3)).astype(np.float32)
    np.testing.assert_allclose(Spline(image).at(pixel_centres(30, 20)), image, atol=1e-5)
    places = rng.uniform(14, 26, (4, 5, 2)).astype(np.float32)
    y, x = np.mgrid[:40, :40].astype(np.float32) + 0.5

    def cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 0.002 * x**3 - 0.01 * x * y + 0.003 * y**3 - y

    found = Spline(cubic(x, y)).at(places)
    np.testing.assert_allclose(found, cubic(places[..., 0], places[..., 1]), atol=1e-3)


@pytest.mark.parametrize("move", [(0.0, 0.0), (0.05, 0.02), (0.1, -0.3), (0.5, 0.5), (1.7, -2.2)])
def test_a_shift_is_found_to_a_hundredth_of_a_pixel(move: tuple[float, float]) -> None:
    texture = made_texture((160, 120), grain=2)
    moved = Registration(texture)(shifted(texture, *move))
    found = moved.displacement[INNER]
    np.testing.assert_allclose(found.mean(axis=(0, 1)), move, atol=0.015)
    assert np.abs(found - move).max() < 0.15
    assert moved.weight[INNER].min() > 0.5


def test_a_large_shift_is_found_from_coarse_to_fine() -> None:
    texture = made_texture((160, 120), grain=4)
    found = Registration(texture)(shifted(texture, 7.3, 4.1)).displacement[INNER]
    np.testing.assert_allclose(np.median(found, axis=(0, 1)), (7.3, 4.1), atol=0.02)


def test_noise_averages_out_and_light_does_not_matter() -> None:
    texture = made_texture((160, 120), grain=2)
    rng = np.random.default_rng(0)
    frame = shifted(texture, 0.2, 0).astype(np.float32) * 0.8 + 30
    frame = np.clip(np.rint(frame + rng.normal(0, 2, frame.shape)), 0, 255).astype(np.uint8)
    found = Registration(texture)(frame).displacement[INNER]
    np.testing.assert_allclose(found.mean(axis=(0, 1)), (0.2, 0), atol=0.02)


def test_where_there_is_no_texture_nothing_is_known() -> None:
    texture = made_texture((160, 120), grain=2)
    texture[:, :80] = 128
    moved = Registration(texture)(texture)
    assert moved.weight[INNER][:, :30].max() < 0.05 < 0.5 < moved.weight[INNER][:, -30:].min()


def swaying(amplitude: float, frames: int = 12) -> tuple[Video, np.ndarray]:
    texture = made_texture((160, 120), grain=2)
    way = amplitude * np.sin(np.arange(frames) * 0.8)
    frames = np.stack([shifted(texture, dx, 0) for dx in way]).astype(np.float32)
    # without noise, 8 bits would swallow motion of less than a fiftieth of a pixel
    frames += np.random.default_rng(1).normal(0, 1, frames.shape)
    return Video(np.clip(np.rint(frames), 0, 255).astype(np.uint8), 20), way


def test_motion_is_told_from_the_first_frame() -> None:
    video, way = swaying(0.3)
    measured = small_motion(video)
    assert isinstance(measured, SmallMotion) and measured.size == (160, 120)
    assert measured.anchors.shape == (30, 40, 2) and measured.pitch == (4, 4)
    np.testing.assert_allclose(measured.anchors[0, 0], (2, 2))
    inner = measured.displacement[:, 6:-6, 6:-6]
    np.testing.assert_allclose(inner[..., 0].mean(axis=(1, 2)), way, atol=0.02)
    np.testing.assert_allclose(inner[..., 1].mean(axis=(1, 2)), 0, atol=0.01)
    halved = small_motion(video, every=2)
    assert len(halved.displacement) == 6 and halved.fps == 10


def test_larger_frames_are_measured_smaller_in_their_own_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kineograph.vision.small_motion.MEASURED", 80 * 60)
    video, way = swaying(0.4)
    inner = small_motion(video).displacement[:, 4:-4, 4:-4]
    np.testing.assert_allclose(inner[..., 0].mean(axis=(1, 2)), way, atol=0.02)


def test_a_tracker_says_where_to_look() -> None:
    texture = made_texture((160, 120), grain=2)
    way = np.array([0.0, 20.3, 40.6])
    video = Video(np.stack([shifted(texture, dx, 0) for dx in way]), 20)
    grid = pixel_centres(8, 6).reshape(-1, 1, 2) * 20
    rough = grid + np.stack([np.round(way), np.zeros(3)], axis=1)
    tracks = Tracks.of(rough, size=(160, 120), fps=20)
    found = small_motion(video, tracks=tracks, reference=texture.astype(np.float32))
    inner = found.displacement[:, 6:-6, 6:18, 0]
    np.testing.assert_allclose(inner.mean(axis=(1, 2)), way, atol=0.05)


def test_what_cannot_be_measured() -> None:
    with pytest.raises(VideoError, match=r"the video has 1 frame; motion is measured between 2"):
        small_motion(Video(np.zeros((1, 20, 20, 3), np.uint8), 8))
    with pytest.raises(VideoError, match=r"frames of 20x12 are too small .* at least 16x16"):
        small_motion(Video(np.zeros((2, 12, 20, 3), np.uint8), 8))
    with pytest.raises(VideoError, match=r"a frame is 30x20 and the reference is 20x20"):
        Registration(np.zeros((20, 20, 3), np.uint8))(np.zeros((20, 30, 3), np.uint8))

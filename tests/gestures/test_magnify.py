"""Magnified motion: the gain that was asked for, stillness where nothing moves, clear errors."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import fourier_shift
from tests.conftest import made_texture

from kineograph.core.errors import DocumentError, VideoError
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video, read_request, read_video
from kineograph.engines.magnify import magnify_video
from kineograph.gestures.document import Document
from kineograph.gestures.magnify import Magnify
from kineograph.gestures.scene import Scene
from kineograph.gestures.shorthand.video import parse_magnify
from kineograph.gestures.videos.magnifier import Magnifier, in_band
from kineograph.render.rewarp import Rewarp
from kineograph.vision.small_motion import small_motion

FPS, FRAMES, SIZE = 30, 45, (160, 96)
WAY = np.sin(2 * np.pi * 2 * np.arange(FRAMES) / FPS)
"""Three periods of 2 Hz."""


def swinging(amplitude: float, noise: float = 1.0, drift: float = 0.0) -> Video:
    """The left half swings along x, the right half stands still; all of it drifts along y."""
    texture = made_texture(SIZE, grain=2).astype(np.float64)
    rng, half, frames = np.random.default_rng(0), SIZE[0] // 2, []
    for index, dx in enumerate(amplitude * WAY):
        frame = shifted(texture, 0, drift * index / FRAMES)
        frame[:, :half] = shifted(frame, dx, 0)[:, :half]
        frame += rng.normal(0, noise, frame.shape) if noise else 0
        frames.append(np.clip(np.rint(frame), 0, 255).astype(np.uint8))
    return Video(np.stack(frames), FPS)


def shifted(image: np.ndarray, dx: float, dy: float) -> np.ndarray:
    moved = [
        np.fft.ifft2(fourier_shift(np.fft.fft2(image[..., c]), (dy, dx))).real for c in (0, 1, 2)
    ]
    return np.stack(moved, axis=2)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    swinging(0.2).save(tmp_path / "video")
    return tmp_path / "video"


def halves(frames: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Slope of the left half's motion along x against the truth of 1 px; px rms of the right's."""
    found = small_motion(Video(frames, FPS), reference=reference).displacement
    found = found - found.mean(axis=0)
    left, right = found[:, 5:-5, 5:13, 0].mean(axis=(1, 2)), found[:, 5:-5, 27:-5]
    return float(left @ WAY / (WAY @ WAY)), float(np.sqrt((right**2).sum(axis=-1).mean()))


@pytest.mark.parametrize("amplitude", [0.1, 0.2, 0.5])
def test_the_gain_is_the_factor_within_ten_percent(tmp_path: Path, amplitude: float) -> None:
    swinging(amplitude).save(tmp_path / "video")
    made = magnify_video(tmp_path / "video", factor=8, compensate=True)
    gain, still = halves(np.stack(list(made)), made.reference)
    assert abs(gain / amplitude - 8) < 0.8
    assert still < 0.06
    assert abs(made.motion.gain - 8) < 0.01 and 0.85 < made.motion.attenuation <= 1


def test_a_twentieth_of_a_pixel_is_still_found(tmp_path: Path) -> None:
    swinging(0.05).save(tmp_path / "video")
    made = magnify_video(tmp_path / "video", factor=16)
    gain, still = halves(np.stack(list(made)), made.reference)
    assert 12 < gain / 0.05 < 17 and still < 0.06


def test_the_gain_told_of_the_written_video_is_there(saved: Path, tmp_path: Path) -> None:
    made = magnify_video(saved, factor=8)
    made.save(tmp_path / "out.mp4")
    told = made.measured_gain(tmp_path / "out.mp4")
    assert told is not None and abs(told / made.motion.gain - 1) < 0.08
    record = read_request(tmp_path / "out.mp4")
    assert record["magnify"]["factor"] == 8 and record["source"]["path"] == "video"
    far = magnify_video(saved, factor=32, blur_space=1)
    swinging(2).save(tmp_path / "far")
    assert magnify_video(tmp_path / "far", factor=32).measured_gain(tmp_path / "out.mp4") is None
    assert far.motion.factor == 32


def test_where_nothing_moves_pixels_stay_as_they_are(saved: Path) -> None:
    made = magnify_video(saved, factor=16)
    frames, before = np.stack(list(made)), read_video(saved).frames
    moved = np.abs(frames.astype(int) - before)
    assert moved[:, 20:-20, 130:-10].mean() < 0.05 < 3 < moved[:, 20:-20, 20:60].mean()
    restless = magnify_video(saved, factor=16, calm=False)
    assert np.abs(restless.motion.smooth).sum() > np.abs(made.motion.smooth).sum()


def test_only_the_band_is_magnified(tmp_path: Path) -> None:
    swinging(0.2, drift=0.6).save(tmp_path / "video")
    alone = magnify_video(tmp_path / "video", factor=8, band=(1, 4)).motion.moves_of_first()
    everything = magnify_video(tmp_path / "video", factor=8).motion.moves_of_first()
    inner = np.s_[:, 6:-6, 6:14]
    assert np.abs(everything[inner][-1, ..., 1].mean() - 8 * 0.6) < 0.6
    assert np.abs(alone[inner][..., 1]).mean() < 0.4
    assert 1.2 < np.ptp(alone[inner][..., 0].mean(axis=(1, 2))) / 2 < 1.9
    steady = magnify_video(tmp_path / "video", factor=8, steady=True).motion.moves_of_first()
    assert np.abs(steady[inner][-1, ..., 1].mean() - 0.6) < 0.3


def test_the_filter_neither_delays_nor_changes_what_is_in_the_band() -> None:
    t = np.arange(120) / 30
    wave = np.sin(2 * np.pi * 3 * t) + 5 * t + 2
    series = np.broadcast_to(wave[:, None, None, None], (120, 1, 1, 2)).astype(np.float32)
    kept = in_band(series, (1.5, 6), 30)[20:-20, 0, 0, 0]
    np.testing.assert_allclose(kept, np.sin(2 * np.pi * 3 * t)[20:-20], atol=0.06)
    low = in_band(series, (0, 1), 30)[20:-20, 0, 0, 0]
    np.testing.assert_allclose(low, (5 * t + 2)[20:-20], atol=0.12)


def test_the_first_frame_can_be_moved_instead(saved: Path) -> None:
    made = magnify_video(saved, factor=8, engine="warp")
    frames = np.stack(list(made))
    np.testing.assert_array_equal(frames[0], read_video(saved).frames[0])
    gain, _ = halves(frames, made.reference)
    assert 6 < gain / 0.2 < 9


def test_the_gesture_makes_tracks_of_the_first_frame(saved: Path) -> None:
    magnify = Magnify(path="video", factor=10, count=60)
    scene = Scene(size=(320, 192), frames=FRAMES, fps=FPS, folder=saved.parent)
    tracks = magnify.expand(scene).tracks
    assert tracks is not None and 50 <= tracks.count <= 70 and tracks.size == (320, 192)
    x, y = tracks.points[:, 0].T
    left = (x > 50) & (x < 100) & (y > 40) & (y < 150)
    moved = tracks.displacements()[left, :, 0].mean(axis=0)
    assert abs(moved @ WAY / (WAY @ WAY) - 10 * 0.2 * 2) < 0.5
    still = tracks.displacements()[(x > 230) & (x < 300)]
    assert np.abs(still).max() < 0.2


def test_the_gesture_follows_the_clock_of_the_clip(saved: Path) -> None:
    scene = Scene(size=SIZE, frames=31, fps=15, folder=saved.parent)
    with pytest.raises(DocumentError, match=r"video is 0.533 s too short: its motion lasts 1.47 s"):
        Magnify(path="video").expand(scene)
    rest = Magnify(path="video", if_short="hold", count=30).expand(scene).tracks
    part = Magnify(path="video", count=30, region=(0, 0, 70, 96), end=1).expand(scene).tracks
    assert rest is not None and part is not None
    np.testing.assert_allclose(rest.points[:, -1], rest.points[:, -5], atol=1e-4)
    assert (part.points[:, 0, 0] < 70).all() and part.visible[:, :16].any()
    assert not part.specified[:, 16:].any()


def test_documents_and_shorthand(saved: Path) -> None:
    line = f"{saved} factor=16 band=0.5-3 steady no-calm blur-space=4 compensate short=stretch"
    made = parse_magnify(line)
    assert (made.factor, made.band, made.steady, made.calm) == (16, (0.5, 3), True, False)
    assert (made.blur_space, made.compensate, made.if_short) == (4, True, "stretch")
    document = Document(size=SIZE, frames=20, fps=15).add(made.model_copy(update={"calm": True}))
    assert Document.parse(document.to_dict(), saved.parent).gestures == document.gestures
    with pytest.raises(DocumentError, match=r'the magnify "a.mp4 band=3" has band=3; give two'):
        parse_magnify("a.mp4 band=3")


def test_a_tracker_may_say_where_to_look(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tracker(video: Video, queries: np.ndarray) -> Tracks:
        points = np.repeat(queries[:, None, 1:], len(video), axis=1)
        return Tracks.of(points, size=video.size, fps=video.fps)

    monkeypatch.setattr("kineograph.vision.eyes.eye", lambda kind, name, weights: tracker)
    scene = Scene(size=SIZE, frames=FRAMES, fps=FPS, folder=saved.parent)
    tracks = Magnify(path="video", tracker="held", count=30).expand(scene).tracks
    assert tracks is not None and np.abs(tracks.displacements()).max() > 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"factor": 0.5}, "magnify has the factor 0.5; give 1 to 32"),
        ({"factor": 33}, "magnify has the factor 33; give 1 to 32"),
        ({"band": (3, 1)}, "magnify has the band 3 to 1 Hz; give a lower and a higher"),
        ({"band": (2, 15)}, r"the band reaches 15 Hz; a video of 30 fps holds motion below 15 Hz"),
        (
            {"band": (0.3, 3)},
            r"the band begins at 0.3 Hz; the video lasts 1.5 s, less than one",
        ),
        ({"band": (8, 14)}, r"no motion to magnify between 8 and 14 Hz: .* or another band"),
    ],
)
def test_what_cannot_be_asked_for(saved: Path, fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        magnify_video(saved, **fields)


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_no_motion_to_magnify(tmp_path: Path, noise: float) -> None:
    swinging(0, noise).save(tmp_path / "video")
    with pytest.raises(DocumentError, match=r"there is no motion to magnify: what moves, .* px"):
        magnify_video(tmp_path / "video", factor=16)


def test_a_single_frame(tmp_path: Path) -> None:
    Video(made_texture((40, 30))[None], 8).save(tmp_path / "one")
    with pytest.raises(VideoError, match=r"one has 1 frame; motion needs 2 frames or more"):
        magnify_video(tmp_path / "one", factor=4)


def test_a_frame_is_pushed_by_exactly_what_was_asked() -> None:
    texture = made_texture((120, 80), grain=3)
    push = np.zeros((20, 30, 2), np.float32)
    rewarp = Rewarp((120, 80), (30, 20))
    np.testing.assert_array_equal(rewarp(texture, push, push), texture)
    push[..., 0] = 3
    pushed = rewarp(texture, np.zeros_like(push), push)
    np.testing.assert_array_equal(pushed[:, 6:], texture[:, 3:-3])
    stretch = (np.arange(30, dtype=np.float32) * 4 + 2 - 60) * 0.5
    push[..., 0] = stretch[None]
    wide = rewarp(texture, np.zeros_like(push), push)
    np.testing.assert_allclose(wide[40, 60:100:3, 0], texture[40, 60:87:2, 0], atol=22)


def test_water(clips: Path, tmp_path: Path) -> None:
    video = read_video(clips / "stream_of_water.mp4", max_frames=45)
    video.save(tmp_path / "water")
    made = magnify_video(tmp_path / "water", factor=8, band=(0.7, 4))
    made.save(tmp_path / "out.mp4")
    gain = made.measured_gain(tmp_path / "out.mp4")
    assert gain is not None and abs(gain / made.motion.gain - 1) < 0.2


def test_the_settings_are_those_of_the_gesture() -> None:
    assert set(Magnifier.model_fields) <= set(Magnify.model_fields)

"""Key frames: ends stay, even motion stays even, and other lengths come back."""

import numpy as np

import kineograph as kg
from kineograph.engines.base import Request
from kineograph.engines.detail.times import at_keys, frames_between, motion_between


def request(frames: int) -> Request:
    points = np.linspace([4, 8], [24, 16], frames)[None]
    placed = np.linspace([2, 2, 10, 10], [12, 2, 20, 10], frames)[None]
    size = (32, 32)
    return Request(
        size=size,
        frames=frames,
        fps=8,
        text="a ball",
        tracks=kg.Tracks.of(points, size=size, fps=8),
        boxes=kg.Boxes.of(placed, size=size, fps=8),
    )


def test_keys_cover_the_same_time() -> None:
    for frames in (2, 7, 16, 49):
        asked = request(frames)
        keyed = at_keys(asked, 16)
        assert keyed.frames == 16
        assert np.isclose((keyed.frames - 1) / keyed.fps, (frames - 1) / asked.fps)
        assert keyed.tracks is not None and keyed.boxes is not None
        assert (keyed.tracks.state == 1).all() and (keyed.boxes.state == 1).all()
        even = np.linspace([4, 8], [24, 16], 16)
        np.testing.assert_allclose(keyed.tracks.points[0], even, atol=1e-3)
    assert at_keys(request(16), 16).fps == 8


def test_an_even_motion_stays_even_between_keys() -> None:
    motion = np.zeros((3, 16, 2, 2), np.float32)
    motion[0] = np.linspace(0, 3, 16)[:, None, None]
    motion[2, 8:] = -0.5
    made = motion_between(motion, 46)
    np.testing.assert_allclose(made[0, :, 1, 1], np.linspace(0, 3, 46), atol=1e-5)
    assert made[2].min() >= -0.5 and made[2].max() <= 0  # never beyond what was said
    assert motion_between(motion, 16) is motion


def test_frames_fade_between_keys() -> None:
    images = np.arange(0, 160, 10, dtype=np.uint8)[:, None, None, None] * np.ones(
        (1, 2, 2, 3), np.uint8
    )
    made = frames_between(images, 31)
    np.testing.assert_array_equal(made[:, 0, 0, 0], np.arange(0, 155, 5))
    assert frames_between(images, 16) is images
    assert frames_between(images, 4).shape == (4, 2, 2, 3)

"""The photograph's own detail along a generated motion; generated content where it ends."""

import numpy as np
import pytest

import kineograph as kg
from kineograph.conditioning.first_motion import SEEN
from kineograph.core.errors import EngineError
from kineograph.engines.detail.detail import Detail

SIDE, FRAMES = 64, 4


def photograph(side: int = SIDE) -> np.ndarray:
    fine = np.random.default_rng(1).integers(0, 256, (side // 4, side // 4, 3), dtype=np.uint8)
    return np.kron(fine, np.ones((4, 4, 1), np.uint8))


def motion(shift: float = 0.0) -> np.ndarray:
    """All of the picture goes right by `shift` pixels of 64 a frame."""
    made = np.full((3, FRAMES, 8, 8), 0, np.float32)
    made[0] = np.arange(FRAMES)[:, None, None] * shift / 8  # in eighths of the side
    made[2] = SEEN
    return made


def generated(level: int = 90) -> np.ndarray:
    return np.full((FRAMES, SIDE, SIDE, 3), level, np.uint8)


def test_without_motion_every_frame_is_the_photograph() -> None:
    frames = list(Detail(photograph(), motion(), generated()))
    assert len(frames) == FRAMES
    for frame in frames:
        np.testing.assert_array_equal(frame.image, photograph())
        assert frame.known is not None and frame.known.min() == 255


@pytest.mark.parametrize("side", [64, 128, 256])
def test_the_whole_photograph_moves_at_its_own_size(side: int) -> None:
    picture, by = photograph(side), 8 * side // 64
    frame = Detail(picture, motion(4.0), generated()).at(2)
    inner = np.s_[4:-4, by + 4 : -4]
    error = frame.image.astype(int) - np.roll(picture, by, axis=1)
    assert np.abs(error)[inner].mean() < 2
    assert frame.known is not None
    assert frame.known[inner].min() == 255 and frame.known[:, : by - 2].max() == 0


def test_what_comes_in_is_what_was_generated() -> None:
    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    made = generated(80)
    made[:, 24:40, 0:6] = 200  # comes in at the left
    frame = Detail(picture, motion(4.0), made).at(3)
    assert frame.image[28:36, 1:4].min() > 170
    assert abs(int(frame.image[4:10, 1:4].mean()) - 90) < 6  # in the photograph's tone


def test_hidden_cells_show_what_was_generated() -> None:
    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    hidden, made = motion(), generated()
    hidden[2, 2:, 2:6, 2:6] = -SEEN
    made[:, 26:38, 26:38] = 200
    frames = list(Detail(picture, hidden, made))
    np.testing.assert_array_equal(frames[1].image, picture)
    known = frames[2].known
    assert known is not None and known[24:40, 24:40].max() == 0 and known[:8].min() == 255
    assert frames[2].image[28:36, 28:36].min() > 180
    np.testing.assert_array_equal(frames[2].image[:8], picture[:8])


def test_tracks_are_followed_where_the_model_missed_them() -> None:
    picture = np.full((SIDE, SIDE, 3), 60, np.uint8)
    picture[24:40, 16:32] = 220
    starts = np.stack(np.meshgrid(np.arange(17, 32, 2.0), np.arange(25, 40, 2.0)), -1)
    points = starts.reshape(-1, 1, 2) + np.arange(FRAMES)[:, None] * [6, 0]
    tracks = kg.Tracks.of(points, size=(SIDE, SIDE), fps=8)
    frame = Detail(picture, motion(), generated(60), tracks, 8).at(3)
    assert frame.image[27:37, 37:47].mean() > 200
    assert frame.image[27:37, 17:30].mean() < 80


def test_lengths_have_to_agree() -> None:
    with pytest.raises(EngineError, match="a motion of 4 frames was given with 3 generated ones"):
        Detail(photograph(), motion(), generated()[:3])

"""Videos of another size, length or rate are refused, unless one says what may be done."""

import numpy as np
import pytest

from kineograph.core.errors import EvaluationError
from kineograph.core.video import Video
from kineograph.evaluation.align import Alignment, aligned


def counted(frames: int, width: int, height: int, fps: float = 8) -> Video:
    """Every frame has its number as its grey level."""
    levels = np.arange(frames, dtype=np.uint8)[:, None, None, None]
    return Video(np.broadcast_to(levels, (frames, height, width, 3)).copy(), fps)


def test_what_fits_is_given_back_as_it_is() -> None:
    video = counted(5, 8, 6)
    assert aligned(video, (8, 6), 5, 8, Alignment()) is video.frames


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (counted(4, 8, 6), "4 frames where 5 are wanted; allow --align length=cut"),
        (counted(5, 9, 6), "9x6 where 8x6 is wanted; allow --align size=stretch or size=crop"),
        (counted(5, 8, 6, 12), "at 12 fps where 8 are wanted; allow it with --align rate=ignore"),
    ],
)
def test_nothing_is_done_that_was_not_said(video: Video, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        aligned(video, (8, 6), 5, 8, Alignment())


def test_cut_takes_the_first_frames_and_makes_none_up() -> None:
    found = aligned(counted(9, 8, 6), (8, 6), 5, 8, Alignment(length="cut"))
    assert found[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(EvaluationError, match="3 frames where 5 are wanted"):
        aligned(counted(3, 8, 6), (8, 6), 5, 8, Alignment(length="cut"))


def test_resampling_keeps_the_first_and_the_last_frame() -> None:
    found = aligned(counted(9, 8, 6, 16), (8, 6), 5, 8, Alignment(length="resample"))
    assert found[:, 0, 0, 0].tolist() == [0, 2, 4, 6, 8]


def test_another_rate_may_be_ignored() -> None:
    found = aligned(counted(5, 8, 6, 12), (8, 6), 5, 8, Alignment(rate="ignore"))
    assert found[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_cropping_keeps_proportions_and_the_middle() -> None:
    ramp = np.broadcast_to(np.arange(24, dtype=np.uint8)[None, None, :, None], (2, 8, 24, 3))
    video = Video(ramp.copy(), 8)
    cropped = aligned(video, (8, 8), 2, 8, Alignment(size="crop"))
    assert cropped.shape == (2, 8, 8, 3)
    assert cropped[0, 0, :, 0].tolist() == list(range(8, 16))
    stretched = aligned(video, (8, 8), 2, 8, Alignment(size="stretch"))
    assert stretched[0, 0, :, 0].tolist() == [1, 4, 7, 10, 13, 16, 19, 22]


def test_an_unknown_choice() -> None:
    with pytest.raises(EvaluationError, match="choose one of refuse, cut, resample"):
        Alignment(length="loop")

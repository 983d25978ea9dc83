"""SSIM: a slow loop, two other implementations, known answers."""

import cv2
import numpy as np
import pytest
import torch
from pairs import look_at, noisy, smooth_video
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.metric import table_of
from kineograph.evaluation.metrics import ssim as module
from kineograph.evaluation.metrics.ssim import METRICS, grey_ssim, ssim

TABLE = table_of(METRICS)
CLOSE = 5e-7
"""Single precision against double."""


def slow(one: np.ndarray, other: np.ndarray) -> float:
    """Wang et al. 2004, equations 13 to 16, window by window, in double precision."""
    at = np.arange(11) - 5
    line = np.exp(-(at**2) / 4.5)
    window = np.outer(line, line) / line.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = []
    for row in range(one.shape[0] - 10):
        for column in range(one.shape[1] - 10):
            for colour in range(one.shape[2]):
                place = (slice(row, row + 11), slice(column, column + 11), colour)
                x, y = one[place].astype(float), other[place].astype(float)
                mx, my = (window * x).sum(), (window * y).sum()
                vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
                vxy = (window * (x - mx) * (y - my)).sum()
                top = (2 * mx * my + c1) * (2 * vxy + c2)
                found.append(top / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(np.mean(found))


def skimage_ssim(one: np.ndarray, other: np.ndarray) -> float:
    return float(
        structural_similarity(
            one.astype(float),
            other.astype(float),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=2 if one.ndim == 3 else None,
        )
    )


def pictures(seed: int, size: tuple[int, int], spread: float) -> tuple[np.ndarray, np.ndarray]:
    one = smooth_video(seed, 1, size)[0]
    return one, noisy(one, spread, seed)


@pytest.mark.parametrize("spread", (2, 20, 100))
def test_it_is_that_of_the_slow_loop(spread: float) -> None:
    one, other = pictures(0, (23, 19), spread)
    assert ssim(one, other) == pytest.approx(slow(one, other), abs=CLOSE)


@pytest.mark.parametrize("size", ((64, 48), (11, 11), (301, 257), (1200, 40)))
@pytest.mark.parametrize("spread", (0.3, 15, 90))
def test_it_is_that_of_skimage(size: tuple[int, int], spread: float) -> None:
    one, other = pictures(1, size, spread)
    assert ssim(one, other) == pytest.approx(skimage_ssim(one, other), abs=CLOSE)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (one, other)]
    assert grey_ssim(one, other) == pytest.approx(skimage_ssim(*grey), abs=CLOSE)


def test_it_is_that_of_torchmetrics() -> None:
    one, other = pictures(2, (96, 64), 25)
    tensors = (torch.from_numpy(p).double().permute(2, 0, 1)[None] for p in (one, other))
    _, places = structural_similarity_index_measure(
        *tensors, data_range=255.0, sigma=1.5, return_full_image=True
    )  # it goes on over the border, into a reflection
    theirs = float(places[..., 5:-5, 5:-5].mean())
    assert ssim(one, other) == pytest.approx(theirs, abs=CLOSE)


@pytest.mark.parametrize("levels", ((100, 150), (0, 0), (0, 3), (255, 252), (0, 255)))
def test_plain_pictures_have_a_closed_form(levels: tuple[int, int]) -> None:
    """No variance: (2 a b + C1) / (a^2 + b^2 + C1)."""
    one, other = (np.full((20, 20, 3), value, np.uint8) for value in levels)
    (a, b), c1 = levels, 2.55**2
    known = (2 * a * b + c1) / (a**2 + b**2 + c1)
    assert ssim(one, other) == pytest.approx(known, abs=CLOSE)


def test_the_same_is_one_and_the_negative_is_below_zero() -> None:
    one = smooth_video(3, 1, (64, 64))[0]
    assert ssim(one, one) == pytest.approx(1, abs=CLOSE)
    assert ssim(one, 255 - one) < -0.5


def test_one_and_the_other_may_be_swapped() -> None:
    one, other = pictures(4, (50, 40), 30)
    assert ssim(one, other) == pytest.approx(ssim(other, one), abs=1e-7)


def test_the_strips_that_it_works_in_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = pictures(5, (60, 77), 30)
    whole = ssim(one, other)
    for strip, rows in ((1, 1), (60 * 13, 2), (1, 67)):
        monkeypatch.setattr(module, "STRIP", strip)
        monkeypatch.setattr(module, "ROWS", rows)
        assert ssim(one, other) == pytest.approx(whole, abs=1e-7)


def test_a_picture_smaller_than_the_window() -> None:
    one = np.zeros((40, 10, 3), np.uint8)
    with pytest.raises(EvaluationError, match="11 pixels wide; a picture of 10x40 is too small"):
        ssim(one, one)
    look = look_at(one[None].repeat(3, 0), one[None].repeat(3, 0))
    assert np.isnan(TABLE["ssim"].measure(look)) and np.isnan(TABLE["ssim-grey"].measure(look))


def test_a_video_is_measured_frame_by_frame() -> None:
    truth = smooth_video(6, 4, (48, 32))
    found = np.concatenate([truth[:1], noisy(truth[1:], 30)])
    each = [skimage_ssim(a, b) for a, b in zip(found, truth, strict=True)]
    look = look_at(found, truth)
    assert TABLE["ssim"].measure(look) == pytest.approx(np.mean(each[1:]), abs=CLOSE)
    assert TABLE["ssim-all"].measure(look) == pytest.approx(np.mean(each), abs=CLOSE)
    assert TABLE["ssim-by-frame"].measure(look) == pytest.approx(each, abs=CLOSE)
    assert TABLE["ssim-grey"].measure(look) != TABLE["ssim"].measure(look)

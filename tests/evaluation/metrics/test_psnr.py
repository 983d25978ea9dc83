"""PSNR, and the readings that it and other measures of frames have."""

import numpy as np
import pytest
import torch
from pairs import look_at, noisy, smooth_video
from skimage.metrics import peak_signal_noise_ratio
from torchmetrics.functional.image import peak_signal_noise_ratio as torchmetrics_psnr

from kineograph.evaluation.metric import table_of
from kineograph.evaluation.metrics.psnr import METRICS, MOST, psnr

TABLE = table_of(METRICS)


def test_a_known_answer() -> None:
    """All pixels differ by 5: 10 log10(255^2 / 25)."""
    one = np.full((4, 6, 3), 100, np.uint8)
    assert psnr(one, one + 5) == pytest.approx(34.1514, abs=1e-4)
    assert psnr(np.zeros_like(one), np.full_like(one, 255)) == 0


@pytest.mark.parametrize("spread", (1, 10, 80))
def test_it_is_that_of_others(spread: float) -> None:
    one = smooth_video(0, 1, (64, 48))[0]
    other = noisy(one, spread)
    assert psnr(one, other) == pytest.approx(peak_signal_noise_ratio(one, other), abs=1e-9)
    tensors = (torch.from_numpy(picture).double() for picture in (one, other))
    theirs = torchmetrics_psnr(*tensors, data_range=255.0)
    assert psnr(one, other) == pytest.approx(float(theirs), abs=1e-4)


def test_what_is_equal_or_nearly_counts_as_the_most() -> None:
    one = np.zeros((300, 300, 3), np.uint8)
    other = one.copy()
    other[0, 0, 0] = 1  # 102.5 dB
    assert psnr(one, one) == psnr(one, other) == MOST


def test_views_and_videos_are_read_as_they_are() -> None:
    video = smooth_video(1, 3, (32, 24))
    other = noisy(video, 9)
    assert psnr(video[:, ::2, ::-1], other[:, ::2, ::-1]) == pytest.approx(
        10 * np.log10(255**2 / np.mean((video[:, ::2].astype(float) - other[:, ::2]) ** 2))
    )


def test_the_given_first_frame_is_left_out_unless_all_are_asked_for() -> None:
    truth = np.full((3, 16, 16, 3), 100, np.uint8)
    found = truth + np.array([0, 5, 51], np.uint8)[:, None, None, None]
    decibels = [MOST, 10 * np.log10(255**2 / 25), 10 * np.log10(25)]
    look = look_at(found, truth)
    assert TABLE["psnr"].measure(look) == pytest.approx(np.mean(decibels[1:]))
    assert TABLE["psnr-all"].measure(look) == pytest.approx(np.mean(decibels))
    assert TABLE["psnr-by-frame"].measure(look) == pytest.approx(decibels)
    assert TABLE["psnr-by-frame"].kind == "curve"


def test_a_single_frame_has_none_after_the_first() -> None:
    look = look_at(*[np.zeros((1, 16, 16, 3), np.uint8)] * 2)
    assert np.isnan(TABLE["psnr"].measure(look)) and TABLE["psnr-all"].measure(look) == MOST


def test_frames_are_measured_once_for_all_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    import kineograph.evaluation.metrics.psnr as module

    seen = []
    monkeypatch.setattr(module, "of_pairs", lambda *said: seen.append(said) or np.ones(2))
    look = look_at(*[np.zeros((2, 16, 16, 3), np.uint8)] * 2)
    for metric in METRICS:
        metric.measure(look)
    assert len(seen) == 1

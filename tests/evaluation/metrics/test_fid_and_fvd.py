"""FID and FVD: which frames are read, and what is made of the features."""

from typing import Any

import numpy as np
import pytest
from pairs import look_at, smooth_video

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.known import BACKBONES
from kineograph.evaluation.backbones.store import Backbones
from kineograph.evaluation.measuring import measure
from kineograph.evaluation.metric import table_of
from kineograph.evaluation.metrics import fid, fvd
from kineograph.evaluation.metrics.fid import MOST, counted

TABLE = table_of(fid.METRICS, fvd.METRICS)


class Colours:
    """A network whose features are the mean colours of what it is shown."""

    frames = 10

    def __init__(self, name: str) -> None:
        self.whole = name != "inception"

    def features(self, frames: np.ndarray) -> np.ndarray:
        return frames.mean(axis=(0, 1, 2) if self.whole else (1, 2)).astype(np.float32)


class OfColours(Backbones):
    def get(self, name: str) -> Any:
        return Colours(name)


def part(name: str, frames: np.ndarray, truth: np.ndarray) -> Any:
    return TABLE[name].measure(look_at(frames, truth, OfColours()))


@pytest.mark.parametrize("name", ("fvd", "fvd-videomae"))
def test_fvd_reads_whole_videos(name: str) -> None:
    found, truth = smooth_video(0, 12, (24, 16)), smooth_video(1, 12, (24, 16))
    held = part(name, found, truth)
    np.testing.assert_allclose(held.generated, found.mean(axis=(0, 1, 2))[None], rtol=1e-6)
    np.testing.assert_allclose(held.reference, truth.mean(axis=(0, 1, 2))[None], rtol=1e-6)


@pytest.mark.parametrize("name", ("fvd", "fvd-videomae"))
def test_videos_shorter_than_the_network_reads_are_left_out(name: str) -> None:
    video = smooth_video(0, 9, (24, 16))
    assert part(name, video, video) is None
    look = look_at(video, video, OfColours())
    assert measure(look, [TABLE[name]]).features == {}


def test_fid_reads_the_frames_after_the_first() -> None:
    found, truth = smooth_video(0, 5, (24, 16)), smooth_video(1, 5, (24, 16))
    held = part("fid", found, truth)
    np.testing.assert_allclose(held.generated, found[1:].mean(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(held.reference, truth[1:].mean(axis=(1, 2)), rtol=1e-6)
    assert part("fid", found[:1], truth[:1]) is None


def test_fid_reads_so_many_of_a_long_video() -> None:
    numbered = np.arange(200, dtype=np.uint8)[:, None, None, None].repeat(3, 3)
    held = counted(numbered)[:, 0, 0, 0]
    assert len(held) == MOST and (held[0], held[-1]) == (1, 199)
    assert np.ptp(np.diff(held.astype(int))) <= 1
    assert len(counted(numbered[: MOST + 1])) == MOST


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_set_is_settled_by_the_distance_of_its_features(name: str) -> None:
    metric = TABLE[name]
    parts = [
        part(name, smooth_video(seed, 12, (24, 16)) // 2, smooth_video(seed, 12, (24, 16)))
        for seed in range(6)
    ]
    generated, reference = (
        np.concatenate([getattr(held, which) for held in parts])
        for which in ("generated", "reference")
    )
    assert metric.settle is not None
    assert metric.settle(reference, reference) == pytest.approx(0, abs=1e-6)
    half = ((reference.mean(axis=0) / 2) ** 2).sum()
    assert metric.settle(generated, reference) == pytest.approx(float(half), rel=0.05)
    with pytest.raises(EvaluationError, match="give at least two clips"):
        metric.settle(generated[:1], reference[:1])
    assert metric.least > 100


@pytest.mark.parametrize("name", sorted(TABLE))
def test_without_its_network_a_metric_says_what_to_fetch(name: str) -> None:
    (backbone,) = TABLE[name].backbones
    video = smooth_video(0, 12, (24, 16))
    with pytest.raises(EvaluationError) as caught:
        TABLE[name].measure(look_at(video, video))
    told = str(caught.value)
    assert BACKBONES[backbone].get in told and BACKBONES[backbone].files[0] in told

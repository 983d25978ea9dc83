"""MotiF's heatmaps: known values, every option against plain loops, the masked variant."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from kineograph.conditioning.motion_heatmap import (
    flow_of,
    masked_heatmap,
    motion_heatmap,
    moving_points,
    speed,
)
from kineograph.core.errors import VisionError
from kineograph.vision.dis import DisFlow
from kineograph.vision.masks import Masker
from named_scenes import scene


def some_flow(batch: int = 2, pairs: int = 3, height: int = 12, width: int = 20) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    still = torch.rand(batch, pairs, 1, height, width, generator=draw) < 0.6
    return torch.randn(batch, pairs, 2, height, width, generator=draw) * ~still


def scaled_by_loops(flow: Tensor, normalise: str) -> list[list[list[list[float]]]]:
    height, width = flow.shape[-2:]
    found = []
    for clip in flow.tolist():
        speeds = []
        for dxs, dys in clip:
            rows = []
            for dx_row, dy_row in zip(dxs, dys, strict=True):
                row = []
                for dx, dy in zip(dx_row, dy_row, strict=True):
                    if normalise == "size":
                        dx, dy = dx / width, dy / height
                    length = math.hypot(dx, dy)
                    row.append(length / math.hypot(width, height) if "d" in normalise else length)
                rows.append(row)
            speeds.append(rows)
        if normalise == "clip-max":
            largest = max(v for frame in speeds for row in frame for v in row)
            speeds = [[[v / largest for v in row] for row in frame] for frame in speeds]
        found.append(speeds)
    return found


def cell_by_loops(values: list[list[float]], row: int, column: int, s: int, how: str) -> float:
    held = [values[row * s + i][column * s + j] for i in range(s) for j in range(s)]
    if how == "nearest":
        return values[row * s + s // 2][column * s + s // 2]
    return max(held) if how == "max" else sum(held) / len(held)


def heatmap_by_loops(flow: Tensor, options: dict) -> Tensor:
    s = options["stride"]
    clips = []
    for speeds in scaled_by_loops(flow, options["normalise"]):
        maps = []
        for frame in speeds:
            m = [[1 / (1 + math.exp(min(100 * (0.05 - v), 700))) for v in row] for row in frame]
            rows, columns = len(m) // s, len(m[0]) // s
            maps.append(
                [
                    [cell_by_loops(m, i, j, s, options["downsample"]) for j in range(columns)]
                    for i in range(rows)
                ]
            )
        if options["inverse"]:
            maps = [[[1 - v for v in row] for row in frame] for frame in maps]
        last = maps[-1]
        if options["last"] == "zero":
            last = [[0.0] * len(row) for row in last]
        clips.append([[*maps, last]])
    return torch.tensor(clips)


@pytest.mark.parametrize("normalise", ["clip-max", "diagonal", "size", "none"])
@pytest.mark.parametrize("downsample", ["area", "max", "nearest"])
@pytest.mark.parametrize(("last", "inverse"), [("repeat", False), ("zero", True)])
def test_every_option_equals_its_loops(
    normalise: str, downsample: str, last: str, inverse: bool
) -> None:
    options = {
        "stride": 4, "normalise": normalise, "downsample": downsample,
        "last": last, "inverse": inverse,
    }  # fmt: skip
    flow = some_flow()
    found = motion_heatmap(flow, **options)  # type: ignore[arg-type]
    assert found.shape == (2, 1, 4, 3, 5)
    torch.testing.assert_close(found, heatmap_by_loops(flow, options), atol=2e-5, rtol=0)


def test_the_papers_values() -> None:
    flow = torch.zeros(1, 1, 2, 1, 4)
    flow[0, 0, 0, 0] = torch.tensor([0, 0.05, 0.1, 1])
    found = motion_heatmap(flow, stride=1)[0, 0, 0, 0]
    assert found.tolist() == pytest.approx([0.0067, 0.5, 0.9933, 1], abs=1e-4)


def test_clips_are_scaled_on_their_own_and_a_still_one_stays_still() -> None:
    flow = some_flow(3)
    flow[1] = 0
    alone = motion_heatmap(flow[2:] * 7, stride=4)
    together = motion_heatmap(flow, stride=4)
    torch.testing.assert_close(together[2:], alone)  # the largest is 1 whatever the scale
    assert together[1].max() < 0.007
    assert speed(flow)[0].max() == 1 and speed(flow, "none")[0].max() > 1


def test_a_moving_things_heatmap_from_real_flow() -> None:
    made = scene("pan", 8).video().frames[:4]
    flow = flow_of(made, DisFlow())
    assert flow.shape == (3, 2, *made.shape[1:3]) and flow.dtype == torch.float32
    assert torch.equal(flow[1], torch.from_numpy(DisFlow()(made[1], made[2])).permute(2, 0, 1))


def test_a_clip_without_motion_to_measure_is_refused() -> None:
    with pytest.raises(VisionError, match=r"^the motion of a clip of 1 frame was asked for; give"):
        flow_of(np.zeros((1, 40, 40, 3), np.uint8), DisFlow())
    with pytest.raises(VisionError, match=r"clip of 1 frame was asked"):
        motion_heatmap(torch.zeros(1, 0, 2, 8, 8))
    with pytest.raises(VisionError, match=r"^a heatmap of 20x12 was to have one value for 8x8"):
        motion_heatmap(some_flow())


class Sameness:
    """A `Masker` that knows the thing by its colour: all pixels of that under the click."""

    def __init__(self) -> None:
        self.clicks: list[tuple[float, float]] = []

    def __call__(self, picture, *, points=None, labels=None, box=None):  # type: ignore[no-untyped-def]
        assert points.shape == (1, 2)  # one thing a prompt
        x, y = points[0]
        self.clicks.append((float(x), float(y)))
        return (picture == picture[int(y), int(x)]).all(axis=-1)


def sliding_square(frames: int = 5, side: int = 40) -> tuple[np.ndarray, Tensor]:
    """A bright square of 8 pixels that goes 8 to the right a frame, and its exact flow."""
    video = np.zeros((frames, side, side, 3), np.uint8)
    flow = torch.zeros(frames - 1, 2, side, side)
    for index in range(frames):
        left = 8 * index
        video[index, 16:24, left : left + 8] = 200
        if index < frames - 1:
            flow[index, 0, 16:24, left : left + 8] = 8
    return video, flow


def test_the_masked_variant_follows_what_moves() -> None:
    video, flow = sliding_square()
    masker = Sameness()
    assert isinstance(masker, Masker)
    found = masked_heatmap(video, flow, masker)
    assert found.shape == (1, 5, 5, 5)
    wanted = torch.zeros(1, 5, 5, 5)
    for index in range(5):
        wanted[0, index, 2, index] = 1
    assert torch.equal(found, wanted)
    assert masker.clicks == [(0.5 + 8 * index, 16.5) for index in range(5)]
    turned = masked_heatmap(video, flow, Sameness(), inverse=True)
    assert torch.equal(turned, 1 - wanted)


def test_a_prompt_that_leaves_the_picture_ends() -> None:
    video, flow = sliding_square()
    flow[2, 0] = 100.0
    masker = Sameness()
    found = masked_heatmap(video, flow, masker)
    assert len(masker.clicks) == 3
    assert found[0, :3].any() and not found[0, 3:].any()


def test_nothing_moves_and_nothing_is_masked() -> None:
    video, flow = sliding_square()
    masker = Sameness()
    assert not masked_heatmap(video, flow * 0, masker).any()
    assert not masker.clicks


def moving_by_loops(flow: Tensor, cells: int, prompts: int) -> list[list[float]]:
    height, width = flow.shape[1] // cells, flow.shape[2] // cells  # whole parts only
    parts = []
    for i in range(cells):
        for j in range(cells):
            total, best, at = 0.0, -1.0, (0, 0)
            for y in range(i * height, (i + 1) * height):
                for x in range(j * width, (j + 1) * width):
                    length = math.hypot(float(flow[0, y, x]), float(flow[1, y, x]))
                    total += length
                    if length > best:
                        best, at = length, (x, y)
            parts.append((total, at))
    parts.sort(key=lambda part: -part[0])
    return [[x + 0.5, y + 0.5] for _, (x, y) in parts[:prompts]]


def test_prompts_equal_their_loops() -> None:
    flow = some_flow(1, 1, 20, 35)[0, 0]
    assert moving_points(flow).tolist() == moving_by_loops(flow, 5, 5)
    assert moving_points(flow, 1, 3).tolist() == moving_by_loops(flow, 1, 3)
    assert moving_points(flow[:, :17, :33]).shape == (5, 2)  # parts need not be alike


def test_prompts_need_pixels_and_flow_must_fit() -> None:
    with pytest.raises(VisionError, match=r"^a picture of 9x4 was to be cut into 5x5 parts; give"):
        moving_points(torch.zeros(2, 4, 9))
    video, flow = sliding_square()
    with pytest.raises(
        VisionError, match=r"^flow of \(3, 2, 40, 40\) was given for 5 frames of 40"
    ):
        masked_heatmap(video, flow[1:], Sameness())

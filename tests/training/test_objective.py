"""The objective: gradients against finite differences, weights against loops and known values."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.motion_heatmap import motion_heatmap
from kineograph.core.boxes import Boxes
from kineograph.core.errors import TrainingError
from kineograph.training.objective import (
    focal_weight,
    heat_on,
    inside_boxes,
    squared_error,
)
from kineograph.training.stage import Focal


def latents(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    said, target = torch.randn(2, 2, 3, 2, 3, 2, generator=draw, dtype=dtype)
    heat = torch.rand(2, 1, 2, 3, 2, generator=draw, dtype=dtype)
    return said, target, heat


@pytest.mark.parametrize("strength", [0.5, 1.0, 5.0])
def test_the_gradient_of_the_focal_loss_by_finite_differences(strength: float) -> None:
    said, target, heat = latents(torch.float64)
    said.requires_grad_(True)

    def loss(held: Tensor) -> Tensor:
        return squared_error(held, target, heatmap=heat, focal=strength).total

    assert torch.autograd.gradcheck(loss, (said,), eps=1e-6, atol=1e-9)
    loss(said).backward()
    assert said.grad is not None
    wanted = 2 * (1 + strength * heat**2) * (said.detach() - target) / said.numel()
    torch.testing.assert_close(said.grad, wanted)


def test_the_gradient_under_every_weight_by_finite_differences() -> None:
    said, target, heat = latents(torch.float64)
    weights = {"each": torch.tensor([0.3, 2.0]).double(), "inside": heat.flip(0) + 1}

    def loss(held: Tensor) -> Tensor:
        return squared_error(held, target, heatmap=heat, focal=2.0, **weights).total

    assert torch.autograd.gradcheck(loss, (said.requires_grad_(True),), eps=1e-6, atol=1e-9)


def test_it_is_the_papers_sum_of_two_losses() -> None:
    said, target, heat = latents()
    plain = ((said - target) ** 2).mean()
    focal = ((heat * (said - target)) ** 2).mean()
    made = squared_error(said, target, heatmap=heat, focal=2.0)
    torch.testing.assert_close(made.total, plain + 2 * focal)
    assert made.parts["plain"] == pytest.approx(plain.item())


@pytest.mark.parametrize("strength", [0, 0.0])
def test_no_strength_is_the_plain_loss_to_the_bit(strength: float) -> None:
    said, target, heat = latents()
    plain = torch.nn.functional.mse_loss(said, target)
    assert torch.equal(squared_error(said, target).total, plain)
    assert torch.equal(squared_error(said, target, heatmap=heat, focal=strength).total, plain)
    ones = focal_weight(heat, strength)
    assert torch.equal((ones * (said - target) ** 2).mean(), plain)


def test_known_weights() -> None:
    heat = torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 1, 1, 3)
    assert focal_weight(heat, 2.0).flatten().tolist() == [1.0, 1.5, 3.0]
    said = torch.zeros(1, 1, 1, 1, 3)
    made = squared_error(said, said + 2, heatmap=heat, focal=2.0)
    assert made.total.item() == pytest.approx(4 * (1 + 1.5 + 3) / 3)


def test_half_precision_is_weighed_in_full() -> None:
    said, target, heat = latents()
    made = squared_error(said.bfloat16(), target, heatmap=heat, focal=1.0)
    assert made.total.dtype == torch.float32


def test_the_error_of_what_moves_is_told_apart() -> None:
    heat = torch.tensor([0.1, 0.9]).view(1, 1, 1, 1, 2)
    said = torch.tensor([1.0, 3.0]).view(1, 1, 1, 1, 2).repeat(1, 4, 1, 1, 1)
    parts = squared_error(said, torch.zeros_like(said), heatmap=heat).parts
    assert parts == {"plain": 5.0, "moving": 9.0}


def test_a_clips_own_weight() -> None:
    said = torch.ones(2, 1, 1, 2, 2)
    target = torch.zeros_like(said)
    total = squared_error(said, target, each=torch.tensor([3.0, 0.5])).total
    assert total.item() == pytest.approx(1.75)


def test_the_focal_loss_needs_to_know_what_moves() -> None:
    said, target, _ = latents()
    with pytest.raises(
        TrainingError, match=r"nothing that says where they move; prepare .* --flow"
    ):
        squared_error(said, target, focal=1.0)


def boxes(**changed: Any) -> BoxBatch:
    """Two clips of 2 frames of 16x8 pixels: one box that moves and one that is hidden; none."""
    held = {
        "boxes": np.array(
            [[[0, 0, 4, 4], [6, 1, 9, 3]], [[8, 4, 16, 8], [8, 4, 16, 8]]], np.float32
        ),
        "state": np.array([[1, 1], [2, 0]], np.uint8),
        "hard": np.ones((2, 2), np.bool_),
        "labels": ("cat", "dog"),
        "size": (16, 8),
        "fps": 8.0,
    }
    return BoxBatch.of([Boxes(**(held | changed)), None], frames=2, size=(16, 8))


def test_cells_inside_boxes_count_more_and_the_mean_stays() -> None:
    weights = inside_boxes(boxes(), (2, 4), 2.0)
    assert weights.shape == (2, 1, 2, 2, 4)
    inside = torch.zeros(2, 2, 4)
    inside[0, 0, 0] = 1  # 0..4 x 0..4: one cell of 4 pixels
    inside[1, 0, 1:3] = 1  # 6..9 x 1..3 lies in two
    wanted = 1 + inside
    torch.testing.assert_close(weights[0, 0], wanted / wanted.mean())
    torch.testing.assert_close(weights.mean(dim=(1, 2, 3, 4)), torch.ones(2))
    assert torch.equal(weights[1], torch.ones(1, 2, 2, 4))


def test_heat_comes_from_flow_as_the_stage_says() -> None:
    flow = torch.randn(2, 3, 2, 8, 12, generator=torch.Generator().manual_seed(0))
    for asked in (
        Focal(),
        Focal(normalise="diagonal", last="zero", downsample="max", inverse=True),
    ):
        made = heat_on((4, 6), asked, flow=flow)
        wanted = motion_heatmap(
            flow,
            stride=2,
            normalise=asked.normalise,
            last=asked.last,
            downsample=asked.downsample,
            inverse=asked.inverse,
        )
        assert made is not None and torch.equal(made, wanted)
    assert heat_on((4, 6), Focal(masks=True), flow=flow) is None
    assert heat_on((4, 6), Focal()) is None


@pytest.mark.parametrize(("how", "wanted"), [("area", 0.25), ("max", 1.0), ("nearest", 1.0)])
def test_a_heatmap_of_pixels_is_brought_to_the_latents(how: str, wanted: float) -> None:
    heat = torch.zeros(1, 1, 1, 4, 4)
    heat[..., 1, 3] = 1.0
    made = heat_on((2, 2), Focal(downsample=how), heatmap=heat)
    assert made is not None
    assert made.flatten().tolist() == [0, wanted, 0, 0]
    turned = heat_on((2, 2), Focal(downsample=how, inverse=True), heatmap=heat)
    assert turned is not None and torch.equal(turned, 1 - made)
    finished = heat_on((4, 4), Focal(inverse=True), heatmap=heat)
    assert finished is not None and torch.equal(finished, heat)


def test_a_heatmap_of_another_size_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"heatmaps of 5x4 were given for latents of 2x2; make"):
        heat_on((2, 2), Focal(), heatmap=torch.zeros(1, 1, 1, 4, 5))

"""ROI-align: known answers, and the same as sampling with grid_sample."""

import pytest
import torch
from einops import rearrange
from torch.nn.functional import grid_sample

from kineograph.models.grounding.roi_align import level_grid, roi_align

torch.set_num_threads(1)
ROWS, COLUMNS = 5, 8


def features() -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randn(2, ROWS * COLUMNS, 3, generator=draw)


def boxes() -> torch.Tensor:
    draw = torch.Generator().manual_seed(1)
    corners = torch.rand(2, 4, 2, generator=draw) * 0.7
    return torch.cat([corners, corners + 0.05 + 0.25 * torch.rand(2, 4, 2, generator=draw)], -1)


def sampled(held: torch.Tensor, box: torch.Tensor, size: int, samples: int) -> torch.Tensor:
    """One box of one frame by torch's own sampling, (size * size, channels)."""
    steps = (torch.arange(size * samples) + 0.5) / (size * samples)
    x = box[0] + (box[2] - box[0]) * steps
    y = box[1] + (box[3] - box[1]) * steps
    points = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1) * 2 - 1
    picture = rearrange(held, "(r c) w -> 1 w r c", r=ROWS)
    found = grid_sample(picture, points[None], padding_mode="border", align_corners=False)[0]
    return rearrange(found, "w (u a) (v b) -> (u v) (a b) w", u=size, v=size).mean(dim=1)


@pytest.mark.parametrize(("size", "samples"), [(1, 1), (1, 6), (2, 3), (3, 2)])
def test_it_is_the_mean_of_bilinear_samples(size: int, samples: int) -> None:
    held, placed = features(), boxes()
    found = roi_align(held, (ROWS, COLUMNS), placed, size=size, samples=samples)
    assert found.shape == (2, 4, size * size, 3)
    for frame in range(2):
        for box in range(4):
            wanted = sampled(held[frame], placed[frame, box], size, samples)
            torch.testing.assert_close(found[frame, box], wanted, atol=1e-5, rtol=1e-5)


def test_whole_cells_are_averaged_and_the_whole_picture_is_its_mean() -> None:
    held = features()
    whole = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(2, 1, 4)
    wide = roi_align(held, (ROWS, COLUMNS), whole, size=1, samples=40)[:, 0, 0]
    torch.testing.assert_close(wide, held.mean(dim=1), atol=0.03, rtol=0)
    cell = torch.tensor([2 / 8, 3 / 5, 3 / 8, 4 / 5]).expand(2, 1, 4)
    one = roi_align(held, (ROWS, COLUMNS), cell, samples=1)[:, 0, 0]
    torch.testing.assert_close(one, held[:, 3 * COLUMNS + 2])


def test_a_ramp_gives_the_centre_of_the_box() -> None:
    ramp = rearrange(torch.arange(8.0) + 0.5, "c -> 1 c 1").repeat(1, ROWS, 1)
    box = torch.tensor([[[0.25, 0.2, 0.75, 0.6], [0.5, 0.0, 0.625, 1.0]]])
    found = roi_align(ramp, (ROWS, COLUMNS), box)[0, :, 0, 0]
    torch.testing.assert_close(found, torch.tensor([4.0, 4.5]))


def test_an_empty_box_and_one_beside_the_picture_have_finite_features() -> None:
    odd = torch.tensor([[[0.5, 0.5, 0.5, 0.5], [1.2, 0.1, 1.5, 0.4]]]).repeat(2, 1, 1)
    assert roi_align(features(), (ROWS, COLUMNS), odd).isfinite().all()


@pytest.mark.parametrize("grid", [(64, 64), (40, 64), (9, 15), (1, 7)])
def test_the_grid_of_every_level_is_found(grid: tuple[int, int]) -> None:
    rows, columns = grid
    for _ in range(4):
        assert level_grid(grid, rows * columns) == (rows, columns)
        rows, columns = -(-rows // 2), -(-columns // 2)

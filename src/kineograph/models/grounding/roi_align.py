"""ROI-align: the features inside boxes, sampled and averaged."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor


def roi_align(
    features: Float[Tensor, "frames cells channels"],
    grid: tuple[int, int],
    boxes: Float[Tensor, "frames objects 4"],
    *,
    size: int = 1,
    samples: int | None = None,
) -> Float[Tensor, "frames objects bins channels"]:
    """The mean of the features in each of a box's bins (Mask R-CNN, 1703.06870, section 3).

    Each bin is sampled bilinearly at regularly placed points, which are averaged. Cells have their
    centres at (column + 0.5, row + 0.5), and points beyond the outermost centres take the border
    cells' features: torchvision's `aligned=True`. The samples of a box lie on a grid, so the
    bilinear weights of rows and of columns are averaged apart and no sample is ever stored.

    Args:
        features: cells row by row.
        grid: (rows, columns) of the cells.
        boxes: x0, y0, x1, y1 in 0..1 of the picture.
        size: bins along either side of a box.
        samples: points along either side of a bin; None takes as many as a bin could have cells.

    Returns:
        Bins row by row.
    """
    rows, columns = grid
    x0, y0, x1, y1 = boxes.clamp(0, 1).float().unbind(dim=-1)
    across = _weights(x0, x1, columns, size, samples)
    down = _weights(y0, y1, rows, size, samples)
    placed = rearrange(features, "n (r c) w -> n r c w", r=rows, c=columns)
    found = torch.einsum("nour,novc,nrcw->nouvw", down.to(placed), across.to(placed), placed)
    return rearrange(found, "n o u v w -> n o (u v) w")


def level_grid(grid: tuple[int, int], cells: int) -> tuple[int, int]:
    """(rows, columns) of a U-Net's level that has so many cells; each level halves, rounding up.

    Args:
        grid: (rows, columns) of the latents.
        cells: of the level.
    """
    rows, columns = grid
    while rows * columns > cells:
        rows, columns = -(-rows // 2), -(-columns // 2)
    assert rows * columns == cells, f"no level of a {grid} grid has {cells} cells"
    return rows, columns


def _weights(
    low: Float[Tensor, "frames objects"],
    high: Float[Tensor, "frames objects"],
    cells: int,
    size: int,
    samples: int | None,
) -> Float[Tensor, "frames objects bins cells"]:
    """How much each cell of one axis counts in each bin: the samples' mean bilinear weights."""
    each = samples or -(-cells // size)
    steps = (torch.arange(size * each, device=low.device) + 0.5) / (size * each)
    points = (low[..., None] + (high - low)[..., None] * steps) * cells - 0.5
    points = points.clamp(0, cells - 1)
    centres = torch.arange(cells, device=low.device)
    weights = (1 - (points[..., None] - centres).abs()).clamp(min=0)
    return rearrange(weights, "n o (b s) c -> n o b s c", b=size).mean(dim=-2)

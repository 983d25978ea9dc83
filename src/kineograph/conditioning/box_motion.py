"""What boxes tell of the motion on the first frame's grid."""

import torch
from einops import rearrange, reduce
from jaxtyping import Bool, Float32
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.first_motion import SEEN, UNIT

HINTS = 5
"""Channels of `box_hints`."""


def box_hints(
    boxes: BoxBatch, grid: tuple[int, int], size: tuple[int, int]
) -> Float32[Tensor, "batch channels frames rows columns"]:
    """Every cell in an object's first box moves as that box does, in place and in size.

    Objects without a box in the first frame tell only where they are. Where boxes overlap, the
    smallest tells, as it is the likeliest to be in front.

    Args:
        boxes: of B clips.
        grid: (rows, columns) of the latents.
        size: (width, height) of the clips in pixels.

    Returns:
        (B, `HINTS`, T, h, w): dx and dy in `UNIT`, seen, told, all on the first frame's grid; and
        the share of boxes over each cell in frame t, at its place there.
    """
    centres = _centres(grid, boxes.boxes)
    first, known = boxes.boxes[:, :, :1], boxes.in_picture
    begins = known[:, :, 0]
    within = _within(centres, first)[:, :, 0] & begins[..., None, None]
    area = (first[..., 2:] - first[..., :2]).clamp(min=0).prod(dim=-1)[..., None]
    size_of = torch.where(within, area, torch.inf)
    own = (size_of == size_of.amin(dim=1, keepdim=True)) & within
    own = own & (own.cumsum(dim=1) == 1)
    told = own[:, :, None] & known[..., None, None]
    gone = _gone(centres, first, boxes.boxes, size)
    seen = torch.where(boxes.state == 1, SEEN, -SEEN)[..., None, None]
    parts = [*gone.unbind(dim=-1), seen.expand(told.shape), torch.ones_like(gone[..., 0])]
    hint = torch.stack([(part * told).sum(dim=1) for part in parts], dim=1)
    over = reduce(
        _within(centres, boxes.boxes) & known[..., None, None], "b o t h w -> b 1 t h w", "max"
    )
    return torch.cat([hint, over.to(hint)], dim=1)


def _centres(grid: tuple[int, int], like: Tensor) -> Float32[Tensor, "rows columns 2"]:
    """Cell centres as shares of the picture."""
    y = (torch.arange(grid[0], device=like.device) + 0.5) / grid[0]
    x = (torch.arange(grid[1], device=like.device) + 0.5) / grid[1]
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).to(like)


def _within(
    centres: Float32[Tensor, "rows columns 2"], boxes: Float32[Tensor, "batch objects frames 4"]
) -> Bool[Tensor, "batch objects frames rows columns"]:
    corners = rearrange(boxes, "b o t side -> b o t 1 1 side")
    return ((centres >= corners[..., :2]) & (centres < corners[..., 2:])).all(dim=-1)


def _gone(
    centres: Float32[Tensor, "rows columns 2"],
    first: Float32[Tensor, "batch objects 1 4"],
    boxes: Float32[Tensor, "batch objects frames 4"],
    size: tuple[int, int],
) -> Float32[Tensor, "batch objects frames rows columns 2"]:
    """How far the point at each cell goes with a box, in `UNIT`."""
    start, now = (rearrange(held, "b o t side -> b o t 1 1 side") for held in (first, boxes))
    place = (centres - start[..., :2]) / (start[..., 2:] - start[..., :2]).clamp(min=1e-3)
    moved = now[..., :2] + place * (now[..., 2:] - now[..., :2])
    pixels = torch.tensor(size, dtype=boxes.dtype, device=boxes.device)
    return (moved - centres) * pixels / (UNIT * max(size))

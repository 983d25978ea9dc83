"""The cells of a latent grid: how many there are, and which one a point is in.

Convention: a cell of stride s spans s x s raster pixels; the cell of a point is floor(x / s), and
cell 0 has its centre at s / 2. A video of T frames becomes 1 + (T - 1) / k latents: the first frame
alone, then groups of k.
"""

import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from kineograph.core.errors import ModelError


def latent_grid(size: tuple[int, int], stride: int) -> tuple[int, int]:
    """(height, width) in cells of a picture of `size` (width, height) in pixels.

    Raises:
        ModelError: `stride` is not positive, or does not divide the size.
    """
    if stride < 1:
        raise ModelError(f"a latent stride of {stride} was given; it has to be 1 or more")
    if size[0] % stride or size[1] % stride:
        raise ModelError(
            f"a picture of {size[0]}x{size[1]} has no whole number of cells of {stride} pixels; "
            f"give width and height as multiples of {stride}"
        )
    return size[1] // stride, size[0] // stride


def latent_frames(frames: int, per_latent: int, *, partial: bool = False) -> int:
    """The number of latents of a clip: the first frame alone, then groups of `per_latent`.

    Args:
        frames: the clip's.
        per_latent: frames a latent, 1 for a network that does not compress time.
        partial: whether the last group may be shorter.

    Raises:
        ModelError: `per_latent` is not positive, or the last group would be shorter.
    """
    if per_latent < 1:
        raise ModelError(f"{per_latent} frames a latent were given; give 1 or more")
    rest = (frames - 1) % per_latent
    if rest and not partial:
        low = frames - rest
        raise ModelError(
            f"a clip of {frames} frames does not fold to latents of {per_latent} frames; give 1 "
            f"frame more than a multiple of {per_latent}, such as {low} or {low + per_latent}"
        )
    return 1 + -(-(frames - 1) // per_latent)


def check_latent(
    first: Float[Tensor, "batch channels height width"], clips: int, grid: tuple[int, int]
) -> None:
    """Whether a first frame's latent belongs to these clips and this grid (height, width).

    Raises:
        ModelError: it does not.
    """
    height, width = first.shape[2:]
    if (height, width) != grid:
        raise ModelError(
            f"the first frame's latent is {width}x{height} cells and the tracks are for "
            f"{grid[1]}x{grid[0]}; give tracks of the size that was encoded, and its stride"
        )
    if first.shape[0] != clips:
        raise ModelError(
            f"latents of {first.shape[0]} first frames were given for the tracks of {clips} clips"
        )


def cell_rows(
    points: Float32[Tensor, "*shape 2"], grid: tuple[int, int], stride: int
) -> tuple[Int64[Tensor, "*shape"], Bool[Tensor, "*shape"]]:
    """The number of each point's cell, row by row, and whether it is on the grid (height, width).

    Off the grid the number means nothing.
    """
    column, row = torch.floor(points / stride).unbind(dim=-1)
    on = (column >= 0) & (column < grid[1]) & (row >= 0) & (row < grid[0])
    return torch.where(on, row * grid[1] + column, 0).to(torch.int64), on


def corners(
    points: Float32[Tensor, "*shape 2"], grid: tuple[int, int], stride: int
) -> tuple[Int64[Tensor, "*shape 4"], Float32[Tensor, "*shape 4"]]:
    """The four cells a point lies between, row by row, and its bilinear share of each; sums to 1.

    Beyond the middle of an outer cell that cell has the share of the one that is not there.
    """
    place = points / stride - 0.5
    low = torch.floor(place)
    high_share = place - low
    limit = torch.tensor([grid[1] - 1, grid[0] - 1], dtype=torch.float32, device=points.device)
    left, top = torch.minimum(low.clamp(min=0), limit).unbind(dim=-1)
    right, bottom = torch.minimum((low + 1).clamp(min=0), limit).unbind(dim=-1)
    x, y = high_share.unbind(dim=-1)
    rows = [line * grid[1] + column for line in (top, bottom) for column in (left, right)]
    shares = [(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x]
    return torch.stack(rows, dim=-1).to(torch.int64), torch.stack(shares, dim=-1)


def workplace(device: torch.device) -> torch.device:
    """Where conditions are computed that are wanted on a device: the CPU for MPS, else there.

    MPS has no scattered maxima of 64-bit numbers, and until torch 2.10 no sums of bags; a clip's
    conditions are made once, in memory that it shares with the CPU.
    """
    return torch.device("cpu") if device.type == "mps" else device


def bag_sums(
    table: Float[Tensor, "entries channels"],
    entries: Int64[Tensor, " picked"],
    bags: Int64[Tensor, " picked"],
    count: int,
    weights: Float32[Tensor, " picked"] | None = None,
) -> Float[Tensor, "{count} channels"]:
    """Row i is the sum of the table's entries whose bag is i, each times its weight.

    `bags` have to be in ascending order. So every row is written once, in order, by one worker:
    as fast as a copy, and the same bytes on every run, on a GPU too, where scattered additions
    come in any order.
    """
    if len(entries) == 0:
        return table.new_zeros(count, table.shape[1])
    offsets = bags.new_zeros(count + 1)
    torch.cumsum(torch.bincount(bags, minlength=count), dim=0, out=offsets[1:])
    return torch.nn.functional.embedding_bag(
        entries,
        table,
        offsets,
        mode="sum",
        include_last_offset=True,
        per_sample_weights=None if weights is None else weights.to(table.dtype),
    )

"""The first frame's latent copied along the tracks.

Wan-Move (Chu et al. 2025): each visible track copies the latent of the cell it starts in to the
cell it is in later, so an image-to-video network whose condition is such a latent follows the
tracks without new weights. `like="wan-move"` does just that, with what is weak in it;
`like="kineograph"` mends it.
"""

from typing import Literal

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from kineograph.conditioning.cells import (
    bag_sums,
    cell_rows,
    check_latent,
    corners,
    latent_frames,
    latent_grid,
    workplace,
)
from kineograph.conditioning.frame_groups import FrameGroups
from kineograph.conditioning.propagated import Propagated, carried, compose
from kineograph.conditioning.track_batch import TrackBatch

FULL = 1 << 30
"""A wholly covered cell, in the whole numbers that coverage is counted in."""


def propagate_latent(
    first: Float[Tensor, "batch channels height width"],
    tracks: TrackBatch,
    *,
    stride: int = 8,
    frames_per_latent: int = 1,
    like: Literal["kineograph", "wan-move"] = "kineograph",
    base: Float[Tensor, "batch channels latents height width"] | None = None,
    generator: torch.Generator | None = None,
) -> Propagated:
    """The latent of the first frame, carried along the tracks into the latents after it.

    "kineograph": a track seen in the first frame carries the bilinear sample of the latent where
    it starts, and covers, at each later latent, the four cells around its mean position over the
    frames it is seen in, by their bilinear shares times its strength. Nearer tracks cover first,
    and those behind get what is left of a cell; of tracks as deep as each other, or without a
    depth, the later in the list is on top. What is covered by a track not seen in the first frame
    stays the base and is negative in the mask. The clip may be of any length.

    "wan-move": the public code's way. Points are counted from pixel centres. Every k-th frame is
    read and the frames between are not. A visible track inside the picture copies one cell to one
    cell; of tracks that meet one wins, whatever their depth: the last in an order drawn from
    `generator`, or in their own without one. A track that is hidden or outside in the first frame
    copies the last cell of the last row.

    Args:
        first: (B, C, h, w), one clip each.
        tracks: of the same clips; (h, w) is their size over `stride`.
        stride: raster pixels a cell.
        frames_per_latent: k; the first frame is a latent alone.
        like: whose way.
        base: (B, C, T', h, w) what is there where nothing is written; None for zeros.
        generator: draws the order of "wan-move".

    Returns:
        T' = 1 + (T - 1) / k latents and their mask, in the type of `first`.

    Raises:
        ModelError: latent, tracks, base, stride or frames do not fit each other.
    """
    grid = latent_grid(tracks.size, stride)
    check_latent(first, tracks.batch, grid)
    home, place = first.device, workplace(first.device)
    first, tracks, base = (
        first.to(place),
        tracks.to(place),
        None if base is None else base.to(place),
    )
    partial = like == "kineograph"
    groups = latent_frames(tracks.frames, frames_per_latent, partial=partial) - 1
    if like == "wan-move":
        sums = _replaced(first, tracks, stride, frames_per_latent, generator)
    else:
        sums = _covered(first, tracks, stride, frames_per_latent)
    return compose(first, base, sums, groups).to(home)


def _covered(
    first: Float[Tensor, "batch channels height width"],
    tracks: TrackBatch,
    stride: int,
    per_latent: int,
) -> Float32[Tensor, "cells carried"]:
    """What covers each cell, front to back, summed."""
    groups = FrameGroups.of(tracks, per_latent)
    batch, latents, count = groups.seen.shape
    height, width = first.shape[2:]
    order = front_to_back(groups, count)
    points = groups.points.gather(2, repeat(order, "b g n -> b g n xy", xy=2))
    rows, shares = corners(points, (height, width), stride)
    clip = torch.arange(batch, device=rows.device)
    latent = rearrange(clip, "b -> b 1 1 1") * latents
    latent = latent + torch.arange(latents, device=rows.device)[:, None, None]
    entry = clip[:, None, None] * count + order
    firmness = tracks.strength.reshape(-1)[entry] * groups.seen.gather(2, order)
    amount = (shares * firmness[..., None] * FULL).round().to(torch.int64).reshape(-1)
    keep = amount > 0
    cells, place = (latent * height * width + rows).reshape(-1)[keep].sort(stable=True)
    entry = repeat(entry, "b g n -> (b g n corner)", corner=4)[keep][place]
    share = left_of_cell(cells, amount[keep][place])
    table = carried(first, tracks, stride)
    return bag_sums(table, entry, cells, batch * latents * height * width, share)


def front_to_back(groups: FrameGroups, count: int) -> Int64[Tensor, "batch groups tracks"]:
    """Which track is the nearest, the next, ...; of equally deep ones the later is in front."""
    later_first = torch.arange(count - 1, -1, -1, device=groups.seen.device)
    if groups.depth is None:
        return later_first.expand(groups.seen.shape)
    order = groups.depth.flip(2).argsort(dim=2, stable=True)
    return later_first[order]


def left_of_cell(
    cells: Int64[Tensor, " entries"], amount: Int64[Tensor, " entries"]
) -> Float32[Tensor, " entries"]:
    """How much of its cell each entry gets, those before it in the same cell being served first.

    Coverage is counted in whole numbers, whose sums are exact in any order of adding.

    Args:
        cells: ascending.
        amount: how much each entry would cover, of `FULL`.
    """
    before = amount.cumsum(0) - amount
    is_start = torch.ones_like(cells, dtype=torch.bool)
    is_start[1:] = cells[1:] != cells[:-1]
    # `before` never falls, so the largest at a start so far is that of the cell's own start
    start = torch.where(is_start, before, 0).cummax(0).values if len(cells) else before
    left = (FULL - (before - start)).clamp(min=0)
    return torch.minimum(amount, left).to(torch.float32) / FULL


def _replaced(
    first: Float[Tensor, "batch channels height width"],
    tracks: TrackBatch,
    stride: int,
    per_latent: int,
    generator: torch.Generator | None,
) -> Float32[Tensor, "cells carried"]:
    """The one track that each cell is copied from, as the sums of at most one entry."""
    height, width = first.shape[2:]
    points = tracks.pixel_centres()[:, :, ::per_latent]
    bound = torch.tensor(tracks.size, dtype=torch.float32, device=points.device)
    inside = ((points >= 0) & (points < bound)).all(dim=3)
    cells, _ = cell_rows(points, (height, width), stride)
    # the original marks "nowhere" by -1, which as an index is the last row and column
    cells = torch.where(inside & tracks.visible[:, :, ::per_latent], cells, -1)
    order = _drawn_order(tracks, generator)
    rows, written = cells[:, order, 1:], cells[:, order, 1:] >= 0
    count = first.shape[0] * rows.shape[2] * height * width
    clip = torch.arange(tracks.batch, device=rows.device)[:, None, None]
    latent = clip * rows.shape[2] + torch.arange(rows.shape[2], device=rows.device)
    turn = torch.arange(tracks.count, device=rows.device)[None, :, None].expand_as(rows)
    winner = torch.full((count,), -1, dtype=torch.int64, device=rows.device)
    winner.scatter_reduce_(0, (latent * height * width + rows)[written], turn[written], "amax")
    won = (winner >= 0).nonzero().squeeze(1)
    track = won // (count // first.shape[0]) * tracks.count + order[winner[won]]
    source = rearrange(first.float(), "b c h w -> b (h w) c")[clip[:, :, 0], cells[:, :, 0]]
    table = torch.cat([source, torch.ones_like(source[..., :2])], dim=2)
    sums = table.new_zeros(count, table.shape[2])
    strength = tracks.strength.reshape(-1)[track]
    sums[won] = rearrange(table, "b n c -> (b n) c")[track] * strength[:, None]
    return sums


def _drawn_order(tracks: TrackBatch, generator: torch.Generator | None) -> Int64[Tensor, " tracks"]:
    """A random order of the tracks, alike for all clips; their own without a generator."""
    if generator is None:
        return torch.arange(tracks.count, device=tracks.device)
    drawn = torch.randperm(tracks.count, generator=generator, device=generator.device)
    return drawn.to(tracks.device)

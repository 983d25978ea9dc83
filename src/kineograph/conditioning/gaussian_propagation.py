"""The first frame's latent spread along the tracks in soft spots.

ATI (Wang et al., "Any Trajectory Instruction", 2025): with positions measured so that the short
edge spans [-1, 1], track n weighs w_n = exp(-220 d^2) at distance d; in each cell the two heaviest
tracks add, y' = sum w_n f_n + (1 - clip(sum w_n, 0, 1)) y, f_n being the latent where the track
starts, and the mask is sum w_n. `like="ati"` does just that, with what is weak in it;
`like="kineograph"` mends it.
"""

from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor
from torch.nn.functional import embedding_bag, grid_sample

from kineograph.conditioning.cells import check_latent, latent_frames, latent_grid, workplace
from kineograph.conditioning.frame_groups import FrameGroups, in_groups
from kineograph.conditioning.propagated import Propagated, carried, compose
from kineograph.conditioning.spots import Axes, chunks, heaviest
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError

TEMPERATURE = 220.0
"""1 / (2 sigma^2) of the spots, in units of half the short edge."""


def propagate_gaussian(
    first: Float[Tensor, "batch channels height width"],
    tracks: TrackBatch,
    *,
    stride: int = 8,
    frames_per_latent: int = 1,
    like: Literal["kineograph", "ati"] = "kineograph",
    base: Float[Tensor, "batch channels latents height width"] | None = None,
    temperature: float | int = TEMPERATURE,
    top: int = 2,
) -> Propagated:
    """The latent of the first frame, spread along the tracks into the latents after it.

    "ati": the public code's way. Points are counted from pixel centres; the position at a latent
    is the mean over the frames the track is visible in, in the picture or not (divided by their
    number + 1e-5); cells are taken as spread from border to border. What a track carries is
    sampled where it is said to be in the first frame, seen there or not, zeros beyond the border.
    Where spots overlap the sum and the mask exceed 1.

    "kineograph": cells are where they are, and only frames inside the picture count. Of the
    heaviest tracks of a cell the nearest takes its weight and those behind share what is left of
    1, the heavier first where no depth is given. What belongs to a track not seen in the first
    frame stays the base and is negative in the mask. The clip may be of any length.

    Both: a track's strength multiplies its weight. Cells are searched only as far from a track as
    a float32 can tell its weight from nothing, some latents at a time, so memory stays small.

    Args:
        first: (B, C, h, w), one clip each.
        tracks: of the same clips; (h, w) is their size over `stride`.
        stride: raster pixels a cell.
        frames_per_latent: k; the first frame is a latent alone.
        like: whose way.
        base: (B, C, T', h, w) what is there where nothing is written; None for zeros.
        temperature: of the weights; larger makes smaller spots.
        top: how many tracks a cell listens to.

    Returns:
        T' = 1 + (T - 1) / k latents and their mask, in the type of `first`.

    Raises:
        ModelError: latent, tracks, base, stride or frames do not fit each other, or `temperature`
            or `top` is not positive.
    """
    if temperature <= 0 or top < 1:
        raise ModelError(
            f"a temperature of {temperature} and the top {top} were given; give positive numbers"
        )
    grid = latent_grid(tracks.size, stride)
    check_latent(first, tracks.batch, grid)
    home, place = first.device, workplace(first.device)
    first, tracks, base = (
        first.to(place),
        tracks.to(place),
        None if base is None else base.to(place),
    )
    groups = latent_frames(tracks.frames, frames_per_latent, partial=like == "kineograph") - 1
    axes = Axes.of(grid, stretched=like == "ati")
    depth = None
    if like == "ati":
        points, seen = _ati_points(tracks, frames_per_latent)
        table = _ati_carried(first, tracks)
    else:
        found = FrameGroups.of(tracks, frames_per_latent)
        points, seen, depth = _from_middle(found.points, tracks.size), found.seen, found.depth
        table = carried(first, tracks, stride)
    strength = tracks.strength[:, None] * seen
    tops = [
        heaviest(points[b, g], strength[b, g], axes, float(temperature), top)
        for b in range(tracks.batch)
        for g in chunks(groups, tracks.count, axes, float(temperature))
    ]
    if not tops:
        return compose(first, base, table.new_zeros(0, table.shape[1]), groups).to(home)
    weight, track = (torch.cat(parts) for parts in zip(*tops, strict=True))
    weight, track = (
        rearrange(x, "(b g) cell top -> b g cell top", b=tracks.batch) for x in (weight, track)
    )
    if like == "kineograph":
        weight, track = _shared(weight, track, depth)
    clip = torch.arange(tracks.batch, device=track.device)[:, None, None, None]
    made = compose(first, base, _sums(table, weight, track + clip * tracks.count), groups)
    return made.to(home)


def _from_middle(
    points: Float32[Tensor, "*shape 2"], size: tuple[int, int]
) -> Float32[Tensor, "*shape 2"]:
    """Positions from the middle of the picture, the short edge spanning [-1, 1]."""
    middle = torch.tensor(size, dtype=torch.float32, device=points.device) / 2
    return (points - middle) / min(size) * 2


def _ati_points(
    tracks: TrackBatch, per_latent: int
) -> tuple[Float32[Tensor, "batch groups tracks 2"], Bool[Tensor, "batch groups tracks"]]:
    """ATI's mean positions over the visible frames of each group, and whether there are any."""
    points = in_groups(_from_middle(tracks.pixel_centres(), tracks.size), per_latent)
    visible = in_groups(tracks.visible, per_latent)
    number = visible.sum(dim=2)
    total = points.masked_fill(~visible[..., None], 0).sum(dim=2)
    return total / (number + 1e-5)[..., None], number > 0


def _ati_carried(
    first: Float[Tensor, "batch channels height width"], tracks: TrackBatch
) -> Float32[Tensor, "entries carried"]:
    """The latent where each track is said to start, clamped to the picture; written 1, mask 1."""
    start = _from_middle(tracks.pixel_centres()[:, :, :1], tracks.size)
    half = torch.tensor(tracks.size, dtype=torch.float32, device=start.device) / min(tracks.size)
    places = (start / half).clamp(-1, 1)
    samples = grid_sample(first.float(), places, mode="bilinear", align_corners=False)
    table = rearrange(samples, "b c n 1 -> (b n) c")
    return torch.cat([table, table.new_ones(len(table), 2)], dim=1)


def _shared(
    weight: Float32[Tensor, "batch groups cells top"],
    track: Int64[Tensor, "batch groups cells top"],
    depth: Float32[Tensor, "batch groups tracks"] | None,
) -> tuple[Float32[Tensor, "batch groups cells top"], Int64[Tensor, "batch groups cells top"]]:
    """The nearest first, each with what those before it leave of 1."""
    if depth is not None:
        deep = depth.gather(2, track.flatten(2)).view_as(weight)
        order = deep.argsort(dim=3, stable=True)
        weight, track = weight.gather(3, order), track.gather(3, order)
    before = weight.cumsum(3) - weight
    return torch.minimum(weight, (1 - before).clamp(min=0)), track


def _sums(
    table: Float32[Tensor, "entries carried"],
    weight: Float32[Tensor, "batch groups cells top"],
    entry: Int64[Tensor, "batch groups cells top"],
) -> Float32[Tensor, "rows carried"]:
    """For each cell the weighted sum of what its tracks carry."""
    if len(table) == 0:
        return table.new_zeros(weight[..., 0].numel(), table.shape[1])
    return embedding_bag(
        rearrange(entry, "b g cell top -> (b g cell) top"),
        table,
        mode="sum",
        per_sample_weights=rearrange(weight, "b g cell top -> (b g cell) top"),
    )

"""The identity volume: each track writes its own random code wherever it is seen.

Geng et al., "Motion Prompting" (2024), section 3.1: c in R^{T x H x W x C} starts as zeros; for
every track n and frame t, c[t, y, x] += v[n, t] phi_n, where phi_n is the sinusoidal embedding of
an integer drawn without replacement from 128 x 128, and says nothing about where the track is.
MotionStream (2025) writes the same at latent resolution and folds 4 frames into channels.
"""

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Float32, Int
from torch import Tensor

from kineograph.conditioning.cells import (
    bag_sums,
    cell_rows,
    latent_frames,
    latent_grid,
    workplace,
)
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError

POOL = 128 * 128
"""How many identities there are; also the most tracks a clip can have."""

CHANNELS = 64
"""Channels of an identity's code."""


def identity_volume(
    tracks: TrackBatch,
    *,
    stride: int = 1,
    channels: int = CHANNELS,
    ids: Int[Tensor, "batch tracks"] | None = None,
    generator: torch.Generator | None = None,
    pool: int = POOL,
    frames_per_latent: int = 1,
    released_channel: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "batch codes latents height width"]:
    """The tracks of a batch as a volume a network reads.

    Convention: the code of a track goes to cell floor(x / stride) of its raster position, times
    the track's strength, where it is visible and inside the picture; codes that meet are summed.
    With `frames_per_latent` k the first frame is a latent alone, in the last of k slots, the k - 1
    before it being zeros; then every k frames make one, slot after slot: channel
    slot * codes + code.

    Args:
        tracks: B clips.
        stride: raster pixels a cell.
        channels: of a code, even.
        ids: whole numbers that name the tracks; None draws them.
        generator: what draws them.
        pool: how many there are to draw from.
        frames_per_latent: k.
        released_channel: append a channel to every frame's codes that holds, cell by cell, the
            summed strength of the occluded points there. A released track writes nothing, so this
            tells "hidden behind something" from "nobody says".
        dtype: of the volume.

    Returns:
        (B, k * codes, 1 + (T - 1) / k, H / stride, W / stride), where codes is `channels`, one
        more with `released_channel`. In memory the channels of a cell lie side by side
        (`torch.channels_last_3d`); `.contiguous()` copies to the usual order.

    Raises:
        ModelError: size or frames do not divide, there are more tracks than identities, neither
            `ids` nor `generator` is given, or `ids` has another shape.
    """
    grid = latent_grid(tracks.size, stride)
    latents = latent_frames(tracks.frames, frames_per_latent)
    if ids is None:
        if generator is None:
            raise ModelError("neither ids nor a generator to draw them was given; give one of them")
        ids = draw_ids(tracks.batch, tracks.count, generator=generator, pool=pool)
    if ids.shape != (tracks.batch, tracks.count):
        raise ModelError(
            f"ids of shape {tuple(ids.shape)} were given for {tracks.batch} clips of "
            f"{tracks.count} tracks; give one for each track"
        )
    home, tracks = tracks.device, tracks.to(workplace(tracks.device))
    table = _codes(tracks, ids, channels, released_channel).to(dtype)
    cells, on = cell_rows(tracks.points, grid, stride)
    frame = torch.arange(tracks.frames, device=tracks.device) + frames_per_latent - 1
    clip = torch.arange(tracks.batch, device=tracks.device)[:, None, None]
    latent = clip * latents + frame // frames_per_latent
    rows = (latent * grid[0] * grid[1] + cells) * frames_per_latent + frame % frames_per_latent
    written = on & (tracks.visible | tracks.occluded if released_channel else tracks.visible)
    count = tracks.batch * latents * grid[0] * grid[1] * frames_per_latent
    sums = bag_sums(table, *_in_order(tracks, rows, written), count)
    return rearrange(
        sums,
        "(b t h w k) c -> b (k c) t h w",
        b=tracks.batch,
        t=latents,
        h=grid[0],
        w=grid[1],
    ).to(home)


def draw_ids(
    batch: int, count: int, *, generator: torch.Generator, pool: int = POOL
) -> Int[Tensor, "{batch} {count}"]:
    """Identities for the tracks of each clip, without replacement within a clip.

    Raises:
        ModelError: there are more tracks than identities.
    """
    if count > pool:
        raise ModelError(
            f"{count} tracks were given and there are {pool} identities; give at most {pool} "
            "tracks a clip, or a larger pool"
        )
    drawn = [
        torch.randperm(pool, generator=generator, device=generator.device)[:count]
        for _ in range(batch)
    ]
    return torch.stack(drawn)


def identity_embedding(
    ids: Int[Tensor, "*shape"], channels: int = CHANNELS
) -> Float32[Tensor, "*shape {channels}"]:
    """The sinusoidal embedding of whole numbers, sine and cosine in turn, base 10000.

    Vaswani et al., "Attention Is All You Need" (2017), section 3.5. It is computed in float64, for
    a float32 angle of 16,000 radians is a thousandth off, and on the CPU: not every device has
    float64, and so a seed means the same codes on all of them.

    Raises:
        ModelError: `channels` is not a positive even number.
    """
    if channels < 2 or channels % 2:
        raise ModelError(
            f"identity codes of {channels} channels were asked for; give an even number, for they "
            "are pairs of sine and cosine"
        )
    pair = torch.arange(channels // 2, dtype=torch.float64)
    angle = ids.to("cpu", torch.float64)[..., None] * 10000.0 ** (-2 * pair / channels)
    both = torch.stack([angle.sin(), angle.cos()], dim=-1).to(torch.float32)
    return rearrange(both, "... pair two -> ... (pair two)").to(ids.device)


def _codes(
    tracks: TrackBatch, ids: Int[Tensor, "batch tracks"], channels: int, released: bool
) -> Float32[Tensor, "entries codes"]:
    """What each track adds where it is visible, and after these what it adds where occluded."""
    strength = tracks.strength[..., None]
    codes = identity_embedding(ids, channels).to(tracks.device)
    seen = rearrange(codes * strength, "b n c -> (b n) c")
    if not released:
        return seen
    hidden = torch.zeros_like(seen)
    mark = rearrange(strength, "b n one -> (b n) one")
    none = torch.zeros_like(mark)
    return torch.cat([torch.cat([seen, none], 1), torch.cat([hidden, mark], 1)])


def _in_order(
    tracks: TrackBatch,
    rows: Int[Tensor, "batch tracks frames"],
    written: Tensor,
) -> tuple[Tensor, Tensor]:
    """Entries of the table and the rows they go to, rows ascending, tracks in their order."""
    # frame by frame the rows are nearly sorted already, which makes the sort quick
    flat = rearrange(torch.where(written, rows, -1), "b n t -> (b t n)")
    entry = torch.arange(tracks.batch * tracks.count, device=tracks.device)
    entry = repeat(entry, "(b n) -> b t n", b=tracks.batch, t=tracks.frames)
    hidden = rearrange(tracks.occluded, "b n t -> b t n") * (tracks.batch * tracks.count)
    keep = flat >= 0
    flat, entry = flat[keep], (entry + hidden).reshape(-1)[keep]
    rows_sorted, order = flat.sort(stable=True)
    return entry[order], rows_sorted

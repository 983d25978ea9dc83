"""Motion on the first frame's grid: where the content of each of its cells is in every frame.

A dense motion prompt, cell by cell. A network that says it beside the pictures decides motion and
appearance together (as VideoJAM does with flow, Chefer et al. 2025, arXiv:2502.02492), and as it
lies on the first frame an object keeps its cells in all frames.
"""

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Float32, Int64
from torch import Tensor
from torch.nn import functional

from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.state import State
from kineograph.core.tracks import Tracks

UNIT = 1 / 8
"""Motion is counted in this share of the picture's longer side, so that it spreads by about 1."""

SEEN = 0.5
"""What stands for a content that can be seen; its negative for one that is hidden or outside."""

CHANNELS = 3
"""dx, dy and whether it can be seen."""

REACHES = (1.5, 5.0)
"""Standard deviations, in cells, over which hints are spread."""

HINTS = 4 + 3 * len(REACHES)
"""Channels of `hints`."""

NEARBY = 6
"""The one of them that says how much tracks nearby tell, 0 to 1."""


def motion_of(tracks: Tracks, stride: int) -> Float32[np.ndarray, "4 frames rows columns"]:
    """The motion of a clip as its tracks tell it: each cell goes with the track nearest its centre.

    Only tracks that the first frame shows tell anything. Cells that none of them begins in are 0
    in all channels, as are frames in which nobody says where a track is.

    Args:
        tracks: dense ones, several a cell.
        stride: pixels a cell.

    Returns:
        dx and dy in `UNIT`, plus or minus `SEEN`, and 1 where a track tells it.
    """
    width, height = tracks.size
    rows, columns = height // stride, width // stride
    found = np.zeros((4, tracks.frames, rows, columns), np.float32)
    start = tracks.points[:, 0]
    cell = np.floor(start / stride).astype(np.int64)
    inside = (cell >= 0).all(axis=1) & (cell < (columns, rows)).all(axis=1)
    shown = np.flatnonzero(inside & tracks.visible[:, 0])
    away = ((start[shown] / stride - cell[shown] - 0.5) ** 2).sum(axis=1)
    order = shown[np.argsort(-away, kind="stable")]
    x, y = cell[order].T
    chosen = np.full((rows, columns), -1)
    chosen[y, x] = order  # the nearest comes last, and stays
    told = chosen >= 0
    who = chosen[told]
    known = tracks.specified[who]
    gone = (tracks.points[who] - start[who, None]) / (UNIT * max(tracks.size))
    found[:2, :, told] = rearrange(np.where(known[..., None], gone, 0), "n t xy -> xy t n")
    found[2, :, told] = np.where(tracks.visible[who], SEEN, -SEEN) * known
    found[3, :, told] = known
    return found


def tracks_of(
    motion: Float32[np.ndarray, "3 frames rows columns"],
    size: tuple[int, int],
    fps: float | int,
) -> Tracks:
    """The tracks that a motion amounts to: one from the middle of each cell, row by row.

    Args:
        motion: as of `motion_of`, or a network's.
        size: (width, height) in pixels; any, as the grid covers all of it.
        fps: frames a second.
    """
    _, _, rows, columns = motion.shape
    width, height = size
    x = (np.arange(columns, dtype=np.float32) + 0.5) * width / columns
    y = (np.arange(rows, dtype=np.float32) + 0.5) * height / rows
    start = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 1, 2)
    gone = rearrange(motion[:2], "xy t h w -> (h w) t xy") * np.float32(UNIT * max(size))
    gone = gone - gone[:, :1]
    seen = rearrange(motion[2], "t h w -> (h w) t") > 0
    seen[:, 0] = True
    state = np.where(seen, np.uint8(State.VISIBLE), np.uint8(State.OCCLUDED))
    return Tracks(points=(start + gone).astype(np.float32), state=state, size=size, fps=float(fps))


def places(
    rows: int, columns: int, device: torch.device | None = None
) -> Float32[Tensor, "rows columns 2"]:
    """(x, y) of the cells' middles from that of the picture, in `UNIT`."""
    unit = UNIT * max(rows, columns)
    x = (torch.arange(columns, device=device) + 0.5 - columns / 2) / unit
    y = (torch.arange(rows, device=device) + 0.5 - rows / 2) / unit
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def hints(tracks: TrackBatch, stride: int) -> Float32[Tensor, "batch channels frames rows columns"]:
    """What sparse tracks tell of the motion on the first frame's grid, for a network to complete.

    Only tracks that begin in the first frame are read. The mean of those of a cell, how much they
    tell (their strength, at most 1), and the same spread over `REACHES`, as normalised convolution
    (Knutsson and Westin 1993) with how much it rests on.

    Args:
        tracks: of B clips.
        stride: pixels a cell; the picture's sides are multiples of it.

    Returns:
        (B, `HINTS`, T, h, w): dx, dy, seen, told; then dx, dy and weight for each reach.
    """
    width, height = tracks.size
    grid = (height // stride, width // stride)
    sums = _gathered(tracks, grid, stride)
    told = sums[:, 3:].clamp(max=1)
    channels = [sums[:, :3] / sums[:, 3:].clamp(min=1e-6) * told, told]
    for reach in REACHES:
        spread = _blurred(sums, reach)
        weight = spread[:, 3:]
        sure = weight / (weight + 0.02)
        channels += [spread[:, :2] / weight.clamp(min=1e-6) * sure, sure]
    return torch.cat(channels, dim=1)


def revealed(
    motion: Float[Tensor, "batch channels frames rows columns"],
) -> Float[Tensor, "batch 1 frames rows columns"]:
    """How much of each cell of each frame shows what the first frame does not: 1 is all of it.

    Every cell of the first frame that can still be seen is put down where it went, by bilinear
    shares; what is left open was behind something, or comes in from outside.

    Args:
        motion: dx and dy in `UNIT`, seen; further channels are not read.
    """
    batch, _, frames, rows, columns = motion.shape
    cells = UNIT * max(rows, columns)
    x = torch.arange(columns, device=motion.device) + motion[:, 0] * cells
    y = torch.arange(rows, device=motion.device)[:, None] + motion[:, 1] * cells
    seen = (motion[:, 2] > 0).to(motion.dtype)
    covered = motion.new_zeros(batch * frames, rows * columns)
    for right in (0, 1):
        for down in (0, 1):
            at_x, at_y = x.floor() + right, y.floor() + down
            share = (1 - (x - at_x).abs()) * (1 - (y - at_y).abs()) * seen
            inside = (at_x >= 0) & (at_x < columns) & (at_y >= 0) & (at_y < rows)
            index = at_y.clamp(0, rows - 1) * columns + at_x.clamp(0, columns - 1)
            flat = rearrange(share * inside, "b t h w -> (b t) (h w)")
            covered.scatter_add_(1, rearrange(index.long(), "b t h w -> (b t) (h w)"), flat)
    left = (1 - covered).clamp(0, 1)
    return rearrange(left, "(b t) (h w) -> b 1 t h w", b=batch, h=rows)


def _gathered(
    tracks: TrackBatch, grid: tuple[int, int], stride: int
) -> Float32[Tensor, "batch 4 frames rows columns"]:
    """Sums of dx, dy, seen and weight over the tracks that begin in each cell."""
    rows, columns = grid
    frames = tracks.frames
    start = tracks.points[:, :, :1]
    begins = (tracks.visible & tracks.inside)[:, :, :1]
    told = begins & (tracks.state != int(State.UNSPECIFIED))
    weight = told * tracks.strength[:, :, None]
    gone = (tracks.points - start) / (UNIT * max(tracks.size))
    seen = torch.where(tracks.visible & tracks.inside, SEEN, -SEEN)
    values = torch.cat([gone, seen[..., None], torch.ones_like(seen)[..., None]], dim=3)
    values = values * weight[..., None]
    cell = _cells(start[:, :, 0], grid, stride)
    sums = values.new_zeros(tracks.batch, rows * columns, frames * 4)
    index = cell[..., None].expand(-1, -1, frames * 4)
    sums.scatter_add_(1, index, rearrange(values, "b n t c -> b n (t c)"))
    return rearrange(sums, "b (h w) (t c) -> b c t h w", h=rows, t=frames)


def _cells(
    start: Float32[Tensor, "batch tracks 2"], grid: tuple[int, int], stride: int
) -> Int64[Tensor, "batch tracks"]:
    rows, columns = grid
    x = (start[..., 0] / stride).floor().long().clamp(0, columns - 1)
    y = (start[..., 1] / stride).floor().long().clamp(0, rows - 1)
    return y * columns + x


def _blurred(
    sums: Float[Tensor, "batch channels frames rows columns"], reach: float | int
) -> Float[Tensor, "batch channels frames rows columns"]:
    """Convolved with a Gaussian whose middle is 1; nothing lies beyond the border."""
    half = round(2.5 * reach)
    place = torch.arange(-half, half + 1, device=sums.device, dtype=sums.dtype)
    kernel = torch.exp(-0.5 * (place / reach) ** 2)
    flat = rearrange(sums, "b c t h w -> (b c t) 1 h w")
    flat = functional.conv2d(flat, kernel[None, None, :, None], padding=(half, 0))
    flat = functional.conv2d(flat, kernel[None, None, None, :], padding=(0, half))
    return flat.reshape(sums.shape)

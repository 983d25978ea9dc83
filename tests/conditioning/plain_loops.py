"""The same conditioning in plain loops, one track, frame and cell at a time.

Slow and easy to read; the vectorised code has to equal it.
"""

import math

import torch
from torch import Tensor

from kineograph.conditioning.track_batch import TrackBatch


def identity_loop(tracks: TrackBatch, clip: int, codes: Tensor, stride: int = 1) -> Tensor:
    """Motion Prompting's volume (T, H, W, C) of one clip; codes is (N, C)."""
    width, height = tracks.size
    volume = torch.zeros(tracks.frames, height // stride, width // stride, codes.shape[1])
    points, state = tracks.points[clip].tolist(), tracks.state[clip].tolist()
    strength = tracks.strength[clip].tolist()
    for n in range(tracks.count):
        for t in range(tracks.frames):
            x, y = points[n][t]
            if state[n][t] == 1 and 0 <= x < width and 0 <= y < height:
                volume[t, int(y // stride), int(x // stride)] += strength[n] * codes[n]
    return volume


def sinusoid(number: int, channels: int) -> list[float]:
    """Vaswani's embedding of a whole number, written out."""
    code = []
    for i in range(channels // 2):
        angle = number / 10000 ** (2 * i / channels)
        code += [math.sin(angle), math.cos(angle)]
    return code


def bilinear(picture: Tensor, x: float, y: float, zeros: bool = False) -> Tensor:
    """A picture (C, h, w) at a place in cells, (0.5, 0.5) being the middle of the first."""
    height, width = picture.shape[1:]
    total = torch.zeros(picture.shape[0])
    left, top = math.floor(x - 0.5), math.floor(y - 0.5)
    for row in (top, top + 1):
        for column in (left, left + 1):
            share = (1 - abs(x - 0.5 - column)) * (1 - abs(y - 0.5 - row))
            if zeros and not (0 <= row < height and 0 <= column < width):
                continue
            row_, column_ = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
            total += share * picture[:, row_, column_]
    return total


def inside(point: list[float], size: tuple[int, int]) -> bool:
    return 0 <= point[0] < size[0] and 0 <= point[1] < size[1]


def mean_place(tracks: TrackBatch, clip: int, n: int, frames: range) -> tuple | None:
    """Mean point and depth of a track over the frames it is seen in, or None."""
    there = []
    for t in frames:
        point = tracks.points[clip, n, t].tolist()
        if tracks.state[clip, n, t] == 1 and inside(point, tracks.size):
            there.append((*point, 0.0 if tracks.depth is None else float(tracks.depth[clip, n, t])))
    if not there:
        return None
    return tuple(sum(values) / len(there) for values in zip(*there, strict=True))


def groups_of(frames: int, per_latent: int) -> list[range]:
    """The frames of each latent after the first."""
    starts = range(1, frames, per_latent)
    return [range(start, min(start + per_latent, frames)) for start in starts]


def covering_loop(
    first: Tensor, tracks: TrackBatch, clip: int, stride: int, per_latent: int, base: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Front-to-back bilinear propagation: latents (C, T', h, w) and mask (T', h, w)."""
    height, width = first.shape[1:]
    latents, masks = [first], [torch.ones(height, width)]
    for g, frames in enumerate(groups_of(tracks.frames, per_latent)):
        after = torch.zeros_like(first)
        written, mask = torch.zeros(height, width), torch.zeros(height, width)
        left = torch.ones(height, width)
        places = [(n, mean_place(tracks, clip, n, frames)) for n in range(tracks.count)]
        there = [(place[2], -n, n, place) for n, place in places if place is not None]
        for _, _, n, (x, y, _) in sorted(there):
            start = tracks.points[clip, n, 0].tolist()
            known = bool(tracks.state[clip, n, 0] == 1) and inside(start, tracks.size)
            column0, row0 = math.floor(x / stride - 0.5), math.floor(y / stride - 0.5)
            for row in (row0, row0 + 1):
                for column in (column0, column0 + 1):
                    share = (1 - abs(x / stride - 0.5 - column)) * (1 - abs(y / stride - 0.5 - row))
                    i, j = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
                    taken = min(share * float(tracks.strength[clip, n]), float(left[i, j]))
                    left[i, j] -= taken
                    mask[i, j] += taken if known else -taken
                    if known:
                        written[i, j] += taken
                        source = bilinear(first, start[0] / stride, start[1] / stride)
                        after[:, i, j] += taken * source
        if base is not None:
            after += (1 - written) * base[:, g + 1]
        latents.append(after)
        masks.append(mask)
    return torch.stack(latents, 1), torch.stack(masks)


def replacing_loop(
    first: Tensor, tracks: TrackBatch, clip: int, stride: int, per_latent: int, order: list[int]
) -> tuple[Tensor, Tensor]:
    """Wan-Move's replacement: latents (C, T', h, w) and where they were written (T', h, w)."""
    frames = range(0, tracks.frames, per_latent)
    cells = [[(-1, -1) for _ in frames] for _ in range(tracks.count)]
    for i, t in enumerate(frames):
        for n in range(tracks.count):
            x, y = (tracks.points[clip, n, t] - 0.5).tolist()
            if tracks.state[clip, n, t] == 1 and inside([x, y], tracks.size):
                cells[n][i] = (int(y // stride), int(x // stride))
    latents = torch.zeros(first.shape[0], len(frames), *first.shape[1:])
    latents[:, 0] = first
    mask = torch.zeros(len(frames), *first.shape[1:])
    mask[0] = 1
    for n in order:
        for i in range(1, len(frames)):
            row, column = cells[n][i]
            if row >= 0 and column >= 0:
                strength = tracks.strength[clip, n]
                latents[:, i, row, column] = (
                    strength * latents[:, 0, cells[n][0][0], cells[n][0][1]]
                )
                mask[i, row, column] = strength
    return latents, mask


def spots_loop(
    first: Tensor,
    tracks: TrackBatch,
    clip: int,
    stride: int,
    per_latent: int,
    base: Tensor,
    like: str,
) -> tuple[Tensor, Tensor]:
    """ATI's spots, every cell asking every track: latents (C, T', h, w) and mask (T', h, w)."""
    height, width = first.shape[1:]
    short = min(tracks.size)
    latents, masks = [first], [torch.ones(height, width)]
    for g, frames in enumerate(groups_of(tracks.frames, per_latent)):
        places = _spot_places(tracks, clip, frames, like)
        after, mask = torch.zeros_like(first), torch.zeros(height, width)
        for i in range(height):
            for j in range(width):
                if like == "ati":
                    at_x = -width / min(first.shape[1:]) * (1 - 2 * j / (width - 1))
                    at_y = -height / min(first.shape[1:]) * (1 - 2 * i / (height - 1))
                else:
                    at_x = ((j + 0.5) * stride - tracks.size[0] / 2) / short * 2
                    at_y = ((i + 0.5) * stride - tracks.size[1] / 2) / short * 2
                weights = []
                for n, (x, y, depth) in places.items():
                    distance = (x - at_x) ** 2 + (y - at_y) ** 2
                    firm = float(tracks.strength[clip, n])
                    weights.append((math.exp(-220 * distance) * firm, n, depth))
                top = sorted(weights, key=lambda entry: (-entry[0], entry[1]))[:2]
                if like == "kineograph":
                    top.sort(key=lambda entry: entry[2])
                written, left = 0.0, 1.0
                for weight, n, _ in top:
                    taken = weight if like == "ati" else min(weight, left)
                    left -= taken
                    source, known = _spot_source(first, tracks, clip, n, stride, like)
                    after[:, i, j] += taken * source
                    written += taken if known else 0
                    mask[i, j] += taken if known else -taken
                after[:, i, j] += (1 - min(max(written, 0), 1)) * base[:, g + 1, i, j]
        latents.append(after)
        masks.append(mask)
    return torch.stack(latents, 1), torch.stack(masks)


def _spot_places(tracks: TrackBatch, clip: int, frames: range, like: str) -> dict[int, tuple]:
    """Normalised place and depth of each track that is there."""
    width, height = tracks.size
    places = {}
    for n in range(tracks.count):
        if like == "kineograph":
            mean = mean_place(tracks, clip, n, frames)
            if mean is not None:
                x = (mean[0] - width / 2) / min(width, height) * 2
                y = (mean[1] - height / 2) / min(width, height) * 2
                places[n] = (x, y, mean[2])
            continue
        visible = [t for t in frames if tracks.state[clip, n, t] == 1]
        if visible:
            points = [(tracks.points[clip, n, t] - 0.5).tolist() for t in visible]
            x = sum((p[0] - width / 2) / min(width, height) * 2 for p in points)
            y = sum((p[1] - height / 2) / min(width, height) * 2 for p in points)
            places[n] = (x / (len(points) + 1e-5), y / (len(points) + 1e-5), 0.0)
    return places


def _spot_source(
    first: Tensor, tracks: TrackBatch, clip: int, n: int, stride: int, like: str
) -> tuple[Tensor, bool]:
    """What a track carries, and whether it is known."""
    start = tracks.points[clip, n, 0].tolist()
    if like == "ati":
        x = min(max(start[0] - 0.5, 0), tracks.size[0])
        y = min(max(start[1] - 0.5, 0), tracks.size[1])
        return bilinear(first, x / stride, y / stride, zeros=True), True
    known = bool(tracks.state[clip, n, 0] == 1) and inside(start, tracks.size)
    source = bilinear(first, start[0] / stride, start[1] / stride)
    return (source, True) if known else (torch.zeros_like(source), False)

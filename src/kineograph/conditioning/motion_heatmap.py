"""Where a clip moves: MotiF's heatmaps, which say what a training loss should look at.

Wang et al. 2025 (arXiv 2412.16153), section 3. The paper leaves open how optical flow is scaled
before the sigmoid, what the last frame gets and how maps reach the latent grid: these are options.
"""

from itertools import pairwise
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from einops import rearrange
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from kineograph.core.errors import VisionError
from kineograph.vision.flow import OpticalFlow, sample_field
from kineograph.vision.masks import Masker

Normalise = Literal["clip-max", "diagonal", "size", "none"]
Last = Literal["repeat", "zero"]
Downsample = Literal["area", "max", "nearest"]

STEEPNESS = 100.0
"""How sharply the sigmoid tells motion from rest."""

THRESHOLD = 0.05
"""The scaled speed at which a pixel counts one half."""


def flow_of(
    frames: UInt8[np.ndarray, "frames height width 3"], flow: OpticalFlow
) -> Float32[Tensor, "pairs 2 height width"]:
    """Optical flow from each frame of a clip to the next: (dx, dy) in pixels, T - 1 of them.

    Raises:
        VisionError: the clip has one frame only.
    """
    _check_moving(len(frames))
    found = [flow(first, second) for first, second in pairwise(frames)]
    return rearrange(torch.from_numpy(np.stack(found)), "t h w c -> t c h w")


def speed(
    flow: Float[Tensor, "batch pairs 2 height width"], normalise: Normalise = "clip-max"
) -> Float[Tensor, "batch pairs height width"]:
    """The length of each displacement, scaled.

    Args:
        flow: in pixels.
        normalise: "clip-max" divides by the largest of the clip, so that each clip's fastest pixel
            has 1: every clip has its moving parts, a still one those of its flow's errors (one
            without any flow stays at 0). "diagonal" divides by the picture's diagonal, and "size"
            dx by its width and dy by its height: parts of the picture a frame, the same in every
            clip; a twentieth of it is fast. "none" leaves pixels: nearly all that moves saturates.
    """
    height, width = flow.shape[-2:]
    if normalise == "size":
        flow = flow / rearrange(flow.new_tensor([width, height]), "c -> c 1 1")
    length = torch.hypot(flow[:, :, 0], flow[:, :, 1])  # much faster than a norm along an axis
    if normalise == "diagonal":
        return length / (width**2 + height**2) ** 0.5
    if normalise == "clip-max":
        largest = length.amax(dim=(1, 2, 3), keepdim=True)
        return torch.where(largest > 0, length / largest, length)
    return length


def motion_heatmap(
    flow: Float[Tensor, "batch pairs 2 height width"],
    *,
    stride: int = 8,
    normalise: Normalise = "clip-max",
    last: Last = "repeat",
    downsample: Downsample = "area",
    inverse: bool = False,
) -> Float[Tensor, "batch 1 frames rows columns"]:
    """How much each latent cell of each frame moves, 0 to 1: MotiF's heatmap.

    1 / (1 + exp(100 (0.05 - speed))) of every pixel, brought to the latent grid. A pixel at rest
    has 0.0067. The second axis is for broadcasting over the latents' channels.

    Args:
        flow: from each frame to the next, as `flow_of` finds it, of pictures at full size.
        stride: pixels a latent cell.
        normalise: how flow is scaled; see `speed`.
        last: the last frame has no next one: "repeat" gives it the map of the one before, "zero"
            zeros (with `inverse` as well: nothing is said of it).
        downsample: a cell's "area" mean, its "max", or the pixel "nearest" its centre (of four at
            equal distance the lower right).
        inverse: 1 - m on the latent grid instead of m, the paper's counter-check.

    Raises:
        VisionError: there is no flow, or the picture is not a whole number of cells.
    """
    _check_moving(flow.shape[1] + 1)
    found = torch.sigmoid(STEEPNESS * (speed(flow, normalise) - THRESHOLD))
    cells = _on_grid(found, stride, downsample, inverse)
    final = cells[:, -1:] if last == "repeat" else torch.zeros_like(cells[:, -1:])
    return rearrange(torch.cat([cells, final], dim=1), "b t h w -> b 1 t h w")


def masked_heatmap(
    frames: UInt8[np.ndarray, "frames height width 3"],
    flow: Float32[Tensor, "pairs 2 height width"],
    masker: Masker,
    *,
    cells: int = 5,
    prompts: int = 5,
    stride: int = 8,
    downsample: Downsample = "area",
    inverse: bool = False,
) -> Float32[Tensor, "1 frames rows columns"]:
    """The paper's other heatmap: 1 on whatever moves most, as a segmenter (SAM 2) outlines it.

    `moving_points` finds prompts on the first frame. Each is carried to the later frames by the
    flow itself and masked there anew, so that a masker of pictures serves; one that leaves the
    picture ends. A frame's map is the union of its masks, the last frame's too. The paper lets
    SAM 2's memory carry the masks instead: where the flow loses a thing, this loses it too.

    Args:
        frames: RGB.
        flow: from each frame to the next, as `flow_of` finds it.
        masker: finds the thing under a click; called once a prompt and frame.
        cells: the picture is looked through in cells x cells parts.
        prompts: in how many of them, those that move most, a prompt is put.
        stride: pixels a latent cell.
        downsample: as for `motion_heatmap`.
        inverse: as for `motion_heatmap`.

    Raises:
        VisionError: as `motion_heatmap`, there is not one flow a pair of frames, or the masker
            fails.
    """
    _check_moving(len(frames))
    if len(flow) != len(frames) - 1 or tuple(flow.shape[2:]) != frames.shape[1:3]:
        raise VisionError(
            f"flow of {tuple(flow.shape)} was given for {len(frames)} frames of "
            f"{frames.shape[2]}x{frames.shape[1]}; give it between each frame and the next"
        )
    points = moving_points(flow[0], cells, prompts)
    found = np.zeros(frames.shape[:3], np.float32)
    for index, frame in enumerate(frames):
        for point in points:
            found[index] = np.maximum(found[index], masker(frame, points=point[None]))
        if index < len(flow):
            points = _carried(points, flow[index])
    return _on_grid(torch.from_numpy(found)[None], stride, downsample, inverse)


def moving_points(
    flow: Float32[Tensor, "2 height width"], cells: int = 5, prompts: int = 5
) -> Float32[np.ndarray, "points 2"]:
    """Where a picture moves most: the fastest pixel of each of its liveliest parts.

    The picture is cut into cells x cells parts, and the `prompts` parts of the largest mean flow
    are taken, the liveliest first; parts without any flow never are.

    Convention: (x, y) in raster pixels, at pixels' centres.

    Raises:
        VisionError: the picture has fewer pixels a side than there are cells.
    """
    length = torch.hypot(flow[0], flow[1]).numpy()
    if min(length.shape) < cells:
        raise VisionError(
            f"a picture of {length.shape[1]}x{length.shape[0]} was to be cut into {cells}x{cells} "
            "parts; give a larger one"
        )
    downs, acrosses = (np.array_split(np.arange(side), cells) for side in length.shape)
    parts = [(length[np.ix_(down, across)], down, across) for down in downs for across in acrosses]
    means = np.array([part.mean() for part, _, _ in parts])
    best = [index for index in np.argsort(-means, kind="stable")[:prompts] if means[index] > 0]
    points = np.zeros((len(best), 2), np.float32)
    for row, index in enumerate(best):
        part, down, across = parts[index]
        y, x = np.unravel_index(part.argmax(), part.shape)
        points[row] = across[x] + 0.5, down[y] + 0.5
    return points


def _carried(
    points: Float32[np.ndarray, " n 2"], flow: Float32[Tensor, "2 height width"]
) -> Float32[np.ndarray, " m 2"]:
    """Points a frame later; without those that have left the picture."""
    field = np.ascontiguousarray(rearrange(flow.numpy(), "c h w -> h w c"))
    moved = points + sample_field(field, points)
    inside = (moved >= 0) & (moved < np.array([field.shape[1], field.shape[0]]))
    return moved[inside.all(axis=1)]


def _on_grid(
    maps: Float[Tensor, "batch frames height width"],
    stride: int,
    downsample: Downsample,
    inverse: bool,
) -> Float[Tensor, "batch frames rows columns"]:
    height, width = maps.shape[-2:]
    if stride < 1 or height % stride or width % stride:
        raise VisionError(
            f"a heatmap of {width}x{height} was to have one value for {stride}x{stride} pixels; "
            "give clips whose sides are multiples of it"
        )
    if downsample == "area":
        cells = F.avg_pool2d(maps, stride)
    elif downsample == "max":
        cells = F.max_pool2d(maps, stride)
    else:
        cells = maps[..., stride // 2 :: stride, stride // 2 :: stride]
    return 1 - cells if inverse else cells


def _check_moving(frames: int) -> None:
    if frames < 2:
        raise VisionError(
            f"the motion of a clip of {frames} frame was asked for; give two frames or more"
        )

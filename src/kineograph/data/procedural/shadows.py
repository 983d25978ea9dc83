"""Shadows: every layer darkens the background beside it, softly."""

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor
from torch.nn import functional

from kineograph.data.procedural.stack import Slot, Stack
from kineograph.data.procedural.windows import Windows, windows

BLUR = 4
"""Texture pixels that a shadow's edge is smeared over, to either side."""

STEP = BLUR // 2
"""Texture pixels between the pixels of a shadow."""


def shade(stack: Stack, colour: Float32[Tensor, "batch 3 pixels"]) -> None:
    """Darken the backgrounds, in place, before anything else is painted on them."""
    lights = [world.light for world in stack.worlds]
    if not any(light.shadow for light in lights):
        return
    dark = colour.new_tensor([light.dark if light.shadow else 0.0 for light in lights])
    for index, slot in enumerate(stack.slots[1:], start=1):
        drops = _drops(stack, index)
        part = windows(_bounds(stack, index, drops), stack.size, stack.device)
        light = 1 - dark[:, None, None] * _cast(slot, part, drops)
        part.write(colour, part.read(colour) * light)


def _drops(stack: Stack, index: int) -> Float64[np.ndarray, "batch 2"]:
    """How far beside its layer each shadow falls, by how far the layer is before the background."""
    drops = np.zeros((len(stack.worlds), 2))
    for row, world in zip(drops, stack.worlds, strict=True):
        if index < len(world.layers):
            row[:] = world.light.drop(world.layers[0].depth - world.layers[index].depth)
    return drops


def _bounds(
    stack: Stack, index: int, drops: Float64[np.ndarray, "batch 2"]
) -> Float64[np.ndarray, "batch frames 4"]:
    """x0, y0, x1, y1 around each shadow; nothing where a world throws none."""
    bounds = np.zeros((len(stack.worlds), stack.frames, 4))
    for row, world, drop in zip(bounds, stack.worlds, drops, strict=True):
        if world.light.shadow and index < len(world.layers):
            fringe = 2 * BLUR * np.abs(world.views[index][:, :, :2]).sum(axis=-1) + 1
            row[:] = world.extents[index] + np.concatenate([-fringe, fringe], axis=-1)
            row += np.tile(drop, 2)
    return bounds


def _cast(
    slot: Slot, part: Windows, drops: Float64[np.ndarray, "batch 2"]
) -> Float32[Tensor, "batch 1 pixels"]:
    """How much of each pixel of the windows is in the shadow, 0 to 1."""
    wide = functional.pad(slot.texture[:, 3:], (2 * BLUR,) * 4)
    soft = functional.avg_pool2d(wide, 2 * BLUR, STEP)
    height, width = soft.shape[2:]
    lit = torch.from_numpy(drops).to(soft)[:, None, None]
    found = slot.maps.find(part.points() - lit) + slot.half[:, None, None] + 2 * BLUR
    # pixel i of the pooled sheet is the mean around (i * STEP + BLUR) of the padded one
    at = (found - BLUR) / STEP + 0.5
    grid = at * at.new_tensor([2 / width, 2 / height]) - 1
    return functional.grid_sample(soft, grid, "bilinear", "zeros", align_corners=False).flatten(2)

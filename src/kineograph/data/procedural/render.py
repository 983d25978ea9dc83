"""Pictures of a world: layers painted from far to near, on any device, many worlds at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float32, UInt8
from torch import Tensor
from torch.nn import functional

from kineograph.data.procedural.shadows import shade
from kineograph.data.procedural.stack import Maps, Slot, Stack
from kineograph.data.procedural.world import World

SOLID = 0.5
"""From this alpha on a layer hides what is behind it, and a pixel is its own."""

FINER = 2
"""Samples a pixel and side for all but the background, so that shrunken sprites stay smooth."""


@dataclass(frozen=True, eq=False)
class Rendered:
    """The pictures of B worlds, on the device of their textures."""

    stack: Stack
    video: UInt8[Tensor, "batch frames height width 3"]
    layer: UInt8[Tensor, "batch frames height width"]
    """The index of the nearest layer that is solid at each pixel's centre."""


def render(world: World) -> UInt8[np.ndarray, "frames height width 3"]:
    """The pictures of one world."""
    return render_batch([world]).video[0].cpu().numpy()


@torch.no_grad()
def render_batch(worlds: Sequence[World]) -> Rendered:
    """The pictures of worlds of one size and length, on the device of their textures.

    Layers are laid over each other by their alpha; every pixel but the background's is the mean
    of several samples. The background goes on beyond its sides, mirrored.

    Raises:
        DataError: there is no world, or they differ.
    """
    stack = Stack.of(worlds)
    width, height = stack.size
    colour = _behind(stack)
    shade(stack, colour)
    layer = torch.zeros((len(worlds), 1, colour.shape[2]), dtype=torch.uint8, device=stack.device)
    for index, slot in enumerate(stack.slots[1:], start=1):
        _paint(slot, index, colour, layer)
    _light(stack, colour)
    sizes = {"t": stack.frames, "y": height, "x": width}
    shown = colour.mul_(255).add_(0.5).clamp_(0, 255).to(torch.uint8)
    return Rendered(
        stack,
        video=rearrange(shown, "b c (t y x) -> b t y x c", **sizes).contiguous(),
        layer=rearrange(layer, "b 1 (t y x) -> b t y x", **sizes),
    )


def sample(
    slot: Slot,
    texture: Float32[Tensor, "batch channels height width"],
    points: Float32[Tensor, "batch frames n 2"],
    *,
    maps: Maps | None = None,
    mirrored: bool = False,
) -> Float32[Tensor, "batch channels frames n"]:
    """A texture of the slot's sheet at raster pixels of each frame, nothing (or mirrored) beyond.

    Linear between the four pixels around a point.

    Args:
        slot: the layers.
        texture: channels of their sheets.
        points: where.
        maps: of the frames that the points are of; None is all.
        mirrored: what is beyond the sheet's sides.
    """
    grid = slot.grid((maps or slot.maps).find(points))
    padding = "reflection" if mirrored else "zeros"
    return functional.grid_sample(texture, grid, "bilinear", padding, align_corners=False)


def _behind(stack: Stack) -> Float32[Tensor, "batch 3 pixels"]:
    """The background of every frame."""
    slot = stack.slots[0]
    colour = sample(slot, slot.texture[:, :3], slot.windows.points(), mirrored=True)
    return rearrange(colour, "b c t n -> b c (t n)")


def _paint(
    slot: Slot,
    index: int,
    colour: Float32[Tensor, "batch 3 pixels"],
    layer: UInt8[Tensor, "batch 1 pixels"],
) -> None:
    """Lay one layer of every world over what is there."""
    width = slot.windows.size[0]
    finer = sample(slot, slot.texture, slot.windows.points(FINER))
    tall = rearrange(finer, "b c t (y x) -> b c (t y) x", x=width * FINER)
    shown = functional.avg_pool2d(tall, FINER).flatten(2)
    alpha = shown[:, 3:]
    below = slot.windows.read(colour)
    slot.windows.write(colour, below * (1 - alpha) + shown[:, :3])
    own = slot.windows.read(layer)
    slot.windows.write(layer, own.masked_fill(alpha >= SOLID, index))


def _light(stack: Stack, colour: Float32[Tensor, "batch 3 pixels"]) -> None:
    """Brightness, colour and lamps of every frame, in place."""
    lights = [world.light for world in stack.worlds]
    gain = np.stack([light.gain for light in lights])
    if (gain == 1).all() and not any(light.power for light in lights):
        return
    width, height = stack.size
    lit = colour.view(len(lights), 3, stack.frames, height, width)
    lit.mul_(rearrange(torch.from_numpy(gain).to(colour), "b t c -> b c t 1 1"))
    if not any(light.power for light in lights):
        return
    nowhere = np.zeros((stack.frames, 2))
    lamp = np.stack([nowhere if light.lamp is None else light.lamp for light in lights])
    middle = torch.from_numpy(lamp).to(colour)[:, :, :, None]
    reach = colour.new_tensor([light.reach for light in lights])[:, None, None]
    power = colour.new_tensor([light.power for light in lights])[:, None, None, None]
    across, down = (
        torch.exp(-(((torch.arange(n, device=colour.device) + 0.5 - at) / reach) ** 2) / 2)
        for n, at in ((width, middle[:, :, 0]), (height, middle[:, :, 1]))
    )
    lit.mul_((1 + power * down[..., None] * across[..., None, :])[:, None])

"""Exact truth of rendered worlds: tracks, flow, depth, masks and boxes, from the maps themselves.

Nothing here is estimated from pictures, and so no entry is ever left unspecified.
"""

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float32, Int64, UInt8
from torch import Tensor

from kineograph.core.boxes import Boxes
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.data.procedural.render import SOLID, Rendered, sample
from kineograph.data.procedural.stack import Slot, Stack, mapped
from kineograph.data.procedural.waves import bent
from kineograph.data.procedural.world import World

SEEN = 0.1
"""An object counts as visible while this share of it is seen in the picture."""


@dataclass(frozen=True, eq=False)
class Followed:
    """N points of the first frame of each of B clips, followed; on the device of the worlds."""

    points: Float32[Tensor, "batch n frames 2"]
    """Raster pixels, also where hidden or outside."""
    state: UInt8[Tensor, "batch n frames"]
    """VISIBLE, or OCCLUDED behind a nearer layer or outside the picture."""
    layer: Int64[Tensor, "batch n"]
    """The index of the layer that each point is on."""

    def tracks(self, stack: Stack, index: int) -> Tracks:
        """The tracks of one world: its object ids as groups (-1 the background), and depths."""
        world, layer = stack.worlds[index], self.layer[index].cpu().numpy()
        return Tracks(
            points=self.points[index].cpu().numpy(),
            state=self.state[index].cpu().numpy(),
            size=world.size,
            fps=float(world.fps),
            group=np.array([x.object for x in world.layers], np.int32)[layer],
            depth=world.depths.astype(np.float32)[layer],
        )


def grid(size: tuple[int, int], spacing: float | int) -> Float32[Tensor, "n 2"]:
    """Points in even rows and columns, at most `spacing` pixels apart, half of it from the sides.

    With a spacing of 1 they are the centres of all pixels.
    """
    rows = [
        (torch.arange(n) + 0.5) * (side / n)
        for side, n in ((side, int(np.ceil(side / spacing))) for side in size)
    ]
    return torch.stack(torch.meshgrid(*rows, indexing="xy"), dim=-1).reshape(-1, 2)


@torch.no_grad()
def follow(stack: Stack, points: Float32[Tensor, "n 2"]) -> Followed:
    """Points of the first frame's picture, in every frame of every world.

    A point is on the nearest layer that is solid there. It is occluded where a nearer layer than
    its own is solid over it, and outside [0, W) x [0, H).
    """
    many = len(stack.worlds)
    first = repeat(points.to(stack.device), "n c -> b 1 n c", b=many)
    layer = torch.zeros((many, points.shape[0]), dtype=torch.int64, device=stack.device)
    starts = [slot.maps.at(slice(1)) for slot in stack.slots]
    origin = starts[0].find(first)
    for index, (slot, start) in enumerate(zip(stack.slots, starts, strict=True)):
        if index == 0:
            continue
        hit = sample(slot, slot.texture[:, 3:], first, maps=start)[:, 0, 0] >= SOLID
        layer.masked_fill_(hit, index)
        origin = torch.where(hit[:, None, :, None], start.find(first), origin)
    placed = _placed(stack, layer, origin[:, 0])
    hidden = _hidden(stack, layer, placed)
    limit = placed.new_tensor(stack.size)
    hidden |= ((placed < 0) | (placed >= limit)).any(dim=-1)
    state = torch.where(hidden, int(State.OCCLUDED), int(State.VISIBLE)).to(torch.uint8)
    return Followed(placed, state, layer)


def _placed(
    stack: Stack, layer: Int64[Tensor, "batch n"], origin: Float32[Tensor, "batch n 2"]
) -> Float32[Tensor, "batch n frames 2"]:
    """Where layer points of each point's own layer are at every frame."""
    views = torch.stack([slot.maps.to_picture for slot in stack.slots], dim=1)
    still = repeat(origin, "b n c -> b n t c", t=stack.frames)
    for index, slot in enumerate(stack.slots):
        if slot.maps.sines is not None:
            moved = rearrange(bent(slot.maps.sines, origin[:, None]), "b t n c -> b n t c")
            still = torch.where((layer == index)[:, :, None, None], moved, still)
    rows = torch.arange(len(stack.worlds), device=stack.device)[:, None]
    own = rearrange(views, "b l t i j -> b l i j t")[rows, layer]
    x, y = still.unbind(-1)
    return torch.stack(
        [own[:, :, i, 0] * x + own[:, :, i, 1] * y + own[:, :, i, 2] for i in (0, 1)], dim=-1
    )


def _hidden(
    stack: Stack, layer: Int64[Tensor, "batch n"], placed: Float32[Tensor, "batch n frames 2"]
) -> Bool[Tensor, "batch n frames"]:
    """Where a nearer layer is solid over a point."""
    by_frame = rearrange(placed, "b n t c -> b t n c")
    hidden = torch.zeros(placed.shape[:3], dtype=torch.bool, device=placed.device)
    for index, slot in enumerate(stack.slots[1:], start=1):
        over = sample(slot, slot.texture[:, 3:], by_frame)[:, 0] >= SOLID
        hidden |= rearrange(over, "b t n -> b n t") & (layer < index)[:, :, None]
    return hidden


@torch.no_grad()
def flow(rendered: Rendered) -> Float32[Tensor, "batch pairs height width 2"]:
    """Where what each pixel of frame t shows is at frame t + 1, as (dx, dy) in pixels.

    What it shows is the layer of `Rendered.layer`; the motion is that layer's, also where it
    leaves the picture or gets hidden.
    """
    stack = rendered.stack
    width, height = stack.size
    layer = rearrange(rendered.layer[:, :-1], "b t y x -> b 1 (t y x)")
    points = stack.slots[0].windows.but_last().points()
    moved = _onwards(stack.slots[0], points) - points
    whole = rearrange(moved, "b t n c -> b c (t n)").contiguous()
    for index, slot in enumerate(stack.slots[1:], start=1):
        part = slot.windows.but_last()
        points = part.points()
        moved = rearrange(_onwards(slot, points) - points, "b t n c -> b c (t n)")
        own = part.read(layer) == index
        part.write(whole, torch.where(own, moved, part.read(whole)))
    return rearrange(whole, "b c (t y x) -> b t y x c", y=height, x=width).contiguous()


def _onwards(slot: Slot, points: Tensor) -> Tensor:
    """Raster pixels of frames 0 to T - 2, as the layer takes them to the next frame."""
    if slot.maps.sines is None:
        return mapped(slot.onwards, points)
    before, then = slot.maps.at(slice(None, -1)), slot.maps.at(slice(1, None))
    return then.place(before.find(points))


@torch.no_grad()
def depth(rendered: Rendered) -> Float32[Tensor, "batch frames height width"]:
    """How far what each pixel shows is from the camera of its frame, along its axis."""
    table = torch.stack([slot.depth for slot in rendered.stack.slots], dim=-1)
    layer = rearrange(rendered.layer, "b t y x -> b t (y x)").long()
    return table.gather(2, layer).view(rendered.layer.shape)


@torch.no_grad()
def masks(rendered: Rendered, index: int) -> Bool[Tensor, "objects frames height width"]:
    """Which pixels show each object of one world."""
    world, layer = rendered.stack.worlds[index], rendered.layer[index]
    owners = [item.object for item in world.layers]
    found = torch.zeros((world.objects, *layer.shape), dtype=torch.bool, device=layer.device)
    for slot, item in enumerate(owners):
        if item >= 0:
            found[item] |= layer == slot
    return found


@torch.no_grad()
def seen(rendered: Rendered) -> Int64[Tensor, "batch layers frames"]:
    """How many pixels of each frame show each layer."""
    pixels = rendered.layer.flatten(2)
    counts = [(pixels == index).sum(dim=2) for index in range(len(rendered.stack.slots))]
    return torch.stack(counts, dim=1)


def boxes(world: World, pixels: Int64[np.ndarray, "layers frames"]) -> Boxes:
    """What each object of a world takes up at every frame, hidden or not, in raster pixels.

    A box is around all that is solid of an object, all its parts, and may reach beyond the
    picture. It is visible while a share of `SEEN` of the object's area is seen in the picture, else
    occluded. Labels are the names, groups the ids, depths those of the first frame.

    Args:
        world: the world.
        pixels: how many pixels show each layer, as `seen` counts them.
    """
    count = world.objects
    placed = np.zeros((count, world.frames, 4), np.float32)
    state = np.zeros((count, world.frames), np.uint8)
    for item, mine in enumerate(world.shares):
        low = world.extents[mine][..., :2].min(axis=0)
        high = world.extents[mine][..., 2:].max(axis=0)
        placed[item] = np.concatenate([low, high], axis=-1)
        share = pixels[: len(mine)][mine].sum(axis=0) / world.areas[mine].sum(axis=0)
        state[item] = np.where(share >= SEEN, State.VISIBLE, State.OCCLUDED)
    nearest = [min(x.depth for x in world.layers if x.object == item) for item in range(count)]
    return Boxes(
        boxes=placed,
        state=state,
        labels=world.names,
        hard=np.ones((count, world.frames), np.bool_),
        size=world.size,
        fps=float(world.fps),
        group=np.arange(count, dtype=np.int32),
        depth=np.array(nearest, np.float32),
    ).hide_outside()

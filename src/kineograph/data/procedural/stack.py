"""Stacks: the layers of several worlds as tensors, one slot a layer, for rendering all at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from kineograph.core.errors import DataError
from kineograph.data.procedural.waves import bent, unbent
from kineograph.data.procedural.windows import Windows, windows
from kineograph.data.procedural.world import Layer, World

FRINGE = 2.0
"""Texture pixels around an outline that may still hold a trace of alpha."""


@dataclass(frozen=True, eq=False)
class Maps:
    """Where the points of one layer of each of B worlds are at T frames, and back, exactly.

    Convention: layer points and raster pixels as in `Layer`. The two affine maps are between raster
    pixels of each frame and layer points that waves have bent.
    """

    to_layer: Float32[Tensor, "batch frames 2 3"]
    to_picture: Float32[Tensor, "batch frames 2 3"]
    sines: Float32[Tensor, "batch frames 2 sines 3"] | None
    """As in `Waves`; None where no world has any here."""

    def find(self, points: Float32[Tensor, "batch _ n 2"]) -> Float32[Tensor, "batch frames n 2"]:
        """Layer points of raster pixels of each frame."""
        found = mapped(self.to_layer, points)
        return found if self.sines is None else unbent(self.sines, found)

    def place(self, points: Float32[Tensor, "batch _ n 2"]) -> Float32[Tensor, "batch frames n 2"]:
        """Raster pixels of layer points at each frame."""
        return mapped(self.to_picture, points if self.sines is None else bent(self.sines, points))

    def at(self, frames: slice) -> "Maps":
        """The maps of some of the frames."""
        sines = None if self.sines is None else self.sines[:, frames]
        return Maps(self.to_layer[:, frames], self.to_picture[:, frames], sines)


@dataclass(frozen=True, eq=False)
class Slot:
    """One layer of each of B worlds; worlds with fewer layers have an empty sheet there."""

    texture: Float32[Tensor, "batch 4 height width"]
    half: Float32[Tensor, "batch 2"]
    """Half the (width, height) of each world's own sheet, which stands at the top left."""
    maps: Maps
    onwards: Float32[Tensor, "batch pairs 2 3"]
    """Raster pixels of frame t to those of t + 1, where there are no waves."""
    depth: Float32[Tensor, "batch frames"]
    windows: Windows
    """The part of each frame that can show the layer."""

    def grid(
        self, found: Float32[Tensor, "batch frames n 2"]
    ) -> Float32[Tensor, "batch frames n 2"]:
        """Layer points as `grid_sample` calls them: -1 to 1 from side to side of the texture."""
        height, width = self.texture.shape[2:]
        whole = self.half.new_tensor([2 / width, 2 / height])
        return (found + self.half[:, None, None]) * whole - 1


@dataclass(frozen=True, eq=False)
class Stack:
    """B worlds of T frames as slots, far to near."""

    worlds: tuple[World, ...]
    slots: tuple[Slot, ...]

    @classmethod
    def of(cls, worlds: Sequence[World]) -> "Stack":
        """The layers of worlds side by side, on the device of their textures.

        Raises:
            DataError: there is no world, or sizes, frames or the backgrounds' sizes differ.
        """
        _check(worlds)
        depth = max(len(world.layers) for world in worlds)
        return cls(tuple(worlds), tuple(_slot(worlds, i) for i in range(depth)))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the pictures."""
        return self.worlds[0].size

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return self.worlds[0].frames

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.slots[0].texture.device

    def owners(self) -> Int64[Tensor, "batch layers"]:
        """The object of each slot, -1 for the background and for empty sheets."""
        table = np.full((len(self.worlds), len(self.slots)), -1, np.int64)
        for row, world in zip(table, self.worlds, strict=True):
            row[: len(world.layers)] = [layer.object for layer in world.layers]
        return torch.from_numpy(table).to(self.device)


def _check(worlds: Sequence[World]) -> None:
    if not worlds:
        raise DataError("no world to render was given; give one at least")
    kinds = {(world.size, world.frames, world.layers[0].size) for world in worlds}
    if len(kinds) > 1:
        told = " and ".join(
            f"{t} frames of {w}x{h} before a background of {bw}x{bh}"
            for (w, h), t, (bw, bh) in sorted(kinds)
        )
        raise DataError(f"worlds to render together differ: {told}; they have to be alike")


def _slot(worlds: Sequence[World], index: int) -> Slot:
    """The layers of this index."""
    held = [world.layers[index] if index < len(world.layers) else None for world in worlds]
    frames, device = worlds[0].frames, worlds[0].layers[0].texture.device
    views = np.zeros((len(worlds), frames, 2, 3))
    inverse, depth = np.zeros_like(views), np.ones((len(worlds), frames))
    for i, (world, layer) in enumerate(zip(worlds, held, strict=True)):
        if layer is not None:
            views[i], depth[i] = world.views[index], world.depths[index]
            inverse[i] = _inverse(views[i])
    onwards = np.concatenate(
        [
            views[:, 1:, :, :2] @ inverse[:, :-1, :, :2],
            views[:, 1:, :, :2] @ inverse[:, :-1, :, 2:] + views[:, 1:, :, 2:],
        ],
        axis=-1,
    )
    half = np.array([(0, 0) if layer is None else layer.size for layer in held]) / 2
    parts = (half, inverse, views, onwards, depth, _sines(held, frames))
    there = _sent(parts, device)
    return Slot(
        texture=_textures(held),
        half=there[0],
        maps=Maps(there[1], there[2], there[5] if there[5].numel() else None),
        onwards=there[3],
        depth=there[4],
        windows=windows(_bounds(worlds, index), worlds[0].size, device),
    )


def _sent(parts: Sequence[np.ndarray], device: torch.device) -> list[Tensor]:
    """Arrays as float32 tensors on a device, in one transfer."""
    row = np.concatenate([part.ravel() for part in parts]).astype(np.float32)
    cut = torch.from_numpy(row).to(device, non_blocking=True).split([x.size for x in parts])
    return [piece.reshape(part.shape) for piece, part in zip(cut, parts, strict=True)]


def _inverse(views: Float64[np.ndarray, "frames 2 3"]) -> Float64[np.ndarray, "frames 2 3"]:
    back = np.linalg.inv(views[..., :2])
    return np.concatenate([back, -back @ views[..., 2:]], axis=-1)


def _sines(held: Sequence[Layer | None], frames: int) -> np.ndarray:
    """The waves of all, with as many sines as the richest has; nothing if none has any."""
    waves = [None if layer is None else layer.waves for layer in held]
    most = max(0 if wave is None else wave.sines.shape[2] for wave in waves)
    table = np.zeros((len(held), frames, 2, most, 3))
    for row, wave in zip(table, waves, strict=True):
        if wave is not None:
            row[:, :, : wave.sines.shape[2]] = wave.sines
    return table


def _textures(held: Sequence[Layer | None]) -> Float32[Tensor, "batch 4 height width"]:
    """All textures at the top left of sheets of one size, nothing beside them."""
    there = [layer.texture for layer in held if layer is not None]
    if len(held) == 1:
        return there[0][None]
    height, width = (max(x.shape[i] for x in there) for i in (1, 2))
    sheet = there[0].new_zeros((len(held), 4, height, width))
    for row, layer in zip(sheet, held, strict=True):
        if layer is not None:
            row[:, : layer.size[1], : layer.size[0]] = layer.texture
    return sheet


def _bounds(worlds: Sequence[World], index: int) -> Float64[np.ndarray, "batch frames 4"]:
    """x0, y0, x1, y1 of what each frame can show of the layer; nothing for an empty sheet."""
    bounds = np.zeros((len(worlds), worlds[0].frames, 4))
    for row, world in zip(bounds, worlds, strict=True):
        if index == 0:
            row[:, 2:] = world.size
        elif index < len(world.layers):
            fringe = FRINGE * np.abs(world.views[index][:, :, :2]).sum(axis=-1) + 1
            row[:] = world.extents[index] + np.concatenate([-fringe, fringe], axis=-1)
    return bounds


def mapped(
    affine: Float32[Tensor, "batch frames 2 3"], points: Float32[Tensor, "batch _ n 2"]
) -> Float32[Tensor, "batch frames n 2"]:
    """Points through an affine map a frame; faster than products of small matrices."""
    x, y = points.unbind(-1)
    a = rearrange(affine, "batch frames row column -> row column batch frames 1")
    return torch.stack([a[i, 0] * x + a[i, 1] * y + a[i, 2] for i in (0, 1)], dim=-1)

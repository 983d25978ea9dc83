"""The library: sprites and backgrounds by number, drawn once and kept, in the sizes asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, log2

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, UInt8
from torch import Tensor
from torch.nn import functional

from kineograph.data.procedural import backgrounds, sprites
from kineograph.data.procedural.backgrounds import background
from kineograph.data.procedural.sprites import sprite
from kineograph.data.procedural.stock import Stock

CELLS = 16
"""Cells along each side of `Figure.cover`."""

SMALLEST = 16
"""Pixels along the side of the smallest sheet that is kept of a figure."""

SPRITES, BACKGROUNDS = 1, 2
"""Marks that keep the draws of sprite n and background n apart."""


@dataclass(frozen=True, eq=False)
class Figure:
    """A sprite, and what has to be known of its shape; units of its own side, middle (0, 0)."""

    rgba: UInt8[Tensor, "4 side side"]
    """Colours times alpha, and alpha, 0 to 255: a quarter of the memory."""
    name: str
    turnable: bool
    outline: Float64[np.ndarray, "corners 2"]
    """Points around all that is solid; enough for its extents also when waves bend it."""
    hull: Float64[np.ndarray, "hull 2"]
    """The corners of its convex hull; enough when it stays stiff."""
    cover: Bool[np.ndarray, "rows columns"]
    """Which cells of a coarse grid are solid in their middle."""
    area: float
    """The share of the square that is solid."""


class Library:
    """Draws sprite n and background n, always the same ones for a seed and a stock."""

    def __init__(
        self,
        *,
        stock: Stock,
        seed: int,
        side: int,
        back: tuple[int, int],
        device: torch.device,
        sprite_kinds: Mapping[str, float] = sprites.KINDS,
        background_kinds: Mapping[str, float] = backgrounds.KINDS,
        kept: int = 1024,
    ) -> None:
        """A library whose largest sheets are `side` pixels and backgrounds `back` pixels.

        Args:
            stock: where glyphs and photographs come from.
            seed: what all draws begin with.
            side: pixels of a sprite's largest sheet.
            back: (width, height) of a background's sheet.
            device: where the sheets are kept and used.
            sprite_kinds: how often each kind of sprite is drawn.
            background_kinds: how often each kind of background is drawn.
            kept: how many sprites are kept; a quarter as many backgrounds are.
        """
        self._stock, self._seed, self._side, self._back = stock, seed, side, back
        self._device = device
        self._kinds = sprite_kinds, background_kinds
        self.figure = lru_cache(kept)(self._figure)
        self.sheet = lru_cache(3 * kept)(self._sheet)
        self.background = lru_cache(max(8, kept // 4))(self._background)

    def level(self, span: float | int) -> int:
        """Pixels along the side of the sheet that is shown `span` pixels large, or a bit more."""
        steps = ceil(2 * log2(max(span, SMALLEST) / SMALLEST) - 1e-9)
        return min(round(SMALLEST * 2 ** (steps / 2)), self._side)

    def _figure(self, number: int) -> Figure:
        rng = np.random.default_rng([self._seed, SPRITES, number])
        drawn = sprite(rng, self._side, stock=self._stock, kinds=self._kinds[0])
        rgba = torch.cat([drawn.rgba[:3] * drawn.rgba[3:], drawn.rgba[3:]])
        solid = (drawn.rgba[3] >= 0.5).numpy()
        around = outline(solid)
        cells = ((np.arange(CELLS) + 0.5) * (self._side / CELLS)).astype(int)
        return Figure(
            _bytes(rgba).to(self._device),
            drawn.name,
            drawn.turnable,
            outline=around,
            hull=cv2.convexHull(around.astype(np.float32))[:, 0].astype(np.float64),
            cover=solid[np.ix_(cells, cells)],
            area=float(solid.mean()),
        )

    def _sheet(self, number: int, side: int) -> UInt8[Tensor, "4 side side"]:
        """The figure of this number in another size."""
        rgba = self.figure(number).rgba
        if side == rgba.shape[1]:
            return rgba
        large = rgba[None].float() / 255
        small = functional.interpolate(large, (side, side), mode="bilinear", antialias=True)
        return _bytes(small[0])

    def _background(self, number: int) -> tuple[UInt8[Tensor, "4 height width"], str]:
        rng = np.random.default_rng([self._seed, BACKGROUNDS, number])
        drawn = background(rng, self._back, stock=self._stock, kinds=self._kinds[1])
        rgba = torch.cat([drawn.rgb, torch.ones_like(drawn.rgb[:1])])
        return _bytes(rgba).to(self._device), drawn.name


def _bytes(rgba: Float32[Tensor, "4 height width"]) -> UInt8[Tensor, "4 height width"]:
    """0..1 as the nearest of 0..255."""
    return rgba.mul(255).add(0.5).clamp(0, 255).to(torch.uint8)


def outline(solid: Bool[np.ndarray, "side side"]) -> Float64[np.ndarray, "corners 2"]:
    """Corners of the first and last solid pixel of each row and column, in units of the side.

    Nothing solid gives the middle alone. Their extents are those of all solid pixels, also after
    an affine map or a shear along x or y.
    """
    side = len(solid)
    found = []
    for turned in (solid, solid.T):
        rows = np.flatnonzero(turned.any(axis=1))
        first, last = turned[rows].argmax(axis=1), side - turned[rows, ::-1].argmax(axis=1)
        corners = [(x, y) for x in (first, last) for y in (rows, rows + 1)]
        points = np.concatenate([np.stack(pair, axis=-1) for pair in corners])
        found.append(points if turned is solid else points[:, ::-1])
    points = np.unique(np.concatenate(found), axis=0)
    return points / side - 0.5 if len(points) else np.zeros((1, 2))

"""Backgrounds: textures and photographs that fill the whole picture behind everything."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float32
from torch import Tensor

from kineograph.data.procedural.chance import either
from kineograph.data.procedural.leaves import leaves
from kineograph.data.procedural.photographs import crop
from kineograph.data.procedural.stock import Stock, draw_kind
from kineograph.data.procedural.textures import PATTERNS, Device, Texture, draw_cloth, uneven

KINDS: Mapping[str, float | int] = {"photograph": 0.35, "leaves": 0.25, "pattern": 0.4}
"""How often each kind is drawn; photographs only where there are any."""


@dataclass(frozen=True, eq=False)
class Background:
    """A picture (3, height, width) in 0..1 and its name without an article: "dotted background"."""

    rgb: Float32[Tensor, "3 height width"]
    name: str


def background(
    rng: np.random.Generator,
    size: tuple[int, int],
    *,
    stock: Stock | None = None,
    kinds: Mapping[str, float | int] = KINDS,
    device: Device = "cpu",
) -> Background:
    """Draw a background of `size` (width, height).

    Args:
        rng: draws everything.
        size: (width, height) in pixels.
        stock: where photographs come from; None has none.
        kinds: how often each of `KINDS` is drawn, in any unit.
        device: where the picture is to be.

    Raises:
        DataError: a kind is unknown, or none of those asked for can be drawn from the stock.
    """
    held = stock or Stock()
    kind = draw_kind(rng, kinds, known=KINDS, absent=() if held.photographs else _STOCKED)
    if kind == "photograph":
        pixels = torch.from_numpy(crop(rng, held.photographs, size)).to(device)
        return Background(
            rearrange(pixels, "height width rgb -> rgb height width") / 255, "photograph"
        )
    drawn = _texture(rng, size, kind, device)
    return Background(uneven(rng, drawn.rgb), f"{drawn.word} background")


_STOCKED = ("photograph",)


def _texture(rng: np.random.Generator, size: tuple[int, int], kind: str, device: Device) -> Texture:
    if kind == "leaves":
        return leaves(rng, size, kind="disc" if rng.random() < 0.5 else "polygon", device=device)
    cloth = draw_cloth(rng, size, device=device)
    drawn = PATTERNS[either(rng, list(PATTERNS))](rng, cloth)
    first, second = cloth.first.name, cloth.second.name
    said = f"{first} and {second}" if drawn.word in _EVEN and first != second else first
    return Texture(drawn.rgb, f"{said} {drawn.word}")


_EVEN = ("striped", "wavy", "checked")
"""Patterns in which neither colour is on top of the other."""

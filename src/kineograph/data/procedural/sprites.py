"""Sprites: small pictures with clean edges and a name, the things that move in scenes.

A sprite is a shape in a named colour, a glyph of an emoji font, or a piece of a photograph.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float32
from torch import Tensor

from kineograph.core.errors import DataError
from kineograph.data.procedural.chance import either
from kineograph.data.procedural.colours import Colour, draw_colour, name_of, shade_of
from kineograph.data.procedural.glyphs import Glyph, resized
from kineograph.data.procedural.photographs import Photograph, crop
from kineograph.data.procedural.shapes import (
    MARGIN,
    ROUND,
    SHAPES,
    bled,
    blob,
    depth_within,
    fitted,
    large_mask,
    shrunk,
)
from kineograph.data.procedural.stock import Stock, draw_kind
from kineograph.data.procedural.textures import PATTERNS, Cloth, Device, noise

KINDS: Mapping[str, float | int] = {"shape": 0.4, "glyph": 0.45, "photograph": 0.15}
"""How often each kind is drawn; glyphs and photographs only where there are any."""

ON_SHAPES = ("striped", "wavy", "checked", "dotted", "marbled")
"""Patterns that a shape may have; the others look like plain ones when small."""

SMALLEST = 8
"""Pixels: the least side of a sprite."""

TILT = 0.25
"""Radians that a shape stands at most askew."""


@dataclass(frozen=True, eq=False)
class Sprite:
    """A square picture with alpha, and what it is called.

    Args:
        rgba: (4, size, size) in 0..1, straight alpha. Colour goes on beyond the edge, where alpha
            is 0, so that it can be sampled between pixels without a fringe; the outermost pixels
            are transparent.
        name: plain words without an article: "striped red square", "fox face".
        kind: "shape", "glyph" or "photograph".
        turnable: whether one can see it turn; a plain circle is the same all round.
    """

    rgba: Float32[Tensor, "4 height width"]
    name: str
    kind: str
    turnable: bool = True


def sprite(
    rng: np.random.Generator,
    size: int,
    *,
    stock: Stock | None = None,
    kinds: Mapping[str, float | int] = KINDS,
    device: Device = "cpu",
) -> Sprite:
    """Draw a sprite that fills a square of `size` pixels, but for a transparent rim.

    Args:
        rng: draws everything.
        size: pixels on a side.
        stock: where glyphs and photographs come from; None has neither.
        kinds: how often each of `KINDS` is drawn, in any unit.
        device: where the picture is to be.

    Raises:
        DataError: it is smaller than `SMALLEST`, a kind is unknown, or none of the kinds asked for
            can be drawn from the stock.
    """
    if size < SMALLEST:
        raise DataError(f"a sprite of {size} pixels is too small; give {SMALLEST} or more")
    held = stock or Stock()
    there = {"glyph": held.glyphs, "photograph": held.photographs}
    absent = [kind for kind, things in there.items() if not things]
    kind = draw_kind(rng, kinds, known=KINDS, absent=absent)
    if kind == "glyph":
        return _as_sprite(_glyph(rng, size, either(rng, held.glyphs)), device)
    if kind == "photograph":
        return _as_sprite(_piece(rng, size, held.photographs), device)
    return _as_sprite(_shape(rng, size), device)


@dataclass(frozen=True, eq=False)
class _Drawn:
    rgba: Float32[np.ndarray, "height width 4"]
    name: str
    kind: str
    turnable: bool = True


def _as_sprite(drawn: _Drawn, device: Device) -> Sprite:
    rgba = np.ascontiguousarray(rearrange(drawn.rgba, "height width rgba -> rgba height width"))
    return Sprite(torch.from_numpy(rgba).to(device), drawn.name, drawn.kind, drawn.turnable)


def _glyph(rng: np.random.Generator, size: int, glyph: Glyph) -> _Drawn:
    """A glyph scaled into the middle of the square, perhaps mirrored."""
    height, width = glyph.rgba.shape[:2]
    scale = (size - 2 * MARGIN) / max(width, height)
    wide, high = max(1, int(width * scale)), max(1, int(height * scale))
    small = resized(glyph.rgba, (wide, high))
    if rng.random() < 0.5:
        small = small[:, ::-1]
    left, top = (size - wide) // 2, (size - high) // 2
    rgba = np.zeros((size, size, 4), np.float32)
    rgba[top : top + high, left : left + wide] = small
    return _Drawn(bled(rgba), glyph.name, "glyph")


def _piece(rng: np.random.Generator, size: int, photographs: tuple[Photograph, ...]) -> _Drawn:
    """A piece of a photograph with a smooth outline, perhaps with a white rim as a sticker has."""
    large = large_mask(fitted([blob(rng, roughness=rng.uniform(0.15, 0.4))]), size)
    rgb = crop(rng, photographs, (size, size)).astype(np.float32) / 255
    alpha = shrunk(large)
    shown = rgb[alpha > 0.5].mean(axis=0)
    if rng.random() < 0.5:
        wide = max(1.0, 0.04 * size)
        rim = shrunk((depth_within(large) < wide).astype(np.float32))[..., None]
        rgb = rgb + rim * (0.97 - rgb)
    rgba = np.concatenate([rgb, alpha[..., None]], axis=2).astype(np.float32)
    return _Drawn(rgba, f"{name_of(shown)} piece of a photograph", "photograph")


def _shape(rng: np.random.Generator, size: int) -> _Drawn:
    """A shape in a named colour: plain or with a pattern, perhaps with a darker outline."""
    shape, colour = either(rng, list(SHAPES)), draw_colour(rng)
    outlines = SHAPES[shape](rng)
    large = large_mask(fitted(outlines, 0.0 if shape in ROUND else rng.uniform(-TILT, TILT)), size)
    word = either(rng, ON_SHAPES) if rng.random() < 0.45 and size >= 24 else ""
    rgb = _painted(rng, size, colour, word)
    if rng.random() < 0.4:
        rgb = _outlined(rgb, large, _beside(colour, 0.55))
    rgba = np.concatenate([rgb, shrunk(large)[..., None]], axis=2).astype(np.float32)
    name = " ".join(part for part in (word, colour.name, shape) if part)
    return _Drawn(rgba, name, "shape", bool(word) or shape not in ROUND)


def _painted(
    rng: np.random.Generator, size: int, colour: Colour, word: str
) -> Float32[np.ndarray, "height width 3"]:
    """A square of a colour, with a pattern in a shade of it where there is a word for one."""
    cloth = Cloth((size, size), colour, _beside(colour, rng.uniform(0.45, 0.6)))
    plain = torch.zeros(size, size)
    rgb = PATTERNS[word](rng, cloth).rgb if word else cloth.mixed(plain)
    light = 1 + 0.04 * noise(rng, (size, size), fall=1.8).clamp(-2, 2)
    lit = rearrange((rgb * light).clamp(0, 1), "rgb height width -> height width rgb")
    return lit.numpy()


def _beside(colour: Colour, away: float) -> Colour:
    """A shade that stands out from a colour: darker, or lighter where it is dark itself."""
    return shade_of(colour, away if colour.rgb.mean() < 0.4 else -away)


def _outlined(
    rgb: Float32[np.ndarray, "height width 3"],
    large: Float32[np.ndarray, "large large"],
    colour: Colour,
) -> Float32[np.ndarray, "height width 3"]:
    """With a line of a colour along the edge; beyond the edge it is that colour too."""
    line = depth_within(large) < max(1.2, 0.05 * len(rgb))
    share = shrunk(line.astype(np.float32))[..., None]
    return (rgb + share * (colour.rgb - rgb)).astype(np.float32)

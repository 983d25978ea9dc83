"""Textures to look at and to track: noise, leaves, stripes, dots and the like, each with its word.

Everything is drawn from a numpy generator, so the same generator gives the same texture on any
device, but for rounding. Convention: sizes are (width, height) in pixels; textures are
(3, height, width) in 0..1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from kineograph.data.procedural.chance import between
from kineograph.data.procedural.colours import Colour, draw_colour, shade_of

Device = torch.device | str


@dataclass(frozen=True, eq=False)
class Texture:
    """A picture (3, height, width) in 0..1 and the words for it: "striped", "dotted"."""

    rgb: Float32[Tensor, "3 height width"]
    word: str


@dataclass(frozen=True, eq=False)
class Cloth:
    """What a texture is drawn on: its size, its two colours, and where.

    Args:
        size: (width, height) in pixels.
        first: the colour of most of it.
        second: the colour of the pattern.
        device: where the texture is to be.
    """

    size: tuple[int, int]
    first: Colour
    second: Colour
    device: Device = "cpu"

    @property
    def short(self) -> int:
        """The short side in pixels: what patterns are measured by."""
        return min(self.size)

    def mixed(self, share: Float32[Tensor, "height width"]) -> Float32[Tensor, "3 height width"]:
        """The first colour where `share` is 0, the second where it is 1."""
        first, second = (
            torch.from_numpy(one.rgb).to(self.device)[:, None, None]
            for one in (self.first, self.second)
        )
        return first + share * (second - first)

    def places(
        self,
    ) -> tuple[Float32[Tensor, "1 width"], Float32[Tensor, "height 1"]]:
        """The pixels' centres, as x and y."""
        width, height = self.size
        x = torch.arange(width, device=self.device, dtype=torch.float32) + 0.5
        y = torch.arange(height, device=self.device, dtype=torch.float32) + 0.5
        return x[None], y[:, None]

    def turned(
        self, angle: float
    ) -> tuple[Float32[Tensor, "height width"], Float32[Tensor, "height width"]]:
        """The pixels' centres, as x and y in axes turned by `angle` radians."""
        x, y = self.places()
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        return x * cos + y * sin, y * cos - x * sin


def noise(
    rng: np.random.Generator, size: tuple[int, int], *, fall: float | int, device: Device = "cpu"
) -> Float32[Tensor, "height width"]:
    """Noise of all octaves whose amplitude falls as 1 / frequency ** `fall`; mean 0, deviation 1.

    0 is white; 1 is that of natural photographs; 2 is clouds.
    """
    width, height = size
    white = torch.from_numpy(rng.standard_normal((height, width), dtype=np.float32)).to(device)
    # in cycles a pixel both ways, so that a wide picture has round clouds too
    down = torch.fft.fftfreq(height, device=device)[:, None]
    along = torch.fft.rfftfreq(width, device=device)[None]
    frequency = (down.square() + along.square()).sqrt()
    frequency[0, 0] = torch.inf if fall > 0 else 1.0
    spectrum = torch.fft.rfft2(white) * frequency.pow(-float(fall))
    field = torch.fft.irfft2(spectrum, s=(height, width))
    field = field - field.mean()
    return (field / field.std().clamp_min(1e-8)).to(torch.float32)


def _edge(distance: Float32[Tensor, "height width"]) -> Float32[Tensor, "height width"]:
    """Coverage from the distance in pixels to an edge, positive inside."""
    return (distance + 0.5).clamp(0, 1)


def _wave(place: Float32[Tensor, "height width"], period: float) -> Float32[Tensor, "height width"]:
    """Distance in pixels to the middle of the nearest of lines `period` apart."""
    return (place.remainder(period) - period / 2).abs()


def _period(rng: np.random.Generator, cloth: Cloth, low: float, high: float) -> float:
    """A period between two shares of the short side, evenly on a log scale; 4 pixels or more."""
    return max(4.0, cloth.short * between(rng, low, high))


def striped(rng: np.random.Generator, cloth: Cloth) -> Texture:
    """Straight stripes in any direction."""
    period = _period(rng, cloth, 0.08, 0.3)
    along, _ = cloth.turned(rng.uniform(0, np.pi))
    place = along + rng.uniform(0, period)
    share = _edge(rng.uniform(0.35, 0.65) * period / 2 - _wave(place, period))
    return Texture(cloth.mixed(share), "striped")


def wavy(rng: np.random.Generator, cloth: Cloth) -> Texture:
    """Stripes that swing."""
    period = _period(rng, cloth, 0.1, 0.3)
    along, across = cloth.turned(rng.uniform(0, np.pi))
    swing = 2 * np.pi / _period(rng, cloth, 0.4, 0.9)
    height = rng.uniform(0.5, 0.9) / swing  # the slope stays below one
    place = along + height * torch.sin(across * swing + rng.uniform(0, 2 * np.pi))
    slope = height * swing * torch.cos(across * swing)
    away = (0.25 * period - _wave(place, period)) / (1 + slope.square()).sqrt()
    return Texture(cloth.mixed(_edge(away)), "wavy")


def checked(rng: np.random.Generator, cloth: Cloth) -> Texture:
    """A chequerboard, at any angle."""
    period = _period(rng, cloth, 0.15, 0.45)
    along, across = cloth.turned(rng.uniform(0, np.pi / 2))
    signs = [
        2 * _edge(period / 4 - _wave(place + rng.uniform(0, period), period)) - 1
        for place in (along, across)
    ]
    return Texture(cloth.mixed((1 + signs[0] * signs[1]) / 2), "checked")


def dotted(rng: np.random.Generator, cloth: Cloth) -> Texture:
    """Round dots in rows that are set off against each other."""
    period = _period(rng, cloth, 0.1, 0.28)
    along, across = cloth.turned(rng.uniform(0, np.pi / 2))
    radius = max(1.5, rng.uniform(0.22, 0.36) * period)
    shift = rng.uniform(0, period, 2)
    row = ((across + shift[1]) / period).floor()
    aside = _wave(along + shift[0] + (row.remainder(2) * period / 2), period)
    away = (aside.square() + _wave(across + shift[1], period).square()).sqrt()
    return Texture(cloth.mixed(_edge(radius - away)), "dotted")


def bricked(rng: np.random.Generator, cloth: Cloth) -> Texture:
    """Bricks of slightly different shades with joints of the second colour."""
    tall = _period(rng, cloth, 0.08, 0.2)
    wide = tall * rng.uniform(1.8, 2.6)
    x, y = cloth.turned(0.0)
    y = y + rng.uniform(0, tall)
    row = (y / tall).floor()
    x = x + rng.uniform(0, wide) + row.remainder(2) * wide / 2
    joint = max(1.0, 0.12 * tall)
    inside = torch.minimum(wide / 2 - _wave(x, wide), tall / 2 - _wave(y, tall))
    # a shade for each brick out of a table that is drawn, found by the brick's row and column
    table = torch.from_numpy(rng.uniform(0.82, 1.1, (61,)).astype(np.float32)).to(cloth.device)
    brick = ((x / wide).floor() * 7 + row * 13).long().remainder(len(table))
    shades = table[brick]
    seam = _edge(joint / 2 - inside)
    rgb = cloth.mixed(seam) * (shades + seam * (1 - shades))
    return Texture(rgb.clamp(0, 1), "bricked")


def shaded(rng: np.random.Generator, cloth: Cloth) -> Texture:
    """One colour passing into the other, along a line or outwards from a point."""
    if rng.random() < 0.6:
        along, _ = cloth.turned(rng.uniform(0, 2 * np.pi))
    else:
        x, y = cloth.places()
        width, height = cloth.size
        middle = rng.uniform(0.2, 0.8, 2)
        along = ((x - middle[0] * width).square() + (y - middle[1] * height).square()).sqrt()
    share = (along - along.min()) / (along.max() - along.min()).clamp_min(1e-6)
    return Texture(cloth.mixed(share), "shaded")


def cloudy(rng: np.random.Generator, cloth: Cloth) -> Texture:
    """Soft clouds of one colour in the other."""
    field = noise(rng, cloth.size, fall=rng.uniform(1.7, 2.1), device=cloth.device)
    return Texture(cloth.mixed(torch.sigmoid(1.6 * field)), "cloudy")


def speckled(rng: np.random.Generator, cloth: Cloth) -> Texture:
    """Grain of all sizes, as sand or granite."""
    field = noise(rng, cloth.size, fall=rng.uniform(0.7, 1.0), device=cloth.device)
    return Texture(cloth.mixed((0.38 + 0.2 * field).clamp(0, 1)), "speckled")


def marbled(rng: np.random.Generator, cloth: Cloth) -> Texture:
    """Thin veins of the second colour, bent by noise."""
    period = _period(rng, cloth, 0.25, 0.5)
    along, _ = cloth.turned(rng.uniform(0, np.pi))
    bend = noise(rng, cloth.size, fall=1.9, device=cloth.device)
    vein = torch.sin(2 * np.pi / period * (along + 0.45 * period * bend)).abs()
    haze = noise(rng, cloth.size, fall=1.6, device=cloth.device)
    share = (1 - vein).pow(2.5) + 0.1 * (haze + 1).clamp(0, 2)
    return Texture(cloth.mixed(share.clamp(0, 1)), "marbled")


PATTERNS: dict[str, Callable[[np.random.Generator, Cloth], Texture]] = {
    "striped": striped,
    "wavy": wavy,
    "checked": checked,
    "dotted": dotted,
    "bricked": bricked,
    "shaded": shaded,
    "cloudy": cloudy,
    "speckled": speckled,
    "marbled": marbled,
}
"""Textures of two colours, by their word."""


def draw_cloth(
    rng: np.random.Generator,
    size: tuple[int, int],
    *,
    soft: float | int = 0.35,
    device: Device = "cpu",
) -> Cloth:
    """Two colours of different names, or two shades of one, kept soft enough to stay behind."""
    first = draw_colour(rng, soft=soft)
    if rng.random() < 0.4:
        lighter = 0.45 if first.rgb.mean() < 0.6 else -0.4
        return Cloth(size, first, shade_of(first, lighter), device)
    return Cloth(size, first, draw_colour(rng, soft=soft, without=(first.name,)), device)


def uneven(
    rng: np.random.Generator, rgb: Float32[Tensor, "3 height width"], amount: float | int = 0.06
) -> Float32[Tensor, "3 height width"]:
    """The same picture in slightly uneven light, as a real surface: nothing is quite flat."""
    height, width = rgb.shape[1:]
    broad = noise(rng, (width, height), fall=1.8, device=rgb.device)
    fine = noise(rng, (width, height), fall=0.8, device=rgb.device)
    return (rgb * (1 + amount * broad) + 0.25 * amount * fine).clamp(0, 1)

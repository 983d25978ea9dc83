"""Colours that have a name: a dozen, far enough apart to be told and to be learnt."""

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32

from kineograph.data.procedural.chance import either

Ends = tuple[float | int, float | int]


@dataclass(frozen=True)
class Range:
    """What a name covers in hue (degrees), saturation and value (0..1), each from low to high."""

    hue: Ends
    saturation: Ends
    value: Ends


COLOURS: dict[str, Range] = {
    "red": Range((352, 364), (0.80, 0.95), (0.72, 0.92)),
    "orange": Range((22, 32), (0.85, 0.98), (0.92, 1.0)),
    "yellow": Range((48, 56), (0.70, 0.92), (0.94, 1.0)),
    "green": Range((108, 142), (0.55, 0.85), (0.45, 0.72)),
    "cyan": Range((178, 188), (0.55, 0.85), (0.80, 0.95)),
    "blue": Range((214, 230), (0.70, 0.92), (0.65, 0.92)),
    "purple": Range((268, 284), (0.50, 0.80), (0.50, 0.75)),
    "pink": Range((328, 342), (0.35, 0.55), (0.95, 1.0)),
    "brown": Range((18, 28), (0.55, 0.75), (0.36, 0.50)),
    "white": Range((0, 360), (0.00, 0.04), (0.94, 1.0)),
    "grey": Range((0, 360), (0.00, 0.05), (0.45, 0.60)),
    "black": Range((0, 360), (0.00, 0.30), (0.05, 0.12)),
}
"""The names and what each covers."""


@dataclass(frozen=True, eq=False)
class Colour:
    """A colour and its name; rgb in 0..1."""

    name: str
    rgb: Float32[np.ndarray, "3"]


def draw_colour(
    rng: np.random.Generator, *, without: Collection[str] = (), soft: float | int = 0.0
) -> Colour:
    """A colour of a name that is drawn evenly from those not in `without`.

    Args:
        rng: draws the name and the place within its range.
        without: names that are not wanted.
        soft: 0..1, how far it is mixed towards a light grey: what a background needs to stay
            behind.
    """
    name = either(rng, [name for name in COLOURS if name not in without])
    held = COLOURS[name]
    hsv = [rng.uniform(*held.hue) % 360, rng.uniform(*held.saturation), rng.uniform(*held.value)]
    pixel = np.array(hsv, np.float32).reshape(1, 1, 3)
    rgb = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB).reshape(3).astype(np.float32)
    return Colour(name, (rgb + soft * (0.72 - rgb)).astype(np.float32))


def shade_of(colour: Colour, lighter: float | int) -> Colour:
    """The same name, towards white by `lighter` in 0..1, or towards black where it is negative."""
    goal = 1.0 if lighter > 0 else 0.0
    return Colour(colour.name, (colour.rgb + abs(lighter) * (goal - colour.rgb)).astype(np.float32))


def name_of(rgb: Float[np.ndarray, "3"]) -> str:
    """The name whose middle looks nearest to a colour in 0..1, by distance in CIE Lab."""
    away = np.linalg.norm(_lab(np.asarray(rgb, np.float32)[None]) - _lab(_MIDDLES), axis=1)
    return list(COLOURS)[int(away.argmin())]


def _lab(rgb: Float32[np.ndarray, "colours 3"]) -> Float[np.ndarray, "colours 3"]:
    return cv2.cvtColor(np.ascontiguousarray(rgb[None]), cv2.COLOR_RGB2LAB)[0]


def _middle(held: Range) -> Float32[np.ndarray, "3"]:
    hsv = np.array([[_half(held.hue) % 360, _half(held.saturation), _half(held.value)]])
    return cv2.cvtColor(hsv[None].astype(np.float32), cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)


def _half(ends: Ends) -> float:
    return sum(ends) / 2


_MIDDLES = np.stack([_middle(held) for held in COLOURS.values()])

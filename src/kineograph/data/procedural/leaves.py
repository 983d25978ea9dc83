"""Dead leaves: discs and polygons of power-law sizes that hide one another, as things in the world.

The model of Matheron, with sizes as in Lee, Mumford and Huang (2001): the number of leaves falls
with the cube of their radius, which gives the statistics of photographs.
"""

import cv2
import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Float32, Int32, Int64
from torch import Tensor
from torch.nn.functional import avg_pool2d

from kineograph.data.procedural.colours import draw_colour
from kineograph.data.procedural.textures import Device, Texture, noise

SUPERSAMPLING = 2
"""Samples along each side of a pixel."""

LEAVES = 700
"""How many leaves fall on a picture."""

_FRACTION = 4
"""Bits of fraction OpenCV is given for a corner."""

WORDS = {"disc": "pebbled", "polygon": "jumbled"}
"""The word for a picture of each kind of leaf."""


def leaves(
    rng: np.random.Generator,
    size: tuple[int, int],
    *,
    kind: str = "disc",
    soft: float | int = 0.4,
    device: Device = "cpu",
) -> Texture:
    """Dead leaves, each in its own colour and with a mild texture of its own.

    Args:
        rng: draws everything.
        size: (width, height) in pixels.
        kind: "disc" or "polygon".
        soft: 0..1, how far the colours are mixed towards a light grey.
        device: where the texture is to be.
    """
    width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
    which = torch.from_numpy(_falling(rng, (width, height), kind)).to(device).long()
    base = torch.from_numpy(_colours(rng, soft)).to(device)
    rgb = rearrange(base[which], "height width rgb -> rgb height width")
    smooth = avg_pool2d(rgb[None], SUPERSAMPLING)[0]
    grain = _grain(rng, which[::SUPERSAMPLING, ::SUPERSAMPLING])
    return Texture((smooth * (1 + grain)).clamp(0, 1), WORDS[kind])


def radii(
    rng: np.random.Generator, count: int, low: float, high: float
) -> Float32[np.ndarray, " leaves"]:
    """Radii between two ends whose density falls with the cube."""
    share = rng.random(count)
    return ((low**-2 + share * (high**-2 - low**-2)) ** -0.5).astype(np.float32)


def _falling(
    rng: np.random.Generator, size: tuple[int, int], kind: str
) -> Int32[np.ndarray, "height width"]:
    """Which leaf lies on top at each sample; the ground is leaf 0."""
    width, height = size
    short = min(size)
    sizes = radii(rng, LEAVES, 0.02 * short, 0.4 * short)
    middles = rng.uniform((-0.1 * width, -0.1 * height), (1.1 * width, 1.1 * height), (LEAVES, 2))
    corners, counts = _corners(rng, kind)
    outlines = (middles[:, None] + sizes[:, None, None] * corners) * 2**_FRACTION
    placed = np.rint(outlines).astype(np.int32)
    drawn = np.zeros((height, width), np.int32)
    for leaf in range(1, LEAVES):
        cv2.fillConvexPoly(drawn, placed[leaf, : counts[leaf]], leaf, shift=_FRACTION)
    return drawn


def _corners(
    rng: np.random.Generator, kind: str
) -> tuple[Float[np.ndarray, "leaves corners 2"], Int64[np.ndarray, " leaves"]]:
    """Outlines of radius one, and how many corners of each count."""
    most, jitter = (32, 0.0) if kind == "disc" else (6, 0.3)
    counts = np.full(LEAVES, most) if kind == "disc" else rng.integers(3, most + 1, LEAVES)
    place = np.arange(most) + rng.uniform(-jitter, jitter, (LEAVES, most)) + rng.random((LEAVES, 1))
    turn = 2 * np.pi * place / counts[:, None]
    return np.stack([np.cos(turn), np.sin(turn)], axis=-1), counts


def _colours(rng: np.random.Generator, soft: float) -> Float32[np.ndarray, "leaves 3"]:
    """A colour a leaf, about a few that go through the whole picture."""
    palette = np.stack([draw_colour(rng, soft=soft).rgb for _ in range(rng.integers(3, 7))])
    chosen = palette[rng.integers(len(palette), size=LEAVES)]
    brightness = rng.uniform(0.75, 1.2, (LEAVES, 1))
    tint = rng.normal(0, 0.03, (LEAVES, 3))
    return (chosen * brightness + tint).clip(0, 1).astype(np.float32)


def _grain(
    rng: np.random.Generator, which: Int64[Tensor, "height width"]
) -> Float32[Tensor, "height width"]:
    """A mild texture for each leaf: fine lines on some, grain on others, shade on all."""
    height, width = which.shape
    device = which.device
    lined = rng.random(LEAVES) < 0.35
    angle = rng.uniform(0, np.pi, LEAVES)
    pace = 2 * np.pi / rng.uniform(3, 8, LEAVES)
    table = np.stack(
        [
            pace * np.cos(angle),
            pace * np.sin(angle),
            rng.uniform(0, 2 * np.pi, LEAVES),
            np.where(lined, rng.uniform(0.06, 0.16, LEAVES), 0),
            np.where(lined, 0.02, rng.uniform(0.02, 0.1, LEAVES)),
        ],
        axis=1,
    ).astype(np.float32)
    along, down, start, lines, grain = torch.from_numpy(table).to(device)[which].unbind(-1)
    x = torch.arange(width, device=device, dtype=torch.float32)[None]
    y = torch.arange(height, device=device, dtype=torch.float32)[:, None]
    speckle = noise(rng, (width, height), fall=0.8, device=device)
    return lines * torch.sin(along * x + down * y + start) + grain * speckle

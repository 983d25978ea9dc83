"""Writes what the example documents are made of: `python examples/photos.py`.

Into `examples/photos` go photographs that come with scikit-image, and pictures drawn here.
"""

from pathlib import Path

import cv2
import numpy as np
from skimage import data

import kineograph as kg

HERE = Path(__file__).parent / "photos"


OFFSET = 124.343 / 4
"""Pixels between the two cameras' principal points (Middlebury 2014, at a quarter)."""


def photographs() -> None:
    """Four photographs."""
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        kg.write_picture(HERE / f"{name}.png", getattr(data, name)())


def motorcycle() -> None:
    """A photograph with the true depth of every point, from its stereo pair."""
    left, _, disparity = data.stereo_motorcycle()
    kg.write_picture(HERE / "motorcycle.png", left)
    known = np.isfinite(disparity) & (disparity > 1)
    near = np.where(known, disparity, 0).astype(np.float32)
    hidden = (~known).astype(np.uint8)
    whole = cv2.inpaint((near * 4).clip(0, 255).astype(np.uint8), hidden, 5, cv2.INPAINT_NS)
    whole = np.where(known, near, whole / 4)
    depth = 1 / (whole.clip(0) + OFFSET)
    np.save(HERE / "motorcycle-depth.npy", (depth / np.median(depth)).astype(np.float32))


def ball(size: int = 512) -> None:
    """A lit ball with stripes, standing on a table."""
    y, x = np.mgrid[: size * 2, : size * 2].astype(np.float32) / 2
    picture = np.empty((size * 2, size * 2, 3), np.float32)
    picture[:] = (188, 196, 204)
    picture[size * 3 // 2 :] = (150, 118, 92)
    shadow = np.exp(-(((x - 285) / 110) ** 2) - ((y - 402) / 16) ** 2)
    picture *= 1 - 0.55 * shadow[..., None]
    u, v = (x - 256) / 140, (y - 262) / 140
    inside = u**2 + v**2 < 1
    w = np.sqrt((1 - u**2 - v**2).clip(0))
    turn = np.arctan2(u, w)
    stripe = np.floor((turn + 0.35 * v) / (np.pi / 6)) % 2
    colour = np.where(stripe[..., None] > 0, (205, 58, 46), (238, 226, 200))
    band = np.abs(v + 0.1 * u) < 0.12
    colour = np.where(band[..., None], (36, 70, 120), colour)
    light = 0.35 + 0.65 * (-0.45 * u - 0.6 * v + 0.66 * w).clip(0, 1)
    picture = np.where(inside[..., None], colour * light[..., None], picture)
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    kg.write_picture(HERE / "ball.png", small.round().clip(0, 255).astype(np.uint8))


def stirred(frames: int = 33) -> None:
    """Tracks on the coffee: it turns, the faster the nearer to the middle of the cup."""
    x, y = np.meshgrid(np.arange(190, 400, 12), np.arange(100, 196, 12))
    start = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    offset = (start - (294, 150)) / (1, 0.55)
    distance = np.linalg.norm(offset, axis=1, keepdims=True)
    start, offset, distance = (a[distance[:, 0] < 62] for a in (start, offset, distance))
    angle = 1.2 * np.linspace(0, 1, frames) * (1 - distance / 66) ** 2
    turned = np.stack(
        [
            offset[:, :1] * np.cos(angle) - offset[:, 1:] * np.sin(angle),
            offset[:, :1] * np.sin(angle) + offset[:, 1:] * np.cos(angle),
        ],
        axis=2,
    )
    tracks = kg.Tracks.of(turned * (1, 0.55) + (294, 150), size=(600, 400), fps=16)
    tracks.save(HERE / "stirred.npz")


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    photographs()
    motorcycle()
    ball()
    stirred()
    print(f"wrote {len(list(HERE.iterdir()))} files to {HERE}")

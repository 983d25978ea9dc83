"""Writes the short videos that two example documents take their motion from.

`python examples/videos.py`, after `python examples/photos.py`; they go into `examples/photos`.
"""

from pathlib import Path

import numpy as np

import kineograph as kg
from kineograph.core.interpolation import Spline

HERE = Path(__file__).parent / "photos"


def warped(picture: np.ndarray, back: np.ndarray) -> np.ndarray:
    """The picture with the colour of place + back at every place."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) + 0.5
    image = Spline(picture).at(np.stack([x, y], axis=2) + back.astype(np.float32))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def tremble(frames: int = 60, fps: int = 24) -> None:
    """The rocket on its pad, swaying by up to half a pixel, twice a second; and its first frame."""
    picture = kg.read_picture(HERE / "rocket.png")
    height, width = picture.shape[:2]
    y = (np.arange(height) + 0.5) / height
    bend = np.broadcast_to(((1 - y) ** 1.5)[:, None], (height, width))
    rng, made = np.random.default_rng(0), []
    for t in np.arange(frames) / fps:
        back = np.stack([-0.7 * bend * np.sin(2 * np.pi * 2 * t), np.zeros_like(bend)], axis=2)
        noisy = warped(picture, back) + rng.normal(0, 1, picture.shape)
        made.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    kg.Video(np.stack(made), fps).save(HERE / "tremble.mp4")
    kg.write_picture(HERE / "tremble.png", kg.read_video(HERE / "tremble.mp4").frames[0])


def tilt(frames: int = 49, fps: int = 16) -> None:
    """The cat tilts its head to one side and to the other."""
    picture = kg.read_picture(HERE / "chelsea.png")
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) + 0.5
    x, y = x - 225, y - 250
    made = []
    for t in np.arange(frames) / (frames - 1):
        angle = np.radians(9) * np.sin(2 * np.pi * t) * np.exp(-((x / 190) ** 2) - (y / 230) ** 4)
        cos, sin = np.cos(angle), np.sin(angle)
        made.append(warped(picture, np.stack([cos * x + sin * y - x, cos * y - sin * x - y], 2)))
    kg.Video(np.stack(made), fps).save(HERE / "tilt.mp4")


if __name__ == "__main__":
    tremble()
    tilt()

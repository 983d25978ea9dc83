"""The scenes that trackers are measured on, each with one difficulty, and one with all of them."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from scenes import Layer, Motion, Scene, dead_leaves, disc, flower, slab


def pan(frames: int = 48, seed: int = 0) -> Scene:
    """A background that slides and shakes by parts of a pixel."""
    motion = Motion(lambda t: (128 + 1.7 * t + 2 * np.sin(t / 3), 128 + 0.6 * t + np.sin(t / 2)))
    return Scene((Layer(_background(seed + 0), motion),), frames)


def turn(frames: int = 48, seed: int = 0) -> Scene:
    """The whole picture turns by 2 degrees a frame."""
    motion = Motion(lambda t: (128.0, 120.0), angle=lambda t: np.radians(2.0 * t))
    return Scene((Layer(_background(seed + 1), motion),), frames)


def zoom(frames: int = 48, seed: int = 0) -> Scene:
    """The picture grows to twice its size and shrinks again, off its middle."""
    motion = Motion(
        lambda t: (140.0, 120.0), scale=lambda t: 1.5 - 0.5 * np.cos(2 * np.pi * t / 48)
    )
    return Scene((Layer(_background(seed + 2), motion),), frames)


def behind(frames: int = 48, seed: int = 0) -> Scene:
    """A disc crosses behind two posts, over a sliding background, and comes out again."""
    back = Layer(_background(seed + 3), Motion(lambda t: (128 - 0.5 * t, 128 + 0.2 * t)))
    ball = Layer(
        dead_leaves(160, seed + 13, hue=0.1),
        Motion(lambda t: (30 + 4.2 * t, 120 + 25 * np.sin(t / 9)), angle=lambda t: 0.03 * t),
        disc(34),
    )
    posts = [
        Layer(
            dead_leaves(256, seed + 23 + i, hue=0.6),
            Motion(lambda t, x=x: (x, 128.0)),
            slab(26, 300),
        )
        for i, x in enumerate((88.0, 176.0))
    ]
    return Scene((back, ball, *posts), frames)


def front(frames: int = 48, seed: int = 0) -> Scene:
    """Two objects cross before a panning background, which comes back behind them."""
    back = Layer(_background(seed + 4), Motion(lambda t: (128 + 0.9 * t, 128 - 0.3 * t)))
    one = Layer(
        dead_leaves(200, seed + 14, hue=0.33),
        Motion(lambda t: (-20 + 6.5 * t, 90 + 0.4 * t), angle=lambda t: -0.04 * t),
        flower(42),
    )
    two = Layer(
        dead_leaves(200, seed + 15, hue=0.9),
        Motion(lambda t: (270 - 5.0 * t, 185 + 6 * np.sin(t / 5)), angle=lambda t: 0.02 * t),
        slab(70, 46),
    )
    return Scene((back, one, two), frames)


def light(frames: int = 48, seed: int = 0) -> Scene:
    """Exposure swings by half while a lamp's shine passes over a turning picture."""

    def shine(image: np.ndarray, t: float) -> np.ndarray:
        y, x = np.mgrid[: image.shape[0], : image.shape[1]]
        lamp = np.exp(-((x - 5 * t) ** 2 + (y - 128) ** 2) / (2 * 70.0**2))
        gain = 0.85 + 0.3 * np.sin(t / 7) + 0.35 * lamp
        return 255 * (image / 255 * gain[..., None].astype(np.float32)) ** (1 - 0.1 * np.sin(t / 9))

    motion = Motion(lambda t: (128 + 20 * np.sin(t / 10), 128 + 0.5 * t), angle=lambda t: 0.012 * t)
    return Scene((Layer(_background(seed + 5) * 0.8, motion),), frames, light=shine)


def cloth(frames: int = 48, seed: int = 0) -> Scene:
    """A sheet that ripples like a flag while it drifts."""
    motion = Motion(lambda t: (128 + 0.5 * t, 128.0), bend=lambda t: 4 * np.sin(t / 6))
    return Scene((Layer(_background(seed + 6), motion),), frames)


def everything(frames: int = 48, seed: int = 0) -> Scene:
    """Shaking zooming background, three turning objects that cross, posts, light and noise."""
    back = Layer(
        _background(seed + 7),
        Motion(
            lambda t: (128 + 1.1 * t + np.sin(t * 1.3), 128 + 3 * np.sin(t / 8)),
            angle=lambda t: 0.004 * t,
            scale=lambda t: 1 + 0.004 * t,
        ),
    )
    objects = [
        Layer(
            dead_leaves(220, seed + 30 + i, hue=0.15 + 0.3 * i),
            Motion(
                lambda t, i=i: (
                    128 + (85 - 12 * i) * np.cos(0.11 * t + 2.1 * i),
                    128 + (60 - 10 * i) * np.sin(0.11 * t + 2.1 * i),
                ),
                angle=lambda t, i=i: (0.05 - 0.03 * i) * t,
                scale=lambda t, i=i: 1 + 0.25 * np.sin(0.1 * t + i),
            ),
            shape,
        )
        for i, shape in enumerate((disc(36), flower(38, 4), slab(70, 52, 12)))
    ]
    post = Layer(
        dead_leaves(256, seed + 40, hue=0.5), Motion(lambda t: (118.0, 128.0)), slab(20, 300)
    )

    def dim(image: np.ndarray, t: float) -> np.ndarray:
        return image * (1 + 0.18 * np.sin(t / 6))

    return Scene((back, *objects, post), frames, noise=4.0, light=dim)


SCENES: dict[str, Callable[..., Scene]] = {
    make.__name__: make for make in (pan, turn, zoom, behind, front, light, cloth, everything)
}
"""Name to a function of the number of frames and the seed of the textures."""


@lru_cache
def scene(name: str, frames: int = 48, seed: int = 0) -> Scene:
    """A named scene, made and rendered once; another seed gives it other textures."""
    return SCENES[name](frames, seed)


def _background(seed: int) -> np.ndarray:
    return dead_leaves(520, seed, smallest=3.5)

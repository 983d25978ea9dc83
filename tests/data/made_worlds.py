"""Worlds put together by hand, with smooth textures, for tests that know the answer."""

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from conftest import made_texture
from kineograph.data.procedural.camera import FAR, Camera
from kineograph.data.procedural.lighting import Light
from kineograph.data.procedural.waves import Waves
from kineograph.data.procedural.world import Layer, World

SIZE, FRAMES = (64, 48), 7


def sheet(size: tuple[int, int], seed: int = 0, grain: float = 4.0) -> Tensor:
    """A smooth opaque texture."""
    rgb = torch.from_numpy(made_texture(size, seed, grain) / np.float32(255))
    rgb = rearrange(rgb, "y x c -> c y x").float()
    return torch.cat([rgb, torch.ones_like(rgb[:1])])


def plain(size: tuple[int, int], colour: tuple[float, float, float]) -> Tensor:
    """An opaque sheet of one colour."""
    flat = torch.tensor([*colour, 1.0])[:, None, None]
    return flat.expand(4, size[1], size[0]).contiguous()


def disc(side: int, seed: int = 0) -> Tensor:
    """A smooth texture on a disc with a soft edge, colours times alpha."""
    at = torch.arange(side) + 0.5 - side / 2
    far = (at[:, None] ** 2 + at**2).sqrt()
    return sheet((side, side), seed) * (side / 2 - 2 - far + 0.5).clamp(0, 1)


def path(
    x: np.ndarray, y: np.ndarray, angle: np.ndarray | float = 0.0, scale: np.ndarray | float = 1.0
) -> np.ndarray:
    """Affine maps of layer points to the stage."""
    x, y, angle, scale = np.broadcast_arrays(x, y, angle, scale)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return np.stack([np.stack([cos, -sin, x], -1), np.stack([sin, cos, y], -1)], axis=1)


def still(x: float, y: float, frames: int = FRAMES, scale: float = 1.0) -> np.ndarray:
    return path(np.full(frames, x), np.full(frames, y), 0.0, scale)


def back(texture: Tensor | None = None, frames: int = FRAMES) -> Layer:
    """A background somewhat larger than the picture."""
    held = sheet((90, 70), seed=5) if texture is None else texture
    return Layer(held, still(SIZE[0] / 2, SIZE[1] / 2, frames), FAR, "leaves")


def time(frames: int = FRAMES) -> np.ndarray:
    return np.linspace(0, 1, frames)


def waves(frames: int = FRAMES) -> Waves:
    """Two shears of two sines that run."""
    sines = np.zeros((frames, 2, 2, 3))
    sines[..., 0] = [[1.6, 0.7], [1.2, 0.5]]
    sines[..., 1] = [[0.2, 0.33], [0.17, 0.4]]
    sines[..., 2] = time(frames)[:, None, None] * [[3.0, -2.0], [2.5, 4.0]]
    return Waves(sines)


def filming(frames: int = FRAMES) -> Camera:
    """A camera that does everything at once."""
    part = time(frames)
    return Camera(
        SIZE,
        truck=np.stack([0.5 * part, -0.3 * part**2], axis=-1),
        dolly=0.8 * part,
        zoom=1 + 0.1 * part,
        roll=0.15 * part,
    )


def lively(camera: Camera | None = None, light: Light | None = None) -> World:
    """Two discs that cross before a background; the nearer one bends in waves."""
    part = time()
    far = path(12 + 38 * part, 22 + 4 * part, 1.5 * part, 1 - 0.2 * part)
    near = path(48 - 30 * part, 26 + 0 * part, -0.6 * part)
    return World(
        size=SIZE,
        fps=8,
        layers=(
            back(),
            Layer(disc(26, 1), far, 8.0, "red disc", object=0),
            Layer(disc(24, 2), near, 5.0, "blue disc", object=1, waves=waves()),
        ),
        camera=camera or Camera.still(SIZE, FRAMES),
        light=light or Light.plain(FRAMES),
    )

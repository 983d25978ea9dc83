"""The ray-cast room as a film: textured, with its depth and cameras known."""

import numpy as np

from kineograph.core.cameras import Cameras, intrinsics
from kineograph.data.clip import Clip
from raycast import Room

SIZE, FRAMES, FPS = (128, 128), 6, 8

TURN = np.radians(6.0)


def moves() -> dict[str, Cameras]:
    """Cameras that go sideways, forwards, turn, roll, do several at once, or nothing."""
    t = np.linspace(0, 1, FRAMES)
    none = np.zeros(FRAMES)
    return {
        "truck": cameras(np.stack([0.4 * t, none, none], -1)),
        "dolly": cameras(np.stack([none, none, 0.6 * t], -1)),
        "pan": cameras(np.zeros((FRAMES, 3)), pan=TURN * t),
        "all": cameras(np.stack([-0.3 * t, 0.1 * t, 0.2 * t], -1), pan=TURN * t, roll=TURN * t),
        "rest": cameras(np.zeros((FRAMES, 3))),
    }


def cameras(centres: np.ndarray, *, pan: np.ndarray | float = 0.0, roll: np.ndarray | float = 0.0):
    """Cameras at these places, turned about y, then rolled, in radians."""
    pan, roll = np.broadcast_to(pan, len(centres)), np.broadcast_to(roll, len(centres))
    w2c = np.repeat(np.eye(4)[None], len(centres), axis=0)
    for pose, a, b, centre in zip(w2c, pan, roll, centres, strict=True):
        about_y = [[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]]
        about_z = [[np.cos(b), np.sin(b), 0], [-np.sin(b), np.cos(b), 0], [0, 0, 1]]
        pose[:3, :3] = np.array(about_z) @ np.array(about_y)
        pose[:3, 3] = -pose[:3, :3] @ centre
    return Cameras.of(intrinsics(55, SIZE), w2c, size=SIZE, fps=FPS)


def film(path: Cameras) -> Clip:
    """The room of plates as these cameras see it, with its depth."""
    room, depths, frames = Room.of_plates(), [], []
    for frame in range(path.frames):
        x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
        flat = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3)
        rays = flat @ np.linalg.inv(path.K[frame]).T @ path.w2c[frame, :3, :3]
        depth = room.hit(path.centres[frame], rays)
        frames.append(paint(path.centres[frame] + depth[:, None] * rays).reshape(*SIZE[::-1], 3))
        depths.append(depth.reshape(SIZE[::-1]))
    video, depth = np.stack(frames), np.stack(depths).astype(np.float32)
    return Clip(video, FPS, depth=depth, cameras=path)


def paint(places: np.ndarray) -> np.ndarray:
    """The colour of places of the world: waves of many directions."""
    rng = np.random.default_rng(0)
    waves = rng.normal(0, 7, (60, 3))
    phase = rng.uniform(0, 2 * np.pi, 60)
    mix = rng.normal(0, 1, (60, 3))
    colours = np.sin(places @ waves.T + phase) @ mix
    return np.clip(128 + 12 * colours, 0, 255).astype(np.uint8)

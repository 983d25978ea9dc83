"""Key frames: a clip of any length told in a few, and what was generated there at all frames."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, UInt8
from scipy.interpolate import CubicSpline

from kineograph.engines.base import Request


def at_keys(request: Request, keys: int) -> Request:
    """The request in so many frames, evenly over the same time."""
    if keys == request.frames:
        return request
    fps = request.fps * (keys - 1) / max(request.frames - 1, 1)
    return replace(
        request,
        frames=keys,
        fps=fps,
        tracks=None if request.tracks is None else request.tracks.resample(keys, fps),
        boxes=None if request.boxes is None else request.boxes.resample(keys, fps),
    )


def motion_between(
    motion: Float32[np.ndarray, "channels keys rows columns"], frames: int
) -> Float32[np.ndarray, "channels frames rows columns"]:
    """A motion at all frames of a clip, without corners at the keys.

    Args:
        motion: at the keys, the first and the last frame among them.
        frames: of the clip.
    """
    keys = motion.shape[1]
    if keys == frames:
        return motion
    where = np.linspace(0, keys - 1, frames)
    made = CubicSpline(np.arange(keys), motion, axis=1)(where).astype(np.float32)
    made[2:] = _blended(np.moveaxis(motion[2:], 1, 0), where).transpose(1, 0, 2, 3)
    return made


def frames_between(
    images: UInt8[np.ndarray, "keys height width 3"], frames: int
) -> UInt8[np.ndarray, "frames height width 3"]:
    """Generated frames at all frames of a clip, faded into each other."""
    if len(images) == frames:
        return images
    made = [
        _blended(images, where[None])[0].round().astype(np.uint8)
        for where in np.linspace(0, len(images) - 1, frames)
    ]
    return np.stack(made)


def _blended(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Values along the first axis at places between them."""
    before = np.floor(where).astype(int).clip(0, len(values) - 1)
    after = np.minimum(before + 1, len(values) - 1)
    share = (where - before).reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    return values[before] * (1 - share) + values[after] * share

"""Small videos and pictures on the disk, for the suites' public layouts."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from kineograph.core.video_writer import VideoWriter


def moving_frames(size: tuple[int, int] = (96, 64), frames: int = 4, seed: int = 0) -> np.ndarray:
    """A texture that moves to the right by two pixels a frame."""
    rng = np.random.default_rng(seed)
    wide = (size[1], size[0] + 2 * frames, 3)
    noise = cv2.GaussianBlur(rng.random(wide).astype(np.float32), (0, 0), 2)
    whole = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    parts = [whole[:, 2 * (frames - i) : 2 * (frames - i) + size[0]] for i in range(frames)]
    return np.stack(parts)


def write_frames(folder: Path, frames: np.ndarray, begin: int = 0, digits: int = 5) -> None:
    """Frames as JPEGs, numbered."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, frame in enumerate(frames, start=begin):
        Image.fromarray(frame).save(folder / f"{index:0{digits}d}.jpg", quality=95)


def write_video(path: Path, frames: np.ndarray, fps: float = 8) -> Path:
    """Frames as a video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, (frames.shape[2], frames.shape[1]), fps) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def write_picture(path: Path, size: tuple[int, int] = (64, 48), seed: int = 0) -> Path:
    """A picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)).save(path)
    return path

"""Looks at a video beside a true one, for tests."""

import cv2
import numpy as np

from kineograph.data.clip import Clip
from kineograph.engines.base import Request
from kineograph.evaluation.backbones.store import Backbones
from kineograph.evaluation.look import Look
from kineograph.evaluation.sample import Sample


def look_at(frames: np.ndarray, truth: np.ndarray, backbones: Backbones | None = None) -> Look:
    """A look at a video whose true one is known."""
    size = (frames.shape[2], frames.shape[1])
    request = Request(size=size, frames=len(frames), fps=8, picture=truth[0])
    sample = Sample(frames, request, Clip(truth, 8))
    return Look(sample, backbones=backbones or Backbones())


def smooth_video(seed: int, frames: int, size: tuple[int, int]) -> np.ndarray:
    """(T, H, W, 3) frames with structure, each another."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (frames, size[1], size[0], 3), dtype=np.uint8)
    blurred = [cv2.GaussianBlur(picture, (0, 0), 2) for picture in noise]
    return np.stack([cv2.normalize(p, None, 0, 255, cv2.NORM_MINMAX) for p in blurred])


def noisy(video: np.ndarray, spread: float, seed: int = 0) -> np.ndarray:
    """The video with Gaussian noise on it."""
    noise = np.random.default_rng(seed).normal(0, spread, video.shape)
    return (video + noise).round().clip(0, 255).astype(np.uint8)

"""The files that raters load: all made the same way, under names and of lengths that tell nothing.

What could give a system away is taken out: container, encoder settings, rate and size are the same
for all; no record, date or title is written; names are random; files of one case are made equally
long by padding; all have one time of change.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kineograph.core.errors import StudyError
from kineograph.core.picture import fit, write_picture
from kineograph.core.video import Video

Frames = UInt8[np.ndarray, "_ _ _ 3"]

STEP = 4096
"""Lengths of files are multiples of this."""

FREE = b"free"
"""The MP4 box that players skip."""


class Media:
    """A folder of such files.

    Args:
        folder: where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def video(self, frames: Frames, fps: float | int) -> str:
        """Write a video; returns its name.

        Args:
            frames: (T, H, W, 3) uint8 RGB with even sides.
            fps: frames a second.
        """
        name = f"{secrets.token_hex(16)}.mp4"
        Video(frames, fps).save(self.folder / name)
        return name

    def picture(self, image: UInt8[np.ndarray, "_ _ 3"], size: tuple[int, int]) -> str:
        """Write a picture, no larger than a size, its proportions kept; returns its name."""
        name = f"{secrets.token_hex(16)}.jpg"
        height, width = image.shape[:2]
        factor = min(1.0, size[0] / width, size[1] / height)
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        write_picture(self.folder / name, fit(image, small))
        return name

    def even_out(self, names: Iterable[str]) -> None:
        """Make videos equally long in bytes, by an empty box at their ends."""
        paths = [self.folder / name for name in names]
        longest = max(path.stat().st_size for path in paths)
        wanted = (longest + 8 + STEP - 1) // STEP * STEP
        for path in paths:
            missing = wanted - path.stat().st_size
            with path.open("ab") as file:
                file.write(missing.to_bytes(4, "big") + FREE + bytes(missing - 8))

    def settle(self) -> None:
        """Give all files one time of change, so that nothing tells which was written when."""
        for path in self.folder.iterdir():
            os.utime(path, (0, 0))


def still(frames: Frames) -> Frames:
    """The first frame, as long as all."""
    return np.repeat(frames[:1], len(frames), axis=0)


def degraded(frames: Frames, rng: np.random.Generator) -> Frames:
    """The same video so spoilt that nobody who looks prefers it.

    Pixelated to a sixteenth of its size, washed out, noisy, and its frames in random order. The
    noise is as coarse as the pixels, so that the file is not much larger than others.
    """
    height, width = frames.shape[1:3]
    coarse = (max(2, width // 16), max(2, height // 16))
    order = rng.permutation(len(frames))
    rough = np.stack([_blocks(fit(frames[i], coarse), (width, height)) for i in order])
    pale = 96 + 0.35 * rough.astype(np.float32)
    speckle = rng.normal(0, 28, (len(frames), coarse[1], coarse[0], 1)).astype(np.float32)
    noise = np.stack([_blocks(one, (width, height)) for one in speckle])
    return np.clip(pale + noise, 0, 255).astype(np.uint8)


def _blocks(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarged without smoothing."""
    columns = np.arange(size[0]) * image.shape[1] // size[0]
    rows = np.arange(size[1]) * image.shape[0] // size[1]
    return image[rows][:, columns]


def check_moves(frames: Frames, name: str) -> None:
    """Refuse a video in which nothing moves as the better one of a test question.

    Raises:
        StudyError: all frames are the same.
    """
    if (frames == frames[0]).all():
        raise StudyError(f"{name} does not move, so it cannot be a test question's better video")

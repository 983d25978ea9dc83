"""A video in memory: RGB frames with their rate and the request that made them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kineograph.core.errors import VideoError
from kineograph.core.picture import MAX_PIXELS
from kineograph.core.request_record import Record, read_request
from kineograph.core.video_reader import VideoReader, open_video
from kineograph.core.video_writer import VideoWriter

__all__ = ["Video", "VideoReader", "open_video", "read_request", "read_video"]

MAX_VIDEO_PIXELS = 2_000_000_000
"""The most pixels, all frames together, that `read_video` brings into memory (6 GB)."""


@dataclass(frozen=True, eq=False)
class Video:
    """A clip held in memory.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB.
        fps: frames a second; frame i is shown from i / fps seconds on.
        request: the record of the request that made it, or None.

    Raises:
        VideoError: there are no frames, or the rate is not above 0.
    """

    frames: UInt8[np.ndarray, "frames height width 3"]
    fps: float | int
    request: Record | None = None

    def __post_init__(self) -> None:
        shape, kind = self.frames.shape, self.frames.dtype
        if len(shape) != 4 or shape[3] != 3 or 0 in shape or kind != np.uint8:
            raise VideoError(
                f"frames have shape {shape} and type {kind}; give uint8 of shape (T, H, W, 3)"
            )
        if not 0 < self.fps < float("inf"):
            raise VideoError(f"fps is {self.fps}; give a number above 0")

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.frames.shape[2], self.frames.shape[1]

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def duration(self) -> float:
        """Seconds: frames / fps."""
        return len(self.frames) / self.fps

    def save(self, path: Path | str) -> None:
        """Write the video; the ending chooses the container (see `VideoWriter`)."""
        with VideoWriter(path, self.size, self.fps, self.request) as writer:
            for frame in self.frames:
                writer.write(frame)


def read_video(
    path: Path | str,
    *,
    max_frames: int | None = None,
    fps: float | int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Video:
    """Read a video of any kind `open_video` knows into memory, at most `max_frames` of it.

    Raises:
        VideoError: see `open_video`; or all frames together are too many for memory.
        PictureError: a frame has more than `max_pixels` pixels.
    """
    with open_video(path, fps=fps, max_pixels=max_pixels) as reader:
        count = reader.frames if max_frames is None else min(reader.frames, max_frames)
        width, height = reader.size
        if count * width * height > MAX_VIDEO_PIXELS:
            raise VideoError(
                f"{path} holds {count} frames of {width}x{height}, too much to hold in memory; "
                f"read at most {MAX_VIDEO_PIXELS // (width * height)} with max_frames"
            )
        frames = np.empty((count, height, width, 3), np.uint8)
        for index, frame in zip(range(count), reader, strict=False):
            frames[index] = frame
        return Video(frames, reader.fps, reader.request)

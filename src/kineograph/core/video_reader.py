"""Opening a video of any kind as a stream of RGB frames at a constant rate."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from kineograph.core.av_input import ContainerInput
from kineograph.core.errors import VideoError
from kineograph.core.frame_rate import Cadence
from kineograph.core.image_input import FolderInput, WebpInput, is_still
from kineograph.core.picture import MAX_PIXELS, PICTURE_ENDINGS
from kineograph.core.request_record import Record, find_request

VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".gif", ".webp", ".avi")
"""Endings by which the commands tell a video from a picture."""


@runtime_checkable
class _Input(Protocol):
    """What a kind of file has to offer."""

    size: tuple[int, int]
    cadence: Cadence
    codec: str

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "height width 3"]]: ...


class VideoReader:
    """An opened video: what it is, and its frames, one at a time.

    Iterating starts at the first frame each time and keeps one frame in memory. As a context
    manager it closes the file also when the iteration was left early.
    """

    def __init__(self, path: Path, source: _Input) -> None:
        self.path = path
        self._source = source
        self._running: list[Iterator[UInt8[np.ndarray, "height width 3"]]] = []

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of every frame, in pixels, after turning it upright."""
        return self._source.size

    @property
    def fps(self) -> float:
        """Frames a second, constant."""
        return float(self._source.cadence.fps)

    @property
    def frames(self) -> int:
        """How many frames iterating yields."""
        return self._source.cadence.frames

    @property
    def duration(self) -> float:
        """Seconds: frames / fps."""
        return self._source.cadence.duration

    @property
    def codec(self) -> str:
        """FFmpeg's short name of the codec, such as h264, or `pictures` for a folder."""
        return self._source.codec

    @property
    def request(self) -> Record | None:
        """The record of the request that made this video, or None."""
        return find_request(self.path)

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        frames = self._checked()
        self._running.append(frames)
        return frames

    def _checked(self) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        for index, frame in enumerate(self._source):
            if (frame.shape[1], frame.shape[0]) != self.size:
                raise VideoError(
                    f"{self.path} changes its size at frame {index}: {frame.shape[1]}x"
                    f"{frame.shape[0]} after {self.size[0]}x{self.size[1]}; give one of one size"
                )
            yield frame

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every iteration that is under way."""
        while self._running:
            self._running.pop().close()  # type: ignore[attr-defined]


def open_video(
    path: Path | str, *, fps: float | int | None = None, max_pixels: int = MAX_PIXELS
) -> VideoReader:
    """Open mp4, mov, mkv, webm, gif, animated webp, or a folder of pictures.

    Of several video streams the one a player would show is taken; it is turned upright, brought
    to square pixels, composited on white where transparent, and a variable frame rate becomes a
    constant one (`core.frame_rate`).

    Args:
        path: the file or folder.
        fps: frames a second of a folder that does not say; for anything else it must be left out.
        max_pixels: the largest frame that is read.

    Raises:
        VideoError: the file is missing, no video, broken, or holds no pictures.
        PictureError: a frame has more than `max_pixels` pixels.
    """
    path = Path(path)
    if not path.exists():
        raise VideoError(f"there is no video at {path}; check the name")
    if path.is_dir():
        return VideoReader(path, FolderInput(path, max_pixels=max_pixels, fps=fps))
    if fps is not None:
        raise VideoError(f"{path} says its own frames a second; fps is for folders of pictures")
    ending = path.suffix.lower()
    if ending == ".webp":
        return VideoReader(path, WebpInput(path, max_pixels=max_pixels))
    if ending in PICTURE_ENDINGS and is_still(path):
        raise VideoError(f"{path} is a still picture, not a video; name a video")
    return VideoReader(path, ContainerInput(path, max_pixels=max_pixels))

"""A video whose own small motions are made larger."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

import kineograph
from kineograph.core.errors import VideoError
from kineograph.core.files import sha256_of
from kineograph.core.picture import MAX_PIXELS
from kineograph.core.tracks import Tracks
from kineograph.core.video import VideoReader, open_video
from kineograph.core.video_writer import VideoWriter, check_output
from kineograph.engines import registry
from kineograph.engines.base import Progress, Request
from kineograph.engines.lowering import lower
from kineograph.gestures.magnify import magnified_tracks
from kineograph.gestures.videos.magnified import Magnified
from kineograph.gestures.videos.magnifier import Magnifier
from kineograph.render.rewarp import Rewarp
from kineograph.vision.small_motion import reference_of, small_motion

Image = UInt8[np.ndarray, "height width 3"]

CHECKED = 60
"""About so many frames of an output are measured to find the gain that it really has."""

FAR = 0.1
"""Motion of more than this share of the short side is too large to be measured again."""


def magnify_video(
    path: Path | str,
    how: Magnifier | None = None,
    *,
    engine: str | None = None,
    max_pixels: int = MAX_PIXELS,
    **settings: Any,
) -> "MagnifiedVideo":
    """Measure a video's small motions and prepare the video in which they are larger.

    Every frame is the source's own, with each place pushed further by (factor - 1) times its
    smoothed motion: nothing is made up but what comes in over the border. With an `engine` it is
    the paper's way instead (Motion Prompting, Geng et al. 2024, appendix E): the first frame, moved
    by that engine along the enlarged tracks.

    Args:
        path: the video.
        how: how it is magnified; or give its fields, such as `factor=16`, as `settings`.
        engine: the engine that moves the first frame.
        max_pixels: the largest frame that is read.
        settings: fields of `Magnifier`.

    Raises:
        VideoError: the video is missing, broken or a single frame.
        DocumentError: nothing moves, a value is not allowed, or the band does not fit.
        EngineError: the engine is unknown or cannot do this.
    """
    how = Magnifier(**settings) if how is None else how
    if engine is not None:
        registry.engine(engine)
    with open_video(path, max_pixels=max_pixels) as video:
        if len(video) < 2:
            raise VideoError(f"{path} has {len(video)} frame; motion needs 2 frames or more")
        reference = reference_of(video)
        magnified = how.motion(small_motion(video, reference=reference))
    return MagnifiedVideo(Path(path), how, magnified, reference, engine, max_pixels)


@dataclass(frozen=True, eq=False)
class MagnifiedVideo:
    """A video with larger motion, made frame by frame as it is asked for.

    Iterating gives images: (height, width, 3) uint8 RGB. `magnify_video` makes one.
    """

    path: Path
    how: Magnifier
    motion: Magnified
    """What was measured, smoothed and enlarged."""
    reference: Float32[np.ndarray, "measured_height measured_width 3"]
    """What the frames were compared with."""
    engine: str | None = None
    max_pixels: int = MAX_PIXELS

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.motion.measured.size

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.motion.measured.fps

    def __len__(self) -> int:
        return len(self.motion.smooth)

    def __iter__(self) -> Iterator[Image]:
        with open_video(self.path, max_pixels=self.max_pixels) as video:
            yield from self._pushed(video) if self.engine is None else self._animated(video)

    def _pushed(self, video: VideoReader) -> Iterator[Image]:
        rows, columns = self.motion.share.shape
        rewarp = Rewarp(self.size, (columns, rows))
        for index, frame in enumerate(video):
            yield rewarp(frame, self.motion.present[index], self.motion.further(index))

    def _animated(self, video: VideoReader) -> Iterator[Image]:
        chosen = registry.engine(str(self.engine))
        request = Request(
            size=self.size,
            frames=len(self),
            fps=self.fps,
            picture=next(iter(video)),
            tracks=self.tracks(),
        )
        told = lower(request, chosen.capabilities, chosen.name)
        return (frame.image for frame in chosen.generate(told))

    def tracks(self) -> Tracks:
        """The enlarged motion as a grid of tracks that begin in the first frame."""
        return magnified_tracks(self.motion, self.motion.measured.anchors.reshape(-1, 2), self.size)

    def save(self, path: Path | str, *, progress: Progress | None = None) -> None:
        """Make the frames and write them whole or not at all.

        Args:
            path: the video; its ending chooses the container.
            progress: told after each frame how many of how many are done.

        Raises:
            OutputError: it cannot be written; nothing is left behind.
        """
        check_output(path)
        with VideoWriter(path, self.size, self.fps, self.record(Path(path).parent)) as writer:
            for index, image in enumerate(self):
                writer.write(image)
                if progress is not None:
                    progress(index + 1, len(self))

    def measured_gain(self, output: Path | str) -> float | None:
        """How many times larger the motion in the written video really is, measured in it.

        The output's frames are registered as the source's were, and its motion is regressed
        against the source's. None where it has become too large to be measured so.

        Raises:
            VideoError: there is no such video.
        """
        if self.motion.reach > FAR * min(self.size):
            return None
        every = max(1, len(self) // CHECKED)
        with open_video(output, max_pixels=self.max_pixels) as video:
            again = small_motion(video, reference=self.reference, every=every)
        return self.motion.gain_of(again, every)

    def record(self, folder: Path | str = ".") -> dict[str, Any]:
        """What the output carries; JSON.

        Args:
            folder: the output's folder; the source's path is relative to it.
        """
        return {
            "kineograph": kineograph.__version__,
            "magnify": self.how.model_dump(mode="json", exclude_none=True),
            "source": {"path": relative(self.path, folder), "sha256": digest(self.path)},
            "engine": self.engine,
            "size": list(self.size),
        }


def relative(path: Path, folder: Path | str) -> str:
    """A path told from a folder, with forward slashes; absolute where there is no way there."""
    try:
        return Path(os.path.relpath(path.absolute(), Path(folder).absolute())).as_posix()
    except ValueError:  # another drive
        return path.absolute().as_posix()


def digest(path: Path) -> str | None:
    """The SHA-256 of a file; None of a folder of pictures."""
    return sha256_of(path) if path.is_file() else None

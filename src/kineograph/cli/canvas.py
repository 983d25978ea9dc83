"""Motion drawn over pictures and videos, and written as a video."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

import kineograph
from kineograph.cli.describe import is_picture
from kineograph.cli.options import UsageError
from kineograph.cli.sources import from_output
from kineograph.cli.talk import Talk, clip_line
from kineograph.core.motion import Motion
from kineograph.core.picture import MAX_PIXELS, check_pixels, fit, read_picture, write_picture
from kineograph.core.video import VideoReader, open_video
from kineograph.core.video_writer import VideoWriter
from kineograph.gestures.document import Document
from kineograph.render.overlay import draw_boxes, draw_tracks

Image = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Pen:
    """How motion is drawn.

    Args:
        trail: how many past frames a trail shows.
        ids: number every track.
    """

    trail: int = 12
    ids: bool = False

    def draw(self, image: Image, motion: Motion, frame: int) -> Image:
        """The image with the motion of one frame over it; beyond the motion's end, as it is."""
        if motion.tracks is not None and frame < motion.tracks.frames:
            image = draw_tracks(image, motion.tracks, frame, trail=self.trail, ids=self.ids)
        if motion.boxes is not None and frame < motion.boxes.frames:
            image = draw_boxes(image, motion.boxes, frame)
        return image


@dataclass(frozen=True, eq=False)
class Canvas:
    """Images and the motion to draw over them, of one size and fps.

    Args:
        images: the frames.
        motion: of the same size and fps.
        size: (width, height).
        fps: frames a second.
        frames: how many images there are.
        record: what the drawn video carries.
    """

    images: Iterable[Image]
    motion: Motion
    size: tuple[int, int]
    fps: float
    frames: int
    record: dict[str, Any]

    def write(self, place: Path, pen: Pen, talk: Talk) -> None:
        """Draw over the images one by one and write them.

        Raises:
            OutputError: the video cannot be written; nothing is left behind.
        """
        writer = VideoWriter(place, self.size, self.fps, self.record)
        with talk.progress("draw") as advance, writer:
            for index, image in enumerate(self.images):
                writer.write(pen.draw(image, self.motion, index))
                advance(index + 1, self.frames)

    def write_picture(self, place: Path, pen: Pen) -> None:
        """Draw the motion over the first image as it is at the end, and write that.

        Raises:
            OutputError: the picture cannot be written.
        """
        image = next(iter(self.images))
        write_picture(place, pen.draw(image, self.motion, self.frames - 1), self.record)

    def told(self) -> str:
        """The clip in words."""
        return clip_line(self.size, self.frames, self.fps)


def of_document(document: Document, motion: Motion, max_pixels: int = MAX_PIXELS) -> Canvas:
    """A document's picture (white if it has none) under its motion, on the document's canvas."""
    check_pixels(document.size, max_pixels=max_pixels, what="the canvas")
    picture = document.load_picture(max_pixels=max_pixels)
    width, height = document.size
    if picture is None:
        picture = np.full((height, width, 3), 255, np.uint8)
    name = None if document.picture is None else Path(document.picture.path).name
    return _still(fit(picture, document.size), motion, _record(name))


@contextmanager
def of_file(
    source: Path, motion: Motion | None, max_pixels: int = MAX_PIXELS, allow_outside: bool = False
) -> Iterator[Canvas]:
    """Open a picture or video and bring a motion to its size and fps.

    Args:
        source: the picture, video or folder of frames.
        motion: what is drawn; None takes what the request in the source asked for.
        max_pixels: the largest picture that is read.
        allow_outside: let the document in the source read files outside its folder.

    Raises:
        UsageError: there is no motion, not even in the source.
        KineographError: the source cannot be read.
    """
    if source.is_file() and is_picture(source):
        image = read_picture(source, max_pixels=max_pixels)
        if motion is None:
            raise UsageError(f"nothing to draw over {source}; give --tracks, --boxes or --motion")
        size = (image.shape[1], image.shape[0])
        yield _still(image, motion.resize(size), _record(source.name))
        return
    with open_video(source, max_pixels=max_pixels) as video:
        yield _moving(source, video, motion, allow_outside)


def _still(image: Image, motion: Motion, record: dict[str, Any]) -> Canvas:
    """The same picture for as long as the motion lasts."""
    held = motion.tracks if motion.tracks is not None else motion.boxes
    assert held is not None
    return Canvas(repeat(image, held.frames), motion, held.size, held.fps, held.frames, record)


def _moving(source: Path, video: VideoReader, motion: Motion | None, outside: bool) -> Canvas:
    if motion is None:
        if video.request is None:
            raise UsageError(
                f"nothing to draw over {source}: it carries no request; give --tracks, --boxes or "
                "--motion"
            )
        motion = from_output(source).document({}, allow_outside=outside).expand()
    motion = motion.resize(video.size)
    fitted = Motion(
        tracks=None if motion.tracks is None else motion.tracks.resample(fps=video.fps),
        boxes=None if motion.boxes is None else motion.boxes.resample(fps=video.fps),
    )
    return Canvas(video, fitted, video.size, video.fps, video.frames, _record(source.name))


def _record(source: str | None) -> dict[str, Any]:
    return {"kineograph": kineograph.__version__, "overlay": source}

"""Motion drawn over pictures and videos, written as a video."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from kineograph.cli.talk import Talk
from kineograph.core.motion import Motion
from kineograph.core.video_writer import VideoWriter
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


def at_rate(motion: Motion, fps: float) -> Motion:
    """The same motion at another number of frames a second, as long as it lasts."""
    return Motion(
        tracks=None if motion.tracks is None else motion.tracks.resample(fps=fps),
        boxes=None if motion.boxes is None else motion.boxes.resample(fps=fps),
    )


def length(motion: Motion) -> int:
    """The number of frames of a motion that holds something."""
    held = motion.tracks if motion.tracks is not None else motion.boxes
    assert held is not None
    return held.frames


def rate(motion: Motion) -> float:
    """The frames a second of a motion that holds something."""
    held = motion.tracks if motion.tracks is not None else motion.boxes
    assert held is not None
    return held.fps


def still(image: Image, frames: int) -> Iterator[Image]:
    """The same picture for every frame."""
    for _ in range(frames):
        yield image


def write_drawn(
    images: Iterable[Image],
    motion: Motion,
    place: Path,
    *,
    size: tuple[int, int],
    fps: float,
    total: int | None,
    pen: Pen,
    record: dict[str, Any] | None,
    talk: Talk,
) -> int:
    """Draw the motion over the images one by one and write them; returns how many there were.

    Convention: the motion is of the images' size and fps.

    Args:
        images: the frames.
        motion: what is drawn.
        place: the video to write.
        size: (width, height) of the images.
        fps: frames a second of both.
        total: how many images there are, if that is known.
        pen: how it is drawn.
        record: what the video carries.
        talk: where progress is shown.

    Raises:
        OutputError: the video cannot be written; nothing is left behind.
    """
    done = 0
    with talk.progress("draw") as advance, VideoWriter(place, size, fps, record) as writer:
        for done, image in enumerate(images, start=1):
            writer.write(pen.draw(image, motion, done - 1))
            advance(done, total or done)
    return done

"""The scene: what a gesture needs to know of the document that it is part of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

from kineograph.core.errors import DocumentError
from kineograph.core.timing import frame_times
from kineograph.vision.depth import Depth

INSTANT = 1e-9
"""Seconds that two instants may differ by and still be the same."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Canvas, clock and files of a document.

    Args:
        size: (width, height) of the canvas in pixels.
        frames: the number of frames of the clip.
        fps: frames a second.
        folder: what relative paths of files hang from.
        allow_outside: whether files outside `folder` may be read.
        picture: the picture on the canvas, for gestures that look at it; or None.
        measure: gives the picture's depth, for gestures that need it; None where nobody knows it.
    """

    size: tuple[int, int]
    frames: int
    fps: float | int
    folder: Path = field(default_factory=Path.cwd)
    allow_outside: bool = False
    picture: UInt8[np.ndarray, "height width 3"] | None = None
    measure: Callable[[], Depth] | None = None

    @cached_property
    def depth(self) -> Depth | None:
        """How far away what is seen in the picture is, on a map of any size; None if nobody knows.

        Raises:
            VisionError: it was asked for and cannot be measured.
            DocumentError: its file may not be read, or is another one.
        """
        return None if self.measure is None else self.measure()

    @cached_property
    def times(self) -> Float64[np.ndarray, " frames"]:
        """The instant of each frame in seconds."""
        return frame_times(self.frames, self.fps)

    @property
    def last(self) -> float:
        """The instant of the last frame in seconds."""
        return (self.frames - 1) / self.fps

    @property
    def duration(self) -> float:
        """How long the clip is shown, in seconds: its last frame stands for one frame's time."""
        return self.frames / self.fps

    @property
    def short_side(self) -> int:
        """The smaller of width and height, in pixels; default brushes are a share of it."""
        return min(self.size)

    def during(self, start: float | int, end: float | int) -> Bool[np.ndarray, " frames"]:
        """The frames from one instant to another, both included."""
        return (self.times >= start - INSTANT) & (self.times <= end + INSTANT)

    def inside(self, points: Float[np.ndarray, "points 2"]) -> Bool[np.ndarray, " points"]:
        """Which points (x, y) in canvas pixels lie on a pixel: in [0, W) x [0, H)."""
        return np.all((points >= 0) & (points < np.array(self.size)), axis=1)

    def find_file(self, name: str) -> Path:
        """The file that a document names.

        Raises:
            DocumentError: it lies outside the document's folder and that was not allowed.
        """
        return find_file(name, self.folder, allow_outside=self.allow_outside)


def on_canvas(points: Float[np.ndarray, "points 2"], scene: Scene) -> Bool[np.ndarray, " points"]:
    """Which points (x, y) in canvas pixels lie on the canvas, its edges included."""
    return np.all((points >= 0) & (points <= np.array(scene.size)), axis=1)


def find_file(name: str, folder: Path, *, allow_outside: bool) -> Path:
    """The file of that name, relative to `folder`; links are followed before it is judged.

    Raises:
        DocumentError: it lies outside `folder` and that was not allowed.
    """
    try:
        path = (folder / name).resolve()
        within = path.is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError) as error:
        raise DocumentError(f"cannot follow {name}: {error}; name another file") from error
    if not (within or allow_outside):
        raise DocumentError(
            f"{name} lies outside the document's folder {folder}; copy it there, or allow it with "
            "--allow-outside (in Python allow_outside=True)"
        )
    return path

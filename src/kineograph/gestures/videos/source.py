"""Gestures that take their motion from a video: which part of it, in time and in the picture."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64
from pydantic import Field

from kineograph.core.errors import DocumentError
from kineograph.core.picture import read_picture
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video, open_video, read_video
from kineograph.gestures.base import Gesture
from kineograph.gestures.pin import Region, within
from kineograph.gestures.scene import INSTANT, Scene
from kineograph.gestures.tracks_file import at_positions
from kineograph.gestures.writing.model import PLAIN, FileName

COUNT = 1500
"""Tracks that are taken if nobody says how many: what Motion Prompting found best for motion out
of another domain; 1024 suit most other prompts."""

IfShort = Literal["refuse", "hold", "stretch", "release"]


class SourceVideo(Gesture):
    """What gestures have in common that take their motion from a video."""

    path: FileName
    """The video, relative to the document's folder, with forward slashes."""
    speed: Annotated[float, Field(gt=0, le=1000), PLAIN] = 1.0
    """How fast it is played: 2 is twice as fast."""
    if_short: IfShort = "refuse"
    """What to do where the video ends before the time span: refuse; hold, rest at its last frame;
    stretch, play it slower so that it fits; release, let the engine do what it likes."""
    count: Annotated[int, Field(ge=1, le=1_000_000), PLAIN] = COUNT
    """How many tracks to take, if there are so many."""
    region: Region | None = None
    """Where in the first frame tracks are taken from: a box [x0, y0, x1, y1], or a polygon of three
    or more points [x, y]; left out, everywhere."""
    mask: FileName | None = None
    """A picture, stretched over the first frame, that is white where tracks are taken from."""
    tracker: Annotated[str, Field(min_length=1)] | None = None
    """The point tracker, one of those that `kineograph doctor` lists; left out, the default."""
    weights: Annotated[str, Field(min_length=1)] | None = None
    """The folder of the tracker's weights, or their name on the Hugging Face hub."""

    @property
    def file_fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that name a file here."""
        return ("path",) if self.mask is None else ("path", "mask")

    def video(self, scene: Scene) -> Video:
        """The frames of the source that the time span asks for.

        Raises:
            DocumentError: it is shorter than asked, and that is not provided for.
            VideoError: it is missing, broken or no video.
        """
        file = scene.find_file(self.path)
        with open_video(file) as reader:
            frames, fps = reader.frames, reader.fps
        wanted = self._positions(scene, frames, fps)
        last = int(np.ceil(np.nanmax(wanted) - 1e-6))
        return read_video(file, max_frames=max(2, last + 1))

    def fitted(self, tracks: Tracks, scene: Scene) -> Tracks:
        """Tracks of the canvas's size in the source's frames, brought to the clip's.

        Raises:
            DocumentError: the source is shorter than asked, and that is not provided for.
        """
        positions = self._positions(scene, tracks.frames, tracks.fps)
        fitted = at_positions(tracks, positions, scene)
        depth = None if self.depth is None else np.full(fitted.state.shape, self.depth, np.float32)
        strength = np.full(fitted.count, self.strength, np.float32) if self.strength != 1 else None
        return replace(fitted, depth=depth, strength=strength).hide_outside()

    def _positions(self, scene: Scene, frames: int, fps: float) -> Float64[np.ndarray, " frames"]:
        """Which of the source's frames is due at each of the clip's; NaN outside the time span."""
        start, end = self.span(scene)
        asked = (end - start) * self.speed
        length = (frames - 1) / fps
        progress = self.progress(scene) * asked
        if asked > length + INSTANT:
            if self.if_short == "refuse":
                raise DocumentError(self._too_short(length, end - start))
            if self.if_short == "stretch":
                progress *= length / asked
        shown = self.active(scene)
        if self.if_short == "release":
            shown = shown & (progress <= length + INSTANT)
        position = np.minimum(progress * fps, frames - 1)
        return np.where(shown, position, np.nan)

    def _too_short(self, length: float, span: float) -> str:
        """What to say of a source that ends too early."""
        speed = "" if self.speed == 1 else f" at speed {self.speed:g}"
        return (
            f"{self.path} is {span * self.speed - length:.3g} s too short: its motion lasts "
            f"{length:.3g} s and the time span{speed} asks for {span * self.speed:.3g} s; end the "
            f"time span by {self.start + length / self.speed:.3g} s, or set if_short to hold "
            "(rest at the end), stretch (play it slower) or release"
        )

    def chosen(
        self, points: Float32[np.ndarray, "points 2"], size: tuple[int, int], scene: Scene
    ) -> Bool[np.ndarray, " points"]:
        """Which points, in pixels of a picture of `size`, lie in the region and the mask.

        Raises:
            DocumentError: the region reaches outside that picture.
            PictureError: the mask cannot be read.
        """
        kept = np.all((points >= 0) & (points < np.array(size)), axis=1)
        if self.region is not None:
            kept &= within(points.astype(np.float64), _outline(self.region, size))
        if self.mask is not None:
            kept &= _masked(points, size, scene.find_file(self.mask))
        return kept

    def seeds(
        self, size: tuple[int, int], scene: Scene, spare: float = 1.0
    ) -> Float32[np.ndarray, "points 2"]:
        """A regular grid of `spare` times as many points as are asked for, within the region.

        Raises:
            DocumentError: there is none, or the region reaches outside the picture.
            PictureError: the mask cannot be read.
        """
        wanted = self.count * spare
        pitch = max(1.0, (size[0] * size[1] / wanted) ** 0.5)
        for _ in range(8):
            points = _grid(size, pitch)
            points = points[self.chosen(points, size, scene)]
            if len(points) >= 0.9 * wanted or pitch == 1.0:
                break
            pitch = max(1.0, pitch * max(0.25, (len(points) / wanted) ** 0.5))
        if len(points) == 0:
            raise DocumentError("the region holds no point of the first frame; make it larger")
        return points


def _grid(size: tuple[int, int], pitch: float) -> Float32[np.ndarray, "points 2"]:
    """The centres of equal cells about `pitch` pixels wide."""
    columns, rows = (max(1, round(side / pitch)) for side in size)
    x, y = (np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2) * np.array(size)
    return grid.astype(np.float32)


def _outline(region: Region, size: tuple[int, int]) -> Float64[np.ndarray, "corners 2"]:
    """A region's corners in order.

    Raises:
        DocumentError: one lies outside the picture.
    """
    corners = np.array(region, dtype=np.float64)
    if corners.ndim == 1:
        x0, y0, x1, y1 = corners
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    fine = np.all((corners >= 0) & (corners <= np.array(size)), axis=1)
    if not fine.all():
        x, y = corners[int(np.argmin(fine))]
        raise DocumentError(
            f"the region's corner {x:g},{y:g} lies outside the first frame of {size[0]}x{size[1]}; "
            "move it inside"
        )
    return corners


def _masked(
    points: Float32[np.ndarray, "points 2"], size: tuple[int, int], file: Path
) -> Bool[np.ndarray, " points"]:
    mask = cv2.cvtColor(read_picture(file), cv2.COLOR_RGB2GRAY) > 127
    scale = np.array(mask.shape[::-1]) / np.array(size)
    columns, rows = np.minimum(points * scale, np.array(mask.shape[::-1]) - 1).astype(int).T
    return mask[rows, columns]

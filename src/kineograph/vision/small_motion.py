"""Small motion: how far every part of a video is from its place, far below a pixel."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from scipy.interpolate import RBFInterpolator

from kineograph.core.errors import VideoError
from kineograph.core.interpolation import Spline
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video, VideoReader
from kineograph.vision.registration import Moved, Registration, pixel_centres

Image = UInt8[np.ndarray, "height width 3"]
Reference = Float32[np.ndarray, "measured_height measured_width 3"]

MEASURED = 400_000
"""Larger frames are measured at about this many pixels; their noise averages out there too."""

CELLS = 12_000
"""About the most places at which motion is kept."""

PITCH = 4.0
"""The least distance between these places, in measured pixels; within it things move alike."""

BLENDED = 12
"""The reference is the mean of so many frames, each brought back to the first one's geometry."""


@dataclass(frozen=True, eq=False)
class SmallMotion:
    """Displacements of a regular grid of places, in every frame of a video.

    Convention: raster pixels of the video, (x, y). The place of row r and column c is the centre
    of that cell, `((c + 0.5) * size[0] / columns, (r + 0.5) * size[1] / rows)`, in the first
    frame; it is `displacement` further in frame t.

    Args:
        displacement: (T, rows, columns, 2) in pixels; about 0 in the first frame.
        weight: (T, rows, columns) how well it is known, 0 to 1.
        size: (width, height) of the video.
        fps: frames a second.
    """

    displacement: Float32[np.ndarray, "frames rows columns 2"]
    weight: Float32[np.ndarray, "frames rows columns"]
    size: tuple[int, int]
    fps: float

    @property
    def pitch(self) -> tuple[float, float]:
        """Distance between neighbouring places along x and y, in pixels."""
        rows, columns = self.weight.shape[1:]
        return self.size[0] / columns, self.size[1] / rows

    @property
    def anchors(self) -> Float32[np.ndarray, "rows columns 2"]:
        """The places in the first frame."""
        rows, columns = self.weight.shape[1:]
        return pixel_centres(columns, rows) * np.array(self.pitch, np.float32)


def small_motion(
    video: Video | VideoReader,
    *,
    tracks: Tracks | None = None,
    reference: Reference | None = None,
    window: float | int = 5.0,
    every: int = 1,
) -> SmallMotion:
    """Measure how far everything in a video is from where it is in the first frame.

    Every frame is registered to one reference, the mean of frames out of the whole video brought
    back to the geometry of the first: nothing drifts, and its noise is low.

    Args:
        video: in memory, or open; it is then read twice and one frame at a time.
        tracks: of the same frames, from a point tracker: where motion is larger than a few pixels
            they say where to look.
        reference: what `reference_of` gives for this video, or for one to be compared with it.
        window: standard deviation, in measured pixels, of the window within which things move
            alike.
        every: measure only each so many-th frame.

    Raises:
        VideoError: there are fewer than two frames, or they are too small.
    """
    if len(video) < 2:
        raise VideoError(
            f"the video has {len(video)} frame; motion is measured between 2 frames or more"
        )
    scaled = _Scaled.of(video.size)
    registration = Registration(reference_of(video) if reference is None else reference, window)
    starts = None if tracks is None else _starts(tracks, scaled)
    displacement, weight = [], []
    for index, frame in enumerate(_frames(video)):
        if index % every == 0:
            start = None if starts is None else starts[index]
            moved = scaled.cells_of(registration(scaled.reduced(frame), start))
            displacement.append(moved.displacement)
            weight.append(moved.weight)
    return SmallMotion(
        np.stack(displacement), np.stack(weight), video.size, float(video.fps) / every
    )


def _frames(video: Video | VideoReader) -> Iterable[Image]:
    return video.frames if isinstance(video, Video) else video


@dataclass(frozen=True)
class _Scaled:
    """The size at which a video is measured, and the grid in which its motion is kept."""

    size: tuple[int, int]
    measured: tuple[int, int]
    cells: tuple[int, int]

    @classmethod
    def of(cls, size: tuple[int, int]) -> "_Scaled":
        width, height = size
        shrink = min(1.0, (MEASURED / (width * height)) ** 0.5)
        measured = (round(width * shrink), round(height * shrink))
        pitch = max(PITCH, (measured[0] * measured[1] / CELLS) ** 0.5)
        columns, rows = (max(2, round(side / pitch)) for side in measured)
        return cls(size, measured, (columns, rows))

    def reduced(self, image: np.ndarray) -> np.ndarray:
        """A frame at the size at which it is measured."""
        if self.size == self.measured:
            return image
        return cv2.resize(image, self.measured, interpolation=cv2.INTER_AREA)

    def cells_of(self, moved: Moved) -> Moved:
        """The mean of each cell, in pixels of the video."""
        weight = cv2.resize(moved.weight, self.cells, interpolation=cv2.INTER_AREA)
        known = moved.displacement * (moved.weight + np.float32(1e-6))[..., None]
        total = cv2.resize(known, self.cells, interpolation=cv2.INTER_AREA)
        factor = np.array(self.size, np.float32) / np.array(self.measured, np.float32)
        return Moved(total / (weight + np.float32(1e-6))[..., None] * factor, weight)


def reference_of(video: Video | VideoReader) -> Reference:
    """What the frames of a video are compared with, at the size at which they are measured.

    The mean of frames out of the whole video, each brought back to the geometry of the first.

    Raises:
        VideoError: the frames are too small.
    """
    scaled = _Scaled.of(video.size)
    wanted = set(np.linspace(0, len(video) - 1, min(BLENDED, len(video))).round().astype(int))
    return _blended(scaled.reduced(f) for i, f in enumerate(_frames(video)) if i in wanted)


def _blended(frames: Iterator[Image]) -> Reference:
    first = next(frames)
    registration = Registration(first)
    total = first.astype(np.float32)
    mass = np.ones(first.shape[:2], np.float32)
    places = pixel_centres(first.shape[1], first.shape[0])
    for frame in frames:
        moved = registration(frame)
        back = Spline(frame).at(places + moved.displacement)
        # what does not look like the first frame, such as something passing by, is left out
        like = 1 / (1 + (np.abs(back - first).mean(axis=2) / np.float32(12)) ** 4)
        total += back * like[..., None]
        mass += like
    return total / mass[..., None]


def _starts(tracks: Tracks, scaled: _Scaled) -> Float32[np.ndarray, "frames height width 2"]:
    """Displacement of every measured pixel, between the tracks linearly."""
    held = tracks.interpolate_gaps().resize(scaled.measured)
    held = held.select(held.specified[:, 0])
    if held.count == 0:
        raise VideoError("no track begins in the first frame; give tracks that do")
    x, y = scaled.cells
    coarse = pixel_centres(x, y) * (np.array(scaled.measured) / (x, y)).astype(np.float32)
    near = RBFInterpolator(
        held.points[:, 0],
        held.displacements().reshape(held.count, -1),
        neighbors=8,
        kernel="linear",
    )
    fields = near(coarse.reshape(-1, 2)).astype(np.float32).reshape(y, x, -1, 2)
    return np.stack([cv2.resize(fields[:, :, t], scaled.measured) for t in range(held.frames)])

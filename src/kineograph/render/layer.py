"""One sheet of the picture: its colours, how solid it is where, and how it moves."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from kineograph.render.motion_field import Bend, MotionField
from kineograph.render.sampling import read_at
from kineograph.render.splat import invert
from kineograph.render.turning import Turning
from kineograph.render.walker import Grid

Window = tuple[slice, slice]
"""Rows and columns of a rectangle of the picture."""

SHRUNK = 0.7
"""Below this scale a layer is read from a smaller copy of itself, so that it does not alias."""


SLIVER = 16
"""A side of fewer pixels than this is not mirrored beyond its end."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """A layer as it lies in one frame, inside `window`: colours, solidity, and what is known."""

    window: Window
    colour: UInt8[np.ndarray, "rows columns 3"]
    alpha: Float32[np.ndarray, "rows columns"] | None
    known: UInt8[np.ndarray, "rows columns"]


@dataclass(frozen=True, eq=False)
class Extent:
    """Where a layer has anything in the still picture: a rectangle around it, and the cells."""

    home: Window
    solid: Bool[np.ndarray, "rows columns"]


@dataclass(frozen=True, eq=False)
class Layer:
    """A part of the still picture that moves by one field.

    Args:
        colour: the picture, with colours of this layer continued to where it does not reach.
        alpha: how solid the layer is, in [0, 1]; None for the rest, which is solid everywhere.
        known: 255 where the picture itself shows this layer, 0 where it was made up.
        field: its motion.
        presence: how visible its tracks are, spread over the grid; None when nothing hides it.
        turns: what it covers in each frame if it turns in view, else None.
    """

    colour: UInt8[np.ndarray, "height width 3"]
    alpha: Float32[np.ndarray, "height width"] | None
    known: UInt8[np.ndarray, "height width"]
    field: MotionField
    presence: Bend | None = None
    turns: Turning | None = None

    def at(self, frame: int) -> Sheet | None:
        """The layer moved to one frame, or None when it is nowhere in the picture."""
        alpha = self._alpha_at(frame)
        extent = self._extent if alpha is self.alpha else self._extent_of(alpha)
        if extent is None:
            return None
        if self.field.is_affine:
            sheet = self._by_matrix(self.field.affine[frame], alpha, extent)
        else:
            sheet = self._by_map(self.field.at(frame), alpha, extent)
        if sheet is None or sheet.alpha is None or self.turns is None:
            return sheet
        outline = self.field.grid.grow(self.turns.outline(frame))[sheet.window]
        return replace(sheet, alpha=sheet.alpha * outline)

    def _alpha_at(self, frame: int) -> Float32[np.ndarray, "height width"] | None:
        """Solidity in one frame, in the still picture: less where its tracks are hidden."""
        if self.alpha is None or self.presence is None:
            return self.alpha
        seen = self.field.grid.grow(self.presence.at(frame)[..., 0])
        return self.alpha * ((seen - 0.25) * 2).clip(0, 1)

    def _by_matrix(
        self,
        displacement: Float64[np.ndarray, "2 3"],
        alpha: Float32[np.ndarray, "height width"] | None,
        extent: Extent,
    ) -> Sheet | None:
        forward = displacement + np.eye(2, 3)
        home = extent.home
        window = self._landing(self._outline(home) @ forward[:, :2].T + forward[:, 2])
        if window is None:
            return None
        scale = float(np.sqrt(abs(np.linalg.det(forward[:, :2]))))
        shape = (window[1].stop - window[1].start, window[0].stop - window[0].start)

        def move(image: np.ndarray, how: int, border: int) -> np.ndarray:
            source, shrink = _antialiased(image[home], scale)
            matrix = _for_opencv(forward, home, window, shrink)
            return cv2.warpAffine(source, matrix, shape, None, how, _border(source, border), 0)

        return self._sheet(move, window, alpha)

    def _by_map(
        self,
        displacement: Float32[np.ndarray, "rows columns 2"],
        alpha: Float32[np.ndarray, "height width"] | None,
        extent: Extent,
    ) -> Sheet | None:
        grid, solid = self.field.grid, extent.solid
        outline = self._outline(extent.home)
        carried = outline + displacement.reshape(-1, 2)[grid.cell_of(outline)]
        inner = (grid.centres + displacement)[solid]
        window = self._landing(np.concatenate([carried, inner]), slack=2 * float(grid.pitch.max()))
        if window is None:
            return None
        source_of = _at_pixels(invert(displacement, grid, solid), grid, window)
        scale = _growth(displacement, grid, solid)

        def move(image: np.ndarray, how: int, border: int) -> np.ndarray:
            source, shrink = _antialiased(image, scale)
            at = source_of
            if shrink != (1.0, 1.0):
                at = (at + 0.5) / np.array(shrink, np.float32) - 0.5
            return read_at(source, at, how, _border(source, border))

        return self._sheet(move, window, alpha)

    def _sheet(
        self,
        move: Callable[[np.ndarray, int, int], np.ndarray],
        window: Window,
        alpha: Float32[np.ndarray, "height width"] | None,
    ) -> Sheet:
        """Colours continue mirrored beyond the picture, solidity continues, knowledge ends."""
        return Sheet(
            window,
            move(self.colour, cv2.INTER_CUBIC, cv2.BORDER_REFLECT_101),
            None if alpha is None else move(alpha, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE),
            move(self.known, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT),
        )

    @cached_property
    def _extent(self) -> Extent | None:
        """Where the layer is while nothing hides it: the same in every frame."""
        return self._extent_of(self.alpha)

    def _extent_of(self, alpha: Float32[np.ndarray, "height width"] | None) -> Extent | None:
        grid, (height, width) = self.field.grid, self.known.shape
        if alpha is None:
            whole = slice(0, height), slice(0, width)
            return Extent(whole, np.ones(grid.cells[::-1], bool))
        x, y, w, h = cv2.boundingRect((alpha > 0).astype(np.uint8))
        if w == 0:
            return None
        rows = slice(max(y - 2, 0), min(y + h + 2, height))
        columns = slice(max(x - 2, 0), min(x + w + 2, width))
        return Extent((rows, columns), grid.shrink(alpha) > 0)

    def _outline(self, home: Window) -> Float64[np.ndarray, "4 2"]:
        """Corners of `home`, pushed far out where it touches the border and so goes on beyond."""
        height, width = self.known.shape
        far = height + width
        left, right = home[1].start, home[1].stop
        top, bottom = home[0].start, home[0].stop
        left, right = left - far * (left == 0), right + far * (right == width)
        top, bottom = top - far * (top == 0), bottom + far * (bottom == height)
        return np.array([[left, top], [right, top], [left, bottom], [right, bottom]], np.float64)

    def _landing(self, points: np.ndarray, slack: float = 2.0) -> Window | None:
        """The part of the picture that `points` and all between them can fall on."""
        height, width = self.known.shape
        if self.alpha is None:
            return slice(0, height), slice(0, width)
        if len(points) == 0:
            return None
        low = np.floor(points.min(axis=0) - slack).clip(0, (width, height)).astype(int)
        high = np.ceil(points.max(axis=0) + slack).clip(0, (width, height)).astype(int)
        if (high <= low).any():
            return None
        return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _at_pixels(
    back: Float32[np.ndarray, "rows columns 2"], grid: Grid, window: Window
) -> Float32[np.ndarray, "window_rows window_columns 2"]:
    """Where every pixel of `window` comes from, in OpenCV's pixel centres."""
    source = grid.grow(back)[window]
    source[..., 0] += np.arange(window[1].start, window[1].stop, dtype=np.float32)
    source[..., 1] += np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None]
    return source


def _growth(
    displacement: Float32[np.ndarray, "rows columns 2"],
    grid: Grid,
    solid: Bool[np.ndarray, "rows columns"],
) -> float:
    """By how much lengths grow, in the middle of the solid cells."""
    down, across = np.gradient(displacement, axis=(0, 1))
    area = (1 + across[..., 0] / grid.pitch[0]) * (1 + down[..., 1] / grid.pitch[1])
    return max(float(np.sqrt(np.median(np.abs(area[solid])))), 1e-2)


def _for_opencv(
    forward: Float64[np.ndarray, "2 3"], home: Window, window: Window, shrink: tuple[float, float]
) -> Float64[np.ndarray, "2 3"]:
    """The same affine map between pixel centres of a shrunken `home` and of `window`.

    OpenCV counts from the centre of the first pixel; raster points count from its corner.
    """
    linear = forward[:, :2] * np.asarray(shrink)
    start = np.array([home[1].start, home[0].start], np.float64)
    end = np.array([window[1].start, window[0].start], np.float64)
    offset = forward[:, :2] @ start + forward[:, 2] - end
    centre = linear @ np.array([0.5, 0.5]) + offset - 0.5
    return np.concatenate([linear, centre[:, None]], axis=1)


def _border(image: np.ndarray, border: int) -> int:
    """The border asked for, but no mirror for a sliver: OpenCV folds a far place back one side
    length at a time, which takes long for a short side and for ever for a side of 1.
    """
    mirror = border == cv2.BORDER_REFLECT_101
    return cv2.BORDER_REPLICATE if mirror and min(image.shape[:2]) < SLIVER else border


def _antialiased(image: np.ndarray, scale: float) -> tuple[np.ndarray, tuple[float, float]]:
    """The image averaged down to about the size it is shown at, and (x, y) pixels a new pixel."""
    if scale >= SHRUNK:
        return image, (1.0, 1.0)
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return small, (width / size[0], height / size[1])

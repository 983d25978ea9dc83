"""Registration: how far each place of a reference picture has moved, to a hundredth of a pixel."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.core.errors import VideoError
from kineograph.core.interpolation import Spline

Field = Float32[np.ndarray, "height width 2"]
Grey = Float32[np.ndarray, "height width"]

SMOOTH = 1.0
"""Standard deviation of the blur, in pixels, that makes a picture fit for derivatives."""

LIGHT = 16.0
"""Changes of light over more than about this many pixels are taken out before comparing."""

MIN_SIDE = 40
"""The coarsest level of the pyramid has at least this many pixels a side."""


@dataclass(frozen=True, eq=False)
class Moved:
    """Where the places of a reference picture are in another one.

    Convention: (x, y) displacement in pixels, from each pixel of the reference to the same thing
    in the other picture.

    Args:
        displacement: (H, W, 2).
        weight: (H, W) how well it is known, 0 to 1: the share of the answer that the picture's own
            texture gave, where it is seen and like the reference.
    """

    displacement: Field
    weight: Grey


class Registration:
    """A reference picture, ready to be found again in others that differ little from it.

    Iterated least squares of Lucas and Kanade (1981) over Gaussian windows, from coarse to fine,
    with the mean gradient of both pictures and robust weights (Cauchy). Each picture is compared
    with the reference itself, not with the one before it, so that nothing drifts. Motion of up to
    about a tenth of the short side is found.

    Args:
        reference: (H, W, 3) RGB, uint8 or float32 of the same range.
        window: standard deviation of the window in pixels; within it things move alike.

    Raises:
        VideoError: the picture is smaller than 16 pixels a side.
    """

    def __init__(
        self,
        reference: UInt8[np.ndarray, "height width 3"] | Float32[np.ndarray, "height width 3"],
        window: float | int = 5.0,
    ) -> None:
        if min(reference.shape[:2]) < 16:
            raise VideoError(
                f"frames of {reference.shape[1]}x{reference.shape[0]} are too small to measure "
                "motion in; give at least 16x16"
            )
        self.window = float(window)
        self._levels = [_Level(grey, self.window) for grey in _pyramid(grey_of(reference))]

    def __call__(
        self,
        frame: UInt8[np.ndarray, "height width 3"],
        start: Field | None = None,
    ) -> Moved:
        """Where everything of the reference is in `frame`, which has its size.

        Args:
            frame: RGB.
            start: a displacement that is right to a pixel or so; it is then searched near it only.

        Raises:
            VideoError: the frame has another size.
        """
        finest = self._levels[0].reference
        if frame.shape[:2] != finest.shape:
            raise VideoError(
                f"a frame is {frame.shape[1]}x{frame.shape[0]} and the reference is "
                f"{finest.shape[1]}x{finest.shape[0]}; give frames of one size"
            )
        if start is not None:
            return self._levels[0].solve(_band(grey_of(frame)), start, 3)
        frames = _pyramid(grey_of(frame))
        moved = Moved(np.zeros((*frames[-1].shape, 2), np.float32), frames[-1])
        for index in range(len(frames) - 1, -1, -1):
            size = frames[index].shape[::-1]
            guess = _enlarged(moved.displacement, size)
            moved = self._levels[index].solve(_band(frames[index]), guess, 3 if index == 0 else 2)
        return moved


class _Level:
    """The reference at one size."""

    def __init__(self, grey: Grey, window: float) -> None:
        self.reference, self.window = _band(grey), window
        self.gradient = _gradient(self.reference)
        self.pixels = pixel_centres(grey.shape[1], grey.shape[0])

    def solve(self, frame: Grey, guess: Field, rounds: int) -> Moved:
        """The displacement nearest to `guess` that makes `frame` look like the reference."""
        surface = Spline(frame)
        for _ in range(rounds):
            guess, weight = self._step(surface, guess)
        return Moved(guess, weight)

    def _step(self, frame: Spline, guess: Field) -> tuple[Field, Grey]:
        place = self.pixels + guess
        warped = frame.at(place)
        slope = (self.gradient + _gradient(warped)) / 2
        miss = warped - self.reference
        trust = _trust(miss, place)
        gx, gy = cv2.split(slope)
        # the displacement that explains the difference, if all of the window moves alike
        wanted = gx * guess[..., 0] + gy * guess[..., 1] - miss
        terms = (gx * gx, gx * gy, gy * gy, gx * wanted, gy * wanted)
        a, b, c, p, q = (cv2.GaussianBlur(term * trust, (0, 0), self.window) for term in terms)
        return _solved((a, b, c), (p, q), guess)


def _solved(
    matrix: tuple[Grey, Grey, Grey], vector: tuple[Grey, Grey], guess: Field
) -> tuple[Field, Grey]:
    """The 2x2 systems solved; where there is no texture, the guess stays."""
    a, b, c = matrix
    hold = np.float32(0.01) * np.float32((a + c).mean()) + np.float32(1e-6)
    p, q = vector[0] + hold * guess[..., 0], vector[1] + hold * guess[..., 1]
    least = (a + c) / 2 - np.sqrt(((a - c) / 2) ** 2 + b * b)
    a, c = a + hold, c + hold
    determinant = a * c - b * b
    found = np.stack([(c * p - b * q) / determinant, (a * q - b * p) / determinant], axis=2)
    return found, least / (least + hold)


def _trust(miss: Grey, place: Field) -> Grey:
    """Robust weights: little for what does not look like the reference, none outside the frame."""
    spread = np.float32(1.4826 * 2.5) * np.float32(np.median(np.abs(miss))) + np.float32(0.5)
    inside = ((place >= 0) & (place <= np.array(miss.shape[::-1], np.float32))).all(axis=2)
    return inside / (1 + (miss / spread) ** 2)


def pixel_centres(width: int, height: int) -> Field:
    """The centre of every pixel, (x, y) in raster pixels."""
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    return np.stack(np.meshgrid(x, y), axis=2) + np.float32(0.5)


def grey_of(
    image: UInt8[np.ndarray, "height width 3"] | Float32[np.ndarray, "height width 3"],
) -> Grey:
    """Brightness (Rec. 601), float32 of the same range."""
    return cv2.cvtColor(np.asarray(image, np.float32), cv2.COLOR_RGB2GRAY)


def _pyramid(grey: Grey) -> list[np.ndarray]:
    """The picture at full size, half, a quarter and so on."""
    levels = [grey]
    while min(levels[-1].shape) >= 2 * MIN_SIDE:
        height, width = levels[-1].shape
        half = ((width + 1) // 2, (height + 1) // 2)
        levels.append(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA))
    return levels


def _band(grey: Grey) -> Grey:
    """Without the finest grain, which interpolation cannot carry, and without changes of light."""
    fine = cv2.GaussianBlur(grey, (0, 0), SMOOTH)
    return fine - cv2.GaussianBlur(grey, (0, 0), LIGHT)


def _gradient(grey: Grey) -> Field:
    """Derivatives along x and y by five points, exact for polynomials of degree four."""
    taps = np.array([1, -8, 0, 8, -1], np.float32) / 12
    edge = cv2.BORDER_REPLICATE
    one = np.ones(1, np.float32)
    along_x = cv2.sepFilter2D(grey, cv2.CV_32F, taps, one, borderType=edge)
    along_y = cv2.sepFilter2D(grey, cv2.CV_32F, one, taps, borderType=edge)
    return np.stack([along_x, along_y], axis=2)


def _enlarged(
    displacement: Field, size: tuple[int, int]
) -> Float32[np.ndarray, "new_height new_width 2"]:
    """A displacement brought to a level of another size."""
    height, width = displacement.shape[:2]
    if (width, height) == size:
        return displacement
    factor = np.array([size[0] / width, size[1] / height], np.float32)
    return cv2.resize(displacement, size, interpolation=cv2.INTER_LINEAR) * factor

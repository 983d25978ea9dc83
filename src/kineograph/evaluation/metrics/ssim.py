"""SSIM: the structural similarity of pictures (Wang, Bovik, Sheikh, Simoncelli 2004)."""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics.by_frame import Values, of_pairs, readings

Picture = UInt8[np.ndarray, "height width *colours"]
Plane = UInt8[np.ndarray, "rows columns"]

WINDOW, SIGMA = 11, 1.5
K1, K2, LEVELS = 0.01, 0.03, 255
C1, C2 = np.float32((K1 * LEVELS) ** 2), np.float32((K2 * LEVELS) ** 2)

STRIP, ROWS = 1 << 15, 64
"""Pixels and rows that are worked on at once, whichever is more: what they need stays in the
processor's cache."""


def ssim(one: Picture, other: Picture) -> float:
    """The structural similarity of two uint8 pictures of one shape: -1 to 1, higher is better.

    Equation 13 of Wang et al. with their window (11x11, Gaussian of sigma 1.5) and constants (0.01,
    0.03, 255), averaged over the windows that lie wholly inside the picture and over the colours.
    Population variances, as theirs.

    Args:
        one: (H, W) or (H, W, C).
        other: of the same shape; which is which does not matter.

    Raises:
        EvaluationError: a side is shorter than the window.
    """
    if min(one.shape[:2]) < WINDOW:
        raise EvaluationError(
            f"SSIM's window is {WINDOW} pixels wide; a picture of {one.shape[1]}x{one.shape[0]} is "
            "too small for it"
        )
    rows = max(ROWS, STRIP // one.shape[1])
    last = len(one) - WINDOW + 1
    strips = [slice(at, min(at + rows, last) + WINDOW - 1) for at in range(0, last, rows)]
    planes = [list(np.moveaxis(np.atleast_3d(picture), 2, 0)) for picture in (one, other)]
    total = sum(
        float(_map(x[rows], y[rows]).sum(dtype=np.float64))
        for x, y in zip(*planes, strict=True)
        for rows in strips
    )
    return total / (last * (one.shape[1] - WINDOW + 1) * len(planes[0]))


def grey_ssim(one: Picture, other: Picture) -> float:
    """The same of the pictures' luma (ITU-R BT.601, 8 bits): Wang et al. measured grey pictures."""
    return ssim(*(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (one, other)))


def _map(one: Plane, other: Plane) -> Float32[np.ndarray, "_ _"]:
    """The similarity of each window inside.

    Four means are enough: variances only occur as their sum, so the squares of both pictures are
    blurred as one.
    """
    x, y = one.astype(np.float32), other.astype(np.float32)
    level_x, level_y = x.mean(), y.mean()
    x -= level_x  # variances stay as they are, and lose fewer digits
    y -= level_y
    mean_x, mean_y = _means(x), _means(y)
    product = _means(x * y) - mean_x * mean_y
    square = _means(x * x + y * y) - (mean_x * mean_x + mean_y * mean_y)
    contrast = (2 * product + C2) / (square + C2)
    mean_x, mean_y = mean_x + level_x, mean_y + level_y
    light = (2 * mean_x * mean_y + C1) / (mean_x * mean_x + mean_y * mean_y + C1)
    return np.asarray(contrast * light)


def _means(values: np.ndarray) -> np.ndarray:
    """The weighted mean of each window inside."""
    edge = WINDOW // 2
    blurred = cv2.sepFilter2D(values, -1, _WEIGHTS, _WEIGHTS)
    return np.asarray(blurred[edge:-edge, edge:-edge])


def _weights() -> Float32[np.ndarray, " window"]:
    at = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(at**2) / (2 * SIGMA**2))
    return np.asarray(weights / weights.sum(), np.float32)


_WEIGHTS = _weights()


def frame_ssim(look: Look, measure: Callable[[Picture, Picture], float] = ssim) -> Values:
    """(T,) the similarity of each frame and the true one; NaN if they are smaller than the window.

    Args:
        look: with a true video.
        measure: `ssim` or `grey_ssim`.
    """
    frames = look.sample.frames
    if min(frames.shape[1:3]) < WINDOW:
        return np.full(len(frames), np.nan)
    return of_pairs(measure, frames, look.truth.video)


def _readings(
    name: str, title: str, of: str, measure: Callable[[Picture, Picture], float]
) -> tuple[Metric, Metric, Metric]:
    return readings(
        name,
        title,
        f"structural similarity of a frame and the true one {of}, 11x11 Gaussian window",
        lambda look: frame_ssim(look, measure),
        better="higher",
        range=(-1.0, 1.0),
        source="Wang et al. 2004 (doi 10.1109/TIP.2003.819861), equation 13",
    )


METRICS = (
    *_readings("ssim", "SSIM", "(the mean over red, green and blue)", ssim),
    *_readings("ssim-grey", "SSIM (grey)", "(of their luma)", grey_ssim),
)

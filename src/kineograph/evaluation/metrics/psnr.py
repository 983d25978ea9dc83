"""PSNR: how like two pictures are, pixel by pixel."""

import cv2
import numpy as np

from kineograph.evaluation.look import Look
from kineograph.evaluation.metrics.by_frame import Values, of_pairs, readings

MOST = 60.0
"""Decibels; what is equal, or nearly, counts as this."""


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """The peak signal-to-noise ratio of two uint8 pictures (or videos) of one shape, in dB.

    10 log10(255^2 / mean squared error over pixels and channels); 0 to `MOST`, higher is better.
    """
    x, y = (np.ascontiguousarray(picture).reshape(len(picture), -1) for picture in (one, other))
    error = cv2.norm(x, y, cv2.NORM_L2SQR) / one.size  # a sum of whole numbers: exact
    return MOST if error == 0 else min(MOST, 10 * float(np.log10(255**2) - np.log10(error)))


def frame_psnr(look: Look) -> Values:
    """(T,) the PSNR of each frame and the true one, in dB.

    Decibels are averaged over frames, not errors: so a table's mean over clips is a mean over
    frames. An average of errors would be lower, and follow the worst frames.
    """
    return of_pairs(psnr, look.sample.frames, look.truth.video)


METRICS = readings(
    "psnr",
    "PSNR",
    f"peak signal-to-noise ratio of a frame and the true one, at most {MOST:g}",
    frame_psnr,
    better="higher",
    unit="dB",
    range=(0.0, MOST),
    source="Motion Prompting (arXiv 2412.02700), Table 1",
)

"""How like two pictures are."""

import numpy as np

MOST = 60.0
"""Decibels; what is equal, or nearly, counts as this."""


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """The peak signal-to-noise ratio of two uint8 pictures (or videos) of one shape, in dB."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return MOST if error == 0 else min(MOST, float(10 * np.log10(255**2 / error)))

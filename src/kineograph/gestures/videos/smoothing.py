"""Smoothing of small motion: over space, over time, in a band, and what of it is noise."""

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import gaussian_filter
from scipy.signal import butter, sosfiltfilt

from kineograph.vision.small_motion import SmallMotion

CALM = 3.0
"""Motion begins to count where its power is this many times that of the noise of measuring, and
counts in full at twice that."""

UNSEEN = 0.003
"""Motion of fewer pixels than this is never more than noise: 8-bit pictures do not hold it."""

Series = Float32[np.ndarray, "frames rows columns 2"]


def blurred_in_space(measured: SmallMotion, sigma: float) -> Series:
    """Displacements blurred over space, each place counting as much as is known of it."""
    x, y = (sigma / pitch for pitch in measured.pitch)
    weight = measured.weight + np.float32(1e-4)
    mass = gaussian_filter(weight, (0, y, x), mode="nearest")
    total = gaussian_filter(measured.displacement * weight[..., None], (0, y, x, 0), mode="nearest")
    return total / mass[..., None]


def in_band(series: Series, band: tuple[float | int, float | int], fps: float | int) -> Series:
    """What of a motion is in a band of frequencies, without delay.

    A Butterworth filter run forwards and backwards (order 4 in all); each place's motion goes on at
    both ends mirrored through its last point, so that a drift does not ring.
    """
    low, high = band
    edges, kind = ((low, high), "bandpass") if low > 0 else (high, "lowpass")
    sos = butter(2, edges, kind, fs=fps, output="sos")
    reach = int(np.ceil(fps / max(low, high / 4)))
    pad = min(len(series) - 1, max(reach, 9))
    return sosfiltfilt(sos, series, axis=0, padlen=pad).astype(np.float32)


def flicker(blurred: Series) -> Float32[np.ndarray, "rows columns"]:
    """Power of the noise at each place, from what changes from frame to frame like nothing real."""
    if len(blurred) < 4:
        return np.zeros(blurred.shape[1:3], np.float32)
    third = np.diff(blurred, n=3, axis=0)
    power = (third**2).sum(axis=-1).mean(axis=0) / np.float32(20)  # 1 + 9 + 9 + 1
    return gaussian_filter(power, 2, mode="nearest")


def power_of(series: Series) -> Float32[np.ndarray, "rows columns"]:
    """Mean square of what changes in time at each place and around it."""
    power = ((series - series.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0)
    return gaussian_filter(power, 2, mode="nearest")


def share_of(
    steady: Series, noise: Float32[np.ndarray, "rows columns"]
) -> Float32[np.ndarray, "rows columns"]:
    """How much of the motion at each place counts: 0 where it is noise, 1 where it stands out."""
    power = power_of(steady)
    share = np.clip(power / (CALM * (noise + np.float32(UNSEEN**2))) - 1, 0, 1)
    return gaussian_filter(share.astype(np.float32), 1, mode="nearest")


def whole_motion(motion: Series, measured: SmallMotion) -> Series:
    """What the whole picture does in each frame: the affine motion that most places follow.

    Least squares, reweighted (Cauchy) so that what moves by itself does not count.
    """
    anchors = measured.anchors.reshape(-1, 2).astype(np.float64)
    unit = (anchors - anchors.mean(axis=0)) / max(measured.size)
    design = np.column_stack([unit, np.ones(len(unit))])
    whole = np.empty(motion.shape, np.float32)
    for frame, field in enumerate(motion):
        target = field.reshape(-1, 2).astype(np.float64)
        known = measured.weight[frame].reshape(-1, 1).astype(np.float64)
        followed = np.median(target, axis=0)
        for _ in range(8):
            miss = np.linalg.norm(target - followed, axis=1, keepdims=True)
            w = known / (1 + (miss / (1.5 * np.median(miss) + 1e-3)) ** 2)
            normal = design.T @ (design * w) + 1e-9 * np.eye(3)
            followed = design @ np.linalg.solve(normal, design.T @ (target * w))
        whole[frame] = followed.reshape(field.shape)
    return whole

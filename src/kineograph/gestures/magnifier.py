"""The magnifier: small motion smoothed, cut to a band of frequencies, and made larger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float, Float32
from pydantic import Field, model_validator
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.signal import butter, sosfiltfilt

from kineograph.core.errors import DocumentError
from kineograph.gestures.model import LISTED, PLAIN, Strict
from kineograph.vision.small_motion import SmallMotion

FACTORS = (1.0, 32.0)
"""The least and the largest factor."""

BLUR_SPACE = 0.02
"""The default blur over space, as a share of the short side."""

BLUR_TIME = 0.02
"""The default blur over time in seconds, where no band is given."""

CALM = 3.0
"""Motion begins to count where its power is this many times that of the noise of measuring, and
counts in full at twice that."""

SURE = 0.2
"""Places count as moving where at least this share of their motion counts."""

LEAST = 0.002
"""A video has motion if at least this share of its places moves."""

ROUGH = 2.0
"""The noise that the blur over space leaves, as a multiple of what it takes out. Codecs hold their
noise still for some frames; it does not flicker, but it differs from place to place."""

UNSEEN = 0.003
"""Motion of fewer pixels than this is never more than noise: 8-bit pictures do not hold it."""

Hertz = Annotated[float, Field(ge=0, le=1000), PLAIN]

Series = Float32[np.ndarray, "frames rows columns 2"]


class Magnifier(Strict):
    """How small motion is made larger: p' = p0 + factor * blur(p - p0).

    Blur over space and time first, then scale (Motion Prompting, Geng et al. 2024, appendix E).

    Raises:
        DocumentError: a value is not allowed.
    """

    factor: Annotated[float, PLAIN] = 8.0
    """How many times larger the motion becomes, 1 to 32."""
    band: Annotated[tuple[Hertz, Hertz], LISTED] | None = None
    """The frequencies [low, high] in hertz that are magnified; low may be 0. Left out, all are."""
    blur_space: Annotated[float, Field(ge=0, le=1e6), PLAIN] | None = None
    """Standard deviation of the blur over space, in pixels of the video; left out, it is 2 % of the
    short side."""
    blur_time: Annotated[float, Field(ge=0, le=60), PLAIN] | None = None
    """Standard deviation of the blur over time, in seconds; left out, it is 0.02 s, or none where
    there is a band."""
    compensate: bool = False
    """Whether the factor is raised by as much as the blur has lowered the motion."""
    calm: bool = True
    """Whether places whose motion does not stand out from the noise of measuring are held still."""
    steady: bool = False
    """Whether the motion of the whole picture, as of a camera in the hand, is left as it is."""

    @classmethod
    def title(cls, data: Mapping[str, Any]) -> str:
        """What messages call it."""
        return "magnify"

    @model_validator(mode="after")
    def _check(self) -> "Magnifier":
        check_factor(self.factor)
        if self.band is not None:
            check_band(self.band)
        return self

    def motion(self, measured: SmallMotion) -> "Magnified":
        """The smoothed motion and by how much it is to be enlarged.

        Raises:
            DocumentError: the band does not fit the video, or nothing moves.
        """
        check_band(self.band, measured)
        space = BLUR_SPACE * min(measured.size) if self.blur_space is None else self.blur_space
        present = blurred_in_space(measured, space)
        camera = whole_motion(present, measured) if self.steady else np.zeros_like(present)
        blurred = present - camera
        steady = self._in_time(blurred, measured.fps)
        grain = self._in_time(measured.displacement - present, measured.fps)
        noise = np.maximum(_flicker(blurred) * self._noise_kept(measured), ROUGH * _power(grain))
        share = _share(steady, noise)
        return Magnified.of(self, measured, present, camera, steady, share)

    def _in_time(self, series: Series, fps: float) -> Series:
        seconds = self.blur_time
        if seconds is None:
            seconds = BLUR_TIME if self.band is None else 0.0
        if self.band is not None:
            series = in_band(series, self.band, fps)
        if seconds > 0:
            series = gaussian_filter1d(series, seconds * fps, axis=0, mode="nearest")
        return series

    def _noise_kept(self, measured: SmallMotion) -> float:
        """The share of white noise's power that is left by what is done over time."""
        frames = len(measured.displacement)
        impulse = np.zeros((max(frames, 64), 1, 1, 2), np.float32)
        impulse[len(impulse) // 2] = 1
        return float((self._in_time(impulse, measured.fps)[..., 0] ** 2).sum())


def check_factor(factor: float) -> None:
    """Check how many times larger a motion is to become.

    Raises:
        ValueError: it is out of range.
    """
    low, high = FACTORS
    if not low <= factor <= high:
        raise ValueError(f"has the factor {factor:g}; give {low:g} to {high:g}")


def check_band(band: tuple[float, float] | None, measured: SmallMotion | None = None) -> None:
    """Check a band of frequencies, and that a video can hold it.

    Raises:
        ValueError: low and high are no band.
        DocumentError: the band reaches above half the frame rate, or the video is too short.
    """
    if band is None:
        return
    low, high = band
    if not 0 <= low < high:
        raise ValueError(
            f"has the band {low:g} to {high:g} Hz; give a lower and a higher frequency"
        )
    if measured is None:
        return
    fps, seconds = measured.fps, len(measured.displacement) / measured.fps
    if high >= fps / 2:
        raise DocumentError(
            f"the band reaches {high:g} Hz; a video of {fps:.4g} fps holds motion below "
            f"{fps / 2:.4g} Hz; end it below that"
        )
    if low > 0 and low * seconds < 1:
        raise DocumentError(
            f"the band begins at {low:g} Hz; the video lasts {seconds:.3g} s, less than one period "
            f"of it; begin at {1 / seconds:.2g} Hz or more, or at 0"
        )


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


def _flicker(blurred: Series) -> Float32[np.ndarray, "rows columns"]:
    """Power of the noise at each place, from what changes from frame to frame like nothing real."""
    if len(blurred) < 4:
        return np.zeros(blurred.shape[1:3], np.float32)
    third = np.diff(blurred, n=3, axis=0)
    power = (third**2).sum(axis=-1).mean(axis=0) / np.float32(20)  # 1 + 9 + 9 + 1
    return gaussian_filter(power, 2, mode="nearest")


def _power(series: Series) -> Float32[np.ndarray, "rows columns"]:
    """Mean square of what changes in time at each place and around it."""
    power = ((series - series.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0)
    return gaussian_filter(power, 2, mode="nearest")


def _share(
    steady: Series, noise: Float32[np.ndarray, "rows columns"]
) -> Float32[np.ndarray, "rows columns"]:
    """How much of the motion at each place counts: 0 where it is noise, 1 where it stands out."""
    power = _power(steady)
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


@dataclass(frozen=True, eq=False)
class Magnified:
    """Motion, smoothed, with the factor by which it is to be enlarged.

    Convention: as `SmallMotion`.

    Args:
        measured: the motion as it was measured.
        present: (T, rows, columns, 2) the same, blurred over space only.
        camera: (T, rows, columns, 2) the part of it that is left as it is.
        smooth: (T, rows, columns, 2) the part that is enlarged.
        share: (rows, columns) how much of that is motion rather than noise.
        attenuation: the smoothed motion as a share of the measured one, by regression.
        factor: what the smoothed motion is multiplied with.
    """

    measured: SmallMotion
    present: Series
    camera: Series
    smooth: Series
    share: Float32[np.ndarray, "rows columns"]
    attenuation: float
    factor: float

    @classmethod
    def of(
        cls,
        how: Magnifier,
        measured: SmallMotion,
        present: Series,
        camera: Series,
        steady: Series,
        share: Float32[np.ndarray, "rows columns"],
    ) -> "Magnified":
        """The motion, with its share of noise taken out if that is wanted.

        Raises:
            DocumentError: nothing moves.
        """
        trusted = measured.weight.mean(axis=0) * (share > SURE)
        if trusted.sum() < LEAST * share.size:
            raise DocumentError(_nothing_moves(steady, how.band))
        smooth = steady * (share if how.calm else np.ones_like(share))[..., None]
        attenuation = gain(smooth, measured.displacement - camera, steady * trusted[..., None])
        factor = how.factor / attenuation if how.compensate else how.factor
        return cls(measured, present, camera, smooth, share, attenuation, factor)

    @property
    def gain(self) -> float:
        """The factor that the measured motion really gets, after smoothing."""
        return self.factor * self.attenuation

    @property
    def reach(self) -> float:
        """The largest enlarged displacement, in pixels (99.9th percentile)."""
        return self.factor * float(np.percentile(np.linalg.norm(self.smooth, axis=-1), 99.9))

    def further(self, frame: int) -> Float32[np.ndarray, "rows columns 2"]:
        """How far each place of one frame has to be pushed beyond where it is.

        Told from the mean of all frames, so that things stay where they are on the whole.
        """
        return (self.factor - 1) * (self.smooth[frame] - self.smooth.mean(axis=0))

    def moves_of_first(self) -> Series:
        """The enlarged motion of each place of the first frame, 0 in that frame."""
        moves = self.factor * self.smooth + self.camera
        return moves - moves[:1]

    def gain_of(self, output: SmallMotion, every: int = 1) -> float:
        """How many times larger the motion is in a video that was made of this one.

        Args:
            output: the motion in that video, measured against the same reference.
            every: it holds each so many-th frame of the motion here.
        """
        into = self.measured.displacement[::every]
        added = output.displacement - into
        known = output.weight.min(axis=0) * self.measured.weight.min(axis=0) * (self.share > SURE)
        guide = self.smooth[::every] * known[..., None]
        return 1 + gain(added, into - self.camera[::every], guide)


def gain(
    output: Float[np.ndarray, "frames rows columns 2"],
    motion: Float[np.ndarray, "frames rows columns 2"],
    guide: Float[np.ndarray, "frames rows columns 2"],
) -> float:
    """The slope of an output motion against an input motion, both told from their means.

    Regressed with `guide`, the smoothed motion where it is trusted, as instrument: the noise in the
    input does not pull the slope down as it would in a plain regression.
    """
    out, into, guide = (field - field.mean(axis=0) for field in (output, motion, guide))
    return float((out * guide).sum() / (into * guide).sum())


def _nothing_moves(steady: Series, band: tuple[float, float] | None) -> str:
    moved = np.linalg.norm(steady - steady.mean(axis=0), axis=-1)
    where = "" if band is None else f" between {band[0]:g} and {band[1]:g} Hz"
    remedy = "" if band is None else " or another band"
    return (
        f"there is no motion to magnify{where}: what moves, {np.sqrt((moved**2).mean()):.2g} px, is "
        f"no more than the noise of measuring; give another video{remedy}"
    )

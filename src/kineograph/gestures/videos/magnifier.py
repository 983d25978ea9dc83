"""The magnifier: small motion smoothed, cut to a band of frequencies, and made larger."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator
from scipy.ndimage import gaussian_filter1d

from kineograph.core.errors import DocumentError
from kineograph.gestures.videos.magnified import Magnified
from kineograph.gestures.videos.smoothing import (
    Series,
    blurred_in_space,
    flicker,
    in_band,
    power_of,
    share_of,
    whole_motion,
)
from kineograph.gestures.writing.model import LISTED, PLAIN, Strict
from kineograph.vision.small_motion import SmallMotion

FACTORS = (1.0, 32.0)
"""The least and the largest factor."""

ROUGH = 2.0
"""The noise that the blur over space leaves, as a multiple of what it takes out. Codecs hold their
noise still for some frames; it does not flicker, but it differs from place to place."""

LEAST = 0.002
"""A video has motion if at least this share of its places moves."""

BLUR_SPACE = 0.02
"""The default blur over space, as a share of the short side."""

BLUR_TIME = 0.02
"""The default blur over time in seconds, where no band is given."""

Hertz = Annotated[float, Field(ge=0, le=1000), PLAIN]


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
        noise = np.maximum(flicker(blurred) * self._noise_kept(measured), ROUGH * power_of(grain))
        share = share_of(steady, noise)
        smooth = steady * (share if self.calm else np.ones_like(share))[..., None]
        felt = self._felt(measured.displacement - camera, measured.fps)
        made = Magnified(measured, present, camera, felt, smooth, share, self.factor)
        if made.trusted.sum() < LEAST * share.size:
            raise DocumentError(_nothing_moves(steady, self.band))
        return replace(made, factor=self.factor / made.attenuation) if self.compensate else made

    def _felt(self, series: Series, fps: float) -> Series:
        """The motion that is there to be enlarged: with a band, an octave more on both sides."""
        if self.band is None:
            return series
        low, high = self.band
        return in_band(series, (low / 2, min(2 * high, (high + fps / 2) / 2)), fps)

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


def _nothing_moves(steady: Series, band: tuple[float, float] | None) -> str:
    moved = np.linalg.norm(steady - steady.mean(axis=0), axis=-1)
    where = "" if band is None else f" between {band[0]:g} and {band[1]:g} Hz"
    remedy = "" if band is None else " or another band"
    return (
        f"there is no motion to magnify{where}: what moves, {np.sqrt((moved**2).mean()):.2g} px, "
        f"is no more than the noise of measuring; give another video{remedy}"
    )

"""Magnified motion: what is enlarged, by how much, and how much larger it really becomes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from kineograph.gestures.smoothing import Series
from kineograph.vision.small_motion import SmallMotion

SURE = 0.2
"""Places count as moving where at least this share of their motion counts."""


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

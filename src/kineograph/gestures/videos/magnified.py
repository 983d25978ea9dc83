"""Magnified motion: what is enlarged, by how much, and how much larger it really becomes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from kineograph.gestures.videos.smoothing import Series
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
        felt: (T, rows, columns, 2) the rest as it was measured, which gains are told against; with
            a band, without what is far out of it.
        smooth: (T, rows, columns, 2) the part that is enlarged.
        share: (rows, columns) how much of that is motion rather than noise.
        factor: what the smoothed motion is multiplied with.
    """

    measured: SmallMotion
    present: Series
    camera: Series
    felt: Series
    smooth: Series
    share: Float32[np.ndarray, "rows columns"]
    factor: float

    @property
    def trusted(self) -> Float32[np.ndarray, "rows columns"]:
        """How well the motion of each place is known, where there is some; 0 elsewhere."""
        return self.measured.weight.mean(axis=0) * (self.share > SURE)

    @property
    def attenuation(self) -> float:
        """The smoothed motion as a share of the measured one, by regression."""
        return gain(self.smooth, self.felt, self._guide())

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
        added = output.displacement - self.measured.displacement[::every]
        return 1 + gain(added, self.felt[::every], self._guide()[::every])

    def _guide(self) -> Series:
        return self.smooth * self.trusted[..., None]


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

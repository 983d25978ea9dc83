"""Small pieces of pictures around points."""

from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from kineograph.vision.flow import sample_field

RADIUS = 7
"""Half the side of a patch: 15x15 samples, a pixel of the frame apart where it is taken."""

BLUR = 0.8
"""Frames are smoothed by this much, so that linear interpolation between pixels holds."""

CHUNK = 4096
"""Points that are worked on at a time; bounds the memory."""

_side = np.arange(-RADIUS, RADIUS + 1, dtype=np.float32)
OFFSETS: Float32[np.ndarray, "samples 2"] = np.stack(np.meshgrid(_side, _side), -1).reshape(-1, 2)
"""Where the samples of an upright patch are, from its middle."""

Samples = Float32[np.ndarray, "points samples"]


@dataclass(frozen=True, eq=False)
class Look:
    """A frame, ready to be sampled: grey, smoothed, float."""

    grey: Float32[np.ndarray, "height width"]

    @classmethod
    def of(cls, grey: UInt8[np.ndarray, "height width"]) -> "Look":
        """Prepare a grey frame."""
        return cls(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), BLUR))

    def at(self, points: Float32[np.ndarray, "points 2"]) -> Float32[np.ndarray, " points"]:
        """Values at raster points."""
        return sample_field(self.grey, points)

    def sample(self, at: Float32[np.ndarray, "points samples 2"]) -> tuple[Samples, Samples]:
        """Values at raster points, and 1 where they are inside the frame, else 0."""
        x, y = at[..., 0] - np.float32(0.5), at[..., 1] - np.float32(0.5)
        height, width = self.grey.shape
        inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
        values = np.empty_like(x)
        for part in chunks(len(x)):  # OpenCV takes at most 32767 rows
            values[part] = cv2.remap(
                self.grey, x[part], y[part], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        return values, inside.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Pose:
    """Where patches are in a frame, and how light has changed on them.

    Attributes:
        point: (N, 2) raster position of the middle.
        shape: (N, 2, 2) what a step in the patch is in the frame: sample o is at point + shape @ o.
        gain, offset: (N,) the patch is gain * frame + offset.
    """

    point: Float32[np.ndarray, "points 2"]
    shape: Float32[np.ndarray, "points 2 2"]
    gain: Float32[np.ndarray, " points"]
    offset: Float32[np.ndarray, " points"]

    @classmethod
    def at(cls, point: Float32[np.ndarray, "points 2"]) -> "Pose":
        """Upright patches at points, light unchanged."""
        count = len(point)
        shape = np.tile(np.eye(2, dtype=np.float32), (count, 1, 1))
        return cls(point, shape, np.ones(count, np.float32), np.zeros(count, np.float32))

    def __getitem__(self, which: np.ndarray | slice) -> "Pose":
        return Pose(self.point[which], self.shape[which], self.gain[which], self.offset[which])

    def copy(self) -> "Pose":
        """One that may be overwritten without changing this one."""
        return Pose(*(np.array(part) for part in vars(self).values()))

    def relight(self, gain: float, offset: float) -> None:
        """Take a change of light of the whole frame into account, in place."""
        self.offset[...] += self.gain * np.float32(offset)
        self.gain[...] *= np.float32(gain)

    def put(self, which: np.ndarray | slice, other: "Pose") -> None:
        """Overwrite some, in place."""
        for name in ("point", "shape", "gain", "offset"):
            getattr(self, name)[which] = getattr(other, name)

    def moved(
        self, point: Float32[np.ndarray, "points 2"], shape: Float32[np.ndarray, "points 2 2"]
    ) -> "Pose":
        """Elsewhere and otherwise shaped, in the same light."""
        return replace(self, point=point, shape=shape)


@dataclass(frozen=True, eq=False)
class Patches:
    """N patches: grey values, and weights, 0 where a sample was outside or is not used."""

    values: Samples
    inside: Samples

    @classmethod
    def take(cls, look: Look, pose: Pose) -> "Patches":
        """Cut patches out of a frame, as seen from their pose."""
        values, inside = look.sample(places(pose))
        return cls(values * pose.gain[:, None] + pose.offset[:, None], inside)

    @classmethod
    def none(cls, count: int) -> "Patches":
        """Room for patches."""
        shape = (count, len(OFFSETS))
        return cls(np.zeros(shape, np.float32), np.zeros(shape, np.float32))

    def __getitem__(self, which: np.ndarray | slice) -> "Patches":
        return Patches(self.values[which], self.inside[which])

    def put(self, which: np.ndarray, other: "Patches") -> None:
        """Overwrite some, in place."""
        self.values[which] = other.values
        self.inside[which] = other.inside


Kind = TypeVar("Kind", Pose, Patches)


def choose(where: Bool[np.ndarray, " points"], yes: Kind, no: Kind) -> Kind:
    """One or the other, point by point."""
    return type(yes)(
        *(
            np.where(where.reshape(-1, *[1] * (a.ndim - 1)), a, b)
            for a, b in zip(vars(yes).values(), vars(no).values(), strict=True)
        )
    )


def places(
    pose: Pose, offsets: Float32[np.ndarray, "samples 2"] = OFFSETS
) -> Float32[np.ndarray, "points samples 2"]:
    """Where samples are in the frame, raster pixels."""
    return pose.point[:, None] + np.matmul(offsets[None], pose.shape.transpose(0, 2, 1))


def chunks(count: int) -> list[slice]:
    """Slices of at most `CHUNK` points that together are all."""
    return [slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]

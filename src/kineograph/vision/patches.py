"""Small pieces of pictures around points: taken, compared, and brought into register."""

from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from kineograph.vision.flow import sample_field

RADIUS = 7
"""Half the side of a patch: 15x15 samples, a pixel of the frame apart where it is taken."""

WINDOW = 4.5
"""Standard deviation of the weights of the samples when a patch is brought into register."""

CORE = 2.5
"""The same when two patches are compared: does the middle look alike?"""

BLUR = 0.8
"""Frames are smoothed by this much, so that linear interpolation between pixels holds."""

FLOOR = 7.0
"""Differences of so many grey levels say nothing: noise, compression, interpolation."""

CHUNK = 4096
"""Points that are worked on at a time; bounds the memory."""

PRIOR_GAIN, PRIOR_OFFSET = 0.04, 4.0
"""How far contrast (share) and brightness (grey levels) are expected to change between frames."""

DIM = 0.03
"""Likeness lost by a change of light that is as large as expected; it grows with the square."""

_side = np.arange(-RADIUS, RADIUS + 1, dtype=np.float32)
OFFSETS: Float32[np.ndarray, "samples 2"] = np.stack(np.meshgrid(_side, _side), -1).reshape(-1, 2)


_NEAR = (OFFSETS**2).sum(-1) <= (2 * CORE) ** 2
"""The samples that a comparison looks at."""


def _gauss(sigma: float | int) -> Float32[np.ndarray, " samples"]:
    weight = np.exp(-(OFFSETS**2).sum(-1) / (2 * sigma**2))
    return (weight / weight.sum()).astype(np.float32)


_WINDOW, _CORE, _FINE = _gauss(WINDOW), _gauss(CORE), _gauss(2.2)

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
        for part in _chunks(len(x)):  # OpenCV takes at most 32767 rows
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

    def put(self, which: np.ndarray, other: "Pose") -> None:
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
    """N patches: values, weight 0 where a sample was outside its frame, and gradients."""

    values: Samples
    inside: Samples

    @classmethod
    def take(cls, look: Look, pose: Pose) -> "Patches":
        """Cut patches out of a frame, as seen from their pose."""
        values, inside = look.sample(_places(pose))
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

    def contrast(self) -> Float32[np.ndarray, " points"]:
        """Standard deviation of the core, grey levels."""
        weight = _CORE * self.inside + 1e-6
        weight /= weight.sum(1, keepdims=True)
        mean = (weight * self.values).sum(1, keepdims=True)
        return np.sqrt((weight * (self.values - mean) ** 2).sum(1))


Kind = TypeVar("Kind", Pose, Patches)


def choose(where: Bool[np.ndarray, " points"], yes: Kind, no: Kind) -> Kind:
    """One or the other, point by point."""
    return type(yes)(
        *(
            np.where(where.reshape(-1, *[1] * (a.ndim - 1)), a, b)
            for a, b in zip(vars(yes).values(), vars(no).values(), strict=True)
        )
    )


def _places(
    pose: Pose, offsets: Float32[np.ndarray, "samples 2"] = OFFSETS
) -> Float32[np.ndarray, "points samples 2"]:
    return pose.point[:, None] + np.matmul(offsets[None], pose.shape.transpose(0, 2, 1))


def _light(
    values: Samples,
    wanted: Samples,
    weight: Samples,
    pose: Pose,
    slack: Float32[np.ndarray, " points"],
) -> tuple[Samples, Float32[np.ndarray, " points"], Float32[np.ndarray, " points"]]:
    """Fit gain and offset near what they were: (values in the patch's light, gain, offset).

    `slack` multiplies the expected change. `weight` sums to 1 a point.
    """
    mean = (weight * values).sum(1)
    centred = values - mean[:, None]
    middle = pose.gain * mean + pose.offset
    aim = wanted - middle[:, None]
    strength = FLOOR**2 / (2 * np.pi * CORE**2)  # one over the samples that count, times variance
    gain_prior = strength / (PRIOR_GAIN * slack) ** 2
    mean_prior = strength / (PRIOR_OFFSET * slack) ** 2
    spread = (weight * centred * centred).sum(1)
    gain = (gain_prior * pose.gain + (weight * centred * aim).sum(1)) / (gain_prior + spread)
    gain = np.clip(gain, 0.25, 4.0)
    shift = (weight * aim).sum(1) / (1 + mean_prior)
    fitted = gain[:, None] * centred + (middle + shift)[:, None]
    return fitted, gain, middle + shift - gain * mean


def compare(
    look: Look,
    patches: Patches,
    pose: Pose,
    slack: Float32[np.ndarray, " points"] | None = None,
) -> Float32[np.ndarray, " points"]:
    """How alike the cores of patches and frame are: 1 the same, 0 or less unrelated.

    1 - (squared difference) / (variance of the patch + FLOOR^2), after a plausible change of light.
    0 where most of the core is outside the frame.
    """
    scores = [np.zeros(0, np.float32)]
    slack = np.ones(len(pose.point), np.float32) if slack is None else slack
    for part in _chunks(len(pose.point)):
        values, inside = look.sample(_places(pose[part], OFFSETS[_NEAR]))
        near = Patches(patches.values[part][:, _NEAR], patches.inside[part][:, _NEAR])
        scores.append(_score(values, inside, near, pose[part], slack[part]))
    return np.concatenate(scores)


def _score(
    values: Samples,
    inside: Samples,
    patches: Patches,
    pose: Pose,
    slack: Float32[np.ndarray, " points"],
) -> Float32[np.ndarray, " points"]:
    own = _CORE[_NEAR] * patches.inside
    weight = own * inside
    share = weight.sum(1) / (own.sum(1) + 1e-6)
    weight = weight / (weight.sum(1, keepdims=True) + 1e-6)
    fitted, gain, offset = _light(values, patches.values, weight, pose, slack)
    seen = (weight * values).sum(1)
    change = ((gain - pose.gain) / (pose.gain * PRIOR_GAIN * slack)) ** 2
    change += ((gain * seen + offset - pose.gain * seen - pose.offset) / (PRIOR_OFFSET * slack)) ** 2
    mean = (weight * patches.values).sum(1, keepdims=True)
    variance = (weight * (patches.values - mean) ** 2).sum(1)
    miss = (weight * (fitted - patches.values) ** 2).sum(1)
    score = 1 - miss / (variance + FLOOR**2 / 2) - DIM * change
    return np.where(share > 0.5, score, 0).astype(np.float32)


def register(
    look: Look,
    patches: Patches,
    pose: Pose,
    steps: int = 4,
    *,
    bend: bool = True,
    fine: bool = False,
    slack: Float32[np.ndarray, " points"] | None = None,
) -> Pose:
    """Move and deform poses until frame and patches agree (Lucas-Kanade, inverse compositional).

    Affine where `bend`, else translation only. Samples that differ much (another surface, covered)
    are given little weight; where a patch has no texture across some direction, the pose stays as
    it is in that direction.
    """
    slack = np.ones(len(pose.point), np.float32) if slack is None else slack
    done = pose.copy()
    for part in _chunks(len(pose.point)):
        done.put(part, _register(look, patches[part], pose[part], steps, bend, slack[part], _FINE if fine else _WINDOW))
    return done


DAMP_POINT, DAMP_SHAPE = 0.02, 200.0
"""Squared grey levels over squared pixels: texture weaker than this cannot move a pose."""


def _register(
    look: Look,
    patches: Patches,
    pose: Pose,
    steps: int,
    bend: bool,
    slack: Float32[np.ndarray, " points"],
    window,
) -> Pose:
    jacobian, light = _jacobian(patches, bend), pose
    unknowns = jacobian.shape[2]
    damp = np.diag([DAMP_POINT] * 2 + [DAMP_SHAPE] * (unknowns - 2)).astype(np.float32) * 4
    for _ in range(steps):
        values, inside = look.sample(_places(pose))
        base = window * inside * patches.inside
        base = base / (base.sum(1, keepdims=True) + 1e-6)
        fitted, gain, offset = _light(values, patches.values, base, light, slack)
        miss = fitted - patches.values
        core = _CORE * inside * patches.inside
        core = core / (core.sum(1, keepdims=True) + 1e-6)
        scale = 1.5 * np.sqrt((core * np.minimum(miss**2, 900)).sum(1, keepdims=True)) + FLOOR / 2
        weighted = jacobian * (base / (1 + (miss / scale) ** 2))[..., None]
        normal = np.matmul(weighted.transpose(0, 2, 1), jacobian) + damp
        aim = np.matmul(weighted.transpose(0, 2, 1), miss[..., None])
        change = np.linalg.solve(normal, aim)[..., 0]
        pose = _composed(replace(pose, gain=gain, offset=offset), change)
    return pose


def _jacobian(patches: Patches, bend: bool) -> Float32[np.ndarray, "points samples unknowns"]:
    """How the patch's values change with its place (2) and its shape (4)."""
    side = 2 * RADIUS + 1
    dy, dx = np.gradient(patches.values.reshape(-1, side, side), axis=(1, 2))
    slope = np.stack([dx, dy], -1).reshape(len(dx), -1, 2)
    if not bend:
        return slope
    return np.concatenate([slope, slope * OFFSETS[:, :1], slope * OFFSETS[:, 1:]], axis=2)


def _composed(pose: Pose, change: Float32[np.ndarray, "points unknowns"]) -> Pose:
    """The pose after the inverse of a small motion of the patch, limited to plausible steps."""
    step = np.clip(change[:, :2], -2, 2)
    shape = pose.shape
    if change.shape[1] > 2:
        # columns: d/dx of (x, y), then d/dy of (x, y)
        small = np.clip(change[:, 2:], -0.15, 0.15).reshape(-1, 2, 2).transpose(0, 2, 1)
        small = small + np.eye(2, dtype=np.float32)
        shape = np.matmul(shape, np.linalg.inv(small))
    point = pose.point - np.matmul(shape, step[..., None])[..., 0]
    return replace(pose, point=point.astype(np.float32), shape=shape.astype(np.float32))


def _chunks(count: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


def plausible(shape: Float32[np.ndarray, "points 2 2"]) -> Bool[np.ndarray, " points"]:
    """Whether a patch is not turned inside out, crushed or blown up."""
    area = np.linalg.det(shape)
    stretch = (shape**2).sum((1, 2))
    return (area > 0.05) & (area < 20) & (stretch < 2.8 * area)

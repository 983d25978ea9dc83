"""Patches and frames compared, and brought into register."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32

from kineograph.vision.patches import (
    OFFSETS,
    RADIUS,
    Look,
    Patches,
    Pose,
    Samples,
    chunks,
    places,
)

WINDOW = 4.5
"""Standard deviation of the weights of the samples when a patch is brought into register."""

NARROW = 2.2
"""The same where something else is in view as well."""

CORE = 2.5
"""The same when two patches are compared: does the middle look alike?"""

FLOOR = 7.0
"""Differences of so many grey levels say nothing: noise, compression, interpolation."""

PRIOR_GAIN, PRIOR_OFFSET = 0.04, 4.0
"""How far contrast (share) and brightness (grey levels) are expected to change between frames."""

DIM = 0.03
"""Likeness lost by a change of light that is as large as expected; it grows with the square."""

_NEAR = (OFFSETS**2).sum(-1) <= (2 * CORE) ** 2
"""The samples that a comparison looks at."""


def _gauss(sigma: float | int) -> Float32[np.ndarray, " samples"]:
    weight = np.exp(-(OFFSETS**2).sum(-1) / (2 * sigma**2))
    return (weight / weight.sum()).astype(np.float32)


_WINDOW, _CORE, _FINE = _gauss(WINDOW), _gauss(CORE), _gauss(NARROW)


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
    for part in chunks(len(pose.point)):
        values, inside = look.sample(places(pose[part], OFFSETS[_NEAR]))
        near = Patches(patches.values[part][:, _NEAR], patches.inside[part][:, _NEAR])
        scores.append(_score(values, inside, near, pose[part], slack[part]))
    return np.concatenate(scores)


def contrast(patches: Patches, *, wide: bool = False) -> Float32[np.ndarray, " points"]:
    """Standard deviation of the cores of patches, or of all they hold, grey levels."""
    weight = (np.ones_like(_CORE) if wide else _CORE) * patches.inside
    weight = weight / (weight.sum(1, keepdims=True) + 1e-6)
    mean = (weight * patches.values).sum(1, keepdims=True)
    return np.sqrt((weight * (patches.values - mean) ** 2).sum(1))


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
    brighter = (gain - pose.gain) * seen + offset - pose.offset
    change = ((gain - pose.gain) / (pose.gain * PRIOR_GAIN * slack)) ** 2
    change += (brighter / (PRIOR_OFFSET * slack)) ** 2
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

    Affine where `bend`, else translation only; `fine` looks at the middle alone. Samples that
    differ much (another surface, covered) are given little weight; where a patch has no texture
    across some direction, the pose stays as it is in that direction.
    """
    slack = np.ones(len(pose.point), np.float32) if slack is None else slack
    done = pose.copy()
    for part in chunks(len(pose.point)):
        done.put(
            part,
            _register(
                look,
                patches[part],
                pose[part],
                steps,
                bend,
                slack[part],
                _FINE if fine else _WINDOW,
            ),
        )
    return done


DAMP_POINT, DAMP_SHAPE = 1.0, 800.0
"""Squared grey levels over squared pixels: texture weaker than this cannot move a pose."""


def _register(
    look: Look,
    patches: Patches,
    pose: Pose,
    steps: int,
    bend: bool,
    slack: Float32[np.ndarray, " points"],
    window: Float32[np.ndarray, " samples"],
) -> Pose:
    jacobian, light = _jacobian(patches, bend), pose
    unknowns = jacobian.shape[2]
    damp = np.diag([DAMP_POINT] * 2 + [DAMP_SHAPE] * (unknowns - 2)).astype(np.float32)
    for _ in range(steps):
        values, inside = look.sample(places(pose))
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


def plausible(shape: Float32[np.ndarray, "points 2 2"]) -> Bool[np.ndarray, " points"]:
    """Whether a patch is not turned inside out, crushed or blown up."""
    area = np.linalg.det(shape)
    stretch = (shape**2).sum((1, 2))
    return (area > 0.05) & (area < 20) & (stretch < 2.8 * area)

"""What dense flow tells of the step from one frame to the next."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from kineograph.vision.flow import sample_field
from kineograph.vision.patches import OFFSETS, Look, Pose

Field = Float32[np.ndarray, "height width 2"]
Xy = Float32[np.ndarray, "points 2"]

ABRUPT = 1.15
"""A dominant motion unlike the last has to fit so many times better."""

FEWEST = 12
"""Places that have to agree on a motion."""


@dataclass(frozen=True, eq=False)
class Step:
    """All that is known of the step to a frame.

    Attributes:
        frame: which frame, counted along the pass.
        look: the frame, to be sampled.
        forward, backward: flow from the frame before, and to it.
        leaps: stride to flow from the frame that many before.
        camera: (2, 3) the dominant motion since the frame before.
        light: (gain, offset) that turn this frame's grey levels to those of the frame before.
    """

    frame: int
    look: Look
    forward: Field
    backward: Field
    leaps: dict[int, Field]
    camera: Float64[np.ndarray, "2 3"]
    light: tuple[float, float]


def consistent(forward: Field, backward: Field) -> tuple[Xy, Xy]:
    """Places of a grid, and where they go, of those that flow there and back takes home."""
    height, width = forward.shape[:2]
    start = raster(height, width, 8)
    end = start + sample_field(forward, start)
    missed = np.linalg.norm(end + sample_field(backward, end) - start, axis=1)
    return start[missed < 0.7], end[missed < 0.7]


def same_motion(
    flow: Field, points: Xy, slack: np.float32
) -> Float32[np.ndarray, "points samples"]:
    """1 for the samples of upright patches that flow as their middle does, else 0."""
    places = points[:, None] + OFFSETS[None]
    moved = sample_field(flow, places.reshape(-1, 2)).reshape(places.shape)
    away = np.linalg.norm(moved - sample_field(flow, points)[:, None], axis=2)
    return np.asarray(away < slack, np.float32)


def dominant_motion(
    start: Xy, end: Xy, before: Look, now: Look, last: Float64[np.ndarray, "2 3"]
) -> Float64[np.ndarray, "2 3"]:
    """The affine motion that most of the picture follows: the camera's, or none.

    Flow carries what moves over flat places around it, so that a car on a road can outvote the
    road. The motion that most places of the flow agree on, the last one, near misses of that, and
    none at all are therefore tried on the frames themselves, where no place counts for much.
    """
    candidates = [_agreed(start, end, last), last, _agreed(start, end, np.eye(2, 3)), np.eye(2, 3)]
    if len(start) >= FEWEST:
        found, _ = cv2.estimateAffine2D(
            start, end, method=cv2.RANSAC, ransacReprojThreshold=0.7, maxIters=300
        )
        candidates += [] if found is None else [found]
    height, width = now.grey.shape
    places = raster(height, width, 5)
    held = before.at(places)
    misses = []
    for motion in candidates:
        moved = mapped(motion, places)
        inside = ((moved >= 0) & (moved < (width, height))).all(axis=1)
        change = np.where(inside, now.at(moved) - held, np.nan)
        misses.append(np.abs(change - np.nanmedian(change)))  # exposure changes everywhere alike
    cap = 3 * min(float(np.nanmedian(miss)) for miss in misses) + 0.5
    costs = [float(np.nanmean(np.minimum(miss, cap))) for miss in misses]
    costs[4:] = [cost * ABRUPT for cost in costs[4:]]
    return candidates[int(np.argmin(costs))]


def _agreed(start: Xy, end: Xy, motion: Float64[np.ndarray, "2 3"]) -> Float64[np.ndarray, "2 3"]:
    """A motion, adjusted to what in the flow is near it."""
    near = np.linalg.norm(mapped(motion, start) - end, axis=1) < 2
    if near.sum() < FEWEST:
        return motion
    found, _ = cv2.estimateAffine2D(
        start[near], end[near], method=cv2.RANSAC, ransacReprojThreshold=0.5, maxIters=100
    )
    return motion if found is None else found


def mapped(motion: Float64[np.ndarray, "2 3"], point: Xy) -> Xy:
    """Points moved by an affine motion."""
    return (point @ motion[:, :2].T + motion[:, 2]).astype(np.float32)


def raster(height: int, width: int, step: int) -> Xy:
    """The centres of every so many pixels."""
    y, x = np.mgrid[step // 2 : height : step, step // 2 : width : step].astype(np.float32)
    return np.stack([x.ravel(), y.ravel()], -1) + np.float32(0.5)


def change_of_light(
    before: Float32[np.ndarray, " places"], now: Float32[np.ndarray, " places"]
) -> tuple[float, float]:
    """The robust gain and offset that turn grey levels of a frame to those of the one before."""
    gain, offset = 1.0, 0.0
    if len(now) < FEWEST or now.std() < 4:
        return gain, offset
    for _ in range(5):
        weight = 1 / (1 + ((gain * now + offset - before) / 6) ** 2)
        middle, aim = np.average(now, weights=weight), np.average(before, weights=weight)
        spread = (weight * (now - middle) ** 2).sum()
        gain = float(np.clip((weight * (now - middle) * (before - aim)).sum() / spread, 0.5, 2))
        offset = float(aim - gain * middle)
    return gain, offset


def carried(motion: Float64[np.ndarray, "2 3"], pose: Pose) -> Pose:
    """Patches moved, turned and stretched by an affine motion."""
    shape = np.matmul(motion[:, :2].astype(np.float32), pose.shape)
    return pose.moved(mapped(motion, pose.point), shape)


def carried_shape(forward: Field, pose: Pose) -> Float32[np.ndarray, "points 2 2"]:
    """Patch shapes turned and stretched as the flow around them does."""
    reach = np.float32(4)
    columns = []
    for axis in np.eye(2, dtype=np.float32) * reach:
        ahead, behind = (sample_field(forward, pose.point + s * axis) for s in (1, -1))
        columns.append((ahead - behind) / (2 * reach))
    slope = np.stack(columns, -1)
    smooth = np.abs(slope).max((1, 2)) < 0.25  # steeper is the edge of something
    slope = np.where(smooth[:, None, None], slope, 0) + np.eye(2, dtype=np.float32)
    return np.matmul(slope, pose.shape).astype(np.float32)

"""The camera of a video, estimated from where points of its background go."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float64
from scipy.optimize import least_squares

from kineograph.core.cameras import Cameras
from kineograph.evaluation.scale import MEASURED_SIZE

LEAST = 8
"""A pose is found from at least so many points that agree."""

AGREE = 0.3
"""And at least this share of those that are followed has to agree."""

WITHIN = 2.0
"""A point agrees with a pose that puts it within so many pixels, of a picture whose longer side has
256."""

TURNED = 1.0
"""Two pictures differ by a turn of the camera alone if that puts the median point within so many of
the same pixels: then nothing can be said of where the camera went."""

ROUNDS, SURE = 300, 0.9999
"""Of RANSAC: trials, and how sure it has to be to stop earlier."""

Points = Float64[np.ndarray, "points 2"]
Paths = Float64[np.ndarray, "points frames 2"]
Seen = Bool[np.ndarray, "points frames"]
Lenses = Float64[np.ndarray, "frames 3 3"]
Matrix = Float64[np.ndarray, "3 3"]
Pose = tuple[Matrix, Float64[np.ndarray, "3"]]


@dataclass(frozen=True, eq=False)
class CameraPath:
    """A camera as the first frame's camera sees it.

    Convention: OpenCV axes; the camera of the first frame stands at the origin and looks along z.

    Args:
        rotation: (T, 3, 3) world to camera; NaN in frames of which no pose is known.
        translation: (T, 3) world to camera; NaN as well.
        metric: whether the unit is that of the depths it was found by; else every frame's
            translation is a direction of length 1, or 0 where the camera only turned.
    """

    rotation: Float64[np.ndarray, "frames 3 3"]
    translation: Float64[np.ndarray, "frames 3"]
    metric: bool

    @property
    def found(self) -> Bool[np.ndarray, " frames"]:
        """In which frames there is a pose."""
        return np.isfinite(self.translation).all(axis=1)

    @property
    def centres(self) -> Float64[np.ndarray, "frames 3"]:
        """Where the camera is."""
        return -np.einsum("tji,tj->ti", self.rotation, self.translation)

    @property
    def reach(self) -> float:
        """The farthest the camera gets from its start; NaN frames are left out."""
        return float(np.nanmax(np.linalg.norm(self.translation, axis=1)))

    @classmethod
    def of(cls, cameras: Cameras) -> "CameraPath":
        """The path of known cameras, in their unit."""
        poses = cameras.w2c @ np.linalg.inv(cameras.w2c[0])
        return cls(poses[:, :3, :3], poses[:, :3, 3], metric=True)


def by_depth(
    paths: Paths,
    seen: Seen,
    depth: Float64[np.ndarray, " points"],
    lenses: Lenses,
    size: tuple[int, int],
) -> CameraPath:
    """The camera of each frame by resection: points of known depth in the first frame.

    Perspective-n-point (SQPnP, Terzakis and Lourakis 2020) with RANSAC, then least squares over
    the points that agree.

    Args:
        paths: where the points are, in raster pixels.
        seen: where they can be relied on.
        depth: how deep they lie in the first frame; those that are not finite are left out.
        lenses: the intrinsics of each frame, in raster pixels.
        size: (width, height) of the video.
    """
    known = np.isfinite(depth)
    paths, seen, depth = paths[known], seen[known], depth[known]
    world = on_plane(paths[:, 0], lenses[0]) * depth[:, None]

    def pose(both: Bool[np.ndarray, " points"], frame: int) -> Pose | None:
        flat = on_plane(paths[both, frame], lenses[frame])[:, :2]
        return _resected(world[both], flat, WITHIN * pixel(size) / lenses[frame, 0, 0])

    return _each(seen, pose, metric=True)


def by_parallax(paths: Paths, seen: Seen, lenses: Lenses, size: tuple[int, int]) -> CameraPath:
    """The camera of each frame by the essential matrix with the first, where no depth is known.

    Five points with RANSAC (Nister 2004), unless a turn of the camera alone explains what is seen.
    See `by_depth` for the arguments.
    """

    def pose(both: Bool[np.ndarray, " points"], frame: int) -> Pose | None:
        one, other = (on_plane(paths[both, t], lenses[t]) for t in (0, frame))
        unit = pixel(size) / lenses[frame, 0, 0]
        turn, missed = _turn(one, other)
        if missed <= TURNED * unit:
            return turn, np.zeros(3)
        return _two_views(one[:, :2], other[:, :2], WITHIN * unit)

    return _each(seen, pose, metric=False)


def on_plane(points: Points, lens: Matrix) -> Float64[np.ndarray, "points 3"]:
    """Raster points as places on the plane z = 1 before the camera."""
    flat = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    return np.asarray(flat @ np.linalg.inv(lens).T)


def pixel(size: tuple[int, int]) -> float:
    """How many pixels of a video one of a picture is whose longer side has 256."""
    return max(size) / max(MEASURED_SIZE)


def angle(one: Matrix, other: Matrix) -> float:
    """The angle between two rotations in degrees, arccos((tr(A^T B) - 1) / 2); exact near 0 too."""
    between = one.T @ other
    twist = between - between.T
    sine = np.linalg.norm([twist[2, 1], twist[0, 2], twist[1, 0]]) / 2
    return float(np.degrees(np.arctan2(sine, (np.trace(between) - 1) / 2)))


def _each(seen: Seen, pose: Callable[[Any, int], Pose | None], *, metric: bool) -> CameraPath:
    """Poses frame by frame, of the points that are seen at first and then."""
    frames = seen.shape[1]
    rotation, translation = np.full((frames, 3, 3), np.nan), np.full((frames, 3), np.nan)
    rotation[0], translation[0] = np.eye(3), 0
    for frame in range(1, frames):
        both = seen[:, 0] & seen[:, frame]
        found = pose(both, frame) if both.sum() >= LEAST else None
        if found is not None:
            rotation[frame], translation[frame] = found
    return CameraPath(rotation, translation, metric)


def _enough(agree: Bool[np.ndarray, " points"]) -> bool:
    return int(agree.sum()) >= max(LEAST, AGREE * len(agree))


def _resected(
    world: Float64[np.ndarray, "points 3"], flat: Points, within: float | int
) -> Pose | None:
    """World points to places on the plane z = 1; None if too few agree."""
    lens = np.eye(3)
    try:
        there, turn, step, some = cv2.solvePnPRansac(
            world, flat, lens, None, iterationsCount=ROUNDS, reprojectionError=within,
            confidence=SURE, flags=cv2.SOLVEPNP_SQPNP,
        )  # fmt: skip
    except cv2.error:  # no pose at all for points on a line
        return None
    if not there or some is None or len(some) < LEAST:
        return None
    agree = np.isin(np.arange(len(world)), some)
    for _ in range(2):
        turn, step = cv2.solvePnPRefineLM(world[agree], flat[agree], lens, None, turn, step)
        placed = cv2.projectPoints(world, turn, step, lens, None)[0][:, 0]
        agree = np.linalg.norm(placed - flat, axis=1) <= within
        if not _enough(agree):
            return None
    return np.asarray(cv2.Rodrigues(turn)[0]), np.asarray(step[:, 0])


def _two_views(one: Points, other: Points, within: float | int) -> Pose | None:
    """The pose of a second camera, with a step of length 1; None if too few points agree."""
    lens = np.eye(3)
    essential, mask = cv2.findEssentialMat(one, other, lens, cv2.RANSAC, SURE, float(within))
    if essential is None or essential.shape != (3, 3) or not _enough(mask[:, 0] > 0):
        return None
    _, turn, step, _ = cv2.recoverPose(essential, one, other, lens, mask=mask.copy())
    agree = mask[:, 0] > 0
    return _refined(one[agree], other[agree], (np.asarray(turn), np.asarray(step[:, 0])), within)


def _refined(one: Points, other: Points, pose: Pose, within: float | int) -> Pose:
    """A pose whose epipolar lines are nearest to the points: five points alone leave much open.

    Least squares of Sampson's distances, of which large ones count less.
    """
    flat = [np.concatenate([points, np.ones((len(points), 1))], axis=1) for points in (one, other)]

    def missed(numbers: Float64[np.ndarray, "6"]) -> Float64[np.ndarray, " points"]:
        turn, step = _pose_of(numbers)
        across = np.cross(step, turn.T).T  # [step]x turn
        lines, back = flat[0] @ across.T, flat[1] @ across
        slope = (lines[:, :2] ** 2).sum(axis=1) + (back[:, :2] ** 2).sum(axis=1)
        return np.asarray((flat[1] * lines).sum(axis=1) / np.sqrt(slope + 1e-18))

    begun = np.concatenate([cv2.Rodrigues(pose[0])[0][:, 0], pose[1]])
    best = least_squares(missed, begun, loss="soft_l1", f_scale=float(within) / 4, x_scale=0.1)
    return _pose_of(best.x)


def _pose_of(numbers: Float64[np.ndarray, "6"]) -> Pose:
    """Turn and step of length 1, of an axis times its angle and of any step."""
    return np.asarray(cv2.Rodrigues(numbers[:3])[0]), numbers[3:] / np.linalg.norm(numbers[3:])


def _turn(
    one: Float64[np.ndarray, "points 3"], other: Float64[np.ndarray, "points 3"]
) -> tuple[Matrix, float]:
    """The turn that takes rays to others best, and how far off the median one is at z = 1.

    Least squares (Kabsch 1976) in rounds in which what fits badly counts less (Cauchy weights).
    """
    a, b = (rays / np.linalg.norm(rays, axis=1, keepdims=True) for rays in (one, other))
    weight, turn = np.ones(len(a)), np.eye(3)
    for _ in range(10):
        left, _, right = np.linalg.svd((weight[:, None] * b).T @ a)
        turn = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
        miss = np.linalg.norm(a @ turn.T - b, axis=1)
        weight = 1 / (1 + (miss / max(1.5 * float(np.median(miss)), 1e-9)) ** 2)
    moved = one @ turn.T
    off = np.linalg.norm(moved[:, :2] / moved[:, 2:] - other[:, :2], axis=1)
    return turn, float(np.median(off))

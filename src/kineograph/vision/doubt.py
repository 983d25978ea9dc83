"""Doubt: where points should be that no longer look like themselves, or are hidden."""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from kineograph.vision.companions import COUNT, Companions, fit_similarity
from kineograph.vision.flow_step import Xy, mapped
from kineograph.vision.patches import Pose

CAMERA = 0.7
"""Pixels a frame: what missed the dominant motion by less is taken to go on with it."""

SUPPORT = 2.5
"""So many companions (weighted) must agree to be followed."""

SUDDEN = 1.5
"""Pixels: companions that stray further in one frame from a point's own motion are caught."""

TURN = 0.3
"""How quickly a hidden point's speed becomes that of its companions."""

CAUGHT = 2.5
"""Pixels: so far from the others a companion is caught."""

SPAN = 6
"""Frames over which a point's motion is learnt."""


class Doubt:
    """How points were when they last surely were themselves, and where that puts them now.

    Attributes:
        held: (N,) which points are in doubt.
        since: (N,) the last frame before.
        pose: (N,) where they should be: led by their companions; where too few are left, carried
            with the dominant motion if they went with it before, else on at their own speed.
    """

    def __init__(self, count: int) -> None:
        self.held = np.zeros(count, bool)
        self.since = np.zeros(count, np.int64)
        self.pose = Pose.at(np.zeros((count, 2), np.float32))
        self._base = self.pose.copy()
        self._places = np.zeros((count, COUNT, 2), np.float32)
        self._speed = np.zeros((count, 2), np.float32)
        self._with_camera = np.zeros(count, bool)
        self._led = np.zeros(count, bool)

    def enter(
        self,
        which: Int64[np.ndarray, " points"],
        frame: int,
        pose: Pose,
        places: Float32[np.ndarray, "points companions 2"],
        speed: Xy,
        camera_miss: Float32[np.ndarray, " points"],
    ) -> None:
        """Points were surely themselves at `frame`, like this, and are no longer."""
        self.held[which], self.since[which] = True, frame
        self.pose.put(which, pose)
        self._base.put(which, pose)
        self._places[which], self._speed[which] = places, speed
        self._with_camera[which] = camera_miss < CAMERA

    def leave(self, which: Int64[np.ndarray, " points"]) -> None:
        """Points are themselves again."""
        self.held[which] = False

    def advance(
        self,
        camera: Float64[np.ndarray, "2 3"],
        companions: Companions,
        which: Int64[np.ndarray, " points"] | None = None,
    ) -> None:
        """A frame on, for all that are in doubt or those given."""
        which = np.flatnonzero(self.held) if which is None else which
        if len(which) == 0:
            return
        pose, with_camera = self.pose[which], self._with_camera[which]
        turned = np.matmul(camera[:, :2].astype(np.float32), pose.shape)
        point = np.where(
            with_camera[:, None], mapped(camera, pose.point), pose.point + self._speed[which]
        )
        shape = np.where(with_camera[:, None, None], turned, pose.shape)
        motion, support, miss = fit_similarity(
            self._places[which], companions.now[which], companions.believed(which)
        )
        base = self._base[which]
        told = np.matmul(motion[:, :, :2], base.point[..., None])[..., 0] + motion[:, :, 2]
        led = (support > SUPPORT) & (np.linalg.norm(told - point, axis=1) < SUDDEN)
        speed = self._speed[which]
        self._speed[which] += np.where(led[:, None], TURN * (told - pose.point - speed), 0)
        companions.drop(which, (miss > CAUGHT) | ~led[:, None])
        point = np.where(led[:, None], told, point)
        shape = np.where(led[:, None, None], np.matmul(motion[:, :, :2], base.shape), shape)
        self._led[which] = led
        self.pose.put(which, pose.moved(point.astype(np.float32), shape.astype(np.float32)))

    def steady(self, which: Int64[np.ndarray, " points"]) -> Bool[np.ndarray, " points"]:
        """Whether more than a point's own speed says where it is."""
        return self._led[which] | self._with_camera[which]

    def expects(
        self, which: Int64[np.ndarray, " points"], point: Xy, frame: int
    ) -> Bool[np.ndarray, " points"]:
        """Whether places are about where the points should be; always, if not in doubt."""
        gap = frame - self.since[which]
        reach = np.where(self.steady(which), 2 + 0.15 * gap, 3 + 0.7 * gap)
        away = np.linalg.norm(point - self.pose.point[which], axis=1)
        return ~self.held[which] | (away < reach)


def motion_before(
    which: Int64[np.ndarray, " points"],
    frame: int,
    points: Float32[np.ndarray, "all frames 2"],
    start: Int64[np.ndarray, " all"],
    cameras: Float64[np.ndarray, "frames 2 3"],
) -> tuple[Xy, Float32[np.ndarray, " points"]]:
    """The speed of points over the frames up to one, and how far they missed the dominant motion.

    Medians, in pixels a frame; 0 for points that have only just begun.
    """
    steps, misses = [], []
    for now in range(frame, max(frame - SPAN, 0), -1):
        a, b = points[which, now - 1], points[which, now]
        known = start[which] < now
        steps.append(np.where(known[:, None], b - a, np.nan))
        miss = np.linalg.norm(b - mapped(cameras[now], a), axis=1)
        misses.append(np.where(known, miss, np.nan))
    if not steps:
        return np.zeros((len(which), 2), np.float32), np.zeros(len(which), np.float32)
    return _median(np.stack(steps)), _median(np.stack(misses))


def _median(values: np.ndarray) -> np.ndarray:
    """The median along the first axis of what is known; 0 where nothing is."""
    known = np.isfinite(values).any(axis=0)
    return np.where(known, np.nanmedian(np.where(known, values, 0), axis=0), 0).astype(np.float32)

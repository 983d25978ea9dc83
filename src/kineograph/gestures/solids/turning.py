"""Turning: how a solid stands in space, and how the picture sees it.

Convention: x to the right, y down, z away from the viewer; lengths in pixels of the canvas.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64
from scipy.spatial.transform import Rotation

Vectors = Float64[np.ndarray, "frames 3"]
Matrices = Float64[np.ndarray, "frames 3 3"]

AHEAD = np.array([0.0, 0.0, -1.0])
"""Towards the viewer."""


def posture(yaw: Any, pitch: Any, roll: Any) -> Matrices:
    """How a thing stands: turned about its own upright, then tipped, then leaned.

    Args:
        yaw: degrees by which its front turns to the right, one for each frame.
        pitch: degrees by which its front then turns up.
        roll: degrees by which all of it then turns clockwise in the picture.
    """
    about_y = Rotation.from_euler("y", -_column(yaw), degrees=True)
    about_x = Rotation.from_euler("x", -_column(pitch), degrees=True)
    about_z = Rotation.from_euler("z", _column(roll), degrees=True)
    return (about_z * about_x * about_y).as_matrix()


def _column(angles: Any) -> np.ndarray:
    return np.asarray(angles, dtype=np.float64).reshape(-1, 1)


def axis_angle(start: Float64[np.ndarray, "3"], ends: Vectors) -> Matrices:
    """The rotations about a single axis that take one unit vector to each of others.

    The axis is across both; the angle is the one between them (Motion Prompting, Geng et al. 2024,
    appendix A.5). Between opposite vectors, where any axis would do, it goes by way of the viewer.
    """
    axes = np.cross(start, ends)
    sine, cosine = np.linalg.norm(axes, axis=1), ends @ start
    across = np.cross(start, AHEAD if abs(start @ AHEAD) < 0.999 else [0.0, 1.0, 0.0])
    level = across / np.linalg.norm(across)
    axes = np.where(sine[:, None] > 1e-12, axes / np.maximum(sine, 1e-12)[:, None], level)
    return Rotation.from_rotvec(axes * np.arctan2(sine, cosine)[:, None]).as_matrix()


@dataclass(frozen=True, eq=False)
class Lens:
    """How the picture sees space: by parallel rays, or from a point in front of it.

    A thing at its own distance is as large in the picture as its lengths say, whichever lens.

    Args:
        middle: (x, y) of the picture's middle in pixels, where the viewer looks.
        focal: how far in front of the picture the viewer is, in pixels; infinite for parallel rays.
    """

    middle: Float64[np.ndarray, "2"]
    focal: float = np.inf

    def project(
        self,
        offsets: Float64[np.ndarray, "points frames 3"],
        centres: Float64[np.ndarray, "frames 2"],
    ) -> Float64[np.ndarray, "points frames 2"]:
        """Where the picture shows points given by their offset from a centre that it shows too."""
        flat = centres - self.middle + offsets[..., :2]
        return self.middle + flat / (1 + offsets[..., 2:] / self.focal)

    def facing(
        self,
        offsets: Float64[np.ndarray, "points frames 3"],
        normals: Float64[np.ndarray, "points frames 3"],
        centres: Float64[np.ndarray, "frames 2"],
    ) -> Bool[np.ndarray, "points frames"]:
        """Which points of a convex surface are seen: those whose normal faces the viewer."""
        away = normals[..., 2] * (1 + offsets[..., 2] / self.focal)
        flat = (centres - self.middle + offsets[..., :2]) / self.focal
        return (away + (normals[..., :2] * flat).sum(axis=-1)) < -1e-9

    def ray(
        self, point: Float64[np.ndarray, "2"], centre: Float64[np.ndarray, "2"]
    ) -> tuple[Float64[np.ndarray, "3"], Float64[np.ndarray, "3"]]:
        """Origin and direction, seen from a centre, of what the picture shows at a point."""
        slant = (point - self.middle) / self.focal
        direction = np.array([slant[0], slant[1], 1.0])
        return np.array([*(point - centre), 0.0]), direction

    def lift(
        self,
        cursor: Float64[np.ndarray, "frames 2"],
        centres: Float64[np.ndarray, "frames 2"],
        radii: Float64[np.ndarray, " frames"],
        *,
        behind: bool = False,
    ) -> Vectors:
        """The unit vectors from a centre to where the cursor touches the sphere around it.

        Beside the sphere, the nearest point of it is taken: its rim.

        Args:
            cursor: in canvas pixels.
            centres: of the spheres, in canvas pixels.
            radii: of the spheres.
            behind: take where the ray leaves the sphere, not where it enters.
        """
        slants = (cursor - self.middle) / self.focal
        along = np.concatenate([slants, np.ones((len(slants), 1))], axis=1)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        origins = np.concatenate([cursor - centres, np.zeros((len(slants), 1))], axis=1)
        nearest = origins - (origins * along).sum(axis=1, keepdims=True) * along
        inside = np.maximum(radii**2 - (nearest**2).sum(axis=1), 0.0)
        touched = nearest + (1 if behind else -1) * np.sqrt(inside)[:, None] * along
        return touched / np.linalg.norm(touched, axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a solid is at each frame: x goes to centre + scale * rotation x, seen by a lens.

    Args:
        rotation: (T, 3, 3).
        centre: (T, 2) in canvas pixels.
        scale: (T,).
        lens: how it is seen.
    """

    rotation: Matrices
    centre: Float64[np.ndarray, "frames 2"]
    scale: Float64[np.ndarray, " frames"]
    lens: Lens

    def offsets(
        self, points: Float64[np.ndarray, "points 3"]
    ) -> Float64[np.ndarray, "points frames 3"]:
        """The solid's own points as they lie about its centre at each frame."""
        return _turned(points, self.scale[:, None, None] * self.rotation)

    def project(
        self, points: Float64[np.ndarray, "points 3"]
    ) -> Float64[np.ndarray, "points frames 2"]:
        """Where the picture shows the solid's own points, in canvas pixels."""
        return self.lens.project(self.offsets(points), self.centre)

    def facing(
        self, points: Float64[np.ndarray, "points 3"], normals: Float64[np.ndarray, "points 3"]
    ) -> Bool[np.ndarray, "points frames"]:
        """Which of its points are on the side that the viewer sees."""
        turned = _turned(normals, self.rotation)
        return self.lens.facing(self.offsets(points), turned, self.centre)


def _turned(
    points: Float64[np.ndarray, "points 3"], matrices: Matrices
) -> Float64[np.ndarray, "points frames 3"]:
    """Every point times every matrix."""
    return (points @ matrices.reshape(-1, 3).T).reshape(len(points), len(matrices), 3)

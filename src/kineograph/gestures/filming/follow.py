"""Follow-cursor: the camera moves so that a chosen point stays under the mouse."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from kineograph.core.errors import DocumentError
from kineograph.gestures.filming.moves import Movement

SMALL = 1e-3
"""A point nearer to the centre of the sphere than this share of its radius cannot be steered by."""


@dataclass(frozen=True, eq=False)
class Cursor:
    """A point of the scene and where it has to be seen (Motion Prompting, appendix A.6).

    Convention: the point in the space of the unmoved camera at each frame (OpenCV axes); rays are
    K^-1 (x, y, 1) of the cursor's raster points.

    Args:
        points: (T, 3).
        rays: (T, 3), with a third entry of 1.
        pixels: (T, 2) the cursor, for messages.
    """

    points: Float64[np.ndarray, "frames 3"]
    rays: Float64[np.ndarray, "frames 3"]
    pixels: Float64[np.ndarray, "frames 2"]

    def on_plane(self) -> Movement:
        """The camera stays in the plane of its picture and does not turn: t = X - Z K^-1 m."""
        depth = self.points[:, 2:]
        centres = self.points - depth * self.rays
        return Movement.of(np.broadcast_to(np.eye(3), (len(centres), 3, 3)), centres)

    def on_sphere(self, centre: Float64[np.ndarray, "3"]) -> Movement:
        """The camera stays on a sphere around `centre` and turns with it, by the shortest turn.

        As if the cursor turned a ball of glass around `centre`, in which the point is fixed.

        Raises:
            DocumentError: the point is at the centre, or the cursor goes where the ball is not.
        """
        arm = self.points - centre
        length = np.linalg.norm(arm, axis=1)
        if (length < SMALL * np.linalg.norm(centre)).any():
            raise DocumentError(
                "the chosen point is the centre of the sphere, around which nothing turns it; "
                "choose another point or focus, or hold the camera to the plane"
            )
        rays = self.rays / np.linalg.norm(self.rays, axis=1, keepdims=True)
        along = rays @ centre
        room = along**2 - (centre @ centre - length**2)
        if (room < 0).any():
            frame = int(room.argmin())
            x, y = self.pixels[frame]
            raise DocumentError(
                f"the cursor at {x:.0f},{y:.0f} is farther out than the chosen point gets by "
                "turning; shorten the path, choose a point farther from the focus, or hold the "
                "camera to the plane"
            )
        far = np.linalg.norm(self.points, axis=1)
        near = far <= self.points @ centre / far  # in the half of the ball that faces the camera
        reach = along + np.where(near, -1.0, 1.0) * np.sqrt(room)
        aim = reach[:, None] * rays - centre
        turned = _shortest(arm, aim)
        w2c = Movement.still(len(aim)).w2c
        w2c[:, :3, :3] = turned
        return Movement(w2c, np.ones(len(aim))).around(centre)


def _shortest(
    first: Float64[np.ndarray, "frames 3"], second: Float64[np.ndarray, "frames 3"]
) -> Float64[np.ndarray, "frames 3 3"]:
    """The rotations about one axis that take the direction of one vector to the other's."""
    axis = np.cross(first, second)
    sine = np.linalg.norm(axis, axis=1)
    angle = np.arctan2(sine, (first * second).sum(axis=1))
    unit = axis / np.where(sine > 0, sine, 1.0)[:, None]
    return Rotation.from_rotvec(unit * angle[:, None]).as_matrix()

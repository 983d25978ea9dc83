"""Camera paths: poses at instants, smoothly joined, from keys or from files of other tools."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation, RotationSpline, Slerp

from kineograph.core.cameras import Cameras
from kineograph.core.errors import DocumentError, TracksError
from kineograph.gestures.filming.moves import Movement

ROUNDED = 2e-3
"""How far a rotation in a text file may be off for the digits it was written with."""

MAX_BYTES = 64 * 2**20
"""The largest file that is taken for a camera path."""


@dataclass(frozen=True, eq=False)
class Poses:
    """Where a camera is at a few instants, relative to where it begins.

    Convention: OpenCV axes of the first pose.

    Args:
        times: (n,) strictly increasing.
        turned: (n, 3, 3) the camera's axes, in columns; the first is the identity.
        centres: (n, 3) where it is; the first is 0.
        zoom: (n,) its focal length over the first one.
    """

    times: Float64[np.ndarray, " poses"]
    turned: Float64[np.ndarray, "poses 3 3"]
    centres: Float64[np.ndarray, "poses 3"]
    zoom: Float64[np.ndarray, " poses"]

    @classmethod
    def of_cameras(
        cls,
        times: Float64[np.ndarray, " poses"],
        w2c: Float64[np.ndarray, "poses 4 4"],
        focal: Float64[np.ndarray, " poses"],
    ) -> "Poses":
        """Absolute poses (world to camera) and focal lengths, told from the first one."""
        relative = w2c[0] @ np.linalg.inv(w2c)
        return cls(times, relative[:, :3, :3], relative[:, :3, 3], focal / focal[0])

    @property
    def travels(self) -> bool:
        """Whether the camera leaves its place, so that depth matters."""
        return bool(np.abs(self.centres).max() > 0)

    def at(self, progress: Float64[np.ndarray, " frames"], scale: float) -> Movement:
        """The movement at shares of the path's time, 0 to 1; places are multiplied by `scale`.

        It passes every pose. Between two, places are joined by a Catmull-Rom spline in time (smooth
        velocity at the poses, straight for two poses), rotations by a spline of smooth angular
        velocity (Park and Ravani 1997; for two poses spherical linear interpolation), and focal
        lengths by a Catmull-Rom spline of their logarithms.
        """
        now = self.times[0] + progress.clip(0, 1) * (self.times[-1] - self.times[0])
        now = now.clip(self.times[0], self.times[-1])
        rotations = Rotation.from_matrix(self.turned)
        few = len(self.times) == 2
        turn = (Slerp if few else RotationSpline)(self.times, rotations)(now)
        centres = _spline(self.times, self.centres)(now) * scale
        zoom = np.exp(_spline(self.times, np.log(self.zoom)[:, None])(now)[:, 0])
        return Movement.of(turn.as_matrix(), centres, zoom)


def _spline(times: np.ndarray, values: Float64[np.ndarray, "poses size"]) -> CubicHermiteSpline:
    """Catmull-Rom in uneven time: at each inner pose the slope of the parabola through three."""
    steps = np.diff(times)[:, None]
    rates = np.diff(values, axis=0) / steps
    inner = (rates[:-1] * steps[1:] + rates[1:] * steps[:-1]) / (steps[:-1] + steps[1:])
    return CubicHermiteSpline(times, values, np.concatenate([rates[:1], inner, rates[-1:]]))


def read_poses(path: Path) -> Poses:
    """The camera path in a file.

    Three forms are known. Text as RealEstate10K and CameraCtrl have it: perhaps a first line with
    an address, then a line a pose: timestamp, fx fy cx cy, two zeros, and the 12 numbers of the
    3x4 world-to-camera matrix, row by row. JSON: a list of 4x4 (or 3x4) world-to-camera matrices,
    or an object that holds one as "w2c" or, camera to world, as "c2w". And the `.npz` that
    `Cameras.save` writes.

    Raises:
        DocumentError: the file is missing, of another form, or its path is degenerate.
    """
    if not path.is_file():
        raise DocumentError(f"there is no camera path at {path}; name a .txt, .json or .npz file")
    if path.suffix.lower() == ".npz":
        try:
            held = Cameras.load(path)
        except TracksError as error:
            raise DocumentError(str(error)) from None
        return _checked(path, np.arange(held.frames) * 1.0, held.w2c, held.K[:, 0, 0])
    if path.stat().st_size > MAX_BYTES:
        raise DocumentError(f"{path} has over {MAX_BYTES >> 20} MiB; that is no camera path")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{"):
            return _of_json(path, json.loads(text))
        return _of_lines(path, text.splitlines())
    except (UnicodeDecodeError, json.JSONDecodeError, ValueError, RecursionError) as error:
        raise DocumentError(f"cannot read the camera path {path}: {error}") from None


def _of_lines(path: Path, lines: Sequence[str]) -> Poses:
    """RealEstate10K and CameraCtrl."""
    rows = [line.split() for line in lines if line.strip()]
    if rows and len(rows[0]) != 19:
        rows = rows[1:]  # the address of the video
    for number, row in enumerate(rows, start=1):
        if len(row) != 19:
            raise ValueError(
                f"pose {number} has {len(row)} numbers; a line has 19: timestamp, fx fy cx cy, two "
                "zeros and a 3x4 matrix"
            )
    numbers = np.array(rows, dtype=np.float64).reshape(-1, 19)
    return _checked(path, numbers[:, 0], _square(numbers[:, 7:].reshape(-1, 3, 4)), numbers[:, 1])


def _of_json(path: Path, data: Any) -> Poses:
    """A list of matrices, world to camera unless it is called otherwise."""
    inverse = isinstance(data, dict) and "c2w" in data and "w2c" not in data
    if isinstance(data, dict):
        if not {"w2c", "c2w"} & set(data):
            raise ValueError('it holds an object without "w2c" or "c2w"; give a list of matrices')
        data = data["c2w" if inverse else "w2c"]
    try:
        given = np.array(data, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("it holds no list of equal matrices; give 4x4 numbers a pose") from None
    if given.ndim != 3 or given.shape[1:] not in ((4, 4), (3, 4)):
        raise ValueError(f"it holds numbers {given.shape}; give a list of 4x4 matrices")
    w2c = _square(given)
    if inverse and np.isfinite(w2c).all():
        turned = w2c[:, :3, :3]
        centres, w2c = w2c[:, :3, 3], w2c.copy()
        w2c[:, :3, :3] = turned.transpose(0, 2, 1)
        w2c[:, :3, 3] = -np.einsum("nji,nj->ni", turned, centres)
    return _checked(path, np.arange(len(w2c)) * 1.0, w2c, np.ones(len(w2c)))


def _square(poses: Float64[np.ndarray, "poses rows 4"]) -> Float64[np.ndarray, "poses 4 4"]:
    last = np.broadcast_to([0.0, 0.0, 0.0, 1.0], (len(poses), 1, 4))
    return np.concatenate([poses[:, :3], last], axis=1)


def _checked(
    path: Path,
    times: Float64[np.ndarray, " poses"],
    w2c: Float64[np.ndarray, "poses 4 4"],
    focal: Float64[np.ndarray, " poses"],
) -> Poses:
    """The poses, if a camera can have them.

    Raises:
        DocumentError: there are too few, or numbers that are no pose.
    """
    if len(w2c) < 2:
        raise DocumentError(f"{path} holds {len(w2c)} camera poses; a path needs 2 or more")
    if not (np.isfinite(w2c).all() and np.isfinite(times).all() and np.isfinite(focal).all()):
        raise DocumentError(f"{path} holds numbers that are not finite; a camera pose needs them")
    if (focal <= 0).any():
        raise DocumentError(f"{path} holds a focal length of 0 or less at pose {focal.argmin()}")
    if np.ptp(times) == 0:
        times = np.arange(len(times)) * 1.0
    if not (np.diff(times) > 0).all():
        late = int(np.argmin(np.diff(times))) + 1
        raise DocumentError(f"{path}: pose {late + 1} is not later than the one before; sort them")
    left, _, right = np.linalg.svd(w2c[:, :3, :3])
    rotation = left @ right
    off = np.abs(rotation - w2c[:, :3, :3]).max(axis=(1, 2)) > ROUNDED
    off |= np.linalg.det(rotation) < 0
    if off.any():
        raise DocumentError(
            f"{path}: pose {off.argmax() + 1} holds no rotation; give orthonormal world-to-camera "
            "matrices with OpenCV axes: x right, y down, z forward"
        )
    w2c = w2c.copy()
    w2c[:, :3, :3] = rotation
    return Poses.of_cameras(times, w2c, focal)

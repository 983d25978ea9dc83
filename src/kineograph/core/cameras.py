"""Cameras: from where, and through what lens, a scene is seen at each frame."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite, radians, tan
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64

from kineograph.core import checks, npz
from kineograph.core.errors import TracksError
from kineograph.core.points import scale_factors

ORTHONORMAL = 1e-4
"""How far a rotation may be from an orthonormal matrix."""

IN_FRONT = 1e-6
"""The least z at which a point counts as in front of a camera."""


@dataclass(frozen=True, eq=False, repr=False)
class Cameras:
    """One camera at T frames.

    Convention: OpenCV axes (x right, y down, z forward); `w2c` takes world points to camera
    points; `K` takes camera points to raster pixels of a picture of `size`, whose top-left corner
    (not the centre of its first pixel) is (0, 0). Frame i is at i / fps seconds.

    Args:
        K: (T, 3, 3) intrinsics in pixels, upper triangular with positive focal lengths, last row
            0, 0, 1.
        w2c: (T, 4, 4) world to camera: a rotation, a translation, last row 0, 0, 0, 1.
        size: (width, height) of the picture in pixels.
        fps: frames a second.

    Raises:
        TracksError: a type, a shape or a value is not as said above.
    """

    K: Float64[np.ndarray, "frames 3 3"]
    w2c: Float64[np.ndarray, "frames 4 4"]
    size: tuple[int, int]
    fps: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checks.checked_size(self.size))
        object.__setattr__(self, "fps", checks.checked_fps(self.fps))
        checks.check_array("K", self.K, np.float64, (None, 3, 3))
        if self.frames == 0:
            raise TracksError("cameras of 0 frames were given; give at least 1 frame")
        checks.check_array("w2c", self.w2c, np.float64, (self.frames, 4, 4))
        checks.check_finite("K", self.K)
        checks.check_finite("w2c", self.w2c)
        _check_intrinsics(self.K)
        _check_poses(self.w2c)

    @classmethod
    def of(cls, K: Any, w2c: Any, *, size: Iterable[Any], fps: float | int) -> "Cameras":
        """Cameras from looser arrays: one K or one pose serves all frames, a pose may be 3x4.

        Raises:
            TracksError: something does not fit.
        """
        lens, pose = np.asarray(K, np.float64), np.asarray(w2c, np.float64)
        if pose.shape[-2:] == (3, 4):
            last = np.broadcast_to([0.0, 0.0, 0.0, 1.0], (*pose.shape[:-2], 1, 4))
            pose = np.concatenate([pose, last], axis=-2)
        frames = max(len(array) if array.ndim == 3 else 1 for array in (lens, pose))
        return cls(
            K=checks.as_filled("K", lens, np.float64, (frames, 3, 3)),
            w2c=checks.as_filled("w2c", pose, np.float64, (frames, 4, 4)),
            size=checks.checked_size(size),
            fps=checks.checked_fps(fps),
        )

    @classmethod
    def identity(cls, frames: int, K: Any, *, size: Iterable[Any], fps: float | int) -> "Cameras":
        """A camera that stands still at the world's origin and looks along z.

        Args:
            frames: how many.
            K: (3, 3) intrinsics, or one for each frame.
            size: (width, height) of the picture.
            fps: frames a second.

        Raises:
            TracksError: something does not fit.
        """
        if frames < 1:
            raise TracksError(f"cameras of {frames} frames were asked for; give at least 1 frame")
        return cls.of(K, np.broadcast_to(np.eye(4), (frames, 4, 4)), size=size, fps=fps)

    @classmethod
    def from_fov(
        cls, fov_degrees: float | int, size: Iterable[Any], *, frames: int, fps: float | int
    ) -> "Cameras":
        """A still camera with a field of view across the picture's width; see `intrinsics`.

        Raises:
            TracksError: the angle is not between 0 and 180 degrees, or something does not fit.
        """
        return cls.identity(frames, intrinsics(fov_degrees, size), size=size, fps=fps)

    def __repr__(self) -> str:
        width, height = self.size
        return f"Cameras({self.frames} frames of {width}x{height} at {self.fps:g} fps)"

    @property
    def frames(self) -> int:
        """The number of frames."""
        return self.K.shape[0]

    @property
    def centres(self) -> Float64[np.ndarray, "frames 3"]:
        """Where the camera is in the world at each frame."""
        rotation, translation = self.w2c[:, :3, :3], self.w2c[:, :3, 3]
        return -np.einsum("tji,tj->ti", rotation, translation)

    def project(
        self, points: Float[np.ndarray, "points 3"]
    ) -> tuple[Float32[np.ndarray, "points frames 2"], Float32[np.ndarray, "points frames"]]:
        """Where world points are seen in the picture, and how deep.

        Returns:
            Raster points (N, T, 2), NaN where a point is not in front of the camera, and depths
            (N, T) along z, in the world's unit. What is behind the camera has a depth of 0 or less.
        """
        rotation, translation = self.w2c[:, :3, :3], self.w2c[:, :3, 3]
        seen = np.einsum("tij,nj->nti", rotation, points.astype(np.float64)) + translation
        depth = seen[..., 2]
        ahead = np.where(depth > IN_FRONT, depth, np.nan)[..., None]
        pixels = np.einsum("tij,ntj->nti", self.K[:, :2], seen / ahead)
        return pixels.astype(np.float32), depth.astype(np.float32)

    def unproject(
        self,
        points: Float[np.ndarray, "*shape 2"],
        depth: Float[np.ndarray, "*shape"],
        frame: int = 0,
    ) -> Float64[np.ndarray, "*shape 3"]:
        """World points of what is seen at raster points, so deep along z, at one frame.

        Raises:
            TracksError: there is no such frame.
        """
        if not 0 <= frame < self.frames:
            raise TracksError(
                f"frame {frame} was asked for; there are frames 0 to {self.frames - 1}"
            )
        ones = np.ones((*points.shape[:-1], 1))
        rays = np.concatenate([points.astype(np.float64), ones], axis=-1)
        seen = rays @ np.linalg.inv(self.K[frame]).T * depth[..., None].astype(np.float64)
        rotation, translation = self.w2c[frame, :3, :3], self.w2c[frame, :3, 3]
        return (seen - translation) @ rotation

    def resize(self, size: Iterable[int]) -> "Cameras":
        """The same cameras for a picture resized to `size` (width, height).

        Raises:
            TracksError: `size` is not two positive whole numbers.
        """
        new_size = checks.checked_size(size)
        factors = np.append(scale_factors(self.size, new_size), 1.0)
        return replace(self, K=self.K * factors[:, None], size=new_size)

    def save(self, path: Path | str) -> None:
        """Write the cameras to a `.npz` file of plain arrays, named as the fields, and `version`.

        Raises:
            OutputError: the name does not end in `.npz`, or it cannot be written.
        """
        size, fps = np.array(self.size, np.int64), np.float64(self.fps)
        npz.save_arrays(Path(path), {"K": self.K, "w2c": self.w2c, "size": size, "fps": fps})

    @classmethod
    def load(cls, path: Path | str) -> "Cameras":
        """Read what `save` wrote; pickles are never loaded.

        Raises:
            TracksError: the file is missing, broken, of a newer version or of something else.
        """
        held = npz.load_arrays(Path(path), "cameras", ("K", "w2c", "size", "fps"))
        with npz.reading(path):
            return cls.of(**held)


def intrinsics(fov_degrees: float | int, size: Iterable[Any]) -> Float64[np.ndarray, "3 3"]:
    """K of a lens with square pixels and its axis through the middle of the picture.

    Convention: raster pixels, so the middle is (W / 2, H / 2).

    Args:
        fov_degrees: the angle from the left side of the picture to the right.
        size: (width, height).

    Raises:
        TracksError: the angle is not between 0 and 180 degrees, or the size is none.
    """
    width, height = checks.checked_size(size)
    if not (isfinite(fov_degrees) and 0 < fov_degrees < 180):
        raise TracksError(
            f"a field of view of {fov_degrees} degrees was given; give more than 0, less than 180"
        )
    focal = width / 2 / tan(radians(fov_degrees) / 2)
    return np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])


def _check_intrinsics(K: Float64[np.ndarray, "frames 3 3"]) -> None:
    """Upper triangular, positive focal lengths, last row 0, 0, 1."""
    low = (K[:, 1, 0] != 0) | (K[:, 2] != np.array([0.0, 0.0, 1.0])).any(axis=1)
    if low.any():
        raise TracksError(
            f"K of frame {low.argmax()} is no matrix of intrinsics; give fx, skew, cx; 0, fy, cy; "
            "0, 0, 1 in pixels"
        )
    flat = (K[:, 0, 0] <= 0) | (K[:, 1, 1] <= 0)
    if flat.any():
        raise TracksError(
            f"K of frame {flat.argmax()} has a focal length of 0 or less; give positive pixels"
        )


def _check_poses(w2c: Float64[np.ndarray, "frames 4 4"]) -> None:
    """A rotation without a mirror, and the last row 0, 0, 0, 1."""
    bottom = (w2c[:, 3] != np.array([0.0, 0.0, 0.0, 1.0])).any(axis=1)
    if bottom.any():
        raise TracksError(f"w2c of frame {bottom.argmax()} has a last row other than 0, 0, 0, 1")
    rotation = w2c[:, :3, :3]
    off = np.abs(rotation @ rotation.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2)) > ORTHONORMAL
    if off.any():
        raise TracksError(
            f"w2c of frame {off.argmax()} holds no rotation; its 3x3 part has to be orthonormal "
            f"to {ORTHONORMAL:g}"
        )
    mirrored = np.linalg.det(rotation) < 0
    if mirrored.any():
        raise TracksError(
            f"w2c of frame {mirrored.argmax()} mirrors the scene; use OpenCV axes: x right, "
            "y down, z forward"
        )

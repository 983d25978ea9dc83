"""The stage: what a camera needs to know of the scene before it moves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from kineograph.core.cameras import intrinsics
from kineograph.core.errors import DocumentError
from kineograph.core.points import scale_factors
from kineograph.gestures.scene import Scene
from kineograph.vision.depth import FOV, Depth

CENTRE = 1 / 3
"""The share of width and of height that is the picture's middle, whose depth is the focus."""

NO_DEPTH = (
    "needs to know how far away things are, and nobody has said; give a depth map "
    '("depth": {"path": "depth.png"} in the document, or --depth FILE), the built-in guess '
    '("depth": "prior", or --depth prior), or a learned model ("depth": {"model": FOLDER}, or '
    "--depth FOLDER)"
)


@dataclass(frozen=True, eq=False)
class Stage:
    """The picture's depth and lens, on a canvas.

    Convention: raster pixels of a canvas of `size`; space is that of the camera that took the
    picture, OpenCV axes, in the depth's unit.

    Args:
        size: (width, height) of the canvas.
        K: intrinsics in its pixels.
        depth: of the picture, any size; 1 everywhere where nobody knows it.
        known: whether somebody knows it.
    """

    size: tuple[int, int]
    K: Float64[np.ndarray, "3 3"]
    depth: Depth
    known: bool = True

    @classmethod
    def of(
        cls,
        scene: Scene,
        fov: float | int | None = None,
        K: Sequence[Sequence[float]] | None = None,
    ) -> "Stage":
        """The stage of a scene.

        Args:
            scene: the scene, with or without depth.
            fov: the field of view across the canvas in degrees.
            K: 3x3 intrinsics in pixels of the canvas; goes before `fov`. Without both, the lens is
                what the depth knows, or else one of 50 degrees.

        Raises:
            VisionError: depth was asked for and cannot be had.
        """
        depth, known = scene.depth, scene.depth is not None
        if depth is None:
            depth = Depth(np.ones((1, 1), np.float32))
        if K is not None:
            lens = np.array(K, np.float64)
        elif fov is not None or depth.K is None:
            lens = intrinsics(FOV if fov is None else fov, scene.size)
        else:
            lens = depth.K * np.append(scale_factors(depth.size, scene.size), 1.0)[:, None]
        return cls(scene.size, lens, depth, known)

    def check_known(self, what: str) -> None:
        """Check that depth is known.

        Raises:
            DocumentError: it is not; the message names the ways to give it.
        """
        if not self.known:
            raise DocumentError(f"{what} {NO_DEPTH}")

    def at(self, point: tuple[float, float]) -> Float64[np.ndarray, "3"]:
        """What is seen at a point of the canvas, in space."""
        x, y = point
        place = np.array([[x, y]], np.float64)
        depth = self.depth.at(place * scale_factors(self.size, self.depth.size))[0]
        return np.linalg.inv(self.K) @ np.array([x, y, 1.0]) * float(depth)

    def pivot(self, focus: float | tuple[float, float] | None) -> Float64[np.ndarray, "3"]:
        """What the camera looks at, in space.

        Args:
            focus: a point of the canvas; or a distance along the camera's axis; or None for the
                median depth of the picture's middle, along the axis.
        """
        if isinstance(focus, tuple):
            return self.at(focus)
        if focus is None:
            width, height = self.depth.size
            x, y = (int(side * (1 - CENTRE) / 2) for side in (width, height))
            focus = float(np.median(self.depth.depth[y : height - y, x : width - x]))
        return np.array([0.0, 0.0, float(focus)])

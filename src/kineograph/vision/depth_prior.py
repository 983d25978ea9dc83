"""Depth by a stated guess about how pictures are taken: no weights, no learning."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8
from scipy import sparse
from scipy.sparse.linalg import spsolve

from kineograph.core.cameras import intrinsics
from kineograph.core.errors import VisionError
from kineograph.vision.depth import FOV, Depth

SIDE = 128
"""The longer side, in cells, of the raster on which the guess is solved."""

GUESS, EDGE, CREASE = 3e-3, 60.0, 5e-3
"""Pull of every cell to where it should be by its place; how strongly colours part cells; what is
left of the connection across the strongest edge."""

SUBJECT = 0.8
"""Nearness of what stands in the middle of the picture."""

BORDER = 0.6
"""Pull of the picture's border to the background, and of its lower end to the ground."""


@dataclass(frozen=True)
class DepthPrior:
    """Depth guessed from where things are in the picture; a stated prior, not a measurement.

    It assumes: the camera stands upright above a level ground, so the lower a thing stands in the
    picture, the nearer it is; at and above the horizon everything is as far as the background; the
    upper border of the picture and the upper part of its sides show background, its lower border
    what is near; the middle, a little below the centre, shows what the picture is about, which
    stands in front; and what has one colour without an edge in between hangs together at one depth.
    So a person who reaches the lower border stands in front of the wall behind, and a meadow
    recedes. It knows nothing of things: it is wrong on pictures from above, on ways that lead into
    the middle, on things that hang from above or touch the sides, and wherever a shadow looks like
    an edge or an edge does not show. Good enough for a gentle camera move; give a depth
    file or a learned model for more.

    Depths are relative: the nearest border is about 1 and the background `far`.

    Args:
        horizon: how far down the picture the horizon is, 0 at the top to 1 at the bottom.
        far: how many times farther the background is than what is nearest.
        fov: the field of view across the picture in degrees.

    Raises:
        VisionError: a value is not allowed.
    """

    horizon: float | int = 0.4
    far: float | int = 5.0
    fov: float | int = FOV

    def __post_init__(self) -> None:
        if not 0 <= self.horizon < 1:
            raise VisionError(f"a horizon at {self.horizon} was given; give 0 (top) to below 1")
        if not 1 < self.far < 1000:
            raise VisionError(f"a background {self.far} times as far was given; give 1 to 1000")

    def __call__(self, picture: UInt8[np.ndarray, "height width 3"]) -> Depth:
        """The guessed depth of an RGB picture, on a map of the picture's size; the same each time.

        Raises:
            TracksError: the field of view is not between 0 and 180 degrees.
        """
        height, width = picture.shape[:2]
        shrink = min(1.0, SIDE / max(height, width))
        cells = max(2, round(width * shrink)), max(2, round(height * shrink))
        small = cv2.resize(picture, cells, interpolation=cv2.INTER_AREA)
        nearness = self._solve(small)
        sharp = _follow(nearness, small, picture)
        inverse = 1 / self.far + (1 - 1 / self.far) * sharp.clip(0, 1)
        K = intrinsics(self.fov, (width, height))
        return Depth((1 / inverse).astype(np.float32), K)

    def _solve(
        self, small: UInt8[np.ndarray, "rows columns 3"]
    ) -> Float64[np.ndarray, "rows columns"]:
        """Nearness in [0, 1]: ground and borders pull, and what looks alike hangs together."""
        rows, columns = small.shape[:2]
        down = (np.arange(rows) + 0.5) / rows
        ground = ((down - self.horizon) / (1 - self.horizon)).clip(0, 1)
        across = 2 * (np.arange(columns) + 0.5) / columns - 1
        middle = np.exp(-((across / 0.5) ** 2) - ((down[:, None] - 0.6) / 0.35) ** 2)
        target = np.maximum(ground[:, None], SUBJECT * middle)
        pull = np.full((rows, columns), GUESS)
        pull[0] = BORDER
        pull[-1] = BORDER
        above = down < max(self.horizon, 0.15) + 0.15
        target[above, 0] = target[above, -1] = 0
        pull[above, 0] = pull[above, -1] = BORDER
        system = _bonds(small) + sparse.diags(pull.ravel())
        solved = spsolve(system.tocsc(), (pull * target).ravel())
        return solved.reshape(rows, columns)


def _bonds(small: UInt8[np.ndarray, "rows columns 3"]) -> sparse.csr_matrix:
    """The Laplacian of the cells' graph; neighbours of one colour are bound strongly."""
    rows, columns = small.shape[:2]
    calm = cv2.bilateralFilter(small, 5, 30, 3)
    colour = cv2.cvtColor(calm, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float64)
    index = np.arange(rows * columns).reshape(rows, columns)
    first = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    second = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    apart = ((colour[first] - colour[second]) ** 2).sum(axis=1) / 255**2
    bond = np.exp(-EDGE * np.sqrt(apart)) + CREASE
    count = rows * columns
    links = sparse.coo_matrix((bond, (first, second)), shape=(count, count))
    links = links + links.T
    return sparse.diags(np.asarray(links.sum(axis=1)).ravel()) - links


def _follow(
    values: Float64[np.ndarray, "rows columns"],
    small: UInt8[np.ndarray, "rows columns 3"],
    picture: UInt8[np.ndarray, "height width 3"],
    radius: int = 2,
    slack: float = 1e-3,
) -> Float32[np.ndarray, "height width"]:
    """Values at full size that follow the picture's edges.

    The guided filter (He, Sun and Tang 2013, "Guided image filtering") in its fast form: its
    coefficients are found on the small raster and applied to the large picture.
    """
    guide = small.astype(np.float64) / 255
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(array: np.ndarray) -> np.ndarray:
        return cv2.blur(array, size, borderType=cv2.BORDER_REFLECT)

    average, level = mean(guide), mean(values)
    outer = (guide[..., :, None] * guide[..., None, :]).reshape(*values.shape, 9)
    spread = np.stack([mean(outer[..., i]) for i in range(9)], axis=-1).reshape(*values.shape, 3, 3)
    spread = spread - average[..., :, None] * average[..., None, :] + slack * np.eye(3)
    shared = mean(guide * values[..., None]) - average * level[..., None]
    slope = np.linalg.solve(spread, shared[..., None])[..., 0]
    offset = level - (slope * average).sum(axis=-1)
    shape = (picture.shape[1], picture.shape[0])
    slope, offset = (
        cv2.resize(mean(array).astype(np.float32), shape, interpolation=cv2.INTER_LINEAR)
        for array in (slope, offset)
    )
    return (slope * (picture.astype(np.float32) / 255)).sum(axis=-1) + offset

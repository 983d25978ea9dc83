"""The scene in space: a picture's points at their depth, and which of them a camera sees."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from kineograph.core.cameras import Cameras
from kineograph.core.points import scale_factors
from kineograph.vision.depth import Depth

MOST = 2**19
"""The most points of a depth map that the z-buffer is made of; larger maps are thinned out."""

LEAST = 2**14
"""The fewest; one depth for a whole picture is not one depth once the camera has turned."""

NEAR = 1e-3
"""Nearer to the camera than this share of its depth in the picture, a point is behind it."""

SPREAD = 2.0
"""How many cells apart two neighbours may be projected and still leave no hole."""

JOINED = 0.05
"""Two neighbouring pixels whose depths differ by less than this share are one surface."""

LEVELS = 6
"""The largest cells of the z-buffer are 2 to this power times as wide as the smallest."""

STEEP = 0.25
"""The largest relative change of depth a pixel that counts as a slope, not as an edge."""

Tracks3D = Float64[np.ndarray, "tracks frames 3"]


@dataclass(frozen=True, eq=False)
class Movers:
    """Parts of the scene that move by themselves.

    Args:
        cells: the points of the scene (indices) that move.
        offsets: (cells, T, 3) how far each has moved in space at each frame.
    """

    cells: Int64[np.ndarray, " cells"]
    offsets: Float32[np.ndarray, "cells frames 3"]


@dataclass(frozen=True, eq=False)
class Scene3D:
    """A picture's points at their depth, seen through cameras; hidden ones are told by a z-buffer.

    Motion Prompting (Geng et al. 2024), appendix A.6: the cloud of points is projected into each
    frame; within a neighbourhood around each projected point only the nearest one is visible, and
    those whose depth is within a threshold of it. Here the z-buffer is opened morphologically
    with that neighbourhood: it closes the holes that stretching leaves in near surfaces but, unlike
    taking the nearest in a disc, does not make their outlines grow. The threshold is widened on
    slanted surfaces by what their depth changes in a pixel, so that a floor does not hide itself.

    Convention: the world is the first camera's space, OpenCV axes, in the depth's unit; raster
    pixels of the cameras' size.

    Args:
        depth: of the first picture; its size may differ from the cameras'.
        cameras: `cameras.w2c` takes the first camera's space to each frame's.
        radius: the neighbourhood's radius in pixels.
        threshold: by what share of its depth a point may be behind the nearest and still be seen.
        movers: parts of the scene that move by themselves.
    """

    depth: Depth
    cameras: Cameras
    radius: float = 1.0
    threshold: float = 0.02
    movers: Movers | None = None

    @cached_property
    def map(self) -> Depth:
        """The depth map that the z-buffer is made of: of a fair size, shaped as the picture."""
        width, height = self.cameras.size
        count = min(MOST, max(LEAST, self.depth.size[0] * self.depth.size[1]))
        side = (count / (width * height)) ** 0.5
        return self.depth.resize((max(1, round(width * side)), max(1, round(height * side))))

    @cached_property
    def centres(self) -> Float64[np.ndarray, "cells 2"]:
        """Where the map's pixels are in the picture, row by row."""
        columns, rows = self.map.size
        place = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1) + 0.5
        return place.reshape(-1, 2) * scale_factors(self.map.size, self.cameras.size)

    @cached_property
    def cloud(self) -> Float64[np.ndarray, "cells 3"]:
        """The map's pixels in space."""
        rays = np.linalg.inv(self.cameras.K[0])
        flat = np.concatenate([self.centres, np.ones((len(self.centres), 1))], axis=1)
        return flat @ rays.T * self.map.depth.reshape(-1, 1)

    def lift(
        self, points: Float[np.ndarray, "points 2"]
    ) -> tuple[Float64[np.ndarray, "points 3"], Float32[np.ndarray, " points"]]:
        """What is seen at raster points of the first picture: world points, and their depths."""
        depth = self.depth.at(
            points.astype(np.float64) * scale_factors(self.cameras.size, self.depth.size)
        )
        flat = np.concatenate([points, np.ones((len(points), 1))], axis=1)
        return flat @ np.linalg.inv(self.cameras.K[0]).T * depth[:, None], depth

    def slope(self, points: Float[np.ndarray, "points 2"]) -> Float32[np.ndarray, " points"]:
        """By what share depth changes a pixel of the map at points of the first picture.

        Edges do not count: of the differences to both sides the smaller one is taken.
        """
        columns, rows = self.map.size
        inverse = 1 / self.map.depth
        down = np.pad(np.abs(np.diff(inverse, axis=0)), ((1, 1), (0, 0)), constant_values=np.inf)
        across = np.pad(np.abs(np.diff(inverse, axis=1)), ((0, 0), (1, 1)), constant_values=np.inf)
        steps = np.minimum(down[:-1], down[1:]), np.minimum(across[:, :-1], across[:, 1:])
        total = np.maximum(*steps) / inverse
        total = np.where(total > STEEP, 0, total).astype(np.float32)
        cell = (points * scale_factors(self.cameras.size, self.map.size)).astype(np.int64)
        return total[np.clip(cell[:, 1], 0, rows - 1), np.clip(cell[:, 0], 0, columns - 1)]

    def see(
        self, world: Tracks3D, slope: Float32[np.ndarray, " tracks"]
    ) -> tuple[
        Float32[np.ndarray, "tracks frames 2"],
        Float32[np.ndarray, "tracks frames"],
        Bool[np.ndarray, "tracks frames"],
    ]:
        """Where points that move in space are in each frame, how deep, and whether they are seen.

        Args:
            world: each point at each frame.
            slope: by what share the depth of each one's surface changes a pixel.

        Returns:
            Raster points, finite everywhere: behind the camera a point stays where it last was.
            Depths along z. Seen: in front of the camera, inside the picture, not hidden.
        """
        points, depth = project(world, self.cameras)
        ahead = depth > NEAR * self._reach
        points = _held(points, ahead)
        size = np.array(self.cameras.size, np.float32)
        seen = ahead & ((points >= 0) & (points < size)).all(axis=2)
        allowed = 1 + self.threshold + slope
        for frame, nearest in enumerate(self.buffers()):
            rows, columns = nearest.shape
            chosen = np.flatnonzero(seen[:, frame])
            cell = (points[chosen, frame] * (np.array([columns, rows]) / size)).astype(np.int64)
            front = nearest[np.minimum(cell[:, 1], rows - 1), np.minimum(cell[:, 0], columns - 1)]
            seen[chosen, frame] = depth[chosen, frame] / allowed[chosen] <= front
        return points, depth, seen

    def buffers(self) -> Iterator[Float32[np.ndarray, "rows columns"]]:
        """Frame by frame, the depth of the nearest surface in each cell; infinite where none is."""
        rows, columns = self.map.depth.shape
        place = np.arange(columns, dtype=np.float32) + 0.5, np.arange(rows, dtype=np.float32) + 0.5
        inverse = 1 / self.map.depth
        factors = np.append(scale_factors(self.cameras.size, self.map.size), 1.0)[:, None]
        lens, kernel = self.cameras.K * factors, self._kernel()
        for frame in range(self.cameras.frames):
            # a pixel (u, v, 1) at depth z lands on A (u, v, 1) + b / z, up to scale
            pose = lens[frame] @ self.cameras.w2c[frame, :3]
            turned = (pose[:, :3] @ np.linalg.inv(lens[0])).astype(np.float32)
            seen = [
                (a * place[0] + c)[None] + (b * place[1])[:, None] + step * inverse
                for (a, b, c), step in zip(turned, pose[:, 3].astype(np.float32), strict=True)
            ]
            if self.movers is not None:
                self._move(seen, pose[:, :3].astype(np.float32), inverse, frame)
            yield cv2.morphologyEx(self._splat(seen, frame), cv2.MORPH_OPEN, kernel)

    def _move(
        self,
        seen: list[Float32[np.ndarray, "rows columns"]],
        pose: Float32[np.ndarray, "3 3"],
        inverse: Float32[np.ndarray, "rows columns"],
        frame: int,
    ) -> None:
        """Add to what is seen how far the movers have gone."""
        assert self.movers is not None
        cells, gone = self.movers.cells, self.movers.offsets[:, frame]
        for axis, part in enumerate(seen):
            part.reshape(-1)[cells] += gone @ pose[axis] * inverse.reshape(-1)[cells]

    def _splat(
        self, seen: list[Float32[np.ndarray, "rows columns"]], frame: int
    ) -> Float32[np.ndarray, "rows columns"]:
        """The least depth of the points in each cell; points seen larger fill larger cells.

        Args:
            seen: homogeneous places in cells of the map, as shares of the pixels' depths.
            frame: which frame it is.
        """
        closer = seen[2]  # depth in the frame over depth in the picture
        ahead = closer * self.map.depth > NEAR * self._reach
        closer = np.where(ahead, closer, np.float32(1))
        x, y, depth = seen[0] / closer, seen[1] / closer, closer * self.map.depth
        nearest = np.full(depth.shape, np.inf, np.float32)
        focal = self.cameras.K[:, 0, 0]
        large = np.maximum(np.float32(focal[frame] / focal[0]) / closer, self._stretch(x, y))
        largest, level, least = float(large.max()), 0, -np.inf
        while True:
            most = SPREAD * 2**level
            some = level > 0 or largest > most
            chosen = ahead & (large > least) & (large <= most) if some else ahead
            _lay(x, y, depth, chosen, nearest, level)
            if largest <= most or level == LEVELS:
                return nearest
            level, least = level + 1, most

    def _stretch(
        self, x: Float32[np.ndarray, "rows columns"], y: Float32[np.ndarray, "rows columns"]
    ) -> Float32[np.ndarray, "rows columns"]:
        """How far each pixel's neighbours on the same surface are from it, in cells."""
        result = np.zeros(x.shape, np.float32)
        for axis, joined in enumerate(self._joined):
            gap = np.maximum(np.abs(np.diff(x, axis=axis)), np.abs(np.diff(y, axis=axis))) * joined
            for part in (result[:-1], result[1:]) if axis == 0 else (result[:, :-1], result[:, 1:]):
                np.maximum(part, gap, out=part)
        return result

    @cached_property
    def _joined(self) -> tuple[np.ndarray, np.ndarray]:
        """Which pixels are on one surface with the next one below, and to the right."""
        inverse = 1 / self.map.depth
        moves = np.zeros(inverse.shape, np.int8)
        if self.movers is not None:
            moves.reshape(-1)[self.movers.cells] = 1
        down, across = (
            (np.abs(np.diff(inverse, axis=axis)) < JOINED * np.delete(inverse, -1, axis))
            & (np.diff(moves, axis=axis) == 0)
            for axis in (0, 1)
        )
        return down, across

    def _kernel(self) -> np.ndarray:
        """The neighbourhood in cells of the map; at least the next cells."""
        pitch = self.cameras.size[0] / self.map.size[0]
        side = 2 * max(1, round(self.radius / pitch)) + 1
        return cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))

    @cached_property
    def _reach(self) -> float:
        return float(np.median(self.map.depth))


def project(
    world: Tracks3D, cameras: Cameras
) -> tuple[Float32[np.ndarray, "tracks frames 2"], Float32[np.ndarray, "tracks frames"]]:
    """Points that move in space, each through the camera of its frame; NaN behind it."""
    seen = [
        sum(row[:, axis] * world[..., axis] for axis in range(3)) + row[:, 3]
        for row in (cameras.w2c[:, axis] for axis in range(3))
    ]
    depth = seen[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = [part / np.where(depth > 1e-9, depth, np.nan) for part in seen]
    pixels = [
        row[:, 0] * flat[0] + row[:, 1] * flat[1] + row[:, 2]
        for row in (cameras.K[:, axis] for axis in range(2))
    ]
    return np.stack(pixels, axis=-1).astype(np.float32), depth.astype(np.float32)


def _lay(
    x: Float32[np.ndarray, "map_rows map_columns"],
    y: Float32[np.ndarray, "map_rows map_columns"],
    depth: Float32[np.ndarray, "map_rows map_columns"],
    chosen: Bool[np.ndarray, "map_rows map_columns"],
    nearest: Float32[np.ndarray, "rows columns"],
    level: int,
) -> None:
    """Keep the least depth in each cell; at level 1, 2 ... cells are 2, 4 ... wide."""
    rows, columns = nearest.shape
    inside = chosen & (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    across, down = x[inside].astype(np.int32) >> level, y[inside].astype(np.int32) >> level
    wide = ((columns - 1) >> level) + 1
    high = ((rows - 1) >> level) + 1
    cells = nearest.reshape(-1) if level == 0 else np.full(wide * high, np.inf, np.float32)
    np.minimum.at(cells, down * wide + across, depth[inside])
    if level:
        grown = cells.reshape(high, wide).repeat(2**level, axis=0).repeat(2**level, axis=1)
        np.minimum(nearest, grown[:rows, :columns], out=nearest)


def _held(
    points: Float32[np.ndarray, "tracks frames 2"], known: Bool[np.ndarray, "tracks frames"]
) -> Float32[np.ndarray, "tracks frames 2"]:
    """Points that stay where they last were (or first will be) while they are not known."""
    if known.all():
        return points
    frames = np.arange(known.shape[1])
    last = np.maximum.accumulate(np.where(known, frames, -1), axis=1)
    first = known.argmax(axis=1)
    some = np.asarray(known.any(axis=1))
    index = np.where(last < 0, first[:, None], last)
    held = points[np.arange(len(points))[:, None], index]
    return np.where(some[:, None, None], held, np.float32(-1e4)).astype(np.float32)

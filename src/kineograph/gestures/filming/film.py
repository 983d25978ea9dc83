"""Film: everything in the scene, at rest or moving, seen through one camera."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy.spatial import cKDTree

from kineograph.core.boxes import Boxes
from kineograph.core.cameras import Cameras
from kineograph.core.checks import seen_or_hidden
from kineograph.core.points import scale_factors
from kineograph.core.resampling import cautious
from kineograph.core.state import State
from kineograph.core.tracks import NO_GROUP, Tracks
from kineograph.gestures.filming.cloud import Movers, Scene3D, Tracks3D, project


@dataclass(frozen=True, eq=False)
class Film:
    """The scene in space, and the one camera that all cameras of a document amount to.

    Args:
        space: the scene in space, with the camera.
        known: whether its depth is known; else it is 1 everywhere and the camera only turns.
        strength: how firmly the camera is meant.
    """

    space: Scene3D
    known: bool
    strength: float = 1.0

    @property
    def cameras(self) -> Cameras:
        """The camera at each frame."""
        return self.space.cameras

    def background(self, count: int) -> Tracks:
        """About `count` ungrouped tracks, evenly spread over the first frame."""
        return self.follow(grid(self.cameras.size, count))

    def follow(self, seeds: Float64[np.ndarray, "points 2"]) -> Tracks:
        """Tracks of what stands still in the world at raster points of the first picture."""
        start, _ = self.space.lift(seeds)
        world = np.broadcast_to(start[:, None], (len(seeds), self.cameras.frames, 3))
        return self._tracks(world, self.space.slope(seeds))

    def compose(
        self,
        tracks: Tracks,
        cells: Float32[np.ndarray, "tracks 2"],
        seeds: Float64[np.ndarray, "points 2"],
    ) -> tuple[Tracks, Tracks]:
        """What moves by itself, and what stands still around it, hiding each other.

        Each track moves in space as it was drawn in the picture: parallel to the picture, at the
        depth that is there where it begins. So with a camera at rest it is as it was drawn.

        Args:
            tracks: as drawn, in the first camera's picture.
            cells: (width, height) in pixels of what each track speaks for.
            seeds: raster points of the first picture, for tracks of what stands still.
        """
        world, slope, begins = self.raised(tracks)
        space = replace(self.space, movers=_movers(self.space, world, begins, cells))
        rest = np.broadcast_to(space.lift(seeds)[0][:, None], (len(seeds), tracks.frames, 3))
        seen = replace(self, space=space)._tracks(
            np.concatenate([world, rest]), np.concatenate([slope, space.slope(seeds)])
        )
        moving = seen.select(np.arange(tracks.count))
        state = cautious(_where_drawn(tracks), moving.state)
        strength = moving.strength if tracks.strength is None else tracks.strength
        moving = replace(moving, state=state, group=tracks.group, strength=strength)
        return moving, seen.select(np.arange(tracks.count, seen.count))

    def raised(
        self, tracks: Tracks
    ) -> tuple[Tracks3D, Float32[np.ndarray, " tracks"], Float64[np.ndarray, "tracks 2"]]:
        """Drawn tracks in space; with the slopes of their surfaces and where each begins."""
        first = tracks.specified.argmax(axis=1)
        seeds = tracks.points[np.arange(tracks.count), first].astype(np.float64)
        start, depth = self.space.lift(seeds)
        K = self.cameras.K[0]
        drawn = tracks.displacements().astype(np.float64) @ np.linalg.inv(K[:2, :2]).T
        world = np.repeat(start[:, None], tracks.frames, axis=1)
        world[..., :2] += drawn * depth[:, None, None]
        return world, self.space.slope(seeds), seeds

    def added(self, tracks: Tracks) -> Tracks:
        """What moves by itself as displacements in the picture (Motion Prompting, section 4.4)."""
        first = tracks.specified.argmax(axis=1)
        base = self.follow(tracks.points[np.arange(tracks.count), first].astype(np.float64))
        return base.compose(tracks).hide_outside()

    def boxes(self, boxes: Boxes) -> Boxes:
        """Boxes that stand upright in the world, facing the first picture, seen by the camera.

        Each is at the median depth of what is in it where it begins; what is seen of its four
        corners is put in a box again.
        """
        corners = boxes.boxes[..., [0, 1, 2, 1, 0, 3, 2, 3]].reshape(boxes.count, -1, 4, 2)
        first = (boxes.state != State.UNSPECIFIED).argmax(axis=1)
        moved = boxes.boxes.copy()
        for number, places in enumerate(corners.astype(np.float64)):
            depth = self._depth_within(boxes.boxes[number, first[number]])
            flat = np.concatenate([places, np.ones((*places.shape[:2], 1))], axis=2)
            world = flat @ np.linalg.inv(self.cameras.K[0]).T * depth
            seen, _ = project(world.transpose(1, 0, 2), self.cameras)
            good = np.isfinite(seen).all(axis=(0, 2))
            low, high = np.min(seen, axis=0), np.max(seen, axis=0)
            moved[number, good] = np.concatenate([low, high], axis=1)[good]
        return replace(boxes, boxes=moved.astype(np.float32))

    def _depth_within(self, box: Float32[np.ndarray, "4"]) -> float:
        x0, y0, x1, y1 = box.astype(np.float64)
        share = (np.arange(9) + 0.5) / 9
        places = np.stack(np.meshgrid(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share), axis=-1)
        return float(np.median(self.space.lift(places.reshape(-1, 2))[1]))

    def _tracks(self, world: Tracks3D, slope: Float32[np.ndarray, " tracks"]) -> Tracks:
        points, depth, seen = self.space.see(world, slope)
        return Tracks(
            points=points,
            state=seen_or_hidden(seen),
            size=self.cameras.size,
            fps=self.cameras.fps,
            group=np.full(len(points), NO_GROUP, np.int32),
            depth=depth if self.known else None,
            strength=None
            if self.strength == 1
            else np.full(len(points), self.strength, np.float32),
        )


def grid(size: tuple[int, int], count: int) -> Float64[np.ndarray, "points 2"]:
    """The centres of about `count` nearly square cells that fill a picture, row by row."""
    width, height = size
    columns = max(1, round((count * width / height) ** 0.5))
    rows = max(1, round(count / columns))
    x, y = (np.arange(columns) + 0.5) * width / columns, (np.arange(rows) + 0.5) * height / rows
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _movers(
    space: Scene3D,
    world: Tracks3D,
    seeds: Float64[np.ndarray, "tracks 2"],
    cells: Float32[np.ndarray, "tracks 2"],
) -> Movers:
    """The points of the scene that go with each track: those in its cell."""
    pitch = 1 / scale_factors(space.cameras.size, space.map.size)
    taker = taken_by(space.centres, seeds, np.maximum(cells, pitch).astype(np.float32))
    chosen = np.flatnonzero(taker >= 0)
    offsets = world[taker[chosen]] - world[taker[chosen], :1]
    return Movers(chosen, offsets.astype(np.float32))


def taken_by(
    points: Float64[np.ndarray, "points 2"],
    places: Float64[np.ndarray, "tracks 2"],
    cells: Float32[np.ndarray, "tracks 2"],
) -> Int64[np.ndarray, " points"]:
    """The track in whose cell each point lies, the nearest one; -1 where there is none."""
    result = np.full(len(points), -1, np.int64)
    best = np.full(len(points), np.inf)
    for cell in np.unique(cells, axis=0):
        mine = np.flatnonzero((cells == cell).all(axis=1))
        size = cell.astype(np.float64)
        low, high = places[mine].min(axis=0) - size, places[mine].max(axis=0) + size
        around = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
        away, index = cKDTree(places[mine] / size).query(
            points[around] / size, p=np.inf, distance_upper_bound=0.5 + 1e-6
        )
        nearer = away < best[around]
        chosen = around[nearer]
        result[chosen], best[chosen] = mine[index[nearer]], away[nearer]
    return result


def _where_drawn(tracks: Tracks) -> np.ndarray:
    """The states that were drawn, except that the first picture's border hides nothing now."""
    inside = ((tracks.points >= 0) & (tracks.points < np.array(tracks.size))).all(axis=2)
    beyond = (tracks.state == State.OCCLUDED) & ~inside
    return np.where(beyond, np.uint8(State.VISIBLE), tracks.state)

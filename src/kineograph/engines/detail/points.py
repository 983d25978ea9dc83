"""Points of the picture whose motion is known: given tracks, and cells of a generated motion."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from scipy.spatial import cKDTree

from kineograph.conditioning.first_motion import SEEN, tracks_of
from kineograph.core.tracks import Tracks
from kineograph.render.trajectories import complete

GIVEN = 20.0
"""How much more a given track weighs than a cell at the same distance."""

INSTANTS = 5
"""Frames in which motions are held against each other."""

CALM = (0.002, 0.005)
"""Shares of the longer side: a cell that never gets farther than the first holds still, one that
gets as far as the second moves as it was generated."""


@dataclass(frozen=True, eq=False)
class Points:
    """N points of the first frame, and where they go.

    Convention: raster pixels of the picture.

    Args:
        anchors: where they are in the picture.
        displacement: how far they are from there in every frame.
        seen: above 0 where the point can be seen, below where it is hidden or outside.
        spacing: pixels to about the next point.
        weight: above 0.
    """

    anchors: Float32[np.ndarray, "points 2"]
    displacement: Float32[np.ndarray, "points frames 2"]
    seen: Float32[np.ndarray, "points frames"]
    spacing: Float32[np.ndarray, " points"]
    weight: Float32[np.ndarray, " points"]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.anchors)

    @property
    def gist(self) -> Float32[np.ndarray, "points numbers"]:
        """Displacements in a few frames, side by side: what motions are compared by."""
        frames = self.displacement.shape[1]
        few = np.unique(np.linspace(min(1, frames - 1), frames - 1, INSTANTS).round().astype(int))
        return self.displacement[:, few].reshape(self.count, -1)

    def nearest(
        self, places: Float[np.ndarray, "places 2"], many: int
    ) -> tuple[Float32[np.ndarray, "places near"], np.ndarray]:
        """(distances, indices) of at most so many nearest points to each place."""
        near = list(range(1, min(many, self.count) + 1))
        away, index = cKDTree(self.anchors).query(places, k=near)
        return away.astype(np.float32), index

    def joined(self, other: "Points") -> "Points":
        """These and the others, in this order."""
        return Points(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("anchors", "displacement", "seen", "spacing", "weight")
            )
        )


def given_points(tracks: Tracks, widest: float | int) -> Points:
    """Tracks that were asked for, gaps closed.

    Args:
        tracks: of the picture's size.
        widest: pixels; a lone track is taken to be this far from the next.
    """
    found = complete(tracks)
    seen = np.where(found.hidden, np.float32(-SEEN), np.float32(SEEN))
    width, height = tracks.size
    at = found.anchors[:, None] + found.displacement
    outside = (at < 0).any(axis=2) | (at >= (width, height)).any(axis=2)
    return Points(
        anchors=found.anchors,
        displacement=found.displacement,
        seen=np.where(outside, np.float32(-SEEN), seen),
        spacing=_spacing(found.anchors, float(widest)),
        weight=GIVEN * np.maximum(found.strength, np.float32(1e-3)),
    )


def cell_points(
    motion: Float32[np.ndarray, "3 frames rows columns"],
    made_at: tuple[int, int],
    size: tuple[int, int],
) -> Points:
    """The cells of a generated motion; those that hardly move hold still.

    Args:
        motion: see `conditioning.first_motion`.
        made_at: (width, height) that it was generated at.
        size: (width, height) of the picture, which may be of another shape by a little.
    """
    frames, rows, columns = motion.shape[1:]
    tracks = tracks_of(motion, made_at, 1).resize(size)
    anchors = tracks.points[:, 0]
    gone = tracks.points - anchors[:, None]
    reach = np.linalg.norm(gone, axis=2).max(axis=1) / max(size)
    low, high = CALM
    share = ((reach - low) / (high - low)).clip(0, 1).astype(np.float32)
    seen = motion[2].reshape(frames, -1).T.copy()
    seen[:, 0] = SEEN
    cell = np.sqrt(size[0] * size[1] / (rows * columns))
    return Points(
        anchors=anchors,
        displacement=gone * (share * share * (3 - 2 * share))[:, None, None],
        seen=seen,
        spacing=np.full(len(anchors), cell, np.float32),
        weight=np.ones(len(anchors), np.float32),
    )


def _spacing(
    anchors: Float32[np.ndarray, "points 2"], widest: float
) -> Float32[np.ndarray, " points"]:
    """About how far the neighbours of each point are, from 1 pixel to `widest`."""
    if len(anchors) < 2:
        return np.full(len(anchors), widest, np.float32)
    away, _ = cKDTree(anchors).query(anchors, k=min(4, len(anchors)))
    return (away[:, -1] / 1.3).clip(1, max(widest, 1)).astype(np.float32)

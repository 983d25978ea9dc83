"""Bodies that turn in view: what they cover is told by their tracks, not by the picture alone."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.render.bodies import closed
from kineograph.render.trajectories import few_frames, hidden_at_first
from kineograph.render.walker import Grid

INSTANTS = 12
"""In how many frames it is looked whether a body still covers a cell."""


@dataclass(frozen=True, eq=False)
class Turning:
    """A group some of whose tracks begin hidden and come into view.

    The picture cannot show that side of it. But where the group's visible tracks lie, there it is,
    and nothing that is behind it.

    Args:
        tracks: all tracks of the group.
        grid: what outlines are made on.
    """

    tracks: Tracks
    grid: Grid

    def outline(self, frame: int) -> Float32[np.ndarray, "rows columns"]:
        """1 where the group's visible tracks lie in a frame, soft towards 0 outside."""
        seen = self.tracks.state[:, frame] == State.VISIBLE
        inside = closed(self.tracks.points[seen, frame], self.grid).astype(np.float32)
        return cv2.GaussianBlur(inside, (0, 0), 0.7, borderType=cv2.BORDER_REPLICATE)

    def stays(self) -> Bool[np.ndarray, "rows columns"]:
        """The cells that it covers in every frame, so that nothing behind them comes into view."""
        chosen = few_frames(self.tracks.frames, INSTANTS)
        return np.all([self.outline(frame) > 0.5 for frame in chosen], axis=0)


def turning_groups(tracks: Tracks, grid: Grid) -> dict[int, Turning]:
    """The groups that turn, by their number."""
    if tracks.group is None:
        return {}
    came = hidden_at_first(tracks) & (tracks.state == State.VISIBLE).any(axis=1)
    return {
        int(group): Turning(tracks.select(tracks.group == group), grid)
        for group in np.unique(tracks.group[came])
        if group >= 0
    }

"""Tracks that were asked for beside where they were found in a video, track by track."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from kineograph.core.tracks import Tracks
from kineograph.evaluation.look import Look
from kineograph.evaluation.scale import distances, measured


@dataclass(frozen=True, eq=False)
class Following:
    """N tracks as they were meant and as they were found, from the same query each.

    Nothing is measured at a query's own frame, where the tracker is told the place, nor before it.

    Args:
        asked: as they were meant. What is visible is inside the picture.
        found: where they are, over all frames; whether the tracker believes to see a point counts
            only where that is what is measured.
        starts: the frame of each query.
    """

    asked: Tracks
    found: Tracks
    starts: Int64[np.ndarray, " tracks"]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the video in pixels."""
        return self.asked.size

    @property
    def since(self) -> Int64[np.ndarray, "tracks frames"]:
        """How many frames after its query each entry is; negative before it."""
        return np.arange(self.asked.frames)[None] - self.starts[:, None]

    @property
    def given(self) -> Bool[np.ndarray, "tracks frames"]:
        """The entries after the query at which a place was given, hidden or not."""
        return self.asked.specified & (self.since > 0)

    @property
    def seen(self) -> Bool[np.ndarray, "tracks frames"]:
        """The entries after the query that are meant to be visible in the picture."""
        return self.asked.visible & (self.since > 0)

    @property
    def asked_moves(self) -> Float64[np.ndarray, "tracks frames 2"]:
        """How far from its query each point was meant to be, in pixels of 256x256."""
        return measured(self.asked.points, self.size) - self._begun

    @property
    def found_moves(self) -> Float64[np.ndarray, "tracks frames 2"]:
        """How far from its query each point is, in pixels of 256x256."""
        return measured(self.found.points, self.size) - self._begun

    @property
    def _begun(self) -> Float64[np.ndarray, "tracks 1 2"]:
        begun = self.asked.points[np.arange(self.asked.count), self.starts][:, None]
        return measured(begun, self.size)

    @property
    def distances(self) -> Float64[np.ndarray, "tracks frames"]:
        """How far each point is from where it was meant to be, in pixels of 256x256."""
        return distances(self.found.points, self.asked.points, self.size)


def following(look: Look) -> Following:
    """The asked tracks, and where they are in the generated video.

    A track that is never visible inside the picture is left out.

    Raises:
        EvaluationError: no tracks were asked for.
    """
    return _beside(look, look.followed)


def true_following(look: Look) -> Following:
    """The asked tracks, and where they are in the true video: the tracker's own error.

    Raises:
        EvaluationError: no tracks were asked for, or there is no true video.
    """
    return _beside(look, look.truth_followed)


def _beside(look: Look, found: Tracks) -> Following:
    queries, which = look.queries
    asked = look.asked.hide_outside().select(which)
    return Following(asked, found, queries[:, 0].astype(np.int64))

"""Tracks with every gap closed: where each point of the picture is at every frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int32
from scipy.spatial import cKDTree

from kineograph.core.state import State
from kineograph.core.tracks import NO_GROUP, Tracks


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Points of the first picture and how far each has moved at every frame.

    Convention: raster pixels, (x, y); `anchors` are places in frame 0, and a point stands at
    `anchors + displacement[:, t]` in frame t. Nothing is left open: what the tracks do not say is
    held (a released point stays where it was let go) or interpolated.
    """

    anchors: Float32[np.ndarray, "tracks 2"]
    displacement: Float32[np.ndarray, "tracks frames 2"]
    hidden: Bool[np.ndarray, "tracks frames"]
    """Said to be occluded while inside the picture."""
    group: Int32[np.ndarray, " tracks"]
    depth: Float32[np.ndarray, " tracks"]
    """Mean depth over the frames; smaller is nearer, infinite where unknown."""
    strength: Float32[np.ndarray, " tracks"]

    @property
    def reach(self) -> Float32[np.ndarray, " tracks"]:
        """The farthest each point gets from its anchor, in pixels."""
        return np.linalg.norm(self.displacement, axis=2).max(axis=1)


def complete(tracks: Tracks) -> Trajectories:
    """Close the gaps of `tracks` in time and find where each began in frame 0.

    A track that first appears in a later frame is carried back to frame 0 along the tracks that
    already cover its place then, so that a second drag moves what a first drag brought there; and
    tracks that had ended by then go on with it. Tracks that are never specified are left out, and
    so are those that begin hidden within the picture: it does not show what they are of.
    """
    stated = tracks.state != State.UNSPECIFIED
    said = stated.any(axis=1) & ~hidden_at_first(tracks)
    if not said.all():
        tracks, stated = tracks.select(said), stated[said]
    if tracks.count == 0:
        return _nothing(tracks.frames)
    points = _hold(tracks.points, stated)
    group = _groups(tracks)
    first = stated.argmax(axis=1)
    anchors, displacement = _carry_back(points, stated, first, group, tracks.size)
    inside = ((points >= 0) & (points < np.asarray(tracks.size, np.float32))).all(axis=2)
    return Trajectories(
        anchors=anchors,
        displacement=displacement,
        hidden=(tracks.state == State.OCCLUDED) & inside,
        group=group,
        depth=_mean_depth(tracks),
        strength=np.ones(tracks.count, np.float32) if tracks.strength is None else tracks.strength,
    )


def hidden_at_first(tracks: Tracks) -> Bool[np.ndarray, " tracks"]:
    """Tracks that are occluded inside the picture when they are first stated."""
    first = (tracks.state != State.UNSPECIFIED).argmax(axis=1)
    row = np.arange(tracks.count)
    start = tracks.points[row, first]
    inside = ((start >= 0) & (start < np.asarray(tracks.size, np.float32))).all(axis=1)
    return inside & (tracks.state[row, first] == State.OCCLUDED)


def few_frames(frames: int, most: int) -> list[int]:
    """At most `most` frames, evenly apart, the first and the last among them."""
    return np.unique(np.linspace(0, frames - 1, min(frames, most)).astype(int)).tolist()


def _nothing(frames: int) -> Trajectories:
    return Trajectories(
        anchors=np.zeros((0, 2), np.float32),
        displacement=np.zeros((0, frames, 2), np.float32),
        hidden=np.zeros((0, frames), bool),
        group=np.zeros(0, np.int32),
        depth=np.zeros(0, np.float32),
        strength=np.zeros(0, np.float32),
    )


def _groups(tracks: Tracks) -> Int32[np.ndarray, " tracks"]:
    return np.full(tracks.count, NO_GROUP, np.int32) if tracks.group is None else tracks.group


def _mean_depth(tracks: Tracks) -> Float32[np.ndarray, " tracks"]:
    if tracks.depth is None:
        return np.full(tracks.count, np.inf, np.float32)
    depth = np.where(np.isfinite(tracks.depth), tracks.depth, np.inf)
    return depth.mean(axis=1).astype(np.float32)


def _hold(
    points: Float32[np.ndarray, "tracks frames 2"], stated: Bool[np.ndarray, "tracks frames"]
) -> Float32[np.ndarray, "tracks frames 2"]:
    """Linear between stated frames; constant before the first and after the last."""
    if stated.all():
        return points
    count, frames = stated.shape
    index = np.arange(frames)
    before = np.maximum.accumulate(np.where(stated, index, -1), axis=1)
    after = np.minimum.accumulate(np.where(stated, index, frames)[:, ::-1], axis=1)[:, ::-1]
    left = np.where(before < 0, after, before)
    right = np.where(after >= frames, before, after)
    share = ((index - left) / np.maximum(right - left, 1)).clip(0, 1)[..., None]
    row = np.arange(count)[:, None]
    return (points[row, left] * (1 - share) + points[row, right] * share).astype(np.float32)


def _carry_back(
    points: Float32[np.ndarray, "tracks frames 2"],
    stated: Bool[np.ndarray, "tracks frames"],
    first: np.ndarray,
    group: Int32[np.ndarray, " tracks"],
    size: tuple[int, int],
) -> tuple[Float32[np.ndarray, "tracks 2"], Float32[np.ndarray, "tracks frames 2"]]:
    """Anchors in frame 0 and displacements, in order of first appearance."""
    anchors = points[np.arange(len(points)), first].copy()
    displacement = points - anchors[:, None]
    last = stated.shape[1] - 1 - stated[:, ::-1].argmax(axis=1)
    near = 0.03 * min(size)
    for start in np.unique(first[first > 0]):
        late, early = np.flatnonzero(first == start), np.flatnonzero(first < start)
        if len(early) == 0:
            continue
        distance, nearest = cKDTree(points[early, start]).query(points[late, start])
        riders = late[distance < near]
        carriers = early[nearest[distance < near]]
        anchors[riders] -= displacement[carriers, start]
        displacement[riders] = points[riders] - anchors[riders, None]
        displacement[riders, :start] = displacement[carriers, :start]
        for carrier in np.unique(group[carriers]):
            ended = np.flatnonzero((group == carrier) & (last <= start))
            onward = displacement[riders, start:].mean(axis=0) - displacement[riders, start].mean(
                axis=0
            )
            displacement[ended, start:] = displacement[ended, start : start + 1] + onward
            points[ended] = anchors[ended, None] + displacement[ended]
    return anchors, displacement

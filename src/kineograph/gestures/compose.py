"""Composition: all gestures of a document become one motion, or it is said why they cannot."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from jaxtyping import Float32, Int64
from scipy.spatial import cKDTree

from kineograph.core.errors import DocumentError, KineographError
from kineograph.core.motion import Motion
from kineograph.core.tracks import NO_GROUP, Tracks
from kineograph.gestures.base import Gesture
from kineograph.gestures.camera import Camera
from kineograph.gestures.continuation import Part, carry_on
from kineograph.gestures.filming.shooting import through
from kineograph.gestures.parts.whole import together, waiting, waits
from kineograph.gestures.scene import Scene

APART = 1.0
"""Two gestures that move one point differently by more than this many pixels contradict."""

Pairs = Int64[np.ndarray, "pairs 2"]


def settle(gestures: Sequence[Gesture], scene: Scene) -> Motion:
    """The motion that all gestures together ask for.

    Each is expanded; a drag that begins where an earlier one ended takes what that moved further;
    where two hold the same point and move it differently the nearer one is followed; and cameras
    look at what comes of it. Tracks and
    boxes of the i-th gesture get the group i; those of a file keep their own groups, renumbered,
    and none where they have none.

    Raises:
        DocumentError: a gesture cannot be done, or two contradict each other.
    """
    parts = []
    for index, gesture in enumerate(gestures):
        label = label_of(index, gesture)
        try:
            make = waiting if waits(gesture) else Part.of
            parts.append(make(label, gesture, scene))
        except KineographError as error:
            raise type(error)(f"{label}: {error}") from error
    parts = _without_contradictions(carry_on(together(parts, scene)))
    motions = _numbered([part.motion for part in parts])
    cameras = [gesture for gesture in gestures if isinstance(gesture, Camera)]
    if not cameras:
        return Motion.merge(*motions)
    labels = [part.label for part in parts if isinstance(part.gesture, Camera)]
    return through(cameras, labels, motions, [part.cell for part in parts], scene)


def label_of(index: int, gesture: Gesture) -> str:
    """What messages call a gesture: its place in the document, its kind and name."""
    return f"gestures[{index}] ({gesture.title({'name': gesture.name})})"


def _numbered(motions: Sequence[Motion]) -> list[Motion]:
    """Groups that are unique among all motions; the first of each motion is its index."""
    fresh = len(motions)
    numbered = []
    for index, motion in enumerate(motions):
        tracks, boxes = motion.tracks, motion.boxes
        if tracks is not None and tracks.group is not None:
            own = np.unique(tracks.group[tracks.group != NO_GROUP])
            ids = np.array([index, *range(fresh, fresh + len(own) - 1)][: len(own)], np.int64)
            fresh += max(len(own) - 1, 0)
            group = np.full(tracks.count, NO_GROUP, np.int64)
            grouped = tracks.group != NO_GROUP
            group[grouped] = ids[np.searchsorted(own, tracks.group[grouped])]
            tracks = tracks.with_group(group)
        if boxes is not None:
            boxes = replace(boxes, group=np.full(boxes.count, index, np.int32))
        numbered.append(Motion(tracks, boxes))
    return numbered


def _without_contradictions(parts: Sequence[Part]) -> list[Part]:
    """The parts, each without the tracks that a nearer one overrules.

    Boxes of two objects may overlap: the objects are then in front of each other.

    Raises:
        DocumentError: two contradict each other and neither is nearer, or nothing is left of one.
    """
    parts = list(parts)
    for i, j in combinations(range(len(parts)), 2):
        first, second = parts[i], parts[j]
        both_boxes = first.motion.tracks is None and second.motion.tracks is None
        if both_boxes or first.held is None or second.held is None:
            continue
        pairs = _contradictions(first, second)
        if len(pairs) == 0:
            continue
        nearer = np.sign(_depth(second)[pairs[:, 1]] - _depth(first)[pairs[:, 0]])
        if (nearer == 0).any():
            raise DocumentError(_told(first, second, pairs[nearer == 0][0]))
        parts[j] = _less(second, pairs[nearer > 0, 1], first)
        parts[i] = _less(first, pairs[nearer < 0, 0], second)
    return parts


def _less(part: Part, overruled: np.ndarray, by: Part) -> Part:
    """A part without some of its tracks; boxes stay whole."""
    tracks = part.motion.tracks
    if tracks is None or len(overruled) == 0:
        return part
    kept = np.ones(tracks.count, dtype=bool)
    kept[overruled] = False
    if not kept.any():
        raise DocumentError(
            f"nothing is left of {part.label}: {by.label} is nearer and covers all of it; "
            "remove it, move it, or give it a smaller depth"
        )
    tracks = tracks.select(kept)
    return replace(part, motion=replace(part.motion, tracks=tracks), held=tracks)


def _depth(part: Part) -> Float32[np.ndarray, " tracks"]:
    """How near each of the held points is; without a depth, farther than all that have one."""
    assert part.held is not None
    if part.held.depth is None:
        return np.full(part.held.count, np.finfo(np.float32).max, np.float32)
    return np.minimum(part.held.depth.min(axis=1), np.finfo(np.float32).max)


def _contradictions(first: Part, second: Part) -> Pairs:
    """Pairs of tracks that hold the same point of the picture and move it differently.

    It is the same point if, at the first frame in which both are visible, one lies in the other's
    cell. What passes over it later is something else.
    """
    a, b = first.held, second.held
    assert a is not None and b is not None
    begins_a, begins_b = a.visible.argmax(axis=1), b.visible.argmax(axis=1)
    found = []
    for frame in np.union1d(begins_a, begins_b):
        in_a = np.flatnonzero(a.visible[:, frame] & (begins_a <= frame))
        in_b = np.flatnonzero(b.visible[:, frame] & (begins_b <= frame))
        near = _near(a.points[in_a, frame], b.points[in_b, frame], (first.cell, second.cell))
        pairs = np.stack([in_a[near[:, 0]], in_b[near[:, 1]]], axis=1)
        pairs = pairs[np.maximum(begins_a[pairs[:, 0]], begins_b[pairs[:, 1]]) == frame]
        found.append(pairs[(_gaps(a, b, pairs) > APART).any(axis=1)])
    return np.concatenate(found) if found else np.zeros((0, 2), np.int64)


def _near(
    a: Float32[np.ndarray, "a 2"],
    b: Float32[np.ndarray, "b 2"],
    cells: tuple[tuple[float, float], tuple[float, float]],
) -> Pairs:
    """Pairs of points of which one lies in the cell around the other."""
    if len(a) == 0 or len(b) == 0:
        return np.zeros((0, 2), np.int64)
    found = []
    for cell in cells:
        size = np.array(cell)
        near = cKDTree(a / size).sparse_distance_matrix(
            cKDTree(b / size), 0.5, p=np.inf, output_type="ndarray"
        )
        found.append(np.stack([near["i"], near["j"]], axis=1))
    return np.unique(np.concatenate(found), axis=0).astype(np.int64)


def _gaps(a: Tracks, b: Tracks, pairs: Pairs) -> Float32[np.ndarray, "pairs frames"]:
    """How far apart two tracks have moved since they were first both visible; 0 where not both."""
    i, j = pairs.T
    both = a.visible[i] & b.visible[j]
    apart = a.points[i] - b.points[j]
    origin = apart[np.arange(len(pairs)), both.argmax(axis=1)][:, None]
    return np.where(both, np.linalg.norm(apart - origin, axis=2), np.float32(0))


def _told(first: Part, second: Part, pair: Int64[np.ndarray, "2"]) -> str:
    """What to say of two gestures that contradict each other."""
    assert first.held is not None and second.held is not None
    gaps = _gaps(first.held, second.held, pair[None])[0]
    worst = int(gaps.argmax())
    start = int((first.held.visible[pair[0]] & second.held.visible[pair[1]]).argmax())
    x, y = first.held.points[pair[0], start]
    return (
        f"{first.label} and {second.label} hold the same point {x:.0f},{y:.0f} at "
        f"{start / first.held.fps:.4g} s but are {gaps[worst]:.1f} px apart at "
        f"{worst / first.held.fps:.4g} s; give the one to be followed a smaller depth, make one "
        "smaller, or move it"
    )

"""Continuation: a drag that begins on what an earlier one has moved takes it further."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from kineograph.core.motion import Motion
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.base import Gesture, Grip
from kineograph.gestures.camera import Camera
from kineograph.gestures.scene import Scene


@dataclass(frozen=True, eq=False)
class Part:
    """One gesture of a document, expanded.

    Args:
        label: what messages call it.
        gesture: the gesture.
        motion: what it expands to.
        held: the points it holds, for finding contradictions.
        cell: (width, height) in pixels of what each of these points speaks for.
        first: its first frame.
        last: its last frame.
        grip: what it moves as a whole; None unless it is rigid.
    """

    label: str
    gesture: Gesture
    motion: Motion
    held: Tracks | None
    cell: tuple[float, float]
    first: int
    last: int
    grip: Grip | None

    @classmethod
    def of(cls, label: str, gesture: Gesture, scene: Scene) -> "Part":
        """Expand a gesture.

        Raises:
            KineographError: it cannot be done.
        """
        # cameras look at what the others move; they are expanded together, after it is settled
        motion = Motion() if isinstance(gesture, Camera) else gesture.expand(scene)
        active = np.flatnonzero(gesture.active(scene))
        return cls(
            label=label,
            gesture=gesture,
            motion=motion,
            held=gesture.held(scene, motion),
            cell=gesture.cell(scene),
            first=int(active[0]),
            last=int(active[-1]),
            grip=gesture.grip(scene),
        )

    def displaced(self, displacement: Float64[np.ndarray, "frames 2"]) -> "Part":
        """The same part with another displacement of what it grips."""
        tracks = self.motion.tracks
        if self.grip is None or tracks is None:
            return self
        change = displacement - self.grip.displacement
        points = (tracks.points + change).astype(np.float32)
        state = np.where(tracks.specified, np.uint8(State.VISIBLE), tracks.state)
        points = np.where(tracks.specified[..., None], points, np.float32(0))
        moved = replace(tracks, points=points, state=state).hide_outside()
        return replace(
            self,
            motion=replace(self.motion, tracks=moved),
            held=moved,
            grip=Grip(self.grip.point, displacement),
        )


def carry_on(parts: Sequence[Part]) -> list[Part]:
    """Let drags that begin where an earlier, finished one rests go on with what that one moved.

    What the earlier ones hold goes along with the later drag from then on, and before its press
    the later drag's own tracks are where the earlier ones had that piece of the picture.
    """
    parts = list(parts)
    ways = {i: part.grip.displacement.copy() for i, part in enumerate(parts) if part.grip}
    bodies: dict[int, list[int]] = {}
    for later in sorted(ways, key=lambda i: (parts[i].first, i)):
        earlier = _beneath(later, list(reversed(bodies)), parts, ways)
        body = bodies[earlier] if earlier is not None else []
        start, onward = parts[later].first, ways[later].copy()
        if earlier is not None:
            ways[later][:start] = ways[earlier][:start] - ways[earlier][start]
        for member in body:
            if parts[member].last <= start:
                ways[member][start:] += onward[start:]
        body.append(later)
        bodies[later] = body
    return [part.displaced(ways[i]) if i in ways else part for i, part in enumerate(parts)]


def _beneath(
    later: int, earlier: Sequence[int], parts: Sequence[Part], ways: dict[int, np.ndarray]
) -> int | None:
    """The latest of the earlier, finished gestures whose points are under this one's press."""
    start = parts[later].first
    grip = parts[later].grip
    assert grip is not None
    for index in earlier:
        part = parts[index]
        if part.last > start or part.grip is None or part.motion.tracks is None:
            continue
        origin = part.motion.tracks.points[:, part.first] - part.grip.displacement[part.first]
        away = np.abs(origin + ways[index][start] - np.array(grip.point))
        if (away <= np.array(part.cell) / 2).all(axis=1).any():
            return index
    return None

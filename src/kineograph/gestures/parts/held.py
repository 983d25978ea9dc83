"""A part of the picture with all the drags and pins on it, and the motion that they give it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Complex128, Float, Float64
from scipy.spatial import cKDTree

from kineograph.core.errors import DocumentError, KineographError
from kineograph.core.motion import Motion
from kineograph.gestures.continuation import Part
from kineograph.gestures.drag import Drag
from kineograph.gestures.parts import part as parts_of
from kineograph.gestures.parts.bending import bend
from kineograph.gestures.parts.hold import Hold
from kineograph.gestures.parts.part import Mask
from kineograph.gestures.parts.poses import poses
from kineograph.gestures.pin import Pin, within
from kineograph.gestures.scene import Scene

NEAR = 0.75
"""A place is on a part that has moved if one of its tracks is this near, in spacings."""


@dataclass(eq=False)
class HeldPart:
    """A part of the picture, and all that holds it.

    Args:
        parts: those of the document.
        scene: of the document.
        mask: the part.
        lead: the drag that is first.
        holds: what holds it, by the index of the drag or pin.
        pinned: which tracks of each pin are on it, or so near that they would be taken for it.
    """

    parts: Sequence[Part]
    scene: Scene
    mask: Mask
    lead: Drag
    holds: dict[int, Hold] = field(default_factory=dict)
    pinned: dict[int, Bool[np.ndarray, " tracks"]] = field(default_factory=dict)

    @staticmethod
    def under(index: int, parts: Sequence[Part], scene: Scene) -> "HeldPart":
        """The part under a drag."""
        part = parts[index]
        drag = _drag(part)
        try:
            whole = HeldPart(parts, scene, drag.mask(scene), drag)
        except KineographError as error:
            raise type(error)(f"{part.label}: {error}") from error
        whole.drag(index)
        return whole

    @property
    def spacing(self) -> float:
        """The distance between its tracks."""
        return self.lead.cell(self.scene)[0]

    def has(self, index: int) -> bool:
        """Whether a drag is on this part too; if their masks differ, they become one."""
        part = self.parts[index]
        drag = _drag(part)
        if drag.part is not None:
            return drag.part == self.lead.part
        press = np.array(drag.path[:1], dtype=np.float64)
        if self._on(press, part.first)[0]:
            return True
        if self.lead.part is not None or part.first > self._first:
            return False
        mask = drag.mask(self.scene)
        if not parts_of.at(mask, np.array(self.lead.path[:1], dtype=np.float64))[0]:
            return False
        self.mask = self.mask | mask
        return True

    def drag(self, index: int) -> None:
        """Let a drag take hold of it.

        Raises:
            DocumentError: it wants another kind of motion.
        """
        part = self.parts[index]
        drag = _drag(part)
        if drag.whole != self.lead.whole:
            first = self.parts[next(iter(self.holds))].label
            raise DocumentError(
                f'{first} and {part.label} are on one part, but one is "{self.lead.whole}" and '
                f'the other "{drag.whole}"; give both the same "whole"'
            )
        grip = drag.grip(self.scene)
        self.holds[index] = Hold(
            points=_complex(np.array([grip.point], dtype=np.float64)),
            way=_complex(grip.displacement),
            first=part.first,
            last=part.last,
            radius=drag.reach(self.scene),
            before=drag.persist,
        )

    def pin(self, index: int) -> None:
        """Let a pin hold it, where it lies on it and the drag is not nearer."""
        part = self.parts[index]
        tracks = part.motion.tracks
        if tracks is None or _depth(self.lead.depth) < _depth(part.gesture.depth):
            return
        pins = tracks.points[:, part.first].astype(np.float64)
        seeds = self._seeds_at(part.first)
        on = self._on(pins, part.first)
        near = _near(pins, seeds, (self.spacing, self.spacing)) | _near(pins, seeds, part.cell)
        self.pinned[index] = on | near
        assert isinstance(part.gesture, Pin)
        held = np.concatenate([pins[on], seeds[within(seeds, part.gesture.outline)]])
        if part.last < self._first or len(held) == 0:
            return
        self.holds[index] = Hold(
            points=_complex(held),
            way=np.zeros(self.scene.frames, complex),
            first=part.first,
            last=part.last,
            radius=max(part.cell) / 2,
            pins=True,
            centre=complex(*pins[on].mean(axis=0)) if on.any() else None,
        )

    @property
    def _first(self) -> int:
        """The frame in which it begins to move."""
        return min(hold.first for hold in self.holds.values() if not hold.pins)

    def _on(self, points: Float[np.ndarray, "points 2"], frame: int) -> Bool[np.ndarray, " points"]:
        """Which points of the canvas lie on it at a frame."""
        if frame <= self._first:
            return parts_of.at(self.mask, points)
        return cKDTree(self._seeds_at(frame)).query(points)[0] <= NEAR * self.spacing

    def _seeds(self) -> Float64[np.ndarray, "tracks 2"]:
        return parts_of.seeds_of(self.mask, self.lead.path[0], self.spacing, self.scene)

    def _seeds_at(self, frame: int) -> Float64[np.ndarray, "tracks 2"]:
        """Where its tracks are at a frame, as far as is known by then."""
        if frame <= self._first:
            return self._seeds()
        there = self._solve()[:, frame]
        return np.stack([there.real, there.imag], axis=1)

    def _solve(self) -> Complex128[np.ndarray, "tracks frames"]:
        """Where points of it are at each frame."""
        seeds = _complex(self._seeds())
        holds = list(self.holds.values())
        if self.lead.whole == "bend":
            joints = [place for i in self.holds for place in self._joints(i)]
            return bend(self.mask, seeds, holds, joints)
        return poses(holds, scaled=self.lead.whole == "similarity").of(seeds)

    def _joints(self, index: int) -> Sequence[tuple[float, float]]:
        gesture = self.parts[index].gesture
        return (gesture.joints or ()) if isinstance(gesture, Drag) else ()

    def settle(self, parts: Sequence[Part]) -> list[Part]:
        """The document's parts, with the motion of this one in the place of its first drag.

        Raises:
            DocumentError: a drag pulls at a place that is pinned, or pins leave no way to move.
        """
        settled = list(parts)
        self._check_pins()
        drags = [index for index, hold in self.holds.items() if not hold.pins]
        lead = parts[drags[0]]
        try:
            if len(self.holds) == 1:
                settled[drags[0]] = Part.of(lead.label, lead.gesture, self.scene)
                return settled
            found = self._solve()
        except KineographError as error:
            raise type(error)(f"{lead.label}: {error}") from error
        shown = np.any([_drag(parts[index]).shown(self.scene) for index in drags], axis=0)
        tracks = self.lead.tracks(self.scene, np.stack([found.real, found.imag], axis=-1), shown)
        settled[drags[0]] = replace(
            lead,
            motion=Motion(tracks=tracks),
            held=tracks,
            cell=(self.spacing, self.spacing),
            last=max(parts[index].last for index in drags),
        )
        return settled

    def _check_pins(self) -> None:
        for pin, held in self.holds.items():
            if not held.pins:
                continue
            for index, hold in self.holds.items():
                if hold.pins or hold.first > held.last or held.first > hold.last:
                    continue
                if (np.abs(held.points - hold.middle) <= held.radius).any():
                    raise DocumentError(
                        f"{self.parts[index].label} takes hold of what {self.parts[pin].label} "
                        "holds still; move one of them, or give the drag a smaller depth"
                    )


def _drag(part: Part) -> Drag:
    assert isinstance(part.gesture, Drag)
    return part.gesture


def _near(
    points: Float64[np.ndarray, "points 2"],
    others: Float64[np.ndarray, "others 2"],
    cell: tuple[float, float],
) -> Bool[np.ndarray, " points"]:
    """Which points lie in the cell around one of the others."""
    size = np.array(cell) / 2 * (1 + 1e-6)
    return cKDTree(others / size).query(points / size, p=np.inf)[0] <= 1


def _complex(points: Float[np.ndarray, "n 2"]) -> Complex128[np.ndarray, " n"]:
    return points[:, 0] + 1j * points[:, 1]


def _depth(depth: float | None) -> float:
    return np.inf if depth is None else depth

"""Skin: points of the picture go with the parts of a figure, smoothly around its joints.

Far from a joint a point goes rigidly with its own part. Near a joint that two parts share, its turn
is a mixture of theirs, about that joint: unlike a mixture of positions this keeps the distance to
the joint, so that a bent elbow does not get thinner (the idea of dual-quaternion skinning, Kavan et
al. 2007, "Skinning with Dual Quaternions", in the plane).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64, Int64

from kineograph.gestures.figures.figure import PARTS, Posed, turned
from kineograph.gestures.figures.limbs import Limbs, Points

BEND = 0.6
"""The share of the trunk, from the hips up, over which it bends when the waist turns."""

NEAR, FAR = 1.2, 2.5
"""Between so many radii from a joint, mixing fades away; what touches farther out is not joined."""

Moved = Float64[np.ndarray, "points frames 2"]
Shares = Float64[np.ndarray, " points"]


@dataclass(frozen=True, eq=False)
class Skin:
    """What binds points of the picture to the parts of a figure.

    Args:
        limbs: the figure and its parts.
        points: (N, 2) in canvas pixels, where they are in the picture.
    """

    limbs: Limbs
    points: Points

    @cached_property
    def owners(self) -> Int64[np.ndarray, " points"]:
        """The part, counted as in `Limbs.owned`, that each point belongs to."""
        return self.limbs.owners(self.points)

    def moved(self, posed: Posed) -> Moved:
        """Where the points are at each frame."""
        moved = np.zeros((len(self.points), len(posed.turn["hips"]), 2))
        for index, name in enumerate(self.limbs.owned):
            mine = np.flatnonzero(self.owners == index)
            if len(mine):
                moved[mine] = self._with(name, self.points[mine], posed)
        return moved

    def _with(self, name: str, points: Points, posed: Posed) -> Moved:
        """Points of one part: with it, and near its joints with its neighbours too."""
        own = _trunk(points, posed, self.limbs) if name == "torso" else posed.place(name, points)
        moved = own.copy()
        for child in self.limbs.owned:
            base = _base(child)
            if child != "torso" and (base == name or (name == "torso" and base == "hips")):
                share = self._share(child, points)
                moved += _mixed(base, child, share, points, posed) - posed.place(base, points)
                if name == "torso":
                    moved -= share[:, None, None] * (own - posed.place(base, points))
        parent = _base(name)
        if name != "torso" and ("torso" if parent == "hips" else parent) in self.limbs.owned:
            share = 1 - self._share(name, points, onto_parent=True)
            moved += _mixed(parent, name, share, points, posed) - own
            if parent in ("hips", "torso"):
                bent = _trunk(points, posed, self.limbs) - posed.place(parent, points)
                moved += (1 - share)[:, None, None] * bent
        return moved

    def _share(self, child: str, points: Points, *, onto_parent: bool = False) -> Shares:
        """How much of the other part's turn points have that belong to one of two joined parts."""
        joint = self.limbs.figure.joints[PARTS[child].start]
        radius = self.limbs.radius(child)
        away = np.linalg.norm(points - joint, axis=1) / radius
        share = _smooth(0.5 + self._beyond(child, points) / (2 * radius))
        if onto_parent:
            share = 1 - share
        return share * (1 - _smooth((away - NEAR) / (FAR - NEAR)))

    def _beyond(self, child: str, points: Points) -> Shares:
        """How far points are on the child's side of the joint, in pixels."""
        joints, parent = self.limbs.figure.joints, _base(child)
        if parent in ("hips", "torso"):
            bone = self.limbs.figure.bone(child)
            along = (points - joints[PARTS[child].start]) @ bone
            return along / max(float(np.linalg.norm(bone)), 1e-9)
        apart = [_gap(points, *(joints[end] for end in _ends(name))) for name in (parent, child)]
        return apart[0] - apart[1]


def _base(name: str) -> str:
    """The part that carries another."""
    return PARTS[name].parent or "hips"


def _ends(name: str) -> tuple[str, str]:
    return PARTS[name].start, PARTS[name].end


def _gap(points: Points, start: np.ndarray, end: np.ndarray) -> Shares:
    """The distance of points from a bone, in pixels."""
    bone = end - start
    along = np.clip((points - start) @ bone / max(float(bone @ bone), 1e-12), 0, 1)
    return np.linalg.norm(points - start - along[:, None] * bone, axis=1)


def _mixed(base: str, other: str, share: Shares, points: Points, posed: Posed) -> Moved:
    """Points moved by two parts about the joint that they share: `share` is that of the second."""
    home = posed.figure.joints[PARTS[other].start]
    first, second = (1 - share)[:, None], share[:, None]
    turn = first * posed.turn[base] + second * posed.turn[other]
    stretch = (
        first[..., None, None] * posed.stretch[base]
        + second[..., None, None] * posed.stretch[other]
    )
    spread = np.einsum("ntij,nj->nti", stretch, points - home)
    return posed.start[other] + np.einsum("ntij,ntj->nti", turned(turn), spread)


def _trunk(points: Points, posed: Posed, limbs: Limbs) -> Moved:
    """Points moved with the trunk, which bends from the hips up.

    On the line between the hips they go with the hips, on that between the shoulders with the
    torso, so that arms and legs stay where they are fixed.
    """
    left_shoulder, right_shoulder, right_hip, left_hip = limbs.outline()
    low, high = _gap(points, left_hip, right_hip), _gap(points, left_shoulder, right_shoulder)
    share = _smooth(low / np.maximum(low + high, 1e-9) / BEND)
    return _mixed("hips", "torso", share, points, posed)


def _smooth(x: np.ndarray) -> np.ndarray:
    """From 0 at 0 to 1 at 1 without a kink."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)

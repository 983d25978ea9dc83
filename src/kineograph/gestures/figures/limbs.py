"""Limbs: which points of the picture belong to which part of a figure, and how they go with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64

from kineograph.gestures.figures.figure import PARTS, Figure, Place, Posed

Points = Float64[np.ndarray, "points 2"]

RADII = {
    "upper_arm": (0.14, 0.11),
    "forearm": (0.11, 0.09),
    "thigh": (0.19, 0.14),
    "shin": (0.14, 0.10),
    "head": (0.14, 0.24),
}
"""How far limbs reach to each side of the bone, at its start and end, as shares of the torso."""

BEYOND = {"forearm": 0.28, "shin": 0.14, "head": 0.16}
"""How far they reach beyond their last joint: hands, feet, the top of the head."""

TRUNK_RIM = 0.07
"""How far the trunk reaches beyond the lines between shoulders and hips."""

LIMBS: Mapping[str, tuple[str, ...]] = {
    "left_arm": ("left_upper_arm", "left_forearm"),
    "right_arm": ("right_upper_arm", "right_forearm"),
    "head": ("head",),
    "left_leg": ("left_thigh", "left_shin"),
    "right_leg": ("right_thigh", "right_shin"),
    "trunk": ("torso",),
}
"""The limbs and the trunk, and the parts of each. The trunk is of the hips and the torso."""

ORDERS: Mapping[str | None, tuple[tuple[str, ...], ...]] = {
    None: (("left_arm", "right_arm"), ("head",), ("left_leg", "right_leg"), ("trunk",)),
    "left": (("left_arm",), ("left_leg",), ("head",), ("trunk",), ("right_leg",), ("right_arm",)),
    "right": (("right_arm",), ("right_leg",), ("head",), ("trunk",), ("left_leg",), ("left_arm",)),
}
"""What is in front of what, the nearest first, by the side that is turned to the viewer."""

Rank = Mapping[str, int]


@dataclass(frozen=True)
class Capsule:
    """The reach of a limb around its bone: a rod with round ends that gets thinner."""

    start: Place
    end: Place
    radii: tuple[float, float]
    beyond: float

    def away(self, points: Float64[np.ndarray, "*shape 2"]) -> Float64[np.ndarray, "*shape"]:
        """How far points are outside of it, in pixels; negative inside."""
        bone = self.end - self.start
        length = max(float(np.linalg.norm(bone)), 1e-9)
        reach = 1 + self.beyond / length
        along = np.clip((points - self.start) @ bone / length**2, 0, reach)
        gap = np.linalg.norm(points - self.start - along[..., None] * bone, axis=-1)
        thick = self.radii[0] + (self.radii[1] - self.radii[0]) * np.minimum(along, 1)
        return gap - thick


@dataclass(frozen=True, eq=False)
class Limbs:
    """The points that a figure takes along, and to which part each belongs.

    Args:
        figure: as it is in the picture.
        width: how many times as wide as usual its limbs are.
        front: "left" or "right", the side that is nearer to the viewer; None if neither is.
    """

    figure: Figure
    width: float = 1.0
    front: str | None = None

    @cached_property
    def rank(self) -> Rank:
        """How near each part is: the smaller is nearer."""
        order = enumerate(ORDERS[self.front])
        return {part: n for n, limbs in order for limb in limbs for part in LIMBS[limb]}

    @cached_property
    def owned(self) -> tuple[str, ...]:
        """The parts that own points; the hips are a part of the trunk."""
        return tuple(name for name in self.figure.parts if name != "hips")

    def seeds(self, stride: float) -> Points:
        """A grid of points, `stride` pixels apart, over all that the figure covers."""
        joints = np.array(list(self.figure.joints.values()))
        rim = 0.5 * self.figure.size * max(self.width, 1)
        low, high = joints.min(axis=0) - rim, joints.max(axis=0) + rim
        middle = self.figure.root
        steps = [
            np.arange(np.ceil((a - m) / stride), np.floor((b - m) / stride) + 1)
            for a, b, m in zip(low, high, middle, strict=True)
        ]
        grid = middle + stride * np.stack(np.meshgrid(*steps), axis=-1).reshape(-1, 2)
        return grid[(self.away(grid) <= 0).any(axis=0)]

    def away(self, points: Points) -> Float64[np.ndarray, "parts points"]:
        """How far points are outside of each part that owns some; negative inside."""
        return np.stack([self._away(name, points) for name in self.owned])

    def owners(self, points: Points) -> Int64[np.ndarray, " points"]:
        """The part, counted as in `owned`, that each point belongs to: the nearest it lies in.

        Of parts that are as near to the viewer, it is the one in which it lies deepest.
        """
        away = self.away(points)
        rank = np.array([self.rank[name] for name in self.owned], dtype=np.float64)[:, None]
        deep = away / (4 * max(self.figure.size * self.width, 1e-9))
        return np.where(away <= 0, rank + deep.clip(-0.4, 0), 1e6 + away).argmin(axis=0)

    def capsule(self, name: str, start: Place | None = None, end: Place | None = None) -> Capsule:
        """The reach of a limb, where it is in the picture or between two other places."""
        part, kind = PARTS[name], _kind(name)
        size = self.figure.size * self.width
        near, far = RADII[kind]
        return Capsule(
            self.figure.joints[part.start] if start is None else start,
            self.figure.joints[part.end] if end is None else end,
            (near * size, far * size),
            BEYOND.get(kind, 0.0) * self.figure.size,
        )

    def radius(self, name: str) -> float:
        """How far a limb reaches to each side at the joint that it turns about, in pixels."""
        return RADII[_kind(name)][0] * self.figure.size * self.width

    def outline(self) -> Float64[np.ndarray, "4 2"]:
        """The corners of the trunk in order."""
        names = ("left_shoulder", "right_shoulder", "right_hip", "left_hip")
        return np.stack([self.figure.joints[name] for name in names])

    def hidden(
        self, posed: Posed, points: Float64[np.ndarray, "points frames 2"], owners: np.ndarray
    ) -> Bool[np.ndarray, "points frames"]:
        """Which points are behind a nearer part of the figure.

        Parts that hang together do not hide each other: they overlap where they are joined.
        """
        hidden = np.zeros(points.shape[:2], dtype=bool)
        for index, name in enumerate(self.owned):
            mine = np.flatnonzero(owners == index)
            for other in self.owned:
                if self.rank[other] < self.rank[name] and not _joined(name, other):
                    hidden[mine] |= self._covers(other, posed, points[mine])
        return hidden

    def _covers(
        self, name: str, posed: Posed, points: Float64[np.ndarray, "points frames 2"]
    ) -> Bool[np.ndarray, "points frames"]:
        """Which points lie in a part where it is at each frame."""
        covered = np.zeros(points.shape[:2], dtype=bool)
        if name == "torso":
            corners = [posed.joint(f"{side}_{joint}") for side, joint in _CORNERS]
            rim = TRUNK_RIM * self.figure.size * self.width
            for frame in range(points.shape[1]):
                outline = np.stack([corner[frame] for corner in corners])
                covered[:, frame] = _outside(points[:, frame], outline) < rim
            return covered
        start, end = posed.start[name], posed.joint(PARTS[name].end)
        for frame in range(points.shape[1]):
            covered[:, frame] = (
                self.capsule(name, start[frame], end[frame]).away(points[:, frame]) < 0
            )
        return covered

    def _away(self, name: str, points: Points) -> Float64[np.ndarray, " points"]:
        if name == "torso":
            return _outside(points, self.outline()) - TRUNK_RIM * self.figure.size * self.width
        return self.capsule(name).away(points)


_CORNERS = (("left", "shoulder"), ("right", "shoulder"), ("right", "hip"), ("left", "hip"))


def _kind(name: str) -> str:
    """A limb without its side."""
    return name.removeprefix("left_").removeprefix("right_")


def _joined(name: str, other: str) -> bool:
    """Whether two parts hang together, or are both of one limb."""
    pair = {name, other}
    if any(pair <= set(parts) for parts in LIMBS.values()):
        return True
    carriers = {"hips": "torso"}
    return any(
        carriers.get(PARTS[a].parent or "", PARTS[a].parent) == b
        for a, b in ((name, other), (other, name))
    )


def _outside(
    points: Float64[np.ndarray, "*shape 2"], outline: Float64[np.ndarray, "corners 2"]
) -> Float64[np.ndarray, "*shape"]:
    """How far points are outside a polygon, in pixels; negative inside (even-odd)."""
    nearest = np.full(points.shape[:-1], np.inf)
    inside = np.zeros(points.shape[:-1], dtype=bool)
    x, y = points[..., 0], points[..., 1]
    for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        side = b - a
        along = np.clip((points - a) @ side / max(float(side @ side), 1e-12), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(points - a - along[..., None] * side, axis=-1))
        if side[1] != 0:
            crosses = (a[1] > y) != (b[1] > y)
            inside ^= crosses & (x < a[0] + (y - a[1]) / side[1] * side[0])
    return np.where(inside, -nearest, nearest)

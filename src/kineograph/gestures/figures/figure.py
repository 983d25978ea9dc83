"""The figure: a person's joints as a tree of parts that turn about each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

Place = Float64[np.ndarray, "2"]
Linear = Float64[np.ndarray, "frames 2 2"]

SIDES = ("left", "right")


@dataclass(frozen=True)
class Part:
    """A part of the body that moves as one piece.

    Args:
        start: the joint that it turns about.
        end: the joint at its other end.
        parent: the part that carries it; None for the hips, which carry all.
        turn: the name of the angle that turns it, and with it all that it carries.
    """

    start: str
    end: str
    parent: str | None
    turn: str


def _parts() -> dict[str, Part]:
    parts = {
        "hips": Part("pelvis", "pelvis", None, "body"),
        "torso": Part("pelvis", "neck", "hips", "waist"),
        "head": Part("neck", "face", "torso", "neck"),
    }
    for side in SIDES:
        shoulder, elbow, hip, knee = (f"{side}_{j}" for j in ("shoulder", "elbow", "hip", "knee"))
        parts |= {
            f"{side}_upper_arm": Part(shoulder, elbow, "torso", shoulder),
            f"{side}_forearm": Part(elbow, f"{side}_wrist", f"{side}_upper_arm", elbow),
            f"{side}_thigh": Part(hip, knee, "hips", hip),
            f"{side}_shin": Part(knee, f"{side}_ankle", f"{side}_thigh", knee),
        }
    return parts


PARTS: Mapping[str, Part] = _parts()
"""The parts, each after the one that carries it."""

TURNS = tuple(part.turn for part in PARTS.values())
"""The names of the angles: the joint or place that a part turns about."""

FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")

CARRIERS: Mapping[str, str] = {
    **{part.end: name for name, part in PARTS.items() if name != "hips"},
    **dict.fromkeys(FACE, "head"),
    **{f"{side}_shoulder": "torso" for side in SIDES},
    **{f"{side}_hip": "hips" for side in SIDES},
    "pelvis": "hips",
}
"""The part that each joint is fixed to."""

LENGTHS = {"torso": 1.0, "upper_arm": 0.6, "forearm": 0.5, "thigh": 0.85, "shin": 0.8}
"""How long parts are, as shares of the torso."""


def all_joints(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The joints that are given, and those that follow: `pelvis`, `neck` and the middle `face`.

    Args:
        given: (2,) places of joints of COCO by name, or (T, 2) for each frame.
    """
    joints = {name: np.asarray(place, dtype=np.float64) for name, place in given.items()}
    for name, pair in (("pelvis", "hip"), ("neck", "shoulder")):
        if all(f"{side}_{pair}" in joints for side in SIDES):
            joints[name] = (joints[f"left_{pair}"] + joints[f"right_{pair}"]) / 2
    seen = [joints[name] for name in FACE if name in joints]
    if seen:
        joints["face"] = np.mean(seen, axis=0)
    return joints


@dataclass(frozen=True, eq=False)
class Movement:
    """How the parts of a figure move: all arrays by the names of `PARTS`, for T frames.

    Args:
        turn: (T,) radians by which a part is turned from how it is in the picture, clockwise.
        along: (T,) how many times as long it is.
        across: (T,) how many times as wide it is.
        root: (T, 2) how far the root has moved, in pixels.
    """

    turn: Mapping[str, Float64[np.ndarray, " frames"]]
    along: Mapping[str, Float64[np.ndarray, " frames"]]
    across: Mapping[str, Float64[np.ndarray, " frames"]]
    root: Float64[np.ndarray, "frames 2"]


@dataclass(frozen=True, eq=False)
class Figure:
    """A person as it is in the picture.

    Convention: (x, y) in canvas pixels; angles are clockwise in the picture.

    Args:
        joints: where the joints are, those of COCO by name and those that `all_joints` adds.
    """

    joints: Mapping[str, Place]

    @classmethod
    def of(cls, given: Mapping[str, tuple[float | int, float | int]]) -> "Figure":
        """The figure with the given joints of COCO."""
        return cls(all_joints({name: np.array(place) for name, place in given.items()}))

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The parts whose joints are known; the trunk needs both shoulders and both hips."""
        joints = self.joints
        whole = "pelvis" in joints and "neck" in joints
        return tuple(
            name
            for name, part in PARTS.items()
            if part.start in joints and part.end in joints and (name != "hips" or whole)
        )

    @cached_property
    def size(self) -> float:
        """How large it is: about the length of its torso, in pixels."""
        lengths = [
            float(np.linalg.norm(self.bone(name))) / LENGTHS[kind]
            for name in self.parts
            for kind in LENGTHS
            if name.endswith(kind)
        ]
        if all(f"{side}_shoulder" in self.joints for side in SIDES):
            width = self.joints["left_shoulder"] - self.joints["right_shoulder"]
            lengths.append(float(np.linalg.norm(width)) / 0.72)
        return float(np.median(lengths)) if lengths else 0.0

    @property
    def root(self) -> Place:
        """What is moved with the root: the pelvis, or what comes nearest to it."""
        for name in ("pelvis", "neck"):
            if name in self.joints:
                return self.joints[name]
        return np.mean(list(self.joints.values()), axis=0)

    def bone(self, name: str) -> Place:
        """From the start of a part to its end; of the hips, from right to left."""
        if name == "hips":
            return self.joints["left_hip"] - self.joints["right_hip"]
        part = PARTS[name]
        return self.joints[part.end] - self.joints[part.start]

    def pose(self, movement: Movement) -> "Posed":
        """Where all parts are, each carried by its parent (forward kinematics)."""
        stretch: dict[str, Linear] = {}
        for name in PARTS:
            bone = self.bone(name) if name in self.parts else np.array([1.0, 0.0])
            if name == "hips":  # they are as wide as they are long: the bone lies across
                size = (movement.across[name], movement.along[name])
            else:
                size = (movement.along[name], movement.across[name])
            stretch[name] = _stretched(bone, *size)
        linear = {name: turned(movement.turn[name]) @ stretch[name] for name in PARTS}
        return Posed(self, movement.turn, stretch, linear, self._starts(linear, movement.root))

    def _starts(
        self, linear: Mapping[str, Linear], root: Float64[np.ndarray, "frames 2"]
    ) -> dict[str, Float64[np.ndarray, "frames 2"]]:
        """Where the joint that each part turns about is."""
        starts: dict[str, Float64[np.ndarray, "frames 2"]] = {}
        for name, part in PARTS.items():
            home = self.joints.get(part.start, self.root)
            parent = part.parent
            if parent is None:
                starts[name] = self.root + root
            else:
                base = self.joints.get(PARTS[parent].start, self.root)
                starts[name] = starts[parent] + linear[parent] @ (home - base)
        return starts


@dataclass(frozen=True, eq=False)
class Posed:
    """A figure in motion: every part is an affine map that changes from frame to frame.

    Args:
        figure: as it is in the picture.
        turn: (T,) radians, for each part.
        stretch: (T, 2, 2) how each part is stretched before it is turned.
        linear: (T, 2, 2) the stretch and the turn of each part together.
        start: (T, 2) where the joint is that each part turns about.
    """

    figure: Figure
    turn: Mapping[str, Float64[np.ndarray, " frames"]]
    stretch: Mapping[str, Linear]
    linear: Mapping[str, Linear]
    start: Mapping[str, Float64[np.ndarray, "frames 2"]]

    def place(
        self, name: str, points: Float64[np.ndarray, "points 2"]
    ) -> Float64[np.ndarray, "points frames 2"]:
        """Points of the picture, moved with one part."""
        home = self.figure.joints.get(PARTS[name].start, self.figure.root)
        return self.start[name] + np.einsum("tij,nj->nti", self.linear[name], points - home)

    def joint(self, name: str) -> Float64[np.ndarray, "frames 2"]:
        """Where a joint of the figure is."""
        return self.place(CARRIERS[name], self.figure.joints[name][None])[0]


def turned(angles: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape 2 2"]:
    """Rotations by so many radians, clockwise in the picture."""
    cosine, sine = np.cos(angles), np.sin(angles)
    rows = [np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)]
    return np.stack(rows, axis=-2)


def _stretched(
    bone: Place,
    along: Float64[np.ndarray, " frames"],
    across: Float64[np.ndarray, " frames"],
) -> Linear:
    """What makes things so many times as long along a bone and as wide across it."""
    axis = bone / max(float(np.linalg.norm(bone)), 1e-9)
    outer = np.outer(axis, axis)
    return along[:, None, None] * outer + across[:, None, None] * (np.eye(2) - outer)

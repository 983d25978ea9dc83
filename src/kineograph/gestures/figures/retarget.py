"""Retargeting: the motion of another person, measured in a video, put onto a figure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from kineograph.core.errors import DocumentError
from kineograph.gestures.figures.figure import PARTS, Figure, Movement, all_joints
from kineograph.vision.pose import JOINTS, SURE, Poses

Series = Float64[np.ndarray, " frames"]
Way = Float64[np.ndarray, "frames 2"]

LENGTH_RANGE = (0.2, 3.0)
"""How many times as long a part may become; joints found wrongly would make it longer."""

WIDTH_RANGE = (0.4, 1.6)
"""How many times as wide the trunk may become when shoulders or hips turn."""


def transfer(
    figure: Figure,
    poses: Poses,
    positions: Series,
    *,
    take: Series | None = None,
    reach: float = 1.0,
) -> Movement:
    """The movement of a figure that does what a person in a video does.

    Every part is turned by as much as the person's is turned from its first frame, and is
    lengthened in the same ratio, which is how turning towards the viewer looks. Where the person's
    joints are not found a part goes with the one that carries it. The root moves as the person's
    does, in proportion to the size of both.

    Args:
        figure: who is to move.
        poses: who moves.
        positions: (T,) which of the person's frames is due at each frame, counted from 0.
        take: (T,) how much of the person's own angles is taken at each frame, 0 to 1; left out,
            only their changes are.
        reach: how many times as far the root moves as that.

    Raises:
        DocumentError: no part of the person is found that the figure has.
    """
    person = _Person.of(poses, positions)
    taken = np.zeros(len(positions)) if take is None else take
    turn: dict[str, Series] = {}
    along, across = ({name: np.ones(len(positions)) for name in PARTS} for _ in range(2))
    found = [name for name in figure.parts if person.bone(name) is not None]
    if not found:
        raise DocumentError(
            "nothing of the person in the video is found that could move these joints; give "
            "another video, or joints that are seen in it"
        )
    for name, part in PARTS.items():
        bone = person.bone(name)
        if name not in found or bone is None or name == "hips":
            turn[name] = np.zeros(len(positions)) if part.parent is None else turn[part.parent]
            continue
        turn[name] = _turn(bone, figure.bone(name), taken)
        if name != "head":
            along[name] = _ratio(bone, figure.bone(name), person.size / figure.size, taken)
    if "torso" in found:
        turn["hips"] = turn["torso"]
        for name, pair in (("torso", "shoulder"), ("hips", "hip")):
            width = person.between(f"right_{pair}", f"left_{pair}")
            across[name if name == "torso" else "hips"] = np.clip(_growth(width), *WIDTH_RANGE)
    along["hips"], across["hips"] = across["hips"], along["hips"]
    root = (person.root - person.root[0]) * (reach * figure.size / person.size)
    return Movement(turn, along, across, root)


@dataclass(frozen=True, eq=False)
class _Person:
    """The joints of the person at the frames that are due."""

    joints: Mapping[str, Way]
    size: float

    @classmethod
    def of(cls, poses: Poses, positions: Series) -> "_Person":
        """Joints that are found anywhere, interpolated where they are not."""
        frames, held = np.arange(poses.frames), {}
        for index, name in enumerate(JOINTS):
            sure = poses.score[:, index] >= SURE
            if sure.any():
                way = poses.keypoints[sure, index].astype(np.float64)
                at = [np.interp(positions, frames[sure], way[:, axis]) for axis in range(2)]
                held[name] = np.stack(at, axis=1)
        joints = all_joints(held)
        first = Figure({name: way[0] for name, way in joints.items()})
        return cls(joints, first.size)

    def bone(self, name: str) -> Way | None:
        """From the start of a part to its end; None where a joint is not found."""
        part = PARTS[name]
        if part.start == part.end:
            return self.between("right_hip", "left_hip")
        return self.between(part.start, part.end)

    def between(self, start: str, end: str) -> Way | None:
        """From one joint to another; None where one is not found."""
        if start not in self.joints or end not in self.joints:
            return None
        return self.joints[end] - self.joints[start]

    @property
    def root(self) -> Way:
        """What is followed as the root: the pelvis, or what comes nearest to it."""
        for name in ("pelvis", "neck"):
            if name in self.joints:
                return self.joints[name]
        return np.mean(list(self.joints.values()), axis=0)


def _turn(bone: Way, own: np.ndarray, taken: Series) -> Series:
    """Radians by which a part is turned: as the person's since its first frame.

    Of the angle between both at the first frame as much is added as is to be taken.
    """
    angle = np.unwrap(np.arctan2(bone[:, 1], bone[:, 0]))
    apart = angle[0] - np.arctan2(own[1], own[0])
    apart = (apart + np.pi) % (2 * np.pi) - np.pi
    return angle - angle[0] + taken * apart


def _ratio(bone: Way, own: np.ndarray, scale: float, taken: Series) -> Series:
    """How many times as long a part is, as that of the person has become."""
    growth = _growth(bone)
    first = np.linalg.norm(bone[0]) / max(scale * float(np.linalg.norm(own)), 1e-9)
    return np.clip(growth * (1 + taken * (first - 1)), *LENGTH_RANGE)


def _growth(bone: Way | None) -> Series:
    """How many times as long as at first a bone is."""
    assert bone is not None, "it is a bone of a part that was found"
    length = np.linalg.norm(bone, axis=1)
    return length / max(float(length[0]), 1e-3)

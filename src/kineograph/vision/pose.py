"""Poses: where the joints of a person are, in one picture or through a video."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.core import checks, npz
from kineograph.core.errors import VisionError
from kineograph.core.video import Video

JOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""The 17 joints of COCO in their order; left and right are the person's own."""

LIMBS = (
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
    ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"),
    ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"),
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
    ("nose", "left_eye"),
    ("nose", "right_eye"),
    ("left_eye", "left_ear"),
    ("right_eye", "right_ear"),
)
"""Which joints are joined, to draw a person."""

SURE = 0.3
"""The score from which on a joint counts as found."""


@dataclass(frozen=True, eq=False)
class Pose:
    """The joints of one person in one picture.

    Convention: (x, y) in raster pixels.

    Args:
        keypoints: (17, 2) in the order of `JOINTS`.
        score: (17,) how sure each is, 0 to 1.

    Raises:
        VisionError: there are not 17 joints, or a number is not finite.
    """

    keypoints: Float32[np.ndarray, "joints 2"]
    score: Float32[np.ndarray, " joints"]

    def __post_init__(self) -> None:
        if len(self.keypoints) != len(JOINTS) or len(self.score) != len(JOINTS):
            raise VisionError(
                f"a pose of {len(self.keypoints)} joints was given; it has COCO's {len(JOINTS)}"
            )
        if not (np.isfinite(self.keypoints).all() and np.isfinite(self.score).all()):
            raise VisionError("a joint of the pose is not finite; give numbers and a score of 0")

    @property
    def joints(self) -> dict[str, tuple[float, float]]:
        """The joints that were found, by name, as the gesture `pose` takes them."""
        return {
            name: (float(x), float(y))
            for name, (x, y), score in zip(JOINTS, self.keypoints, self.score, strict=True)
            if score >= SURE
        }


@runtime_checkable
class PoseEstimator(Protocol):
    """Finds the people in a picture and their joints."""

    def __call__(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Pose]:
        """One pose for each person, the most striking first.

        Convention: raster pixels; the centre of the top-left pixel is (0.5, 0.5).

        Args:
            picture: RGB.
        """
        ...


@dataclass(frozen=True, eq=False)
class Poses:
    """The joints of one person through a video.

    Convention: (x, y) in raster pixels of a picture of `size`; frame i is at i / fps seconds.

    Args:
        keypoints: (T, 17, 2) in the order of `JOINTS`.
        score: (T, 17) how sure each is, 0 to 1; below `SURE` it counts as not found.
        size: (width, height).
        fps: frames a second.

    Raises:
        TracksError: a shape, type or value is not as said above.
    """

    keypoints: Float32[np.ndarray, "frames joints 2"]
    score: Float32[np.ndarray, "frames joints"]
    size: tuple[int, int]
    fps: float | int

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checks.checked_size(self.size))
        object.__setattr__(self, "fps", checks.checked_fps(self.fps))
        checks.check_array("keypoints", self.keypoints, np.float32, (None, len(JOINTS), 2))
        checks.check_array("score", self.score, np.float32, (len(self.keypoints), len(JOINTS)))
        checks.check_finite("keypoints", self.keypoints)
        checks.check_finite("score", self.score)
        if len(self.keypoints) == 0:
            raise VisionError("poses of 0 frames were given; give at least 1 frame")

    @property
    def frames(self) -> int:
        """The number of frames."""
        return len(self.keypoints)

    def save(self, path: Path | str) -> None:
        """Write the poses to a `.npz` file of plain arrays, named as the fields, and `version`.

        Raises:
            OutputError: the name does not end in `.npz`, or it cannot be written.
        """
        arrays = {"keypoints": self.keypoints, "score": self.score}
        size, fps = np.array(self.size, np.int64), np.float64(self.fps)
        npz.save_arrays(Path(path), {**arrays, "size": size, "fps": fps})

    @classmethod
    def load(cls, path: Path | str) -> "Poses":
        """Read what `save` wrote; pickles are never loaded.

        Raises:
            TracksError: the file is missing, broken, of a newer version or of something else.
        """
        held = npz.load_arrays(Path(path), "poses", ("keypoints", "score", "size", "fps"))
        with npz.reading(path):
            return cls(
                keypoints=np.asarray(held["keypoints"], np.float32),
                score=np.asarray(held["score"], np.float32),
                size=checks.checked_size(held["size"]),
                fps=held["fps"],
            )


def follow(video: Video, estimator: PoseEstimator) -> Poses:
    """The joints of one person through a video: the most striking one of the first frame with any.

    In every frame the person nearest to where this one was is taken for the same; where nobody is
    found, the joints stay and their score is 0.

    Raises:
        VisionError: nobody is found in any frame.
    """
    found = [estimator(frame) for frame in video.frames]
    if not any(found):
        raise VisionError(
            f"nobody is found in the {len(found)} frames; give another video, or joints by hand"
        )
    now = next(people for people in found if people)[0]
    keypoints, score = [], []
    for people in found:
        if people:
            now = min(people, key=lambda other: _apart(other, now))
        keypoints.append(now.keypoints)
        score.append(now.score if people else np.zeros_like(now.score))
    return Poses(np.stack(keypoints), np.stack(score), video.size, video.fps)


def _apart(a: Pose, b: Pose) -> float:
    """How far the joints of two poses are apart, on average, those that are sure counting more."""
    weight = a.score * b.score + 1e-6
    gaps = np.linalg.norm(a.keypoints - b.keypoints, axis=1)
    return float((gaps * weight).sum() / weight.sum())


def check_joints(names: Iterable[str]) -> None:
    """Check that all names are joints.

    Raises:
        VisionError: one is not.
    """
    for name in names:
        if name not in JOINTS:
            near = get_close_matches(name.lower().replace(" ", "_"), JOINTS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}? " if near else ""
            raise VisionError(f"unknown joint {name!r}; {hint}known: {', '.join(JOINTS)}")

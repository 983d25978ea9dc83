"""The pose: take a person by the joints, and let the limbs move as the joints say."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Bool, Float64
from pydantic import BeforeValidator, Field, model_validator

from kineograph.core.errors import DocumentError, VisionError
from kineograph.core.motion import Motion
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.base import Gesture, check_amount
from kineograph.gestures.figures.figure import PARTS, TURNS, Figure, Movement
from kineograph.gestures.figures.limbs import LIMBS, Limbs
from kineograph.gestures.figures.retarget import transfer
from kineograph.gestures.figures.skin import Skin
from kineograph.gestures.keying import Instant, check_order, key_times, keyed
from kineograph.gestures.scene import INSTANT, Scene
from kineograph.gestures.writing.messages import nearest, shown
from kineograph.gestures.writing.model import PLAIN, FileName, Point, plain_list
from kineograph.vision.pose import JOINTS, Poses, check_joints

STRIDE = 1 / 20
"""The default distance between tracks, as a share of the length of the torso."""

FAR = 10_000.0
"""The depth around which a figure lies that was given none; behind whatever has one."""


def _by_name(value: Any) -> Any:
    """Joints by name, out of a list in COCO's order or out of names."""
    value = plain_list(value)
    if isinstance(value, list | tuple):
        if len(value) != len(JOINTS):
            raise ValueError(
                f"has {len(value)} joints; give COCO's {len(JOINTS)} in their order, null for "
                "those that are not seen, or the ones you have by their names"
            )
        return {
            name: list(place)[:2]
            for name, place in zip(JOINTS, value, strict=True)
            if place is not None and not (len(place) == 3 and not place[2] > 0)
        }
    if isinstance(value, Mapping):
        try:
            check_joints(str(name) for name in value)
        except VisionError as error:
            raise ValueError(f"has an {error}") from None
        return {name: place for name, place in value.items() if place is not None}
    return value


class PoseKey(Instant):
    """How a person stands at one instant; what is left out is not changed by it."""

    angles: dict[str, Annotated[float, Field(ge=-1e6, le=1e6), PLAIN]] = Field(default_factory=dict)
    """Degrees, clockwise in the picture, by which parts are turned from how they are in it, by the
    joint that they turn about: left_elbow turns the left forearm, left_shoulder the whole arm,
    left_hip the whole leg, left_knee the shin, neck the head, waist all above it, body everything.
    """
    move: Point | None = None
    """How far the whole person has moved, [x, y] in canvas pixels."""

    @model_validator(mode="after")
    def _check_angles(self) -> "PoseKey":
        if not self.angles and self.move is None:
            raise ValueError("changes nothing; give it angles or move")
        for name in self.angles:
            if name not in TURNS:
                ends = "turns nothing: nothing hangs on it" if name in JOINTS else "is unknown"
                raise ValueError(
                    f"has an angle of {shown(name)}, which {ends}; {nearest(name, TURNS)}"
                    f"known: {', '.join(TURNS)}"
                )
        return self


class Pose(Gesture):
    """Take a person by the joints.

    The limbs between the joints become dense bundles of tracks, each rigid and smoothly joined to
    the next, which turn about the joints: by angles at keys, from the hips to the hands (forward
    kinematics), or as those of another person, measured in a video, with its angles and the ratios
    of its lengths.
    """

    file_fields = ("source",)

    kind: Literal["pose"] = "pose"
    """Take a person by the joints."""
    joints: Annotated[dict[str, Point], BeforeValidator(_by_name)]
    """Where the joints are in the picture, [x, y] in canvas pixels: by the names of COCO
    (left_wrist is the person's own left), as many as are seen; or all 17 as a list in COCO's order,
    null for those that are not seen."""
    keys: Annotated[tuple[PoseKey, ...], Field(min_length=1)] | None = None
    """How the person stands at a few instants, in order of time. It begins as in the picture."""
    source: FileName | None = None
    """The `.npz` file of another person's poses, as `kineograph pose` measures them in a video,
    relative to the document's folder. Without an end they are played at their own speed."""
    match: Literal["change", "take"] = "change"
    """Whether only what changes in the other person's pose is followed, or the pose itself is taken
    on."""
    ease_in: Annotated[float, Field(ge=0, le=1e6), PLAIN] = 0.5
    """Seconds in which the other person's pose is taken on."""
    reach: Annotated[float, Field(ge=0, le=1e3), PLAIN] = 1.0
    """How many times as far as the other person this one moves about; 0 keeps it on the spot."""
    front: Literal["left", "right"] | None = None
    """The person's own side that is nearer to the viewer. Its arm and leg then hide what they pass
    in front of, and those of the other side are hidden; left out, nothing is."""
    width: Annotated[float, Field(gt=0, le=100), PLAIN] = 1.0
    """How many times as wide as usual the limbs are."""
    stride: Annotated[float, Field(ge=0.1, le=1e6), PLAIN] | None = None
    """The distance between tracks, in pixels; left out, it is a twentieth of the torso."""
    persist: bool = False
    """Whether the person stands still before the start and after the end. If not, the engine is
    free to do what it likes with it then."""

    @model_validator(mode="after")
    def _check_motion(self) -> "Pose":
        if (self.keys is None) == (self.source is None):
            both = self.keys is not None
            raise ValueError(
                "has both keys and a source; keep one of them"
                if both
                else "has neither keys nor a source; give one, or use a pin to hold still"
            )
        if not self.limbs.owned:
            raise ValueError(
                f"has joints that make no limb ({', '.join(self.joints) or 'none'}); give two that "
                "hang together, such as left_shoulder and left_elbow"
            )
        if not self.figure.size > 1e-6:
            raise ValueError("has all its joints in one place; give them where they are")
        for key in self.keys or ():
            self._check_turns(key)
        check_order(self.keys or ())
        return self

    def _check_turns(self, key: PoseKey) -> None:
        """Check that what a key turns is there."""
        for name in key.angles:
            part = next(part for part, it in PARTS.items() if it.turn == name)
            if part not in self.figure.parts and name != "body":
                needed = {
                    "waist": "both shoulders and both hips",
                    "neck": "both shoulders and the nose",
                }
                told = needed.get(name, f"{PARTS[part].start} and {PARTS[part].end}")
                raise ValueError(f"turns {name}, but has no joints for that; give {told}")

    @cached_property
    def figure(self) -> Figure:
        """The person as it is in the picture."""
        return Figure.of(self.joints)

    @cached_property
    def limbs(self) -> Limbs:
        """The limbs, and what belongs to each."""
        return Limbs(self.figure, self.width, self.front)

    def check(self, scene: Scene) -> None:
        """Check the time span, and that some of the person is on the picture.

        Raises:
            DocumentError: one is not so.
        """
        super().check(scene)
        if self.active(scene).sum() < 2:
            raise DocumentError(
                "the time span holds only 1 frame of the clip; a pose needs 2 or more to move"
            )
        joints = np.array(list(self.figure.joints.values()))
        area = np.prod(np.ptp(joints, axis=0) + self.figure.size * max(self.width, 1))
        check_amount(float(area) / self._stride() ** 2, scene, "give a larger stride")
        key_times(self.keys or (), *self.span(scene))
        if not scene.inside(self.skin.points).any():
            (x, y), (width, height) = joints.mean(axis=0), scene.size
            raise DocumentError(
                f"the person around {x:.0f},{y:.0f} lies outside the picture of {width}x{height}; "
                "give joints in pixels of the canvas"
            )

    @cached_property
    def skin(self) -> Skin:
        """The points that go along, and what binds them to the limbs."""
        return Skin(self.limbs, self.limbs.seeds(self._stride()))

    def expand(self, scene: Scene) -> Motion:
        """Tracks all over the limbs, a group for each of them and the trunk.

        Their depth is the person's own, and within half a unit of it tells which limb is in front.

        Raises:
            DocumentError: as `check`, or the file may not be read, or fits nothing.
            TracksError: the file is missing, broken or of something else.
        """
        self.check(scene)
        movement, during = self.movement(scene)
        posed = self.figure.pose(movement)
        points, owners = self.skin.moved(posed), self.skin.owners
        tracks = self.tracks(scene, points, during | self.persist)
        state = tracks.state
        if self.front is not None:
            behind = tracks.visible & self.limbs.hidden(posed, points, owners)
            state = np.where(behind, np.uint8(State.OCCLUDED), state)
        depth = np.repeat(self._depths()[owners][:, None], scene.frames, axis=1)
        whole = replace(tracks, state=state, depth=depth, group=self._groups()[owners])
        return Motion(tracks=whole.select(scene.inside(self.skin.points)))

    def movement(self, scene: Scene) -> tuple[Movement, Bool[np.ndarray, " frames"]]:
        """How the parts move, and in which frames.

        Raises:
            DocumentError: the file may not be read, or fits nothing.
            TracksError: the file is missing, broken or of something else.
        """
        if self.source is None:
            return self._keyed(scene), self.active(scene)
        poses = Poses.load(scene.find_file(self.source))
        length = (poses.frames - 1) / poses.fps
        end = self.start + length if self.end is None else self.end
        share = (scene.times - self.start) / max(end - self.start, INSTANT)
        positions = np.clip(self.curve()(share), 0, 1) * (poses.frames - 1)
        take = np.clip((scene.times - self.start) / max(self.ease_in, INSTANT), 0, 1)
        taken = take * take * (3 - 2 * take) if self.match == "take" else None
        movement = transfer(self.figure, poses, positions, take=taken, reach=self.reach)
        return movement, scene.during(self.start, end)

    def cell(self, scene: Scene) -> tuple[float, float]:
        """The grid's own cells."""
        return self._stride(), self._stride()

    def held(self, scene: Scene, motion: Motion) -> Tracks | None:
        """Its points with one depth for all: which limb is in front decides nothing else."""
        return self.held_in_one_depth(motion)

    def _keyed(self, scene: Scene) -> Movement:
        """The movement that the keys ask for: every part is turned with what carries it."""
        start, end = self.span(scene)
        keys, now = self.keys or (), start + (end - start) * self.progress(scene)
        times = key_times(keys, start, end)

        def eased(values: list[float | None]) -> Float64[np.ndarray, " frames"]:
            return keyed(0.0, values, keys, times, start)(now)

        turn: dict[str, Float64[np.ndarray, " frames"]] = {}
        for name, part in PARTS.items():
            own = np.radians(eased([key.angles.get(part.turn) for key in keys]))
            turn[name] = own if part.parent is None else turn[part.parent] + own
        root = [eased([key.move and key.move[axis] for key in keys]) for axis in range(2)]
        rigid = {name: np.ones(scene.frames) for name in PARTS}
        return Movement(turn, rigid, rigid, np.stack(root, axis=1))

    def _stride(self) -> float:
        return max(STRIDE * self.figure.size, 1.0) if self.stride is None else self.stride

    def _depths(self) -> np.ndarray:
        """The depth of each part that owns points."""
        ranks = np.array([self.limbs.rank[name] for name in self.limbs.owned], np.float32)
        relief = ranks / max(max(self.limbs.rank.values()), 1) - np.float32(0.5)
        return (np.float32(FAR if self.depth is None else self.depth) + relief).astype(np.float32)

    def _groups(self) -> np.ndarray:
        """The group of each part that owns points: a whole limb is one."""
        limbs = list(LIMBS)[::-1]  # the trunk first
        of = {part: limbs.index(limb) for limb, parts in LIMBS.items() for part in parts}
        return np.array([of[name] for name in self.limbs.owned], np.int32)

"""The camera: the picture is seen from a place that moves."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator
from scipy.spatial.transform import Rotation

from kineograph.core.errors import DocumentError
from kineograph.core.motion import Motion
from kineograph.gestures.base import Gesture, check_amount
from kineograph.gestures.filming.follow import Cursor
from kineograph.gestures.filming.moves import SHIFTS, TURNS, Movement, dolly_zoom, shift, zoom
from kineograph.gestures.filming.poses import Poses, read_poses
from kineograph.gestures.filming.stage import Stage
from kineograph.gestures.path import Path
from kineograph.gestures.scene import Scene, on_canvas
from kineograph.gestures.writing.model import LISTED, PLAIN, FileName, Point, Strict

Move = Literal[
    "orbit",
    "arc",
    "dolly",
    "truck",
    "pedestal",
    "pan",
    "tilt",
    "roll",
    "zoom",
    "dolly zoom",
    "follow",
    "keys",
    "path",
]
WITHOUT_DEPTH = ("pan", "tilt", "roll", "zoom")
"""Moves of a camera that stays in its place: they look the same at every depth."""

NEEDS = {"follow": "path", "keys": "keys", "path": "file"}
"""Moves that take no amount, and the field that they take."""

Plain = Annotated[float, PLAIN]
Triple = Annotated[tuple[Plain, Plain, Plain], LISTED]
Focus = Annotated[
    Annotated[Annotated[float, Field(gt=0), PLAIN], Tag("distance")]
    | Annotated[Point, Tag("point")],
    Discriminator(lambda value: "distance" if np.ndim(value) == 0 else "point"),
]


class CameraKey(Strict):
    """Where the camera is at one instant, seen from where it took the picture."""

    at: Annotated[float, Field(gt=0), PLAIN] | None = None
    """When it is there, in seconds after the gesture's start. Left out, the last key is at its end,
    and others are spread evenly."""
    position: Triple = (0.0, 0.0, 0.0)
    """How far it has gone: [right, down, forward], in the gesture's unit."""
    turn: Triple = (0.0, 0.0, 0.0)
    """How far it has turned, in degrees: [pan to the right, tilt up, roll clockwise]."""
    zoom: Annotated[float, Field(gt=0, le=1e3), PLAIN] = 1.0
    """What its focal length is multiplied by."""


class Camera(Gesture):
    """See the picture from a place that moves.

    Depth makes a cloud of points of the picture, and the moving camera projects it to tracks: an
    even grid of ungrouped ones with depth, occluded where they are hidden behind something nearer
    or outside the picture. (Motion Prompting, Geng et al. 2024, appendix A.6.) Several cameras in
    one document are one camera that makes all these moves; what other gestures move is moved in the
    world and seen through it.
    """

    file_fields = ("file",)

    kind: Literal["camera"] = "camera"
    """See the picture from a place that moves."""
    move: Move
    """How it moves. In degrees: `orbit` around what it looks at, to the right; `arc` over it,
    upwards; `pan` to the right, `tilt` up and `roll` clockwise on the spot. As a share of the
    distance of what it looks at: `dolly` forward, `truck` to the right, `pedestal` up,
    `dolly zoom` forward while zooming so that what it looks at keeps its size. `zoom` multiplies
    the focal length. `follow` keeps a point under a mouse path, `keys` goes through poses, `path`
    through those of a file."""
    amount: Annotated[float, Field(ge=-1e5, le=1e5), PLAIN] | None = None
    """How far, in degrees, shares or as a factor; negative is the other way."""
    focus: Focus | None = None
    """What it looks at: a point [x, y] of the picture, or a distance in the depth's unit. Left out,
    it is the median depth of the picture's middle, straight ahead."""
    unit: Literal["focus", "scene"] = "focus"
    """What lengths are told in: distances of the focus, or the depth's own unit (metres if it is
    metric)."""
    keys: Annotated[tuple[CameraKey, ...], Field(min_length=1)] | None = None
    """For `keys`: the poses in order of time. The picture's own is the first and not told."""
    path: Annotated[tuple[Point, ...], Field(min_length=2), LISTED] | None = None
    """For `follow`: the points [x, y], in canvas pixels, that the cursor passes."""
    point: Point | None = None
    """For `follow`: the point of the picture that is kept under the cursor, if that is not where
    the path begins; it then comes along at the same distance."""
    hold: Literal["plane", "sphere"] = "plane"
    """For `follow`: the camera stays in the plane of the picture and looks straight ahead, or stays
    on a sphere around the focus and looks at it."""
    file: FileName | None = None
    """For `path`: RealEstate10K or CameraCtrl text, JSON with a list of 4x4 world-to-camera
    matrices, or an `.npz` of cameras, relative to the document's folder. It is played over the
    whole time span."""
    scale: Annotated[float, Field(gt=0, le=1e6), PLAIN] = 1.0
    """For `path`: what the file's lengths are multiplied by; theirs is an arbitrary unit."""
    fov: Annotated[float, Field(gt=0, lt=180), PLAIN] | None = None
    """The field of view across the canvas in degrees. Left out, it is what the depth knows, or
    else 50."""
    K: Annotated[tuple[Triple, Triple, Triple], LISTED] | None = None
    """The lens as a 3x3 matrix of intrinsics in canvas pixels, in place of `fov`."""
    count: Annotated[int, Field(ge=1, le=1_000_000), PLAIN] = 1024
    """About how many tracks."""
    radius: Annotated[float, Field(ge=0, le=1e3), PLAIN] = 1.0
    """The neighbourhood, in pixels, in which the nearest surface hides those behind it."""
    threshold: Annotated[float, Field(ge=0, le=10), PLAIN] = 0.02
    """By what share of its depth a point may lie behind the nearest and still be seen."""
    compose: Literal["3d", "2d"] = "3d"
    """How what other gestures move is joined with this camera: in space, or as displacements in the
    picture, as in Motion Prompting, section 4.4; that is right for small motions only."""

    @model_validator(mode="before")
    @classmethod
    def _take_no_order(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("depth") is not None:
            raise ValueError(
                "has a depth; a camera has none, and the picture's depth is said once, in the "
                'document itself: "depth": "prior"'
            )
        return data

    @model_validator(mode="after")
    def _check_move(self) -> "Camera":
        needed = NEEDS.get(self.move, "amount")
        for name in ("amount", "keys", "path", "file"):
            given = getattr(self, name) is not None
            if name == needed and not given:
                raise ValueError(f"({self.move}) has no {name}; give it")
            if name != needed and given:
                raise ValueError(
                    f"({self.move}) has {name}, which is for other moves; leave it out"
                )
        if self.amount == (1 if self.move == "zoom" else 0):
            raise ValueError(
                f"({self.move}) by {self.amount:g} moves nothing; leave the camera out"
            )
        if self.move == "zoom" and (self.amount or 0) <= 0:
            raise ValueError(
                f"(zoom) by {self.amount:g}; give a factor above 0, 2 is twice as large"
            )
        if self.K is not None:
            _check_lens(self.K)
        return self

    def check(self, scene: Scene) -> None:
        """Check the time span, the focus, the keys, and that the cursor stays on the canvas.

        Raises:
            DocumentError: one is not as it should be.
        """
        super().check(scene)
        check_amount(self.count, scene, "give a smaller count")
        named = {"focus": self.focus, "point": self.point}
        for name, point in named.items():
            if isinstance(point, tuple) and not scene.inside(np.array([point]))[0]:
                raise DocumentError(_outside(f"the {name}", point, scene))
        if self.path is not None:
            fine = on_canvas(np.array(self.path, np.float64), scene)
            fine[0] &= scene.inside(np.array(self.path[:1], np.float64))[0]
            if not fine.all():
                number = int(np.argmin(fine))
                what = f"point {number + 1} of the cursor's path"
                raise DocumentError(_outside(what, self.path[number], scene))
        if self.keys is not None:
            self._poses_of_keys(scene)

    def expand(self, scene: Scene) -> Motion:
        """The tracks of this camera alone; a document joins all of its cameras.

        Raises:
            DocumentError: it cannot be done, or depth is needed and not there.
        """
        from kineograph.gestures.filming.shooting import film

        self.check(scene)
        return Motion(tracks=film([self], scene).background(self.count))

    def needs_depth(self, scene: Scene) -> bool:
        """Whether what is seen depends on how far away it is."""
        if self.move in ("keys", "path"):
            return self._poses(scene).travels
        return self.move not in WITHOUT_DEPTH

    def movement(self, scene: Scene, stage: Stage, before: Movement) -> Movement:
        """How it moves at each frame, from where the cameras before it have brought it.

        Raises:
            DocumentError: the move cannot be done.
        """
        begin = int(np.argmax(self.active(scene)))
        pivot = before.w2c[begin] @ np.append(stage.pivot(self.focus), 1.0)
        return self._made(scene, stage, before, pivot[:3])

    def _made(self, scene: Scene, stage: Stage, before: Movement, pivot: np.ndarray) -> Movement:
        done = self.progress(scene)
        unit = float(pivot[2]) if self.unit == "focus" else 1.0
        if self.move == "path":
            return self._poses(scene).at(done, self.scale * unit)
        if self.move == "keys":
            poses, (start, end) = self._poses(scene), self.span(scene)
            return poses.at(done * (end - start) / poses.times[-1], unit)
        if self.move == "follow":
            return self._followed(scene, stage, before, pivot)
        assert self.amount is not None
        if self.move == "zoom":
            return zoom(self.amount, done)
        if self.move in TURNS:
            return TURNS[self.move](self.amount * done, pivot)
        lengths = self.amount * done * unit
        if self.move == "dolly zoom":
            self._check_distance(float(lengths.max()), float(pivot[2]))
            return dolly_zoom(lengths, float(pivot[2]))
        return shift(SHIFTS[self.move], lengths)

    def _check_distance(self, length: float, distance: float) -> None:
        if length >= distance:
            raise DocumentError(
                f"a dolly zoom of {self.amount:g} goes through what it looks at, {distance:.4g} "
                "away; go less far, below 1 in distances of the focus"
            )

    def _followed(
        self, scene: Scene, stage: Stage, before: Movement, pivot: np.ndarray
    ) -> Movement:
        """The camera that keeps the chosen point under the cursor."""
        assert self.path is not None
        cursor = Path.through(np.array(self.path, np.float64)).at(self.progress(scene))
        chosen = self.path[0] if self.point is None else self.point
        cursor = cursor + np.array(chosen) - np.array(self.path[0])
        points = (before.w2c @ np.append(stage.at(chosen), 1.0))[:, :3]
        lens = np.repeat(stage.K[None], len(cursor), axis=0)
        lens[:, :2, :2] *= before.zoom[:, None, None]
        flat = np.concatenate([cursor, np.ones((len(cursor), 1))], axis=1)
        held = Cursor(points, np.linalg.solve(lens, flat[..., None])[..., 0], cursor)
        made = held.on_plane() if self.hold == "plane" else held.on_sphere(pivot)
        rest = scene.times < self.start - 1e-9
        made.w2c[rest] = np.eye(4)
        return made

    def _poses(self, scene: Scene) -> Poses:
        if self.keys is not None:
            return self._poses_of_keys(scene)
        assert self.file is not None
        return read_poses(scene.find_file(self.file))

    def _poses_of_keys(self, scene: Scene) -> Poses:
        """The keys as poses, the picture's own first.

        Raises:
            DocumentError: they are not in order, not in the time span, or all at rest.
        """
        assert self.keys is not None
        start, end = self.span(scene)
        times = self._key_times(end - start)
        turns = np.array([key.turn for key in self.keys])
        turned = Rotation.from_euler("YXZ", turns, degrees=True).as_matrix()
        poses = Poses(
            np.append(0.0, times),
            np.concatenate([np.eye(3)[None], turned]),
            np.concatenate([np.zeros((1, 3)), [key.position for key in self.keys]]),
            np.append(1.0, [key.zoom for key in self.keys]),
        )
        if not poses.travels and (turned == np.eye(3)).all() and (poses.zoom == 1).all():
            raise DocumentError("all keys are at the picture's own pose; move one, or leave it out")
        return poses

    def _key_times(self, length: float) -> np.ndarray:
        """Seconds after the start; those left out are spread evenly."""
        assert self.keys is not None
        times = np.array([np.nan if key.at is None else key.at for key in self.keys])
        if np.isnan(times[-1]):
            times[-1] = length
        known = np.append(True, ~np.isnan(times))
        all_times = np.append(0.0, times)
        index = np.arange(len(all_times))
        all_times = np.interp(index, index[known], all_times[known])
        if not (np.diff(all_times) > 0).all() or all_times[-1] > length + 1e-9:
            raise DocumentError(
                f"{len(times)} camera keys do not fit in {length:g} s in this order; give later "
                "instants within the time span, or a longer one"
            )
        return all_times[1:]


def _check_lens(K: tuple[Any, ...]) -> None:
    lens = np.array(K)
    if (lens[2] != (0, 0, 1)).any() or lens[1, 0] != 0 or (lens.diagonal() <= 0).any():
        raise ValueError(
            f"K is {lens.tolist()}; give fx, skew, cx; 0, fy, cy; 0, 0, 1 in canvas pixels"
        )


def _outside(what: str, point: tuple[float, float], scene: Scene) -> str:
    (x, y), (width, height) = point, scene.size
    return f"{what} at {x:g},{y:g} lies outside the picture of {width}x{height}; move it inside"

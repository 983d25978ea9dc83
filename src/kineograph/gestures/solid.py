"""The solid: a simple body laid over a thing in the picture, which is turned and moved with it."""

from dataclasses import replace
from math import radians, tan

import numpy as np
from jaxtyping import Float64

from kineograph.core.errors import DocumentError
from kineograph.core.motion import Motion
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.base import check_amount
from kineograph.gestures.keying import key_times, keyed
from kineograph.gestures.scene import Scene
from kineograph.gestures.solids.fields import ANGLES, SolidFields
from kineograph.gestures.solids.turning import Lens, Placement, axis_angle, posture

COVER = 1000
"""Without a stride, about so many tracks cover the solid."""

FAR = 10_000.0
"""The depth around which a solid lies that was given none; behind whatever has one."""


class Solid(SolidFields):
    """Lay a simple body over a thing in the picture, and turn, move and scale it.

    Tracks cover all of its surface; those on the side away from the viewer are occluded. It is
    turned by a cursor path, about the single axis and by the angle that take the point pressed to
    where the cursor is (Motion Prompting, Geng et al. 2024, section 4.2 and appendix A.5), or by
    angles at keys. Keys also move and scale it, in both cases.
    """

    def check(self, scene: Scene) -> None:
        """Check the time span, that the solid is on the picture, and that the cursor presses it.

        Raises:
            DocumentError: one is not so, or the perspective is too strong.
        """
        super().check(scene)
        if self.active(scene).sum() < 2:
            raise DocumentError(
                "the time span holds only 1 frame of the clip; a solid needs 2 or more to move"
            )
        check_amount(self.body.area / self._stride() ** 2, scene, "give a larger stride")
        self._check_keys(scene)
        placement = self.placement(scene)
        if placement.scale.max() * self.body.reach >= 0.99 * placement.lens.focal:
            raise DocumentError(
                f"the {self.shape} reaches the viewer, who is {placement.lens.focal:.0f} px in "
                f"front of it with a fov of {self.fov:g}; give a smaller fov"
            )
        self._check_seen(scene)

    def _check_keys(self, scene: Scene) -> None:
        """Check that keys are in the time span, and on the canvas unless they may leave it."""
        key_times(self.keys or (), *self.span(scene))
        width, height = scene.size
        for number, key in enumerate(self.keys or (), start=1):
            if key.centre is None or self.leave:
                continue
            x, y = key.centre
            if not (0 <= x <= width and 0 <= y <= height):
                raise DocumentError(
                    f"key {number} puts the centre at {x:g},{y:g}, outside the picture of "
                    f"{width}x{height}; move it inside, or allow it with leave"
                )

    def _check_seen(self, scene: Scene) -> None:
        """Check that some of its front is on the picture where it stands at the start."""
        points, normals = self.body.sample(self._stride())
        start = self._at_start(scene)
        front = start.facing(points, normals)[:, 0]
        (x, y), (width, height) = start.centre[0], scene.size
        if not front.any():
            raise DocumentError(
                f"the {self.shape} at {x:g},{y:g} shows only its back at the start; turn its front "
                "to the viewer with yaw, pitch and roll"
            )
        if not scene.inside(start.project(points[front])[:, 0]).any():
            raise DocumentError(
                f"the {self.shape} at {x:g},{y:g}, which reaches {self.body.reach:.4g} px from "
                f"there, lies outside the picture of {width}x{height}; move it inside"
            )

    def placement(self, scene: Scene) -> Placement:
        """How it stands and where it is at each frame of the clip.

        Raises:
            DocumentError: the cursor does not press it.
        """
        start, end = self.span(scene)
        progress = self.progress(scene)
        moved = self._moved(scene, start + (end - start) * progress)
        if self.path is None:
            return moved
        turn = self._turn(self._cursor().at(progress), moved, scene)
        return replace(moved, rotation=turn @ moved.rotation)

    def expand(self, scene: Scene) -> Motion:
        """Tracks on all of the surface; the far side is occluded; one group.

        Their depth is the solid's own, and within half a unit of it tells near parts from far ones.

        Raises:
            DocumentError: as `check`.
        """
        self.check(scene)
        points, normals = self.body.sample(self._stride())
        placement = self.placement(scene)
        tracks = self.tracks(scene, placement.project(points), self.active(scene) | self.persist)
        hidden = tracks.visible & ~placement.facing(points, normals)
        relief = placement.offsets(points)[..., 2] / (2 * self.body.reach * placement.scale)
        depth = (FAR if self.depth is None else self.depth) + relief
        return Motion(
            tracks=replace(
                tracks,
                state=np.where(hidden, np.uint8(State.OCCLUDED), tracks.state),
                depth=depth.astype(np.float32),
            )
        )

    def cell(self, scene: Scene) -> tuple[float, float]:
        """Patches of a stride."""
        return self._stride(), self._stride()

    def held(self, scene: Scene, motion: Motion) -> Tracks | None:
        """Its points with one depth for all: their relief does not decide over other gestures."""
        return self.held_in_one_depth(motion)

    def _stride(self) -> float:
        return float(np.sqrt(self.body.area / COVER)) if self.stride is None else self.stride

    def _lens(self, scene: Scene) -> Lens:
        middle = np.array(scene.size, dtype=np.float64) / 2
        if self.fov is None:
            return Lens(middle)
        return Lens(middle, middle[0] / tan(radians(self.fov) / 2))

    def _at_start(self, scene: Scene) -> Placement:
        """How it stands where it begins, as one frame."""
        return self._moved(scene, np.array([self.start], dtype=np.float64))

    def _moved(self, scene: Scene, now: Float64[np.ndarray, " frames"]) -> Placement:
        """How it stands at instants, before the cursor turns it."""
        x, y, yaw, pitch, roll, scale = self._keyed(scene, now)
        return Placement(
            posture(yaw, pitch, roll), np.stack([x, y], axis=1), scale, self._lens(scene)
        )

    def _keyed(
        self, scene: Scene, now: Float64[np.ndarray, " frames"]
    ) -> list[Float64[np.ndarray, " frames"]]:
        """x, y, yaw, pitch, roll and scale at instants."""
        keys, (start, end) = self.keys or (), self.span(scene)
        times = key_times(keys, start, end)
        given: list[tuple[float, list[float | None]]] = [
            (own, [key.centre and key.centre[i] for key in keys])
            for i, own in enumerate(self.centre)
        ]
        given += [(getattr(self, name), [getattr(key, name) for key in keys]) for name in ANGLES]
        given += [(1.0, [key.scale for key in keys])]
        return [keyed(own, values, keys, times, start)(now) for own, values in given]

    def _turn(
        self, cursor: Float64[np.ndarray, "frames 2"], moved: Placement, scene: Scene
    ) -> Float64[np.ndarray, "frames 3 3"]:
        """The rotation that keeps the point pressed under the cursor, at each frame."""
        assert self.path is not None
        start, press = self._at_start(scene), np.array(self.path[:1], dtype=np.float64)
        origin, direction = start.lens.ray(press[0], start.centre[0])
        back = start.rotation[0].T / start.scale[0]
        far = self.body.hit(back @ origin, back @ direction)
        if far is None:
            (x, y), (cx, cy) = self.path[0], start.centre[0]
            raise DocumentError(
                f"the cursor presses at {x:g},{y:g}, beside the {self.shape} at {cx:g},{cy:g}; "
                "begin the path on it"
            )
        held = origin + far * direction
        if self.shape == "plane":  # its points lie in one plane with the centre: a ball around it
            radius, behind = self.body.reach, False
        else:
            radius, behind = float(np.linalg.norm(held) / start.scale[0]), held @ direction > 0
        first = start.lens.lift(press, start.centre, radius * start.scale, behind=bool(behind))[0]
        ends = moved.lens.lift(cursor, moved.centre, radius * moved.scale, behind=bool(behind))
        return axis_angle(first, ends)

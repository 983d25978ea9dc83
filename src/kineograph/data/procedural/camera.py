"""The camera of a world: it goes sideways and forwards, zooms and rolls, with exact parallax."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from kineograph.core.cameras import Cameras, intrinsics
from kineograph.core.timing import Curve
from kineograph.data.procedural.chance import between, either, signed

VIEW = 50.0
"""Degrees that the lens sees across the picture at frame 0."""

FAR = 10.0
"""How deep the background lies; nearer things move more by FAR / depth."""

EASINGS = ("linear", "ease-in-out", "ease-out", "ease-in")
"""How moves begin and end."""


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera that looks along z at sheets which face it, so every view is affine and exact.

    Convention: OpenCV axes (x right, y down, z forward); the camera of frame 0 stands at the
    origin. `truck` and `dolly` are in the unit of depths, `roll` in radians, positive clockwise
    as the camera turns (the picture then turns the other way), `zoom` a factor of the lens.
    """

    size: tuple[int, int]
    truck: Float64[np.ndarray, "frames 2"]
    dolly: Float64[np.ndarray, " frames"]
    zoom: Float64[np.ndarray, " frames"]
    roll: Float64[np.ndarray, " frames"]

    @classmethod
    def still(cls, size: tuple[int, int], frames: int) -> "Camera":
        """A camera that does nothing."""
        none = np.zeros(frames)
        return cls(size, np.zeros((frames, 2)), none, np.ones(frames), none)

    @property
    def frames(self) -> int:
        """How many frames it takes."""
        return len(self.truck)

    @property
    def focal(self) -> float:
        """Pixels of the lens at frame 0."""
        return float(intrinsics(VIEW, self.size)[0, 0])

    def view(self, depth: float | int) -> Float64[np.ndarray, "frames 2 3"]:
        """Affine maps from stage points at this depth (raster pixels of frame 0) to each frame."""
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)
        turn = turn * (self.zoom * depth / (depth - self.dolly))[:, None, None]
        middle = np.array(self.size) / 2
        origin = middle + self.truck * (self.focal / depth)
        shift = middle - (turn @ origin[:, :, None])[:, :, 0]
        return np.concatenate([turn, shift[:, :, None]], axis=-1)

    def cameras(self, fps: float | int) -> Cameras:
        """The same as K and w2c, which project a world point to where the picture shows it."""
        K = np.repeat(intrinsics(VIEW, self.size)[None], self.frames, axis=0)
        K[:, [0, 1], [0, 1]] *= self.zoom[:, None]
        w2c = np.repeat(np.eye(4)[None], self.frames, axis=0)
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        w2c[:, 0, 0], w2c[:, 0, 1], w2c[:, 1, 0], w2c[:, 1, 1] = cos, sin, -sin, cos
        centre = np.concatenate([self.truck, self.dolly[:, None]], axis=-1)
        w2c[:, :3, 3] = -(w2c[:, :3, :3] @ centre[:, :, None])[:, :, 0]
        return Cameras.of(K, w2c, size=self.size, fps=fps)


CAMERA_MOVES: Mapping[str, tuple[str, int | None]] = {
    "pan": ("pan", None),
    "zoom": ("zoom", None),
    "dolly": ("dolly", None),
    "roll": ("roll", None),
    "pan right": ("pan", 0),
    "pan down": ("pan", 1),
    "pan left": ("pan", 2),
    "pan up": ("pan", 3),
    "zoom in": ("zoom", 1),
    "zoom out": ("zoom", -1),
    "dolly in": ("dolly", 1),
    "dolly out": ("dolly", -1),
    "roll clockwise": ("roll", 1),
    "roll counterclockwise": ("roll", -1),
}
"""What a camera does on purpose: a kind, and its way (a quarter turn or a sign; None draws it)."""

EVENLY = {"pan": 1.0, "zoom": 1.0, "dolly": 1.0, "roll": 1.0}
"""How often each of `CAMERA_MOVES` is drawn, if nothing is said."""

BY_HAND = 0.15
"""How often a camera is held by hand."""


def draw_camera(
    rng: np.random.Generator,
    size: tuple[int, int],
    frames: int,
    *,
    moving: bool,
    moves: Mapping[str, float] = EVENLY,
) -> Camera:
    """A camera that does one or two things, or nothing, and perhaps is held by hand.

    Args:
        rng: the randomness.
        size: (width, height) of the picture.
        frames: how many.
        moving: whether it moves on purpose.
        moves: how often each of `CAMERA_MOVES` is drawn, in any unit.
    """
    time = np.linspace(0, 1, frames)
    unit = min(size) * FAR / float(intrinsics(VIEW, size)[0, 0])  # the shorter side at the back
    truck, dolly, zoom, roll = (
        np.zeros((frames, 2)),
        np.zeros(frames),
        np.ones(frames),
        np.zeros(frames),
    )
    count = int(rng.choice([1, 1, 2])) if moving else 0
    for kind, way in _drawn(rng, moves)[:count]:
        eased = Curve.named(either(rng, EASINGS))(time)
        if kind == "pan":
            quarter = either(rng, range(4))
            angle = (quarter if way is None else way) * np.pi / 2 + rng.normal(0, 0.2)
            far = between(rng, 0.05, 0.28) * unit
            truck = truck + eased[:, None] * far * np.array([np.cos(angle), np.sin(angle)])
        elif kind == "zoom":
            zoom = zoom * np.exp(eased * _turned(signed(rng, 0.12, 0.4), way))
        elif kind == "dolly":
            far = _turned(either(rng, (1, -1)), way) * between(rng, 0.08, 0.25)
            dolly = dolly + eased * FAR * far
        else:
            roll = roll + eased * np.radians(_turned(signed(rng, 5, 25), way))
    if rng.random() < BY_HAND:
        truck = truck + shake(rng, frames) * unit * between(rng, 0.003, 0.012)
    return Camera(size, truck, dolly, zoom, roll)


def _drawn(rng: np.random.Generator, moves: Mapping[str, float]) -> list[tuple[str, int | None]]:
    """Moves in the order in which they are drawn, one of each kind."""
    names = [name for name, often in moves.items() if often > 0]
    weights = np.array([moves[name] for name in names])
    if np.all(weights == weights[0]):
        order = rng.permutation(names)
    else:
        order = rng.choice(names, len(names), replace=False, p=weights / weights.sum())
    found: dict[str, int | None] = {}
    for name in order:
        found.setdefault(*CAMERA_MOVES[str(name)])
    return list(found.items())


def _turned(amount: float | int, way: int | None) -> float:
    """An amount with the sign of a way, if there is one."""
    return float(amount if way is None else abs(amount) * way)


def shake(rng: np.random.Generator, frames: int) -> Float64[np.ndarray, "frames 2"]:
    """The sway of a hand, 0 at frame 0, about 1 in size."""
    time = np.arange(frames)[:, None] / 16
    sway = np.zeros((frames, 2))
    for k in (1, 2, 3):
        sway += rng.normal(0, 0.6, 2) / k * np.sin(2 * np.pi * (k * 1.3 * time + rng.random(2)))
    return sway - sway[0]

"""What tracks are made of: their arrays, checked. What can be done with them is in tracks.py."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8

from kineograph.core import checks
from kineograph.core.errors import TracksError
from kineograph.core.state import State

Made = TypeVar("Made", bound="TrackFields")


@dataclass(frozen=True, eq=False, repr=False)
class TrackFields:
    """The arrays of `Tracks`: N points followed through T frames.

    Convention: (x, y) in raster pixels of a picture of `size`; it spans [0, W] x [0, H] and the
    centre of the top-left pixel is (0.5, 0.5). Frame i is at i / fps seconds. `of` makes
    tracks from looser arrays.

    Args:
        points: (N, T, 2) positions, finite everywhere; where the state is unspecified they mean
            nothing.
        state: (N, T) values of `State`: 0 unspecified, 1 visible, 2 occluded.
        size: (width, height) of the picture in pixels.
        fps: frames a second.
        group: (N,) which tracks move as one thing, or None.
        depth: (N, T) order in depth, smaller is nearer, infinity farthest; or None.
        strength: (N,) how firmly each track is meant, 0 to 1; or None.

    Raises:
        TracksError: a type, a shape or a value is not as said above.
    """

    points: Float32[np.ndarray, "tracks frames 2"]
    state: UInt8[np.ndarray, "tracks frames"]
    size: tuple[int, int]
    fps: float
    group: Int32[np.ndarray, " tracks"] | None = None
    depth: Float32[np.ndarray, "tracks frames"] | None = None
    strength: Float32[np.ndarray, " tracks"] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checks.checked_size(self.size))
        object.__setattr__(self, "fps", checks.checked_fps(self.fps))
        checks.check_array("points", self.points, np.float32, (None, None, 2))
        count, frames, _ = self.points.shape
        if frames == 0:
            raise TracksError("tracks of 0 frames were given; give at least 1 frame")
        checks.check_array("state", self.state, np.uint8, (count, frames))
        checks.check_finite("points", self.points)
        checks.check_state("state", self.state)
        if self.group is not None:
            checks.check_array("group", self.group, np.int32, (count,))
        if self.depth is not None:
            checks.check_array("depth", self.depth, np.float32, (count, frames))
            checks.check_depth("depth", self.depth)
        if self.strength is not None:
            checks.check_array("strength", self.strength, np.float32, (count,))
            if not np.all((self.strength >= 0) & (self.strength <= 1)):
                raise TracksError("strength holds a value outside 0..1; give 0 to 1")

    @classmethod
    def of(
        cls: type[Made],
        points: Any,
        state: Any = None,
        *,
        size: Iterable[Any],
        fps: float | int,
        group: Any = None,
        depth: Any = None,
        strength: Any = None,
    ) -> Made:
        """Tracks from looser arrays.

        Convention: raster pixels, as in the class.

        Args:
            points: (N, T, 2) numbers; a NaN makes that entry unspecified.
            state: (N, T) states; or booleans, visible or occluded; or None, visible throughout.
            size: (width, height).
            fps: frames a second.
            group: (N,) whole numbers, or one for all.
            depth: (N, T), (N, 1) or one for all.
            strength: (N,) or one for all.

        Raises:
            TracksError: something does not fit, or a position is infinite.
        """
        given = np.asarray(points, dtype=np.float64)
        if given.ndim != 3 or given.shape[2] != 2:
            raise TracksError(f"points is {given.shape}; it has to be (tracks, frames, 2)")
        count, frames, _ = given.shape
        states = checks.as_state(state, (count, frames))
        checks.check_array("state", states, np.uint8, (count, frames))
        unknown = np.asarray(np.isnan(given).any(axis=2))
        return cls(
            points=np.where(unknown[..., None], 0.0, given).astype(np.float32),
            state=np.where(unknown, np.uint8(State.UNSPECIFIED), states),
            size=checks.checked_size(size),
            fps=checks.checked_fps(fps),
            group=checks.as_group(group, count),
            depth=_filled("depth", depth, (count, frames)),
            strength=_filled("strength", strength, (count,)),
        )

    def __repr__(self) -> str:
        w, h = self.size
        return (
            f"{type(self).__name__}({self.count} tracks, {self.frames} frames of {w}x{h} at "
            f"{self.fps:g} fps)"
        )

    @property
    def count(self) -> int:
        """The number of tracks."""
        return self.points.shape[0]

    @property
    def frames(self) -> int:
        """The number of frames."""
        return self.points.shape[1]

    @property
    def visible(self) -> Bool[np.ndarray, "tracks frames"]:
        """Where a point can be seen."""
        return self.state == State.VISIBLE

    @property
    def specified(self) -> Bool[np.ndarray, "tracks frames"]:
        """Where a point's position is known, seen or hidden."""
        return self.state != State.UNSPECIFIED


def _filled(name: str, values: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Optional float32 values repeated to a shape."""
    return None if values is None else checks.as_filled(name, values, np.float32, shape)

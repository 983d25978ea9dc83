"""Tracks: points followed through time, with what is known of each at every frame."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from kineograph.core import checks, npz, resampling
from kineograph.core.errors import TracksError
from kineograph.core.points import scale
from kineograph.core.state import State
from kineograph.core.track_fields import TrackFields

NO_GROUP = -1
"""The group of a track that belongs to none, when others beside it have one."""


@dataclass(frozen=True, eq=False, repr=False)
class Tracks(TrackFields):
    """N points followed through T frames, and what can be done with them.

    Fields (see `TrackFields`, which checks them): `points` (N, T, 2) in raster pixels, `state`
    (N, T), `size` (width, height), `fps`, and optionally `group` (N,), `depth` (N, T) and
    `strength` (N,). `Tracks.of` makes tracks from looser arrays. Every operation gives new tracks
    and leaves these as they are.
    """

    # space

    def resize(self, size: Iterable[int]) -> "Tracks":
        """The same motion on a picture resized to `size` (width, height).

        Raises:
            TracksError: `size` is not two positive whole numbers.
        """
        new_size = checks.checked_size(size)
        return replace(self, points=scale(self.points, self.size, new_size), size=new_size)

    def crop(self, box: Iterable[float | int]) -> "Tracks":
        """The motion on the part x0, y0, x1, y1 of the picture; what leaves it becomes occluded.

        Raises:
            TracksError: the box is not a part of the picture in whole pixels.
        """
        corner, new_size = checks.checked_crop(box, self.size)
        moved = self.points - np.array(corner, np.float32)
        return replace(self, points=moved, size=new_size).hide_outside()

    def pad(self, left: int, top: int, right: int, bottom: int) -> "Tracks":
        """The motion on a picture grown by that many pixels at each side.

        Raises:
            TracksError: a number is negative.
        """
        if min(left, top, right, bottom) < 0:
            raise TracksError(
                f"padding by {left}, {top}, {right}, {bottom} was asked for; give 0 or more at "
                "each side, or use crop()"
            )
        new_size = (self.size[0] + left + right, self.size[1] + top + bottom)
        return replace(self, points=self.points + np.array([left, top], np.float32), size=new_size)

    def hide_outside(self) -> "Tracks":
        """Visible points outside [0, W) x [0, H) become occluded."""
        inside = ((self.points >= 0) & (self.points < np.array(self.size))).all(axis=2)
        state = np.where(self.visible & ~inside, np.uint8(State.OCCLUDED), self.state)
        return replace(self, state=state)

    # time

    def resample(self, frames: int | None = None, fps: float | int | None = None) -> "Tracks":
        """The same motion at other instants; frame i is at i / fps seconds before and after.

        Positions and depths are linear between frames. Between two frames the state is the more
        cautious one: unspecified if one is, else occluded if one is. Beyond the last frame the
        tracks are unspecified. Without `fps` only the length changes; without `frames` the new
        clip ends with the old one.

        Raises:
            TracksError: `frames` or `fps` is not positive.
        """
        instants, _, new_fps = resampling.Instants.of(self.frames, self.fps, frames, fps)
        state = instants.states(self.state)
        points = np.where((state == State.UNSPECIFIED)[..., None], 0, instants.values(self.points))
        depth = None if self.depth is None else instants.values(self.depth)
        return replace(
            self, points=points.astype(np.float32), state=state, depth=depth, fps=new_fps
        )

    def interpolate_gaps(self, max_gap: int | None = None, *, hidden: bool = False) -> "Tracks":
        """Positions filled linearly where a track is unspecified between two specified frames.

        Visibility is never invented: the filled entries stay unspecified, or become occluded
        (the point is there, nobody sees it) if `hidden` says so.

        Args:
            max_gap: the longest gap to fill, in frames; None fills every gap.
            hidden: mark what was filled as occluded.
        """
        points, filled = resampling.fill_gaps(self.points, self.specified, max_gap)
        state = np.where(filled, np.uint8(State.OCCLUDED), self.state) if hidden else self.state
        return replace(self, points=points, state=state)

    # choice

    def select(
        self,
        which: Bool[np.ndarray, " tracks"] | Int[np.ndarray, " chosen"] | Sequence[int],
    ) -> "Tracks":
        """The tracks where a mask is true, or those with the given indices, in their order.

        Raises:
            TracksError: the mask has another length, or an index does not exist.
        """
        which = np.asarray(which) if len(which) else np.zeros(0, np.int64)
        if which.dtype.kind not in "biu" or which.ndim != 1:
            raise TracksError(
                f"tracks were chosen by {which.dtype} {which.shape}; give a mask or a list of "
                "whole numbers"
            )
        if which.dtype == bool and which.shape != (self.count,):
            raise TracksError(f"a mask of {which.size} was given for {self.count} tracks")
        if (
            which.dtype != bool
            and which.size
            and not (0 <= which.min() <= which.max() < self.count)
        ):
            raise TracksError(
                f"track {which.max() if which.min() >= 0 else which.min()} was asked for; there "
                f"are tracks 0 to {self.count - 1}"
            )
        return replace(
            self,
            points=self.points[which],
            state=self.state[which],
            group=None if self.group is None else self.group[which],
            depth=None if self.depth is None else self.depth[which],
            strength=None if self.strength is None else self.strength[which],
        )

    def subsample(self, count: int, rng: Any) -> "Tracks":
        """`count` tracks drawn without replacement, in their order.

        Args:
            count: how many.
            rng: a numpy Generator.

        Raises:
            TracksError: there are not so many, or `rng` is something else.
        """
        if not isinstance(rng, np.random.Generator):
            raise TracksError(
                f"the randomness {rng!r} was given; a numpy Generator is needed, such as "
                "numpy.random.default_rng(0)"
            )
        if not 0 <= count <= self.count:
            raise TracksError(f"{count} tracks were asked for; there are {self.count}")
        return self.select(np.sort(rng.choice(self.count, count, replace=False)))

    def filter(self, *, min_visible: int = 0, min_motion: float | int = 0.0) -> "Tracks":
        """The tracks visible for at least so many frames that move at least so many pixels.

        A track's motion is its largest distance from its first specified position.
        """
        motion = np.linalg.norm(self.displacements(), axis=2).max(axis=1)
        return self.select((self.visible.sum(axis=1) >= min_visible) & (motion >= min_motion))

    def with_group(self, group: Any) -> "Tracks":
        """The same tracks with a group id for all, or (N,) of them.

        Raises:
            TracksError: an id is not a whole number, or there are too many or too few.
        """
        return replace(self, group=checks.as_group(group, self.count))

    # composition

    def merge(*tracks: "Tracks") -> "Tracks":
        """All tracks of several, in order: `Tracks.merge(a, b, ...)` or `a.merge(b, ...)`.

        Where only some have a group, a depth or a strength, the others get the group -1, an
        infinite depth (farthest) and full strength.

        Raises:
            TracksError: nothing was given, or frames, sizes or fps differ.
        """
        if not tracks:
            raise TracksError("no tracks to merge were given; give at least one")
        checks.check_alike("the tracks to merge", tracks)
        return replace(
            tracks[0],
            points=np.concatenate([item.points for item in tracks]),
            state=np.concatenate([item.state for item in tracks]),
            group=checks.joined(tracks, "group", np.int32(NO_GROUP)),
            depth=checks.joined(tracks, "depth", np.float32(np.inf)),
            strength=checks.joined(tracks, "strength", np.float32(1)),
        )

    def displacements(self) -> Float32[np.ndarray, "tracks frames 2"]:
        """How far each point is from its track's first specified position; 0 where unspecified."""
        first = self.specified.argmax(axis=1)
        origin = self.points[np.arange(self.count), first][:, None]
        return np.where(self.specified[..., None], self.points - origin, np.float32(0))

    def add_displacements(self, displacements: Float[np.ndarray, "tracks frames 2"]) -> "Tracks":
        """The tracks with a displacement in pixels added at each frame; states stay.

        Raises:
            TracksError: there is not one for each track and frame, or one is not finite.
        """
        if displacements.shape != self.points.shape:
            raise TracksError(
                f"displacements are {displacements.shape}; they have to be {self.points.shape}"
            )
        checks.check_finite("displacements", displacements)
        return replace(self, points=(self.points + displacements).astype(np.float32))

    def compose(self, moving: "Tracks") -> "Tracks":
        """Object motion on top of these (camera) tracks of the same points, as displacement.

        p = base + (moving - moving at its first specified frame), Motion Prompting (Geng et al.
        2024) section 4.4: a 2D approximation that fails for extreme camera motion. Visible where
        both are, unspecified where one is, else occluded. Group, depth and strength are those of
        `moving` where it has them.

        Raises:
            TracksError: numbers of tracks, frames, sizes or fps differ.
        """
        checks.check_alike("the tracks to compose", (self, moving))
        if self.count != moving.count:
            raise TracksError(
                f"{self.count} tracks were to be composed with {moving.count}; give one moving "
                "track for each"
            )
        return replace(
            self.add_displacements(moving.displacements()),
            state=resampling.cautious(self.state, moving.state),
            group=self.group if moving.group is None else moving.group,
            depth=self.depth if moving.depth is None else moving.depth,
            strength=self.strength if moving.strength is None else moving.strength,
        )

    # disk

    def save(self, path: Path | str) -> None:
        """Write the tracks to a `.npz` file of plain arrays, named as the fields, and `version`.

        Raises:
            OutputError: the name does not end in `.npz`, or it cannot be written.
        """
        npz.save_arrays(
            Path(path),
            {
                "points": self.points,
                "state": self.state,
                "size": np.array(self.size, np.int64),
                "fps": np.float64(self.fps),
                "group": self.group,
                "depth": self.depth,
                "strength": self.strength,
            },
        )

    @classmethod
    def load(cls, path: Path | str) -> "Tracks":
        """Read what `save` wrote; pickles are never loaded.

        Raises:
            TracksError: the file is missing, broken, of a newer version or of something else.
        """
        held = npz.load_arrays(
            Path(path), "tracks", ("points", "state", "size", "fps"), ("group", "depth", "strength")
        )
        with npz.reading(path):
            return cls.of(**held)

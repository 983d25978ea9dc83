"""Tracks from a file, fitted to the canvas and the clip."""

from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float64

from kineograph.core.motion import Motion
from kineograph.core.resampling import ON_A_FRAME, cautious
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.base import Gesture, check_amount
from kineograph.gestures.scene import INSTANT, Scene
from kineograph.gestures.writing.model import FileName


class TracksFile(Gesture):
    """Tracks out of a `.npz` file, stretched over the canvas and resampled to the clip's frames.

    Without an end they are played at their own speed, from the start on; with one they are made
    faster or slower to fit the time span.
    """

    file_fields = ("path",)

    kind: Literal["tracks"] = "tracks"
    """Tracks out of a file."""
    path: FileName
    """The `.npz` file of tracks, relative to the document's folder, with forward slashes."""

    def expand(self, scene: Scene) -> Motion:
        """The file's tracks on this canvas and in this clip; groups and depths are the file's own.

        A depth of the gesture takes the place of the file's, and its strength multiplies theirs.

        Raises:
            DocumentError: the time span is not in the clip, or the file may not be read.
            TracksError: the file is missing, broken or of something else.
        """
        self.check(scene)
        held = Tracks.load(scene.find_file(self.path))
        check_amount(held.count, scene, "give a file with fewer")
        fitted = at_positions(held.resize(scene.size), self._positions(held, scene), scene)
        if self.depth is not None:
            fitted = replace(fitted, depth=np.full(fitted.state.shape, self.depth, np.float32))
        if self.strength != 1:
            own = np.float32(1) if held.strength is None else held.strength
            strength = np.full(held.count, own * np.float32(self.strength), np.float32)
            fitted = replace(fitted, strength=strength)
        return Motion(tracks=fitted.hide_outside())

    def _positions(self, held: Tracks, scene: Scene) -> Float64[np.ndarray, " frames"]:
        """Which of the file's frames, counted from 0, is due at each of the clip's; NaN if none."""
        length = (held.frames - 1) / held.fps
        end = self.start + length if self.end is None else self.end
        share = (scene.times - self.start) / max(end - self.start, INSTANT)
        positions = self.curve()(share) * (held.frames - 1)
        return np.where(scene.during(self.start, end), positions, np.nan)


def at_positions(tracks: Tracks, positions: Float64[np.ndarray, " frames"], scene: Scene) -> Tracks:
    """Tracks at frames that may lie between their own; unspecified where the position is NaN."""
    known = ~np.isnan(positions)
    position = np.where(known, positions, 0.0)
    near = np.abs(position - np.round(position)) < ON_A_FRAME
    position = np.where(near, np.round(position), position)
    before, after = np.floor(position).astype(int), np.ceil(position).astype(int)
    weight = (position - before).astype(np.float32)
    state = cautious(tracks.state[:, before], tracks.state[:, after])
    state[:, ~known] = State.UNSPECIFIED
    points = _between(tracks.points, before, after, weight[:, None])
    depth = None if tracks.depth is None else _between(tracks.depth, before, after, weight)
    points = np.where((state == State.UNSPECIFIED)[..., None], np.float32(0), points)
    return replace(tracks, points=points, state=state, depth=depth, fps=float(scene.fps))


def _between(
    values: np.ndarray, before: np.ndarray, after: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Values between two frames, linearly; exactly those of a frame where they are alike."""
    first, second = values[:, before], values[:, after]
    with np.errstate(invalid="ignore"):  # an infinite depth times a weight of nothing
        return np.where(first == second, first, first * (1 - weight) + second * weight)

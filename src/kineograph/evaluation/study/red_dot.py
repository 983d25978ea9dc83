"""The wanted motion as a video: a red dot that moves over the picture, with the path behind it."""

import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.core.errors import StudyError
from kineograph.core.picture import fit
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.evaluation.study.media import Frames
from kineograph.render.drawing import Drawing, to_fixed

RED, WHITE = (235, 28, 36), (255, 255, 255)
RADIUS = 0.03
"""Of the dot, as a part of the picture's shorter side."""
MOST = 12
"""Dots in one video; of more tracks, some are drawn."""
BACKDROP = 118
"""Grey, where there is no picture."""


def red_dots(tracks: Tracks, picture: UInt8[np.ndarray, "_ _ 3"] | None = None) -> Frames:
    """(T, H, W, 3): dots along tracks, one for each group of them.

    Args:
        tracks: in raster pixels, of the wanted size and length.
        picture: what they move over, paled; grey if None.

    Raises:
        StudyError: no track is ever visible.
    """
    chosen = chosen_tracks(tracks)
    width, height = tracks.size
    ground = np.full((height, width, 3), BACKDROP, np.uint8)
    if picture is not None:
        pale = 0.55 * fit(picture, tracks.size).astype(np.float32) + 0.45 * BACKDROP
        ground = pale.astype(np.uint8)
    return np.stack([_drawn(ground, chosen, frame) for frame in range(tracks.frames)])


def chosen_tracks(tracks: Tracks) -> Tracks:
    """One track for each group, the one in its middle; without groups all, at most `MOST`.

    Raises:
        StudyError: no track is ever visible.
    """
    seen = np.flatnonzero(tracks.visible.any(axis=1))
    if not len(seen):
        raise StudyError("the wanted motion has no visible track; give one that moves")
    if tracks.group is None:
        kept = seen
    else:
        groups = tracks.group[seen]
        kept = np.array([_middle(tracks, seen[groups == group]) for group in np.unique(groups)])
    if len(kept) > MOST:
        kept = kept[np.linspace(0, len(kept) - 1, MOST).round().astype(int)]
    return tracks.select(kept)


def _middle(tracks: Tracks, items: np.ndarray) -> int:
    starts = tracks.points[items, 0]
    return int(items[np.argmin(np.linalg.norm(starts - starts.mean(axis=0), axis=1))])


def _drawn(
    ground: UInt8[np.ndarray, "_ _ 3"], tracks: Tracks, frame: int
) -> UInt8[np.ndarray, "_ _ 3"]:
    drawing = Drawing(tracks.size)
    side = min(tracks.size)
    width = max(1, round(0.008 * side))
    for track in range(tracks.count):
        drawing.lines(
            [to_fixed(part) for part in _parts(tracks, track, frame)], RED, width=width, opacity=0.7
        )
    seen = tracks.points[tracks.state[:, frame] == State.VISIBLE, frame]
    radius = max(3.0, RADIUS * side)
    drawing.discs(seen, _ink(WHITE, len(seen)), radius * 1.3)
    drawing.discs(seen, _ink(RED, len(seen)), radius)
    return drawing.over(ground, halo=1)


def _ink(colour: tuple[int, int, int], count: int) -> UInt8[np.ndarray, "_ 3"]:
    return np.tile(np.array(colour, np.uint8), (count, 1))


def _parts(tracks: Tracks, track: int, frame: int) -> list[Float32[np.ndarray, "_ 2"]]:
    """The path so far, in the pieces that were specified."""
    told = tracks.specified[track, : frame + 1]
    breaks = np.flatnonzero(~told)
    parts = np.split(tracks.points[track, : frame + 1], breaks)
    cleaned = [part if i == 0 else part[1:] for i, part in enumerate(parts)]
    return [part for part in cleaned if len(part) > 1]

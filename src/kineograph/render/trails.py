"""The fading trails behind tracks."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int64, UInt8

from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.render.drawing import Drawing, to_fixed

DENSE = 400
"""With more tracks than this, trails are one pixel wide and fade in fewer steps, to stay fast."""

TRAIL_OPACITY = 0.8
"""Of a trail where it meets its point."""

HIDDEN_OPACITY = 0.4
"""Opacity of the part of a trail where the point was hidden, relative to where it was seen."""


def draw_trails(
    drawing: Drawing,
    tracks: Tracks,
    colours: UInt8[np.ndarray, "tracks 3"],
    frame: int,
    trail: int,
    radius: float | int,
) -> None:
    """Draw a fading trail behind every track, over the frames before `frame`.

    It is fainter where the point was hidden and interrupted where it was unspecified. The oldest
    part is drawn first; each stretch of time and colour goes to OpenCV in one batch.

    Args:
        drawing: what is drawn on, of the size the tracks are for.
        tracks: in raster pixels.
        colours: of each track; few different ones are drawn faster.
        frame: where the trails end.
        trail: their length in frames.
        radius: of the points' discs in pixels; trails are as wide as suits them.
    """
    dense = tracks.count > DENSE
    width = 1 if dense else max(1, round(0.6 * radius))
    step = max(1, -(-trail // 4)) if dense else 1
    oldest = max(frame - trail, 0)
    fixed = to_fixed(tracks.points[:, oldest : frame + 1])
    state = tracks.state[:, oldest : frame + 1]
    everyone = np.arange(tracks.count)
    # the steps are counted back from now, so that the newest is whole and the fading steady
    for last in reversed(range(frame - oldest, 0, -step)):
        fading = (1 - (frame - oldest - last) / trail) ** 1.3
        for rows, begin, end, hidden in _stretches(state, everyone, max(last - step, 0), last):
            opacity = TRAIL_OPACITY * fading * (HIDDEN_OPACITY if hidden else 1)
            for members, colour in _by_colour(rows, colours):
                lines = list(fixed[members, begin : end + 1])
                drawing.lines(lines, colour, width=width, opacity=opacity)


def _stretches(
    state: UInt8[np.ndarray, "tracks window"],
    rows: Int64[np.ndarray, " rows"],
    first: int,
    last: int,
) -> Iterator[tuple[Int64[np.ndarray, " some"], int, int, bool]]:
    """(tracks, first frame, last frame, whether hidden) of what is known between two frames.

    A track that is specified in only a part of that time is taken frame by frame.
    """
    spans = state[rows, first : last + 1]
    whole = (spans != State.UNSPECIFIED).all(axis=1)
    seen = (spans == State.VISIBLE).all(axis=1)
    yield rows[whole & ~seen], first, last, True
    yield rows[seen], first, last, False
    broken = rows[~whole]
    if last - first > 1 and broken.size:
        for start in range(first, last):
            yield from _stretches(state, broken, start, start + 1)


def _by_colour(
    rows: Int64[np.ndarray, " rows"], colours: UInt8[np.ndarray, "tracks 3"]
) -> Iterator[tuple[Int64[np.ndarray, " members"], tuple[int, int, int]]]:
    """The tracks of each colour among `rows`."""
    red, green, blue = colours[rows].T.astype(np.int64)
    keys = (red << 16) | (green << 8) | blue
    order = np.argsort(keys, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
        if part.size:
            key = int(keys[part[0]])
            yield rows[part], (key >> 16, key >> 8 & 255, key & 255)

"""Colours for tracks and boxes: far apart between groups, a shade apart within one."""

import cv2
import numpy as np
from jaxtyping import Float32, Int64, UInt8

from kineograph.core.tracks import NO_GROUP, Tracks

GROUP_COLOURS = np.array(
    [
        (255, 138, 46),  # orange
        (46, 178, 255),  # sky
        (255, 78, 120),  # rose
        (92, 214, 92),  # green
        (184, 124, 255),  # violet
        (255, 214, 56),  # yellow
        (32, 214, 196),  # teal
        (255, 122, 224),  # pink
        (176, 226, 40),  # lime
        (122, 146, 255),  # periwinkle
        (222, 188, 152),  # sand
        (150, 226, 255),  # ice
    ],
    np.uint8,
)
"""One colour a group, in the order of the group ids; after the last it begins again."""

TINTS = 5
"""Shades within a group."""

TINT_REACH = 0.15
"""How far the darkest and the lightest shade go towards black and white."""

RAINBOW = 20
"""Hues among tracks that belong to no group."""


def group_colour(group: int) -> tuple[int, int, int]:
    """The RGB colour of a group; the same id has the same colour in every picture."""
    red, green, blue = GROUP_COLOURS[group % len(GROUP_COLOURS)].tolist()
    return red, green, blue


def track_colours(tracks: Tracks) -> UInt8[np.ndarray, "tracks 3"]:
    """An RGB colour for each track, the same at every frame.

    A group has one colour, from darker at the upper left of the group to lighter at its lower
    right; tracks of no group run through the rainbow along the picture's diagonal. So neighbours
    look alike, and points that began far apart stay apart for the eye where they meet later.
    """
    along = _along_diagonal(start_points(tracks))
    group = np.full(tracks.count, NO_GROUP) if tracks.group is None else tracks.group
    colours = np.empty((tracks.count, 3), np.uint8)
    for one in np.unique(group):
        members = group == one
        reach = _stretched(along[members])
        colours[members] = (
            _rainbow(reach) if one == NO_GROUP else _tinted(group_colour(int(one)), reach)
        )
    return colours


def start_points(tracks: Tracks) -> Float32[np.ndarray, "tracks 2"]:
    """Where each track is at its first specified frame, raster pixels; (0, 0) where it has none."""
    first = tracks.specified.argmax(axis=1)
    known = tracks.specified.any(axis=1)
    starts = np.take_along_axis(tracks.points, first[:, None, None], axis=1)[:, 0]
    starts[~known] = 0
    return starts


def _along_diagonal(points: Float32[np.ndarray, "tracks 2"]) -> Float32[np.ndarray, " tracks"]:
    return points[:, 0] + points[:, 1]


def _stretched(values: Float32[np.ndarray, " members"]) -> Float32[np.ndarray, " members"]:
    """Values moved and scaled to 0..1; one half where they are all the same."""
    low, high = values.min(), values.max()
    if high == low:
        return np.full_like(values, 0.5)
    return (values - low) / (high - low)


def _steps(reach: Float32[np.ndarray, " members"], count: int) -> Int64[np.ndarray, " members"]:
    """0..1 as one of `count` equal steps: few colours can be drawn in few batches."""
    return np.minimum((reach * count).astype(np.int64), count - 1)


def _tinted(
    colour: tuple[int, int, int], reach: Float32[np.ndarray, " members"]
) -> UInt8[np.ndarray, "members 3"]:
    base = np.array(colour, np.float64)
    towards = np.linspace(-TINT_REACH, TINT_REACH, TINTS)[:, None]
    shades = np.where(towards < 0, base * (1 + towards), base + (255 - base) * towards)
    return shades.round().astype(np.uint8)[_steps(reach, TINTS)]


def _rainbow(reach: Float32[np.ndarray, " members"]) -> UInt8[np.ndarray, "members 3"]:
    hues = np.linspace(0, 150, RAINBOW).round().astype(np.uint8)  # OpenCV's hues end at 180
    hsv = np.stack([hues, np.full_like(hues, 185), np.full_like(hues, 255)], axis=1)
    return cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0].astype(np.uint8)[_steps(reach, RAINBOW)]

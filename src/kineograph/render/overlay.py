"""Tracks and boxes drawn over a picture, so that a person sees what was asked for."""

import numpy as np
from jaxtyping import Bool, Int64, UInt8
from scipy.spatial import cKDTree

from kineograph.core.boxes import Boxes
from kineograph.core.errors import TracksError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.render.drawing import Drawing, to_fixed
from kineograph.render.lettering import text_size, write_text
from kineograph.render.palette import group_colour, start_points, track_colours
from kineograph.render.trails import draw_trails

REFERENCE_SIDE = 480
"""Marks keep their look: all lengths below are pixels of a picture whose short side is this."""

RADIUS_RANGE = (1.6, 4.5)
"""Radius of a point's disc, by how far apart the points began."""

LINE_WIDTH = 2.2
"""Width of a box's outline."""

FILL_OPACITY = 0.12
"""Of the inside of a visible box."""


def draw_tracks(
    image: UInt8[np.ndarray, "height width 3"],
    tracks: Tracks,
    frame: int,
    *,
    trail: int = 12,
    ids: bool = False,
) -> UInt8[np.ndarray, "height width 3"]:
    """A new picture with the tracks as they are at one frame, and where they came from.

    A point that can be seen is a disc, a hidden one a hollow ring, an unspecified one is not drawn.
    Behind each point a trail fades over the frames before, fainter where the point was hidden,
    interrupted where it was unspecified. Groups have colours of their own (`track_colours`). All
    sizes follow the picture's. Nearer tracks lie on top.

    Args:
        image: RGB, of the size the tracks are for.
        tracks: in raster pixels.
        frame: which frame, counted from 0.
        trail: length of the trails in frames; 0 draws none.
        ids: write each track's number beside it.

    Raises:
        TracksError: the picture's size is not the tracks', or there is no such frame.
    """
    _check(image, tracks, "tracks", frame)
    if trail < 0:
        raise TracksError(f"a trail of {trail} frames was asked for; give 0 or more")
    unit, radius = _unit(image), _radius(image, tracks)
    colours = track_colours(tracks)
    drawing = Drawing(tracks.size)
    draw_trails(drawing, tracks, colours, frame, trail, radius)
    _draw_points(drawing, tracks, colours, frame, radius)
    drawn = drawing.over(image, halo=max(1, round(unit)))
    if ids:
        _write_ids(drawn, tracks, frame, radius)
    return drawn


def draw_boxes(
    image: UInt8[np.ndarray, "height width 3"], boxes: Boxes, frame: int, *, ids: bool = True
) -> UInt8[np.ndarray, "height width 3"]:
    """A new picture with the boxes as they are at one frame.

    A hard box has a solid outline, a soft one a dashed one; a visible box is faintly filled, an
    occluded one thin and empty, an unspecified one is not drawn. Nearer boxes lie on top.

    Args:
        image: RGB, of the size the boxes are for.
        boxes: in raster pixels.
        frame: which frame, counted from 0.
        ids: write each object's number after its label.

    Raises:
        TracksError: the picture's size is not the boxes', or there is no such frame.
    """
    _check(image, boxes, "boxes", frame)
    drawn = image.copy()
    for item in _far_to_near(boxes.depth, boxes.state[:, frame] != State.UNSPECIFIED):
        drawn = _draw_box(drawn, boxes, int(item), frame, ids)
    return drawn


def _check(image: np.ndarray, drawn: Tracks | Boxes, what: str, frame: int) -> None:
    height, width = image.shape[:2]
    if drawn.size != (width, height):
        raise TracksError(
            f"the {what} are for a picture of {drawn.size[0]}x{drawn.size[1]} but this one is "
            f"{width}x{height}; resize the {what} first"
        )
    if not 0 <= frame < drawn.frames:
        raise TracksError(f"there is no frame {frame}; the {what} have 0 to {drawn.frames - 1}")


def _unit(image: np.ndarray) -> float:
    """Pixels of this picture for one pixel of the reference; tiny pictures keep visible marks."""
    return max(min(image.shape[:2]) / REFERENCE_SIDE, 1 / 3)


def _radius(image: np.ndarray, tracks: Tracks) -> float:
    """Radius of the discs: neighbours that begin close together get small ones that do not touch.

    It depends on where tracks begin and not on the frame, so that nothing pulses in a video.
    """
    low, high = (limit * _unit(image) for limit in RADIUS_RANGE)
    starts = start_points(tracks)[tracks.specified.any(axis=1)]
    if len(starts) < 2:
        return high
    sample = starts[:: max(1, len(starts) // 200)]
    spacing = float(np.median(cKDTree(starts).query(sample, k=2)[0][:, 1]))
    return float(np.clip(0.28 * spacing, low, high))


def _draw_points(
    drawing: Drawing,
    tracks: Tracks,
    colours: UInt8[np.ndarray, "tracks 3"],
    frame: int,
    radius: float | int,
) -> None:
    """The points of one frame: hidden ones first, then those seen, each from far to near."""
    points, state = tracks.points[:, frame], tracks.state[:, frame]
    depth = None if tracks.depth is None else tracks.depth[:, frame]
    hidden = _far_to_near(depth, state == State.OCCLUDED)
    seen = _far_to_near(depth, state == State.VISIBLE)
    outer, edge = radius * 1.15, 0.2 * radius
    hole = outer - max(1.0, 0.42 * radius)
    drawing.discs(points[hidden], colours[hidden], outer, hole=hole, edge=edge)
    drawing.discs(points[seen], colours[seen], radius, edge=edge)


def _far_to_near(
    depth: np.ndarray | None, chosen: Bool[np.ndarray, " items"]
) -> Int64[np.ndarray, " chosen"]:
    """The indices of the chosen ones, the nearest (smallest depth) last."""
    indices = np.flatnonzero(chosen)
    return indices if depth is None else indices[np.argsort(-depth[indices], kind="stable")]


def _write_ids(image: np.ndarray, tracks: Tracks, frame: int, radius: float | int) -> None:
    height = max(9, round(13 * _unit(image)))
    for item in np.flatnonzero(tracks.specified[:, frame]):
        x, y = tracks.points[item, frame].tolist()
        corner = (x + radius * 1.1, y - radius * 0.6 - height * 0.7)
        write_text(image, str(item), corner, height, outline=True)


def _draw_box(image: np.ndarray, boxes: Boxes, item: int, frame: int, ids: bool) -> np.ndarray:
    unit = _unit(image)
    colour = group_colour(item if boxes.group is None else int(boxes.group[item]))
    seen = bool(boxes.state[item, frame] == State.VISIBLE)
    left, top, right, bottom = boxes.boxes[item, frame].tolist()
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
    if seen:
        inside = Drawing(boxes.size)
        inside.fill(to_fixed(corners), colour, opacity=FILL_OPACITY)
        image = inside.over(image)
    outline = Drawing(boxes.size)
    width = max(1, round(LINE_WIDTH * unit * (1 if seen else 0.5)))
    opacity = 1.0 if seen else 0.8
    if boxes.hard[item, frame]:
        outline.lines([to_fixed(corners)], colour, width=width, opacity=opacity, closed=True)
    else:
        outline.lines(_dashes(corners, 10 * unit), colour, width=width, opacity=opacity)
    image = outline.over(image, halo=max(1, round(unit)))
    text = " ".join(part for part in (boxes.labels[item], str(item) if ids else "") if part)
    if text:
        _write_tag(image, text, (left - width / 2, top), colour, seen)
    return image


def _dashes(corners: np.ndarray, length: float | int) -> list[np.ndarray]:
    """The outline in dashes about as long as the gaps, the same on every side, corners drawn."""
    dashes = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        periods = max(1, round(float(np.linalg.norm(end - start)) / (2 * length)))
        marks = (np.arange(periods + 1)[:, None] + np.array([-0.22, 0.22])) / periods
        ends = start + np.clip(marks, 0, 1)[..., None] * (end - start)
        dashes += list(to_fixed(ends))
    return dashes


def _write_tag(
    image: np.ndarray,
    text: str,
    corner: tuple[float | int, float | int],
    colour: tuple[int, int, int],
    seen: bool,
) -> None:
    """Text on a plate above a box's upper left corner; within the box where that is outside."""
    height = max(11, round(17 * _unit(image)))
    pad = round(0.3 * height)
    width = text_size(text, height)[0] + 2 * pad
    left = int(np.clip(round(corner[0]), 0, max(0, image.shape[1] - width)))
    above = round(corner[1]) - height
    top = int(np.clip(above if above >= 0 else above + height, 0, max(0, image.shape[0] - height)))
    plate = image[top : top + height, left : left + width]
    plate[...] = colour if seen else plate * 0.3
    write_text(image, text, (left + pad, top), height, (16, 16, 18) if seen else colour)

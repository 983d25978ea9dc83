"""A picture of what training reads: some clips, with their tracks, boxes and captions."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from kineograph.core.errors import DataError
from kineograph.data.clip import Clip
from kineograph.data.sampling import resize
from kineograph.data.track_sampling import subset
from kineograph.render.contact_sheet import FAINT_INK, INK, PAPER, even_frames
from kineograph.render.lettering import text_size, write_text
from kineograph.render.overlay import draw_boxes, draw_tracks

TEXT = 20
"""Height of a line in pixels."""

GAP = 8
"""Pixels between pictures."""


def preview(
    clips: Sequence[Clip], *, columns: int = 6, width: int = 1600, tracks: int = 150
) -> UInt8[np.ndarray, "sheet_height sheet_width 3"]:
    """A row a clip: its caption, and evenly chosen frames with tracks and boxes drawn on them.

    Args:
        clips: at least one.
        columns: frames of each.
        width: of the sheet, pixels.
        tracks: how many tracks to draw of each clip, chosen at random.

    Raises:
        DataError: there is no clip, or the sheet is too narrow.
    """
    if not clips:
        raise DataError("no clips were given to look at; give at least one")
    cell = (width - GAP * (columns + 1)) // max(1, columns)
    if columns < 1 or cell < 16:
        raise DataError(f"a sheet {width} pixels wide was asked for with {columns} columns")
    return np.concatenate([_row(clip, columns, cell, width, tracks) for clip in clips])


def _row(
    clip: Clip, columns: int, cell: int, width: int, tracks: int
) -> UInt8[np.ndarray, "height width 3"]:
    drawn = _drawn(clip, columns, cell, tracks)
    told = f"{clip.size[0]}x{clip.size[1]}, {clip.frames} frames at {clip.fps:.4g} fps"
    if clip.tracks is not None:
        told += f", {clip.tracks.count} tracks"
    lines = [(line, INK) for line in _wrapped(clip.caption or "(no caption)", width - 2 * GAP)]
    lines.append((f"{clip.name}   {told}", FAINT_INK))
    top = GAP + len(lines) * TEXT
    row = np.full((top + drawn[0].shape[0] + GAP, width, 3), PAPER, np.uint8)
    for number, (line, ink) in enumerate(lines):
        write_text(row, line, (GAP, GAP // 2 + number * TEXT), TEXT - 3, ink)
    for place, picture in enumerate(drawn):
        left = GAP + place * (cell + GAP)
        row[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return row


def _drawn(
    clip: Clip, columns: int, cell: int, tracks: int
) -> list[UInt8[np.ndarray, "height width 3"]]:
    """The chosen frames at the sheet's size, everything drawn on them."""
    size = (cell, max(1, round(cell * clip.size[1] / clip.size[0])))
    if clip.tracks is not None:
        clip = subset(clip, tracks, np.random.default_rng(0))
    large = resize(replace(clip, flow=None, depth=None, masks=None), size)
    pictures = []
    for frame in even_frames(clip.frames, columns).tolist():
        picture = large.video[frame]
        if large.tracks is not None:
            picture = draw_tracks(picture, large.tracks, frame, trail=6)
        if large.boxes is not None:
            picture = draw_boxes(picture, large.boxes, frame, ids=False)
        pictures.append(picture)
    return pictures


def _wrapped(text: str, width: int) -> list[str]:
    """Text in lines that fit."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_size(longer, TEXT - 3)[0] <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines

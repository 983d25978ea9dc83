"""Contact sheets: a whole video in one picture, in evenly chosen frames with their times."""

from math import ceil
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Int64, UInt8

from kineograph.core.errors import OutputError
from kineograph.render.lettering import text_size, write_text

PAPER = (22, 23, 26)
INK = (226, 228, 232)
FAINT_INK = (132, 136, 144)

ASPECT = 1.5
"""Width over height that the sheet comes closest to when nobody says how many columns."""


@runtime_checkable
class Frames(Protocol):
    """Anything with a length that gives RGB frames by index: (T, H, W, 3), a list, a reader."""

    def __len__(self) -> int:
        """The number of frames."""
        ...

    def __getitem__(self, index: int, /) -> UInt8[np.ndarray, "height width 3"]:
        """The frame of this number, counted from 0."""
        ...


def even_frames(frames: int, count: int) -> Int64[np.ndarray, " chosen"]:
    """At most `count` indices out of 0..frames-1, evenly apart, with the first and the last.

    Raises:
        OutputError: there are no frames, or fewer than 1 is asked for.
    """
    if frames < 1 or count < 1:
        raise OutputError(
            f"{count} of {frames} frames were asked for; there have to be 1 or more of both"
        )
    return np.rint(np.linspace(0, frames - 1, min(count, frames))).astype(np.int64)


def contact_sheet(
    frames: Frames,
    fps: float | int,
    *,
    count: int = 12,
    columns: int | None = None,
    width: int = 1600,
) -> UInt8[np.ndarray, "sheet_height sheet_width 3"]:
    """A picture of evenly chosen frames in reading order, the time and the number under each.

    Args:
        frames: all of them, RGB; only the chosen ones are asked for.
        fps: frames a second; frame i is at i / fps seconds.
        count: how many frames to choose (`even_frames`); fewer where the video is shorter.
        columns: how many in a row, or None for a sheet of a pleasant shape.
        width: of the sheet, pixels.

    Raises:
        OutputError: no frames, fewer than 1 frame or column asked for, fps not positive, or a
            sheet too narrow for its columns.
    """
    if not fps > 0:
        raise OutputError(f"{fps} frames a second were given; give a positive number")
    chosen = even_frames(len(frames), count).tolist()
    height, across = frames[chosen[0]].shape[:2]
    shape = across / height
    columns = _columns(len(chosen), shape) if columns is None else columns
    if columns < 1:
        raise OutputError(f"a sheet of {columns} columns was asked for; give 1 or more")
    layout = _Layout(width, min(columns, len(chosen)), len(chosen), shape)
    sheet = np.full((layout.height, width, 3), PAPER, np.uint8)
    for place, index in enumerate(chosen):
        layout.put(sheet, place, frames[index], f"{index / fps:.2f} s", f"{index}")
    return sheet


class _Layout:
    """Where things lie on a sheet: equal margins around and between, a line of text under each."""

    def __init__(self, width: int, columns: int, count: int, shape: float) -> None:
        self.width = width
        self.columns = columns
        self.margin = max(4, round(width / 80))
        self.cell = (width - self.margin * (columns + 1)) // columns
        if self.cell < 16:
            raise OutputError(
                f"a sheet {width} pixels wide is too narrow for {columns} columns; "
                "give a larger width or fewer columns"
            )
        self.picture = (self.cell, max(1, round(self.cell / shape)))
        self.text = int(np.clip(round(self.cell / 16), 9, width / 70 + 6))
        self.row = self.picture[1] + round(1.5 * self.text)
        self.height = ceil(count / columns) * (self.row + self.margin) + self.margin

    def put(self, sheet: np.ndarray, place: int, frame: np.ndarray, time: str, number: str) -> None:
        """Put a frame on its place, with the time at the left and the number at the right."""
        row, column = divmod(place, self.columns)
        spare = self.width - self.columns * (self.cell + self.margin) - self.margin
        left = spare // 2 + self.margin + column * (self.cell + self.margin)
        top = self.margin + row * (self.row + self.margin)
        wide, high = self.picture
        smaller = wide < frame.shape[1]
        how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        sheet[top : top + high, left : left + wide] = cv2.resize(
            frame, self.picture, interpolation=how
        )
        line = top + high + round(0.4 * self.text)
        write_text(sheet, time, (left, line), self.text, INK)
        right = left + wide - text_size(number, self.text)[0]
        if right > left + text_size(time, self.text)[0] + self.text:
            write_text(sheet, number, (right, line), self.text, FAINT_INK)


def _columns(count: int, shape: float) -> int:
    """The number of columns that gives a sheet near ASPECT and leaves few places empty."""

    def penalty(columns: int) -> float:
        rows = ceil(count / columns)
        return abs(np.log(columns * shape / rows / ASPECT)) + (rows * columns - count) / count

    return min(range(1, count + 1), key=penalty)

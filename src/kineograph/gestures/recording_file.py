"""The files of recordings: samples of a mouse as JSON or CSV."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from kineograph.core.checks import checked_size
from kineograph.core.errors import DocumentError

FPS = 16.0
"""Samples a second where a file does not say: what the recorder of Motion Prompting takes."""

FORM = '{"kind": "recording", "fps": 16, "samples": [[x, y, down], ...]}'

Samples = tuple[
    Float64[np.ndarray, "samples 2"],
    Bool[np.ndarray, " samples"],
    float | int,
    tuple[int, int] | None,
]
"""Points, buttons, samples a second, and the size of the picture that was shown."""


def from_json(text: str) -> Samples:
    """The samples of a JSON recording.

    Raises:
        DocumentError: it is none.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise DocumentError(f"it is not JSON; a recording is {FORM}") from None
    if not isinstance(data, dict) or data.get("kind") != "recording":
        raise DocumentError(f'it is no recording: it has no "kind": "recording"; give {FORM}')
    fps, size = data.get("fps", FPS), data.get("size")
    if isinstance(fps, bool) or not isinstance(fps, int | float):
        raise DocumentError(f"its fps is {fps!r}; give a number")
    samples = data.get("samples")
    if not isinstance(samples, list):
        raise DocumentError(f"it holds no list of samples; give {FORM}")
    points, down = _columns(samples)
    return points, down, fps, None if size is None else checked_size(size)


def from_csv(text: str) -> Samples:
    """The samples of a CSV of x, y and down, with or without a heading.

    Raises:
        DocumentError: it is none.
    """
    rows: list[Any] = [row for row in csv.reader(io.StringIO(text)) if row]
    if rows and rows[0] and not _is_number(rows[0][0]):
        if [name.strip().lower() for name in rows[0]] != ["x", "y", "down"]:
            raise DocumentError(f"its columns are {','.join(rows[0])}; give x,y,down")
        rows = rows[1:]
    return *_columns(rows), FPS, None


def _columns(rows: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Points and buttons out of rows of x, y, down."""
    table = np.empty((len(rows), 3))
    for index, row in enumerate(rows):
        good = isinstance(row, list) and len(row) == 3 and all(map(_is_number, row))
        if not good or float(row[2]) not in (0.0, 1.0):
            raise DocumentError(
                f"sample {index + 1} is {str(row)[:60]}; give x, y and 1 or 0 for the button"
            )
        table[index] = [float(value) for value in row]
    return table[:, :2].copy(), table[:, 2] == 1


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True

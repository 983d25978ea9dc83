"""Reading a suite's files: what is missing is named, pictures are brought to one size."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from kineograph.core.errors import EvaluationError, KineographError
from kineograph.core.picture import PICTURE_ENDINGS, read_picture
from kineograph.core.picture import fit as fit_picture
from kineograph.data.files import MAX_CAPTIONS
from kineograph.data.sampling import Fitting, centre_box

Picture = UInt8[np.ndarray, "height width 3"]

SHOWN = 3
"""So many missing files are named; the others are counted."""


def check_there(paths: Iterable[Path], what: str, layout: str) -> None:
    """Check that files or folders are there.

    Args:
        paths: the files or folders.
        what: they are, such as "videos".
        layout: of the suite, for the message.

    Raises:
        EvaluationError: some are missing; says which.
    """
    missing = [path for path in dict.fromkeys(paths) if not path.exists()]
    if missing:
        named = ", ".join(map(str, missing[:SHOWN]))
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise EvaluationError(f"{what} are missing: {named}{more}; wanted: {layout}")


def lines_of(path: Path, what: str, layout: str) -> list[str]:
    """The lines of a text file that are not empty.

    Raises:
        EvaluationError: it is missing, no text, or empty.
    """
    check_there([path], what, layout)
    found = [line.strip() for line in _text(path, what).splitlines() if line.strip()]
    if not found:
        raise EvaluationError(f"{path} is empty; it is to hold {what}")
    return found


def rows_of(path: Path, what: str, layout: str) -> list[list[str]]:
    """The rows of a CSV file that are not empty.

    Raises:
        EvaluationError: it is missing, no text, or empty.
    """
    return list(csv.reader(lines_of(path, what, layout)))


def fitted(pictures: Iterable[Picture], size: tuple[int, int], how: Fitting = "crop") -> Any:
    """Pictures at one size as a video: their middle cut out, or stretched.

    Raises:
        EvaluationError: there is none.
    """
    found = [fit_picture(cut(picture, size, how), size) for picture in pictures]
    if not found:
        raise EvaluationError("a clip has no frame; check its folder")
    return np.stack(found)


def fitted_masks(
    masks: Iterable[Bool[np.ndarray, "rows columns"]], size: tuple[int, int], how: Fitting = "crop"
) -> Any:
    """Masks as `fitted` brings pictures to a size; each pixel that of the nearest middle."""
    held = (np.ascontiguousarray(cut(mask.astype(np.uint8), size, how)) for mask in masks)
    return np.stack([cv2.resize(m, size, interpolation=cv2.INTER_NEAREST_EXACT) > 0 for m in held])


def cut(picture: np.ndarray, size: tuple[int, int], how: Fitting) -> np.ndarray:
    """The part of a picture that is shown at a size: its middle of that aspect, or all of it."""
    if how == "stretch":
        return picture
    left, top, right, bottom = centre_box((picture.shape[1], picture.shape[0]), size)
    return picture[top:bottom, left:right]


def pictures_at(paths: Sequence[Path], size: tuple[int, int], how: Fitting = "crop") -> Any:
    """Files of pictures as a video of a size; one is in memory at a time.

    Raises:
        EvaluationError: one cannot be read, or there is none.
    """
    try:
        return fitted((read_picture(path) for path in paths), size, how)
    except KineographError as error:
        raise EvaluationError(str(error)) from error


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder and the folders in it, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_ENDINGS)


def within(folder: Path, name: str) -> Path:
    """A file that data names, inside its folder.

    Raises:
        EvaluationError: it is outside.
    """
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise EvaluationError(f"{name} is named and lies outside {folder}; correct the list")
    return path


def _text(path: Path, what: str) -> str:
    if path.stat().st_size > MAX_CAPTIONS:
        raise EvaluationError(f"{path} is too large for a list of {what}")
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read as text in UTF-8; it holds {what}") from error

"""Videos and folders of frames on the disk, and what lies beside them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kineograph.core.errors import DataError, KineographError
from kineograph.core.image_input import natural_key
from kineograph.core.picture import PICTURE_ENDINGS, read_picture
from kineograph.core.video import open_video
from kineograph.core.video_reader import VIDEO_ENDINGS
from kineograph.data.sampling import Strides, Window, draw_window

CAPTIONS_FILE = "captions.json"
"""Captions of a whole folder: the video's path in it, with or without ending, to its caption."""

MAX_CAPTION = 100_000
"""The largest caption file in bytes; a caption is a sentence."""

MAX_CAPTIONS = 2**30
"""The largest file of captions in bytes."""


def find_videos(where: Path | str) -> list[Path]:
    """The videos in a folder and the folders in it, sorted; or the one that is named.

    Raises:
        DataError: there is none.
    """
    where = Path(where)
    if where.is_file():
        return [where]
    found = sorted(
        path
        for path in where.rglob("*")
        if path.suffix.lower() in VIDEO_ENDINGS and path.is_file() and not _hidden(path, where)
    )
    if not found:
        raise DataError(f"there are no videos at {where}; give {', '.join(VIDEO_ENDINGS)}")
    return found


def caption_of(video: Path, folder: Path) -> str:
    """What is said of a video: the `.txt` of its name beside it, else its entry in captions.json.

    Empty where there is neither.

    Raises:
        DataError: the file is no text, or too large.
    """
    beside = video.with_suffix(".txt")
    if beside.is_file():
        if beside.stat().st_size > MAX_CAPTION:
            raise DataError(f"{beside} is no caption: it is larger than {MAX_CAPTION} bytes")
        try:
            return " ".join(beside.read_text(encoding="utf-8").split())
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{beside} cannot be read as text in UTF-8") from error
    held = folder / CAPTIONS_FILE
    if not held.is_file():
        return ""
    captions = _captions(held, held.stat().st_mtime_ns)
    name = video.relative_to(folder)
    for key in (name.as_posix(), name.with_suffix("").as_posix(), video.name, video.stem):
        if key in captions:
            return " ".join(captions[key].split())
    return ""


def read_json(path: Path, what: str) -> object:
    """A JSON file.

    Raises:
        DataError: it is missing, too large, or no JSON.
    """
    try:
        if path.stat().st_size > MAX_CAPTIONS:
            raise DataError(f"{path} is larger than {MAX_CAPTIONS >> 30} GiB")
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; it holds the {what}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read as JSON; it holds the {what}") from error


def read_window(
    path: Path, frames: int, strides: Strides, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "frames height width 3"], float, Window, int]:
    """A window of a video by chance; only as much of it is decoded as is needed.

    Returns:
        The frames, frames a second of the video itself, which frames they are, and how many the
        video has.

    Raises:
        DataError: it is too short.
        VideoError: it cannot be read.
    """
    with open_video(path) as reader:
        try:
            chosen = draw_window(reader.frames, frames, strides, rng)
        except DataError as error:
            raise DataError(f"{path.name}: {error}") from error
        indices = chosen.indices
        kept = list(islice(reader, indices.start, indices[-1] + 1, indices.step))
        if len(kept) < frames:
            raise DataError(f"{path.name}: it ends before its frame {indices[-1]}")
        return np.stack(kept), reader.fps, chosen, reader.frames


def frame_files(folder: Path) -> list[Path]:
    """The pictures in a folder in natural order.

    Raises:
        DataError: there are none.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is missing; it is to hold the frames")
    found = [path for path in folder.iterdir() if path.suffix.lower() in PICTURE_ENDINGS]
    if not found:
        raise DataError(f"{folder} holds no pictures")
    return sorted(found, key=lambda path: natural_key(path.name))


def read_frames(paths: Iterable[Path]) -> UInt8[np.ndarray, "frames height width 3"]:
    """Pictures as one video.

    Raises:
        DataError: one cannot be read or differs in size.
    """
    try:
        pictures = [read_picture(path) for path in paths]
    except KineographError as error:
        raise DataError(str(error)) from error
    if len({picture.shape for picture in pictures}) > 1:
        raise DataError("its frames differ in size")
    return np.stack(pictures)


def fingerprint(items: Iterable[object]) -> str:
    """The same text for the same things; another for others."""
    told = hashlib.sha256()
    for item in items:
        told.update(f"{item}\n".encode())
    return told.hexdigest()[:16]


@lru_cache(maxsize=8)
def _captions(path: Path, _: int) -> Mapping[str, str]:
    """The captions in a file, read once as long as it does not change."""
    held = read_json(path, "captions of the videos beside it")
    if not isinstance(held, dict) or not all(isinstance(v, str) for v in held.values()):
        raise DataError(f"{path} has to hold names of videos with a caption each")
    return held


def _hidden(path: Path, where: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(where).parts)

"""Named arrays in a `.npz` file: written whole or not at all, read without pickles."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kineograph.core.errors import OutputError, TracksError
from kineograph.core.files import whole_file

VERSION = 1
"""The version of the on-disk form of tracks, boxes and cameras that this package writes."""

MAX_BYTES = 4 * 2**30
"""The most that a file may unpack to: a small archive must not be able to fill the memory."""

PLAIN = {"size": 1, "fps": 0, "labels": 1}
"""Arrays that stand for plain Python values, and how many dimensions they have."""


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays, without those that are None, and the format's version; same arrays, same bytes.

    Raises:
        OutputError: the name does not end in `.npz`, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise OutputError(f"cannot write {path}: tracks, boxes and cameras are saved as .npz")
    held = {name: np.asarray(array) for name, array in arrays.items() if array is not None}
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, version=np.int64(VERSION), **held)


def load_arrays(
    path: Path, what: str, needed: Iterable[str], optional: Iterable[str] = ()
) -> dict[str, Any]:
    """Read the arrays that `save_arrays` wrote: all of `needed`, and what there is of `optional`.

    What is called `size`, `fps` or `labels` comes back as plain numbers and text.

    Raises:
        TracksError: the file is missing, broken, of a newer version, of something else than
            `what`, or holds Python objects.
    """
    path = Path(path)
    found = _names(path, what)
    lacking = [name for name in ("version", *needed) if name not in found]
    if lacking:
        raise TracksError(
            f"{path} holds no {what}: found {', '.join(sorted(found)) or 'nothing'}; needed "
            f"{', '.join(['version', *needed])}"
        )
    wanted = [name for name in ("version", *needed, *optional) if name in found]
    arrays = _read(path, what, wanted)
    _check_version(path, arrays.pop("version"))
    if any(arrays[name].ndim != d for name, d in PLAIN.items() if name in arrays):
        raise TracksError(f"cannot read {path}: the {what} in it are broken")
    return {name: array.tolist() if name in PLAIN else array for name, array in arrays.items()}


def _names(path: Path, what: str) -> set[str]:
    """The names of the arrays in the file, nothing unpacked."""
    if not path.exists():
        raise TracksError(f"{path} does not exist; give a .npz file of {what}")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (OSError, zipfile.BadZipFile) as error:
        raise TracksError(f"cannot read {path}: it is not a .npz file of {what}") from error
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise TracksError(f"cannot read {path}: it unpacks to more than {MAX_BYTES >> 30} GiB")
    return {entry.filename.removesuffix(".npy") for entry in entries}


def _read(path: Path, what: str, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Unpack arrays; whatever NumPy and zlib find wrong becomes one line."""
    broken = (OSError, ValueError, KeyError, EOFError, MemoryError, SyntaxError, TypeError)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in names}
    except (*broken, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        if "allow_pickle" in str(error):
            raise TracksError(
                f"cannot read {path}: it holds Python objects; only plain arrays are read"
            ) from error
        raise TracksError(f"cannot read {path}: the {what} in it are broken") from error
    if not all(
        isinstance(array, np.ndarray) and array.dtype.kind in "biufU" for array in arrays.values()
    ):
        raise TracksError(f"cannot read {path}: the {what} in it are broken")
    return arrays


def _check_version(path: Path, version: np.ndarray) -> None:
    """Only what this package knows."""
    if version.ndim != 0 or version.dtype.kind not in "iu" or version < 1:
        raise TracksError(f"cannot read {path}: its version is {version}; it has to be {VERSION}")
    if version > VERSION:
        raise TracksError(
            f"cannot read {path}: it is of version {version}; this kineograph reads up to "
            f"{VERSION}; install a newer one"
        )


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Say which file it was when what was read from it turns out to be malformed."""
    try:
        yield
    except TracksError as error:
        raise TracksError(f"cannot read {path}: {error}") from error
    except (ValueError, TypeError) as error:  # letters where numbers should be
        raise TracksError(f"cannot read {path}: an array in it holds no numbers") from error

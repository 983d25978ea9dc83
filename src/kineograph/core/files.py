"""Whole files or none: write under a temporary name beside the target, then rename."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kineograph.core.errors import OutputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it becomes `path` when the block ends well.

    Any exception, `KeyboardInterrupt` included, removes the temporary file and leaves whatever
    stood at `path` untouched. Missing parent folders are made.

    Raises:
        OutputError: the folder cannot be made or written to, or `path` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder; name a file")
    with _scratch(path) as folder:
        partial = folder / path.name
        yield partial
        if partial.exists():
            partial.replace(path)


@contextmanager
def whole_folder(path: Path, *, replaceable: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it becomes `path` when the block ends well.

    A folder that already holds something is replaced only if `replaceable` says so.

    Raises:
        OutputError: `path` is a file, or a folder with something in it that may not be replaced,
            or its parent cannot be written to.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise OutputError(f"cannot write a folder of frames to {path}: it is a file; name another")
    if path.is_dir() and any(path.iterdir()) and not replaceable:
        raise OutputError(
            f"cannot write frames to {path}: the folder is not empty and was not made by "
            "kineograph; empty it or name another"
        )
    with _scratch(path) as scratch:
        partial = scratch / "new"
        partial.mkdir()
        yield partial
        if path.is_dir():
            path.rename(scratch / "old")
        partial.rename(path)


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path`, on the same disk so that a rename is atomic."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise OutputError(
            f"cannot write to {path.parent}: {error.strerror or error}; name a folder you may write"
        ) from error
    try:
        yield scratch
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in lower-case hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Whole files or none: write under a temporary name beside the target, then rename."""

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kineograph.core.errors import OutputError

_DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG}


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it becomes `path` when the block ends well.

    Any exception, `KeyboardInterrupt` included, removes the temporary file and leaves whatever
    stood at `path` untouched. Missing parent folders are made, and removed again on failure. The
    temporary file has the name of `path`, in a hidden folder that the block may use as it likes.

    Raises:
        OutputError: the folder cannot be made or written to, `path` is a folder, the disk is full,
            or the block wrote nothing.
    """
    path = Path(path)
    _check_target(path, folder=False, replaceable=True)
    with _scratch(path) as scratch:
        partial = scratch / path.name
        yield partial
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
    _check_target(path, folder=True, replaceable=replaceable)
    with _scratch(path) as scratch:
        partial, old = scratch / "new", scratch / "old"
        partial.mkdir()
        yield partial
        if path.is_dir():
            path.rename(old)
        try:
            partial.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise


def check_writable(path: Path, *, folder: bool, replaceable: bool = True) -> None:
    """Say whether `whole_file` or `whole_folder` could write to `path`, leaving nothing behind.

    Raises:
        OutputError: as those two do.
    """
    path = Path(path)
    _check_target(path, folder=folder, replaceable=replaceable)
    parent = path.parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".kineograph-", dir=parent):
            pass
    except OSError as error:
        raise _unwritable(parent, error) from error


def _check_target(path: Path, *, folder: bool, replaceable: bool) -> None:
    if not folder and path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder; name a file")
    if folder and path.exists() and not path.is_dir():
        raise OutputError(f"cannot write a folder to {path}: it is a file; name another")
    if folder and not replaceable and path.is_dir() and any(path.iterdir()):
        raise OutputError(
            f"cannot write to {path}: the folder is not empty and was not made by "
            "kineograph; empty it or name another"
        )


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path`, on the same disk so that a rename is atomic."""
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".kineograph-", dir=path.parent))
    except OSError as error:
        _remove_empty(missing)
        raise _unwritable(path.parent, error) from error
    try:
        yield scratch
    except OSError as error:
        if not _is_about(error, scratch):
            raise
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        _remove_empty(missing)


def _is_about(error: OSError, scratch: Path) -> bool:
    """Whether an error comes from the writing, not from something else done in the block."""
    names = (str(error.filename or ""), str(error.filename2 or ""))
    return error.errno in _DISK_TROUBLE or any(name.startswith(str(scratch)) for name in names)


def _remove_empty(folders: list[Path]) -> None:
    """Take away folders, innermost first, as far as nothing is in them."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write to {folder}: {error.strerror or error}; name a folder you may write"
    )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in lower-case hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

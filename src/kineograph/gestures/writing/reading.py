"""Reading the text of a motion document: JSON, and nothing that only looks like it."""

import json
from pathlib import Path
from typing import Any

from kineograph.core.errors import DocumentError

VERSION = 1
"""The version of motion documents that this package writes and reads."""

MAX_BYTES = 256 * 2**20
"""The largest file that is taken for a motion document."""


def read_document(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        DocumentError: the file is missing, a folder, empty, binary or too large, or holds no JSON
            object.
    """
    wanted = "name a motion document, a file such as scene.motion.json"
    if path.is_dir():
        raise DocumentError(f"cannot read {path}: it is a folder; {wanted}")
    if not path.exists():
        raise DocumentError(f"{path} does not exist; {wanted}")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError(f"cannot read {path}: it has over {MAX_BYTES >> 20} MiB; {wanted}")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DocumentError(f"cannot read {path}: {error.strerror or error}; {wanted}") from error
    except UnicodeDecodeError:
        raise DocumentError(f"cannot read {path}: it is not a text file; {wanted}") from None
    if not text.strip():
        raise DocumentError(f"cannot read {path}: it is empty; {wanted}")
    return _object(_parse(text, path), path)


def _parse(text: str, path: Path) -> Any:
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, path))
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"cannot read {path}: it is not JSON, line {error.lineno}, column {error.colno}: "
            f"{error.msg}; mend it there"
        ) from None
    except (RecursionError, ValueError) as error:  # nested too deeply, or digits without end
        raise DocumentError(f"cannot read {path}: it is no motion document ({error})") from None


def _once(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """A JSON object, each of whose names is there once."""
    held: dict[str, Any] = {}
    for name, value in pairs:
        if name in held:
            raise DocumentError(f'cannot read {path}: "{name}" is there twice; keep one of them')
        held[name] = value
    return held


def _object(data: Any, path: Path) -> dict[str, Any]:
    if not isinstance(data, dict):
        what = "a list" if isinstance(data, list) else f"{json.dumps(data)[:40]}"
        raise DocumentError(
            f"cannot read {path}: it holds {what}; a motion document is a JSON object in braces"
        )
    return data


def check_version(data: dict[str, Any]) -> None:
    """Check that the document is of a version that this package reads.

    Raises:
        DocumentError: it is newer, or its version is no version.
    """
    version = data.get("version", VERSION)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise DocumentError(f"version is {version!r}; this kineograph reads version {VERSION}")
    if version > VERSION:
        raise DocumentError(
            f"the document is of version {version}; this kineograph reads up to {VERSION}; "
            "install a newer one"
        )

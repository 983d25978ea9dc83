"""The record of the request that made an output: in the file itself and in a `.json` beside it.

A record is a JSON object that holds `kineograph`, the version that wrote it; by this key a record
is told from the comments of other programs.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from kineograph.core import embedding
from kineograph.core.errors import OutputError, VideoError
from kineograph.core.files import whole_file

Record = dict[str, Any]

MARK = "kineograph"
"""The key every record holds: the version of the package that wrote it."""

FOLDER_FILE = "request.json"
"""The record's file inside a folder of frames."""

_CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": "mov,mp4,m4a,matroska,webm"}


def to_text(record: Record) -> str:
    """A record as one line of ASCII JSON, which every container can hold.

    Raises:
        OutputError: it is no JSON object (NaN included), or does not hold `kineograph`.
    """
    if not isinstance(record, dict) or MARK not in record:
        raise OutputError(f"a request record must be a dict with the key {MARK!r}, the version")
    try:
        return json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise OutputError(f"the request record cannot be written as JSON: {error}") from error


def from_text(text: str | bytes | None) -> Record | None:
    """The record in a piece of metadata, or None where it is somebody else's text."""
    try:
        record = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and MARK in record else None


def read_request(path: Path | str) -> Record:
    """The record that an output carries; `path` is a video, a picture, a folder or the `.json`.

    What is in the file comes first, then the `.json` beside it.

    Raises:
        VideoError: there is nothing at `path`, or no record in it nor beside it.
    """
    path = Path(path)
    if not path.exists():
        raise VideoError(f"there is no file at {path}; check the name")
    record = find_request(path)
    if record is None:
        raise VideoError(
            f"{path} carries no request of kineograph; give a file that `kineograph` wrote, or the "
            ".json beside it"
        )
    return record


def find_request(path: Path) -> Record | None:
    """Like `read_request`, but None where there is no record."""
    if path.is_dir():
        first = min(path.glob("*.png"), default=None)
        return _from_json(path / FOLDER_FILE) or (_embedded(first) if first else None)
    if path.suffix.lower() == ".json":
        return _from_json(path)
    return _embedded(path) or _from_json(sidecar(path))


def _embedded(path: Path) -> Record | None:
    try:
        if path.suffix.lower() in _CONTAINERS:
            with av.open(str(path.absolute()), options=_OPTIONS) as container:
                tags = {key.lower(): value for key, value in container.metadata.items()}
            return from_text(tags.get("comment"))
        with embedding.open_image(path) as image:
            return from_text(embedding.from_picture(image))
    except (av.error.FFmpegError, OSError, ValueError, SyntaxError):
        return None


def _from_json(path: Path) -> Record | None:
    try:
        return from_text(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def fps_of_record(record: Record | None) -> Fraction | None:
    """The frames a second of the motion document in a record, or None."""
    document = (record or {}).get("document")
    return positive_rate(document.get("fps")) if isinstance(document, dict) else None


def positive_rate(value: object) -> Fraction | None:
    """A number or a text such as `30000/1001` as a rate up to 1000; None where it is none."""
    try:
        rate = Fraction(str(value)).limit_denominator(1001)
    except (ValueError, ZeroDivisionError):
        return None
    return rate if 0 < rate <= 1000 else None


def sidecar(path: Path) -> Path:
    """Where the record of the output at `path` stands: `out.mp4` has `out.json`."""
    return path.with_suffix(".json")


@contextmanager
def with_sidecar(path: Path, record: Record | None) -> Iterator[None]:
    """Write the record beside `path` once the block has ended well.

    Without a record, one that an earlier output of the same name left is taken away, since it
    would speak of a file that is gone.

    Raises:
        OutputError: a `.json` that is no record stands there, or the record is no JSON.
    """
    target = sidecar(path)
    check_sidecar(path)
    if record is None:
        yield
        target.unlink(missing_ok=True)  # `check_sidecar` has seen that it is a record
        return
    to_text(record)
    with whole_file(target) as partial:
        partial.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")
        yield


def check_sidecar(path: Path) -> None:
    """Refuse an output whose record would overwrite a `.json` that is something else.

    Raises:
        OutputError: such a file stands beside `path`.
    """
    target = sidecar(path)
    if target.exists() and _from_json(target) is None:
        raise OutputError(
            f"cannot write {path}: its record would overwrite {target}, which kineograph did not "
            "write as a record; name another output"
        )

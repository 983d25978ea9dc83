"""HTTP's byte ranges, which phones insist on for video, and answers that tell nothing else."""

import re
from pathlib import Path

LARGEST = 16 * 1024 * 1024
"""Bytes of one answer to a request for a range; players ask for the rest."""


class RangeError(ValueError):
    """A range that no part of the file fits."""


def range_of(header: str | None, length: int) -> tuple[int, int] | None:
    """First and last byte of the range that is asked for; None means the whole file.

    What is no single range of bytes is ignored, as HTTP wants it.

    Raises:
        RangeError: the range begins after the file's end.
    """
    match = re.fullmatch(r"\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*", header or "")
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:  # the last so many
        if int(match[2]) == 0:
            raise RangeError
        return max(0, length - int(match[2])), length - 1
    first = int(match[1])
    if match[2] and int(match[2]) < first:
        return None
    if first >= length:
        raise RangeError
    last = min(length - 1, int(match[2])) if match[2] else length - 1
    return first, min(last, first + LARGEST - 1)


def part_of(path: Path, header: str | None) -> tuple[int, bytes, dict[str, str]]:
    """Status, bytes and headers of an answer: neither name, date nor tag of the file is in it.

    Args:
        path: the file.
        header: the request's Range.
    """
    length = path.stat().st_size
    try:
        found = range_of(header, length)
    except RangeError:
        return 416, b"", {"content-range": f"bytes */{length}"}
    with path.open("rb") as file:
        if found is None:
            return 200, file.read(), {"accept-ranges": "bytes"}
        first, last = found
        file.seek(first)
        told = {"accept-ranges": "bytes", "content-range": f"bytes {first}-{last}/{length}"}
        return 206, file.read(last - first + 1), told

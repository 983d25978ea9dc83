"""The previews of a report's cases, for its page: in it where they fit, else beside it."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kineograph.core.errors import KineographError
from kineograph.core.video_reader import open_video
from kineograph.evaluation.bench.report_folder import CLIPS, PREVIEW, ReportFolder

BEFORE = "data:video/mp4;base64,"


@dataclass(frozen=True)
class Film:
    """What all previews of a case have alike.

    Args:
        size: (width, height) in pixels.
        frames: how many.
        fps: frames a second.
    """

    size: tuple[int, int]
    frames: int
    fps: float


def preview_of(folder: ReportFolder, row: str, key: str) -> Path | None:
    """A case's preview; None if there is none, or if it lies outside the report's folder.

    Names come from the report's files, which may be anyone's: none of them may bring a file of
    another folder into a page that is shown around.
    """
    path = folder.of(row, key) / PREVIEW
    inside = path.resolve().is_relative_to((folder.where / CLIPS).resolve())
    return path if inside and path.is_file() else None


def address_of(row: str, key: str) -> str:
    """A preview's address from the report's page, with signs that have a meaning in one escaped."""
    return "/".join(quote(part, safe="") for part in (CLIPS, row, key, PREVIEW))


def film_of(paths: Iterable[Path]) -> Film | None:
    """What a case's previews have alike, from the first that can be read; None if none can."""
    for path in paths:
        try:
            with open_video(path) as reader:
                return Film(reader.size, reader.frames, float(reader.fps))
        except KineographError:
            continue
    return None


def embedded(cases: Iterable[Mapping[str, Path]], budget: int) -> tuple[Mapping[str, str], ...]:
    """The first cases' previews as data: addresses, all rows of a case or none of it.

    Args:
        cases: row to preview of each case, the most wanted first.
        budget: so many bytes at most, as they stand in the page.

    Returns:
        Row to address of each of the first cases, up to the one that does not fit.
    """
    held: list[Mapping[str, str]] = []
    for previews in cases:
        wanted = sum(_length(path) for path in previews.values())
        if wanted > budget:
            break
        budget -= wanted
        held.append({row: _address(path) for row, path in previews.items()})
    return tuple(held)


def _length(path: Path) -> int:
    """Of a file's address, in bytes."""
    return len(BEFORE) + (path.stat().st_size + 2) // 3 * 4


def _address(path: Path) -> str:
    return BEFORE + b64encode(path.read_bytes()).decode("ascii")

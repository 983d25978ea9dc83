"""What a study is made from: folders of videos, matched by their names, and what goes with them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from kineograph.core.errors import StudyError
from kineograph.core.picture import PICTURE_ENDINGS
from kineograph.core.video_reader import VIDEO_ENDINGS
from kineograph.evaluation.bench.report_folder import CLIPS, VIDEO, ReportFolder

TRACKS_ENDINGS = (".tracks.npz", ".npz")
"""Of files with the wanted motion."""

TOLD = 3
"""How many missing things a message names."""


@dataclass(frozen=True)
class Given:
    """The videos of a study, before anything is done to them.

    Args:
        videos: system to case to file; systems as they were given, cases sorted.
        motion: case to a video with a moving dot, or to tracks.
        pictures: case to starting picture.
        texts: case to text prompt.
        truth: case to the true video, of which test questions are made.
    """

    videos: Mapping[str, Mapping[str, Path]]
    motion: Mapping[str, Path] = field(default_factory=dict)
    pictures: Mapping[str, Path] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    truth: Mapping[str, Path] = field(default_factory=dict)

    @property
    def cases(self) -> tuple[str, ...]:
        """All that some system has, sorted."""
        return tuple(sorted({case for held in self.videos.values() for case in held}))

    def common(self, *, allow_missing: bool) -> tuple[str, ...]:
        """The cases that every system has.

        Raises:
            StudyError: a system lacks some, which is not allowed; or no case is left.
        """
        missing = [
            f"{system} lacks {case}"
            for case in self.cases
            for system, held in self.videos.items()
            if case not in held
        ]
        if missing and not allow_missing:
            more = f" and {len(missing) - TOLD} more" if len(missing) > TOLD else ""
            raise StudyError(
                f"videos are matched by name, and {'; '.join(missing[:TOLD])}{more}; add them, or "
                "use --common to leave those cases out"
            )
        kept = tuple(c for c in self.cases if all(c in held for held in self.videos.values()))
        if not kept:
            raise StudyError(
                f"{' and '.join(self.videos)} have no video of the same name; name the videos of "
                "a case alike"
            )
        return kept


def systems_of(named: Sequence[str]) -> dict[str, Path]:
    """`LABEL=FOLDER`, each, as label to folder.

    Raises:
        StudyError: one is not written so, a label comes twice, or there are fewer than two.
    """
    found: dict[str, Path] = {}
    for given in named:
        label, equals, folder = given.partition("=")
        if not equals or not folder or not re.fullmatch(r"[\w .+()-]{1,64}", label):
            raise StudyError(f"--videos {given} was given; write LABEL=FOLDER, as ours=videos/ours")
        if label in found:
            raise StudyError(f"--videos {label} was given twice; give each system its own label")
        found[label] = Path(folder)
    if len(found) < 2:
        raise StudyError(f"{len(found)} system was given; a comparison takes two: --videos twice")
    return found


def videos_in(folder: Path) -> dict[str, Path]:
    """The videos in a folder by their stems, sorted; a folder of frames is one too.

    Raises:
        StudyError: there is no such folder, it holds none, or two have one stem.
    """
    return _by_stem(folder, VIDEO_ENDINGS, "videos", folders=True)


def pictures_in(folder: Path) -> dict[str, Path]:
    """The pictures in a folder by their stems.

    Raises:
        StudyError: as `videos_in`.
    """
    return _by_stem(folder, PICTURE_ENDINGS, "pictures")


def motions_in(folder: Path) -> dict[str, Path]:
    """Tracks (`CASE.tracks.npz`) and videos of a dot (`CASE.mp4`) in a folder by their cases.

    Raises:
        StudyError: as `videos_in`.
    """
    return _by_stem(folder, (*TRACKS_ENDINGS, *VIDEO_ENDINGS), "tracks or videos")


def rows_of(report: Path, rows: Sequence[str]) -> dict[str, dict[str, Path]]:
    """The videos of rows of a benchmark's report: row to case to file.

    Raises:
        EvaluationError: it is no report.
        StudyError: there are no such rows, fewer than two, or one has no videos.
    """
    folder = ReportFolder(report)
    known = [row.label for row in folder.read_head().rows]
    unknown = [row for row in rows if row not in known]
    if unknown or len(set(rows)) < 2:
        raise StudyError(
            f"--rows {','.join(rows)} was given; give two or more of {', '.join(known)}"
        )
    found = {}
    for row in rows:
        kept = {path.parent.name: path for path in (report / CLIPS / row).glob(f"*/{VIDEO}")}
        if not kept:
            raise StudyError(f"row {row} of {report} has no videos; the truth is no system")
        found[row] = dict(sorted(kept.items()))
    return found


def texts_of(path: Path) -> dict[str, str]:
    """Case to text: a JSON object, or lines of a case, a tab (or `: `) and its text.

    Raises:
        StudyError: it cannot be read or is neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
        held = json.loads(text) if path.suffix.lower() == ".json" else _lines(text, path)
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read as texts: {error}") from None
    if not isinstance(held, dict) or not all(isinstance(x, str) for x in held.values()):
        raise StudyError(f"{path} is no object of case to text; write {{'case': 'text', ...}}")
    return held


def compared(systems: Sequence[str], ours: str | None) -> list[tuple[str, str]]:
    """The comparisons: every two systems, or one against each other one; names sorted in each.

    Raises:
        StudyError: the one is none of them.
    """
    if ours is not None and ours not in systems:
        raise StudyError(f"--ours {ours} was given; it is none of {', '.join(systems)}")
    every = [(a, b) if a < b else (b, a) for a, b in combinations(systems, 2)]
    return [pair for pair in every if ours is None or ours in pair]


def check_has(held: Mapping[str, object], cases: Sequence[str], what: str, option: str) -> None:
    """Refuse a protocol whose cases lack something that it shows.

    Raises:
        StudyError: says what is lacking and which option gives it.
    """
    missing = [case for case in cases if case not in held]
    if missing:
        more = f" and {len(missing) - TOLD} more" if len(missing) > TOLD else ""
        raise StudyError(
            f"the protocol shows {what}, and there is none for {', '.join(missing[:TOLD])}{more}; "
            f"give it with {option}"
        )


def _lines(text: str, path: Path) -> dict[str, str]:
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        case, divider, said = line.partition("\t" if "\t" in line else ": ")
        if not divider:
            raise StudyError(f"{path} line {number}: write a case, a tab and its text")
        found[case.strip()] = said.strip()
    return found


def _by_stem(
    folder: Path, endings: Sequence[str], what: str, *, folders: bool = False
) -> dict[str, Path]:
    if not folder.is_dir():
        raise StudyError(f"there is no folder {folder} of {what}; check the name")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        stem = _stem(path, endings, folders)
        if stem is None:
            continue
        if stem in found:
            raise StudyError(f"{found[stem]} and {path} have one name; keep one of them")
        found[stem] = path
    if not found:
        raise StudyError(f"{folder} holds no {what}; they end in {', '.join(endings)}")
    return found


def _stem(path: Path, endings: Sequence[str], folders: bool) -> str | None:
    if path.name.startswith("."):
        return None
    if path.is_dir():
        return path.name if folders else None
    ending = next((end for end in endings if path.name.lower().endswith(end)), None)
    return path.name[: -len(ending)] if ending else None

"""The video of a row for a case: an engine's, the truth, a still picture, or another tool's."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kineograph.core.errors import EngineError, EvaluationError
from kineograph.core.video import read_video
from kineograph.engines import registry
from kineograph.engines.base import Engine, Request
from kineograph.engines.lowering import lower
from kineograph.engines.weight_paths import with_scale
from kineograph.evaluation.align import Alignment, aligned
from kineograph.evaluation.bench.report_folder import STILL, TRUTH, RowHead
from kineograph.evaluation.sample import Frames
from kineograph.evaluation.suites.suite import Case, Loaded

VIDEOS = "videos"
"""The engine of a row whose videos another tool has made."""

ENDINGS = (".mkv", ".mp4", ".mov", ".webm", ".gif", ".webp", "")
"""Of videos that are looked for, in this order; none is a folder of frames."""


class Maker(ABC):
    """Gives the video of a case."""

    @abstractmethod
    def __call__(self, case: Case, loaded: Loaded) -> Frames:
        """(T, H, W, 3) uint8, as the request of the case asks.

        Raises:
            KineographError: it cannot be made.
        """

    def mark(self, case: Case) -> str:
        """Another where it would make another video of the same request."""
        return ""


def maker_of(row: RowHead, how: Alignment) -> Maker:
    """What makes the videos of a row.

    Args:
        row: says which engine and how it is set.
        how: what is done with another tool's videos that do not fit.

    Raises:
        EngineError: there is no such engine, it lacks something, or a setting is unknown.
        EvaluationError: another tool's folder is not there.
    """
    if row.engine == TRUTH:
        return Truth()
    if row.engine == STILL:
        return Still()
    if row.engine == VIDEOS:
        return Videos(Path(str(row.settings.get("folder", ""))), how)
    return ByEngine(registry.engine(row.engine), row)


class Truth(Maker):
    """The true video: whatever a metric says of it is the metric's own noise floor."""

    def __call__(self, case: Case, loaded: Loaded) -> Frames:
        """See `Maker`."""
        if loaded.truth is None:
            raise EvaluationError(f"{case.name} has no true video")
        return loaded.truth.video


class Still(Maker):
    """The first picture, in every frame: what any video has to beat."""

    def __call__(self, case: Case, loaded: Loaded) -> Frames:
        """See `Maker`."""
        picture = loaded.request.picture
        if picture is None and loaded.truth is not None:
            picture = loaded.truth.video[0]
        if picture is None:
            raise EvaluationError(f"{case.name} has no picture that could stand still")
        return np.repeat(picture[None], loaded.request.frames, axis=0)


class ByEngine(Maker):
    """What an engine makes; it stays loaded from one case to the next."""

    def __init__(self, engine: Engine, row: RowHead) -> None:
        engine.check_packages()
        settings = dict(row.settings)
        engine.settings_of(Request(size=(64, 64), frames=1, fps=8, settings=settings))
        self.engine, self.row = engine, row
        self._mark = _mark_of(_named(settings, engine.settings.paths))

    def mark(self, case: Case) -> str:
        """Of the files that its settings name."""
        return self._mark

    def __call__(self, case: Case, loaded: Loaded) -> Frames:
        """See `Maker`."""
        asked = replace(loaded.request, settings=dict(self.row.settings))
        self.engine.settings_of(asked)
        told = lower(asked, self.engine.capabilities_for(asked), self.engine.name)
        frames = np.stack([frame.image for frame in self.engine.generate(told)])
        if len(frames) != asked.frames:
            raise EngineError(
                f"engine {self.engine.name} made {len(frames)} frames of {asked.frames} asked for"
            )
        return frames


class Videos(Maker):
    """Videos that another tool has made, by the cases' names: `NAME@VARIANT.mp4` or `NAME.mp4`."""

    def __init__(self, folder: Path, how: Alignment) -> None:
        if not folder.is_dir():
            raise EvaluationError(f"there is no folder {folder} of videos; check the name")
        self.folder, self.how = folder, how

    def __call__(self, case: Case, loaded: Loaded) -> Frames:
        """See `Maker`."""
        path, request = self._place(case), loaded.request
        if path is None:
            told = " or ".join(f"{name}.mp4" for name in dict.fromkeys((case.key, case.name)))
            raise EvaluationError(f"{self.folder} has no {told}")
        video = read_video(path)
        return aligned(video, request.size, request.frames, request.fps, self.how, str(path))

    def mark(self, case: Case) -> str:
        """Of the video's file and how it is aligned."""
        path = self._place(case)
        return _mark_of([] if path is None else [path], str(self.how))

    def _place(self, case: Case) -> Path | None:
        names = dict.fromkeys((case.key, case.name))
        places = (self.folder / f"{name}{ending}" for name in names for ending in ENDINGS)
        return next((place for place in places if place.exists()), None)


def _named(settings: Mapping[str, Any], names: Iterable[str]) -> list[Path]:
    """The files and folders that settings name."""
    found = []
    for name in names:
        held = settings.get(name)
        for value in held if isinstance(held, list | tuple) else [held]:
            if isinstance(value, str) and (path := with_scale(value)[0]).exists():
                found.append(path)
    return found


def _mark_of(places: Iterable[Path], more: str = "") -> str:
    """Another after any of the files has been written again; empty if there are none."""
    files = [file for place in places for file in (sorted(place.rglob("*")) or [place])]
    held = [(str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file()]
    if not held:
        return ""
    return "-" + hashlib.sha256(f"{held} {more}".encode()).hexdigest()[:16]

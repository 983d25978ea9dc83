"""One job of a benchmark: a case of a row, generated if need be, measured, written."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import kineograph
from kineograph.core.errors import EvaluationError, KineographError, VideoError
from kineograph.core.video import read_video
from kineograph.core.video_writer import VideoWriter
from kineograph.engines.base import Request
from kineograph.evaluation.align import Alignment
from kineograph.evaluation.bench.generating import Maker, maker_of
from kineograph.evaluation.bench.preview import write_preview
from kineograph.evaluation.bench.report_folder import (
    PREVIEW,
    TRUTH,
    VIDEO,
    Measured,
    ReportFolder,
    RowHead,
)
from kineograph.evaluation.eyes import Eyes
from kineograph.evaluation.measuring import measure, metrics_named
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.sample import Frames, Sample
from kineograph.evaluation.suites.suite import Case, Loaded, Suite


@dataclass(frozen=True)
class Job:
    """A case that a row has to do."""

    row: RowHead
    case: Case


@dataclass(frozen=True)
class Bench:
    """What all jobs of a benchmark share; plain enough to be sent to other processes.

    Args:
        suite: gives the cases.
        metrics: by name.
        folder: of the report.
        eyes: what looks at the videos.
        how: what may be done with another tool's videos.
        variants: of the suite's, those that are done; all if empty.
    """

    suite: Suite
    metrics: tuple[str, ...]
    folder: ReportFolder
    eyes: Eyes = field(default_factory=Eyes)
    how: Alignment = field(default_factory=Alignment)
    variants: tuple[str, ...] = ()


class Worker:
    """Does jobs, one after the other; keeps the engine of the last one loaded."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.metrics = metrics_named(bench.metrics)
        self._row: RowHead | None = None
        self._maker: Maker | None = None
        self._mark = ""

    def __call__(self, job: Job) -> Measured:
        """Do a job, or what of it has not been done; the result is in the report's folder.

        What a user can mend is recorded as this case's failure, and the others go on. What was
        found of the same video before is not lost by it.
        """
        self._mark = ""
        try:
            return self._done(job)
        except (KineographError, MemoryError) as error:
            told = " ".join(str(error).split()) or "out of memory"
            return self._failed(job, told)

    def _failed(self, job: Job, told: str) -> Measured:
        old, case = self._read(job), job.case
        if old is not None and self._mark in ("", old.print):
            failed, features = replace(old, failed=told), self._features(job)
        else:
            failed, features = Measured(job.row.label, case.name, case.variant, {}, failed=told), {}
        self.bench.folder.write(failed, features)
        return failed

    def _done(self, job: Job) -> Measured:
        loaded = self.bench.suite.load(job.case)
        self._mark = print_of(job.row, loaded) + self._making(job.row).mark(job.case)
        old = self._read(job)
        if old is None or old.print != self._mark:
            old = Measured(job.row.label, job.case.name, job.case.variant, {}, print=self._mark)
            features: dict[str, np.ndarray] = {}
        else:
            features = dict(self._features(job))
        if old.seen != self.bench.eyes.seen:  # other eyes: the video stays, the values do not
            old, features = replace(old, values={}, seen=self.bench.eyes.seen), {}
        wanted = [metric for metric in self.metrics if not _has(metric, old.values, features)]
        if not wanted and not old.failed and self._has_video(job):
            return old
        frames, seconds = self._frames(job, loaded, old)
        begun = replace(old, seconds=seconds, failed="")
        self.bench.folder.write(begun, features)  # if measuring fails, the video is not made again
        sample = Sample(frames, loaded.request, loaded.truth, job.case.name)
        found = measure(self.bench.eyes.look(sample), wanted)
        measured = replace(begun, values={**begun.values, **found.values})
        self.bench.folder.write(measured, {**features, **found.features})
        return measured

    def _read(self, job: Job) -> Measured | None:
        """What was found of a case before. A broken file is as good as none: it is written anew."""
        try:
            return self.bench.folder.read(job.row.label, job.case.key)
        except EvaluationError:
            return None

    def _features(self, job: Job) -> Mapping[str, np.ndarray]:
        try:
            return self.bench.folder.features(job.row.label, job.case.key)
        except EvaluationError:
            return {}

    def _has_video(self, job: Job) -> bool:
        place = self.bench.folder.of(job.row.label, job.case.key)
        return job.row.engine == TRUTH or (place / VIDEO).is_file()

    def _frames(self, job: Job, loaded: Loaded, old: Measured) -> tuple[Frames, float | None]:
        """The video of a case: kept from before, or made now and kept."""
        if job.row.engine == TRUTH:
            return self._made(job, loaded), None
        folder = self.bench.folder.of(job.row.label, job.case.key)
        kept = self._kept(folder, loaded) if old.seconds is not None else None
        if kept is not None:
            return kept, old.seconds
        begun = time.perf_counter()
        frames = self._made(job, loaded)
        seconds = time.perf_counter() - begun
        request = loaded.request
        with VideoWriter(folder / VIDEO, request.size, request.fps, lossless=True) as writer:
            for frame in frames:
                writer.write(frame)
        return frames, seconds

    def _kept(self, folder: Path, loaded: Loaded) -> Frames | None:
        """The video that was made before; None if it is gone or broken."""
        try:
            frames = read_video(folder / VIDEO).frames
        except VideoError:
            return None
        return frames if len(frames) == loaded.request.frames else None

    def _making(self, row: RowHead) -> Maker:
        if self._maker is None or self._row != row:
            self._maker, self._row = maker_of(row, self.bench.how), row
        return self._maker

    def _made(self, job: Job, loaded: Loaded) -> Frames:
        frames = self._making(job.row)(job.case, loaded)
        Sample(frames, loaded.request, loaded.truth, job.case.name)
        write_preview(
            self.bench.folder.of(job.row.label, job.case.key) / PREVIEW, frames, loaded.request
        )
        return frames


def _has(metric: Metric, values: Mapping[str, Any], features: Mapping[str, Any]) -> bool:
    held = features if metric.kind == "set" else values
    return (f"{metric.name}.generated" if metric.kind == "set" else metric.name) in held


def print_of(row: RowHead, loaded: Loaded) -> str:
    """The same for the same request to the same engine, set the same way, of this version."""
    engine = [row.engine, dict(row.settings), kineograph.__version__]
    digest = hashlib.sha256(json.dumps(engine, sort_keys=True, default=str).encode())
    for part in _bytes_of(loaded.request):
        digest.update(part)
    if loaded.truth is not None:
        digest.update(np.ascontiguousarray(loaded.truth.video).tobytes())
    return digest.hexdigest()[:32]


def _bytes_of(request: Request) -> Iterator[bytes]:
    plain = [request.size, request.frames, request.fps, request.text, request.negative_text]
    yield json.dumps([*plain, request.seed]).encode()
    if request.picture is not None:
        yield np.ascontiguousarray(request.picture).tobytes()
    if request.tracks is not None:
        yield request.tracks.points.tobytes() + request.tracks.state.tobytes()
    if request.boxes is not None:
        yield request.boxes.boxes.tobytes() + request.boxes.state.tobytes()
        yield json.dumps(request.boxes.labels).encode()

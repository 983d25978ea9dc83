"""One job of a benchmark: a case of a row, generated if need be, measured, written."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import kineograph
from kineograph.core.errors import EvaluationError, KineographError
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

    def __call__(self, job: Job) -> Measured:
        """Do a job, or what of it has not been done; the result is in the report's folder.

        What a user can mend is recorded as this case's failure, and the others go on.
        """
        try:
            return self._done(job)
        except (KineographError, MemoryError) as error:
            told = " ".join(str(error).split()) or "out of memory"
            failed = Measured(job.row.label, job.case.name, job.case.variant, {}, failed=told)
            self.bench.folder.write(failed, {})
            return failed

    def _done(self, job: Job) -> Measured:
        loaded = self.bench.suite.load(job.case)
        mark, seen = print_of(job.row, loaded), self._seen()
        old = self._old(job, mark, seen)
        held = {} if old is None else dict(old.values)
        features = {} if old is None else dict(self.bench.folder.features(job.row.label, old.key))
        wanted = [metric for metric in self.metrics if not _has(metric, held, features)]
        if old is not None and not wanted:
            return old
        frames, seconds = self._frames(job, loaded, old, mark)
        sample = Sample(frames, loaded.request, loaded.truth, job.case.name)
        found = measure(self.bench.eyes.look(sample), wanted)
        case = job.case
        measured = Measured(
            row=job.row.label,
            case=case.name,
            variant=case.variant,
            values={**held, **found.values},
            seconds=seconds,
            print=mark,
            seen=seen,
        )
        self.bench.folder.write(measured, {**features, **found.features})
        return measured

    def _old(self, job: Job, mark: str, seen: str) -> Measured | None:
        """What was found of this very video before; its values only if the same eyes looked.

        A broken file is as good as none: it is written anew.
        """
        try:
            old = self.bench.folder.read(job.row.label, job.case.key)
        except EvaluationError:
            return None
        if old is None or old.failed or old.print != mark:
            return None
        return old if old.seen == seen else replace(old, values={})

    def _seen(self) -> str:
        return " ".join(self.bench.eyes.said.values())

    def _frames(
        self, job: Job, loaded: Loaded, old: Measured | None, mark: str
    ) -> tuple[Frames, float | None]:
        """The video of a case: kept from before, or made now and kept."""
        if job.row.engine == TRUTH:
            return self._made(job, loaded), None
        folder = self.bench.folder.of(job.row.label, job.case.key)
        if old is not None and (folder / VIDEO).is_file():
            return read_video(folder / VIDEO).frames, old.seconds
        begun = time.perf_counter()
        frames = self._made(job, loaded)
        seconds = time.perf_counter() - begun
        request = loaded.request
        with VideoWriter(folder / VIDEO, request.size, request.fps, lossless=True) as writer:
            for frame in frames:
                writer.write(frame)
        return frames, seconds

    def _made(self, job: Job, loaded: Loaded) -> Frames:
        if self._maker is None or self._row != job.row:
            self._maker, self._row = maker_of(job.row, self.bench.how), job.row
        frames = self._maker(job.case, loaded)
        Sample(frames, loaded.request, loaded.truth, job.case.name)
        write_preview(
            self.bench.folder.of(job.row.label, job.case.key) / PREVIEW, frames, loaded.request
        )
        return frames


def _has(metric: Metric, values: dict[str, Any], features: dict[str, Any]) -> bool:
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

"""Running a benchmark: every case of every row, what is there already left as it is."""

import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import kineograph
from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench import workers
from kineograph.evaluation.bench.generating import maker_of
from kineograph.evaluation.bench.job import Bench, Job
from kineograph.evaluation.bench.report_folder import (
    CLIPS,
    HEAD,
    STILL,
    TRUTH,
    WARP,
    Head,
    Measured,
    RowHead,
)
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.measuring import metrics_named, unmeasurable
from kineograph.evaluation.suites.suite import Suite

ALWAYS = (RowHead(TRUTH, TRUTH), RowHead(STILL, STILL), RowHead(WARP, WARP))
"""Without these rows no figure means anything."""

Progress = Callable[[int, int], None]
"""Told how many of how many jobs are done; an exception ends the work."""


@dataclass(frozen=True)
class Crew:
    """Who does the work.

    Args:
        count: how many at once.
        ray: the address of a Ray cluster, or "local"; empty for processes of this machine.
    """

    count: int = 1
    ray: str = ""


def run(
    bench: Bench,
    rows: Sequence[RowHead],
    *,
    crew: Crew | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Results:
    """Run a suite through engines and measure what they make.

    The rows truth, still and warp are always there. What the report's folder already holds of the
    same requests is kept: a benchmark that was stopped goes on, and further engines or metrics are
    added by naming them; a row is dropped by deleting its folder of clips.

    Args:
        bench: suite, metrics, folder, eyes.
        rows: the engines; labels have to differ.
        crew: who does the work; this process if None.
        progress: see there.
        command: that began it, for the report.

    Raises:
        EngineError: there is no such engine, or it lacks something.
        EvaluationError: the suite's data is missing, two rows have one label, the folder holds
            another benchmark, there is nothing to measure, or every case failed.
        OutputError: the folder cannot be written.
    """
    metrics, everyone = metrics_named(bench.metrics), _all_rows(rows)
    every = bench.suite.cases()
    for row in everyone:
        maker_of(row, bench.how)  # says what is missing before any work
    bench.eyes.open()
    absent = unmeasurable(metrics, bench.eyes.store)
    head = _joined(bench, _head(bench, everyone, absent, command))
    bench.folder.write_head(head)
    measured = tuple(metric.name for metric in metrics if metric.name not in absent)
    asked = replace(bench, metrics=measured)
    cases = [case for case in every if case.variant in head.variants]
    jobs = [Job(row, case) for row in everyone for case in cases]
    done: list[Measured] = []
    if progress is not None:
        progress(0, len(jobs))
    for found in _work(asked, jobs, crew or Crew(), lambda: _tick(progress, done, jobs)):
        done.append(found)
        _tick(progress, done, jobs)
    _check_any(done)
    return Results(bench.folder)


def _tick(progress: Progress | None, done: Sequence[Measured], jobs: Sequence[Job]) -> None:
    if progress is not None:
        progress(len(done), len(jobs))


def _work(
    bench: Bench, jobs: Sequence[Job], crew: Crew, check: Callable[[], None]
) -> Iterator[Measured]:
    if crew.ray:
        return workers.machines(bench, jobs, crew.count, crew.ray, check)
    if crew.count > 1:
        return workers.processes(bench, jobs, crew.count, check)
    return workers.here(bench, jobs, check)


def _all_rows(rows: Sequence[RowHead]) -> tuple[RowHead, ...]:
    """The rows that are always there, then the others, each once."""
    found: dict[str, RowHead] = {row.label: row for row in ALWAYS}
    for row in rows:
        if found.setdefault(row.label, row) != row:
            raise EvaluationError(
                f"two rows are called {row.label}; name one otherwise: --engine name={row.engine}"
            )
    return tuple(found.values())


def _head(bench: Bench, rows: Sequence[RowHead], absent: Mapping[str, str], command: str) -> Head:
    suite = bench.suite
    return Head(
        suite=suite.name,
        title=suite.title,
        rows=tuple(rows),
        metrics=tuple(metric.plain() for metric in metrics_named(bench.metrics)),
        axis=suite.axis,
        variants=bench.variants or suite.variants,
        published=tuple(asdict(row) for row in suite.published),
        about={
            **_about(suite, command),
            **suite.said,
            **bench.eyes.said,
            **_networks(bench, absent),
            "eyes": bench.eyes.seen,
        },
        missing=dict(absent),
    )


def _networks(bench: Bench, absent: Mapping[str, str]) -> dict[str, str]:
    """The weights of the networks that metrics look through."""
    used = (m for m in metrics_named(bench.metrics) if m.name not in absent)
    names = dict.fromkeys(name for metric in used for name in metric.backbones)
    return {f"{NETWORK}{name}": bench.eyes.store.said(name) for name in names}


NETWORK = "network "
"""Before the names of networks among what is said about a benchmark."""


def _about(suite: Suite, command: str) -> dict[str, str]:
    size = "the suite's" if suite.size is None else f"{suite.size[0]}x{suite.size[1]}"
    return {
        "command": command or "from Python",
        "protocol": suite.source,
        "size": size,
        "frames": str(suite.frames or "the suite's"),
        "clips": str(suite.count or "all"),
        "seed": str(suite.seed),
        "machine": f"{platform.processor() or platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "kineograph": f"{kineograph.__version__}{_commit()}",
        "date": date.today().isoformat(),
    }


def _commit() -> str:
    """The commit this runs from, where that is known."""
    folder = Path(sys.modules[__name__].__file__ or ".").parent
    told = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        said = subprocess.run(told, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return f", commit {said.stdout.strip()}" if said.stdout.strip() else ""


SAME = ("size", "frames", "seed")
"""What a report and a benchmark that adds to it have to have alike."""


def _joined(bench: Bench, head: Head) -> Head:
    """A head with the rows, metrics and variants that the folder's report has already.

    Raises:
        EvaluationError: that report is of another suite, size, length or seed.
    """
    if not (bench.folder.where / HEAD).is_file():
        return head
    old = bench.folder.read_head()
    differs = [f"suite {old.suite}"] if old.suite != head.suite else []
    networks = [name for name in old.about if name.startswith(NETWORK) and name in head.about]
    differs += [
        f"{name} {old.about.get(name)}"
        for name in (*SAME, *networks)
        if old.about.get(name) != head.about[name]
    ]
    if differs:
        raise EvaluationError(
            f"{bench.folder.where} holds another benchmark ({', '.join(differs)}); name another "
            "folder with --out"
        )
    kept = [row for row in old.rows if (bench.folder.where / CLIPS / row.label).is_dir()]
    rows = {row.label: row for row in (*kept, *head.rows)}
    metrics = {held["name"]: held for held in (*old.metrics, *head.metrics)}
    variants = [v for v in bench.suite.variants if v in {*old.variants, *head.variants}]
    weights = {name: said for name, said in old.about.items() if name.startswith(NETWORK)}
    return replace(
        head,
        rows=tuple(rows.values()),
        metrics=tuple(metrics.values()),
        variants=tuple(variants),
        about={**weights, **head.about},
    )


def _check_any(done: Sequence[Measured]) -> None:
    failed = [held for held in done if held.failed and held.row != TRUTH]
    if failed and len(failed) == len([held for held in done if held.row != TRUTH]):
        raise EvaluationError(f"every case failed; the first: {failed[0].failed}")

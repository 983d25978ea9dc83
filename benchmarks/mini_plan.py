"""How much of `mini` is measured, with what, and where the videos go."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kineograph
from kineograph.evaluation.bench.job import Bench
from kineograph.evaluation.bench.report_folder import ReportFolder, RowHead
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.bench.running import Crew
from kineograph.evaluation.bench.running import run as run_bench
from kineograph.evaluation.reports.folder import write_report
from kineograph.evaluation.suites.suite import Suite

MINI = "mini"
SHIPPED = Path(kineograph.__file__).parent / "weights" / MINI
"""The model that comes with the package."""


def _named(variable: str) -> Path | None:
    held = os.environ.get(variable)
    return Path(held) if held else None


@dataclass(frozen=True)
class Plan:
    """What all parts of the measurement share.

    Args:
        clips: a folder of real videos; from `KINEOGRAPH_CLIPS`.
        arms: the folder of the models that are compared, see `mini_arms`; from `KINEOGRAPH_ARMS`.
        reports: where every video and its figures are kept. What is there is not made again, so a
            measurement that was stopped goes on; another model's files make other videos.
        model: the folder of `mini`; None leaves its rows out.
        settings: of engine `mini`, such as its steps.
        scenes: procedural clips of the first part.
        each: windows of each real video, at most.
        real: windows of all of them, at most.
        said: clips of the text part, each with a direction in its caption.
        boxed: clips of the boxes part.
        compared: clips by which ways of track training and encodings are compared.
        processes: how many work at once, one thread each.
    """

    clips: Path | None = field(default_factory=lambda: _named("KINEOGRAPH_CLIPS"))
    arms: Path | None = field(default_factory=lambda: _named("KINEOGRAPH_ARMS"))
    reports: Path = Path("reports") / MINI
    model: Path | None = SHIPPED
    settings: Mapping[str, Any] = field(default_factory=dict)
    scenes: int = 12
    each: int = 1
    real: int = 10
    said: int = 20
    boxed: int = 10
    compared: int = 8
    processes: int = 2

    def row(self) -> list[RowHead]:
        """The row of `mini`; the folder is named, so that other weights are measured anew."""
        if self.model is None:
            return []
        return [RowHead(MINI, MINI, {"model": str(self.model.absolute()), **self.settings})]

    def measure(
        self,
        suite: Suite,
        part: str,
        metrics: Sequence[str],
        rows: Sequence[RowHead],
        variants: Sequence[str] = (),
    ) -> Results:
        """Run a suite through engines; the report of it lies in `reports`/`part`.

        Raises:
            KineographError: an engine lacks something, or every case failed.
        """
        folder = ReportFolder(self.reports / part)
        bench = Bench(suite, tuple(metrics), folder, variants=tuple(variants))
        results = run_bench(bench, rows, crew=Crew(self.processes), progress=_Told())
        write_report(results)
        return results


def failures(results: Results) -> Iterator[str]:
    """A sentence for each row of which videos could not be made: they are in no figure."""
    for row in results.head.rows:
        told = [case.failed for case in results.cases if case.row == row.label and case.failed]
        if told:
            yield f"{len(told)} videos of {row.label} could not be made; the first: {told[0]}"


class _Told:
    """Says how much is done, each time that it is more."""

    last = -1

    def __call__(self, done: int, total: int) -> None:
        if done != self.last:
            self.last = done
            print(f"\r  {done} of {total}", end="" if done < total else "\n", flush=True)

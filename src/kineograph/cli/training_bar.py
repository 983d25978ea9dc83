"""A bar of the steps of a training run, or lines where no terminal shows a bar."""

import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import typer

from kineograph.cli.talk import Talk

LINE_EVERY = 30.0
"""Seconds between lines where there is no terminal."""


class TrainingBar:
    """Shows loss, speed and the time left, and says what happens.

    Args:
        talk: says things, unless it is quiet.
    """

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self._bar: Any = None

    def __enter__(self) -> "TrainingBar":
        if not self.talk.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
            from rich.progress import TimeRemainingColumn as Remaining

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            said = TextColumn("{task.fields[said]}")
            self._bar = Progress(
                *columns, said, Remaining(), TextColumn("left"), console=Console(stderr=True)
            )
            self._bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)
            self._bar = None

    def tell(self, text: str) -> None:
        """What happened, on stderr."""
        if self.talk.quiet:
            return
        if self._bar is None:
            typer.echo(text, err=True)
        else:
            self._bar.console.print(text, highlight=False, markup=False)

    def stage(self, stage: Any) -> Callable[[int, int, Mapping[str, float]], None]:
        """What is told of the steps of one stage."""
        if self.talk.quiet:
            return lambda done, total, numbers: None
        if self._bar is None:
            return Lines(stage.name, self.tell)
        bar, task = self._bar, self._bar.add_task(stage.name, total=stage.steps, said="")

        def advance(done: int, total: int, numbers: Mapping[str, float]) -> None:
            bar.update(task, completed=done, total=total, said=said_of(numbers))

        return advance


class Lines:
    """A line now and then: of the first and the last step, and every half minute.

    Args:
        name: of the stage.
        tell: prints a line.
        clock: seconds.
    """

    def __init__(
        self,
        name: str,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._tell, self._clock = name, tell, clock
        self._began: tuple[int, float] | None = None
        self._told = 0.0

    def __call__(self, done: int, total: int, numbers: Mapping[str, float]) -> None:
        """Take note of a step."""
        now = self._clock()
        first = self._began is None
        if self._began is None:
            self._began = (done, now)
        if not (first or done == total or now - self._told >= LINE_EVERY):
            return
        self._told = now
        steps, seconds = done - self._began[0], now - self._began[1]
        left = f", {duration((total - done) * seconds / steps)} left" if steps else ""
        self._tell(f"{self._name} step {done}/{total}: {said_of(numbers)}{left}")


def said_of(numbers: Mapping[str, float]) -> str:
    """A step's numbers in a few words."""
    return f"loss {numbers['loss']:.4f}, {numbers['clips_per_s']:.3g} clips/s"


def duration(seconds: float | int) -> str:
    """A time in words: "40 s", "12 min", "3 h 20 min", "2 d 4 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"

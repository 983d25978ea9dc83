"""What the commands say while they work: progress, notes and what was written."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import typer

from kineograph.cli import stop


@runtime_checkable
class Advance(Protocol):
    """Told how many of how many frames, steps or the like are done."""

    def __call__(self, done: int, total: int, what: str = "frames") -> None:
        """Show it."""


@dataclass(frozen=True)
class Talk:
    """Says things, unless it is to be quiet. Progress and notes go to stderr, results to stdout."""

    quiet: bool = False
    started: float = field(default_factory=time.monotonic)

    def note(self, text: str) -> None:
        """Something the user should know that is not an error."""
        if not self.quiet:
            typer.echo(f"note: {text}", err=True)

    def wrote(self, path: Path, what: str) -> None:
        """A result that now exists, and what it is."""
        if not self.quiet:
            typer.echo(f"wrote {path}: {what}")

    def done(self) -> None:
        """How long all of it took."""
        if not self.quiet:
            typer.echo(f"in {time.monotonic() - self.started:.1f} s")

    @contextmanager
    def progress(self, what: str) -> Iterator[Advance]:
        """A bar with time left and frames (or steps) a second, on a terminal only."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda done, total, what="frames": stop.check()
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        speed = TextColumn("{task.fields[speed]}")
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), speed)
        with Progress(
            *columns, Remaining(), TextColumn("left"), console=Console(stderr=True), transient=True
        ) as bar:
            task = bar.add_task(what, total=None, speed="")
            begun = {"": time.monotonic()}

            def advance(done: int, total: int, what: str = "frames") -> None:
                stop.check()
                if what not in begun:  # another kind of work: its own time, from now
                    begun[what] = time.monotonic() if len(begun) > 1 else begun[""]
                rate = done / max(time.monotonic() - begun[what], 1e-6)
                bar.update(task, completed=done, total=total, speed=f"{rate:.1f} {what}/s")

            yield advance


def clip_line(size: tuple[int, int], frames: int, fps: float) -> str:
    """A clip in words: size, frames, fps and seconds."""
    plural = "frame" if frames == 1 else "frames"
    return f"{size[0]}x{size[1]}, {frames} {plural} at {fps:g} fps, {frames / fps:.2f} s"

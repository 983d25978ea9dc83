"""Making shards, several at once, each whole or not at all."""

import multiprocessing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from kineograph.core.errors import DataError
from kineograph.data.clip import Clip
from kineograph.data.shards import write_shard
from kineograph.data.skipped import Skipped


class WorkStopped(Exception):  # noqa: N818 - nothing went wrong
    """The work was asked to end; raised in the processes that do it."""


@dataclass(frozen=True)
class ShardTask(ABC):
    """One shard to be made.

    Args:
        shard: its name, without an ending.
        count: how many things it is made of.
    """

    shard: str
    count: int

    def run(self, out: Path, check: Callable[[], None]) -> "ShardDone":
        """Make the shard."""
        skipped: list[Skipped] = []
        clips = write_shard(out / f"{self.shard}.tar", self.clips(skipped, check))
        return ShardDone(self, clips, tuple(skipped))

    @abstractmethod
    def clips(self, skipped: list[Skipped], check: Callable[[], None]) -> Iterator[Clip]:
        """Its clips; what cannot be used is added to `skipped`."""


@dataclass(frozen=True)
class ShardDone:
    """A shard that has been made.

    Args:
        task: what was to be done.
        clips: how many clips it holds; without any, there is no file.
        skipped: what could not be used.
    """

    task: ShardTask
    clips: int
    skipped: tuple[Skipped, ...]


def run_tasks(tasks: Sequence[ShardTask], out: Path, processes: int) -> Iterator[ShardDone]:
    """The tasks' results as they come; when this ends early the processes end as well.

    Raises:
        DataError: `processes` is below 1; or what the tasks raise.
    """
    if processes < 1:
        raise DataError(f"{processes} processes were asked for; give 1 or more")
    if processes == 1 or len(tasks) < 2:
        for task in tasks:
            yield task.run(out, lambda: None)
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(min(processes, len(tasks)), context, _begin, (stop,)) as pool:
        running: set[Future[ShardDone]] = {pool.submit(_work, task, out) for task in tasks}
        try:
            while running:
                finished, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for one in finished:
                    yield one.result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _begin(stop: Any) -> None:
    """What each process does first: leave Ctrl-C to the one that started it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _STOP.append(stop)


def _work(task: ShardTask, out: Path) -> ShardDone:
    return task.run(out, _check)


def _check() -> None:
    parent = multiprocessing.parent_process()
    if (_STOP and _STOP[0].is_set()) or (parent is not None and not parent.is_alive()):
        raise WorkStopped


_STOP: list[Any] = []

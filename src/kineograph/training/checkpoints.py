"""Checkpoints of a run: whole or not there, the newest few of them."""

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch

from kineograph.core.errors import OutputError, TrainingError
from kineograph.training.state_files import reason_of

_NAME = re.compile(r"step-(\d{8})")
_UNFINISHED = ".unfinished-"


@runtime_checkable
class Crew(Protocol):
    """What is asked of Accelerate's `Accelerator`: which process it is, meeting the others."""

    is_main_process: bool
    device: torch.device

    def wait_for_everyone(self) -> None:
        """Go on when all processes are here."""

    def reduce(self, tensor: Any, reduction: str = "sum", scale: float = 1.0) -> Any:
        """The sum of a tensor over all processes."""


class Checkpoints:
    """The checkpoints in a folder, `step-00000500` and the like.

    One is written under another name, brought to the disk and then renamed: whatever ends the
    program, only the unfinished one is lost. Older ones are removed when a newer one stands.

    Args:
        folder: of the run.
        keep: how many stay.
        crew: the processes that write one together; alone if None.
    """

    def __init__(self, folder: Path, *, keep: int = 3, crew: Crew | None = None) -> None:
        self.folder, self.keep, self._crew = Path(folder), keep, crew

    @property
    def steps(self) -> list[int]:
        """The steps of which there is one, in order."""
        if not self.folder.is_dir():
            return []
        found = (_NAME.fullmatch(held.name) for held in self.folder.iterdir())
        return sorted(int(match[1]) for match in found if match)

    @property
    def latest(self) -> Path | None:
        """The newest one."""
        return self.at(self.steps[-1]) if self.steps else None

    def at(self, step: int) -> Path:
        """Where that of a step is, or would be."""
        return self.folder / f"step-{step:08d}"

    def save(self, step: int, write: Callable[[Path], None]) -> Path:
        """Make the checkpoint of a step, unless it is there already; all processes have to ask.

        Args:
            step: that has been done.
            write: puts this process's files into the folder that it is given.

        Raises:
            TrainingError: it cannot be written; those before it stay.
        """
        target, scratch = self.at(step), self.folder / f"{_UNFINISHED}{step}"
        if step in self.steps:
            return target
        self._together(step, lambda: self._fresh(scratch), only_main=True)
        self._together(step, lambda: _written(scratch, write))
        self._together(step, lambda: self._put(scratch, target), only_main=True)
        return target

    def _together(self, step: int, act: Callable[[], None], *, only_main: bool = False) -> None:
        """Act, and learn whether it went well in every process: all stop, or none."""
        trouble: Exception | None = None
        if self._is_main or not only_main:
            try:
                act()
            except (OSError, OutputError) as error:
                trouble = error
        failed = self._failed(trouble is not None)
        if not failed:
            return
        if self._is_main:
            self._clean()
        raise TrainingError(self._told(step, trouble)) from trouble

    def _failed(self, here: bool) -> bool:
        if self._crew is None:
            return here
        count = torch.tensor(float(here), device=self._crew.device)
        return bool(self._crew.reduce(count, reduction="sum").item() > 0)

    @property
    def _is_main(self) -> bool:
        return self._crew is None or self._crew.is_main_process

    def _told(self, step: int, trouble: Exception | None) -> str:
        why = "another process could not" if trouble is None else reason_of(trouble)
        kept = "there is none before it" if not self.steps else f"{self.latest} is whole"
        return (
            f"cannot write the checkpoint of step {step}: {why}; {kept}; make room, and go on with "
            "--resume"
        )

    def _fresh(self, scratch: Path) -> None:
        self._clean()
        scratch.mkdir(parents=True)

    def _clean(self) -> None:
        """Take away what was never finished."""
        for left in self.folder.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)

    def _put(self, scratch: Path, target: Path) -> None:
        _to_disk(scratch)
        scratch.rename(target)
        _to_disk(self.folder)
        for old in self.steps[: -self.keep]:
            shutil.rmtree(self.at(old), ignore_errors=True)


def _written(scratch: Path, write: Callable[[Path], None]) -> None:
    write(scratch)
    for file in scratch.iterdir():
        with suppress(FileNotFoundError):  # another process is writing it, and will bring it there
            _to_disk(file)


def _to_disk(path: Path) -> None:
    """Have the system bring a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

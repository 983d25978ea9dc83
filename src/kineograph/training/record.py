"""The record of a training run: a line of JSON a step, and the same for TensorBoard."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from kineograph.core.errors import TrainingError
from kineograph.core.files import whole_file
from kineograph.training.probes.measured import Measured

LINES, BOARD = "record.jsonl", "board"

BOARD_EVERY = 10
"""TensorBoard gets the first of so many steps: writing to it takes longer than all else about a
small network's step, and a curve shows no more."""


class Record:
    """Writes down what happens in a stage as it happens; every line is on the disk at once.

    `record.jsonl` has an object a line, each with "kind" and "step": "step" lines of `step`,
    "probe" lines of `probe`, "event" lines of `event`. The folder `board` holds the same numbers
    for TensorBoard, if that is installed.

    Args:
        folder: of the stage; it is made if it is not there.
        resumed: the step that training goes on from. Lines of later steps, written by a run that
            was then cut short, are taken out; 0 begins anew.
        board: whether TensorBoard's files are written.

    Raises:
        TrainingError: the folder cannot be written to.
    """

    def __init__(self, folder: Path | str, *, resumed: int = 0, board: bool = True) -> None:
        self.folder = Path(folder)
        self.path = self.folder / LINES
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            keep_until(self.path, resumed)
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise TrainingError(
                f"cannot write the record {self.path}: {error.strerror or error}; choose another "
                "--out"
            ) from None
        self._board: Any = None
        if board and find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self.folder / BOARD), purge_step=resumed + 1)

    def __enter__(self) -> "Record":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def step(
        self,
        step: int,
        loss: float,
        *,
        parts: Mapping[str, float] | None = None,
        gates: Mapping[str, float] | None = None,
        **numbers: float,
    ) -> None:
        """A step of the optimiser.

        Args:
            step: counted from 1.
            loss: its mean over all processes.
            parts: of the loss, by name.
            gates: the tanh of each gate's alpha; gates that stay near 0 say that the adapter is
                not used.
            numbers: others by name: "lr", "grad_norm", "clips_per_s", "wait" (the share of the time
                spent waiting for data), "memory" (MiB of the device, at most so far).
        """
        line: dict[str, Any] = {"loss": loss, **numbers}
        if parts:
            line["parts"] = dict(parts)
        if gates:
            line["gates"] = dict(gates)
        self._write("step", step, line)
        shown: dict[str, Mapping[str, float]] = {"gates": gates or {}}
        if (step - 1) % BOARD_EVERY == 0:
            self._scalar("loss", loss, step)
            shown |= {"parts": parts or {}, "run": numbers}
        for group, held in shown.items():
            for name, value in held.items():
                self._scalar(f"{group}/{name}", value, step)

    def probe(self, measured: Measured) -> None:
        """What a probe has measured."""
        self._write("probe", measured.step, measured.plain())
        self._scalar(f"probe/{measured.measure}", measured.value, measured.step)
        for name, value in measured.beside.items():
            self._scalar(f"probe/{measured.measure} ({name})", value, measured.step)

    def event(self, step: int, what: str, **facts: Any) -> None:
        """Something else that happened, such as a checkpoint or clips that could not be read."""
        self._write("event", step, {"what": what, **facts})

    def close(self) -> None:
        """Write out what is still held; a disk that is full was told of when a line was written."""
        with suppress(OSError):
            self._file.close()
        if self._board is not None:
            with suppress(OSError):
                self._board.close()
            self._board = None

    def _write(self, kind: str, step: int, line: Mapping[str, Any]) -> None:
        held = _finite({"kind": kind, "step": step, **line})
        try:
            self._file.write(json.dumps(held, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise TrainingError(
                f"cannot write the record {self.path}: {error.strerror or error}; make room and go "
                "on with --resume"
            ) from None

    def _scalar(self, name: str, value: float, step: int) -> None:
        if self._board is not None:
            self._board.add_scalar(name, value, step)


def read_record(path: Path | str) -> Iterator[dict[str, Any]]:
    """The lines of a record, of a folder or a file; a last line that was cut short is left out.

    Raises:
        TrainingError: there is none, or a line in it is no record's.
    """
    path = Path(path)
    path = path / LINES if path.is_dir() else path
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"cannot read the record {path}: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            held = json.loads(line)
            if not isinstance(held, dict) or not {"kind", "step"} <= set(held):
                raise ValueError("it has no kind or no step")
        except ValueError as error:
            if number == len(lines):
                return
            raise TrainingError(
                f"line {number} of the record {path} cannot be read: {error}"
            ) from None
        yield held


def keep_until(path: Path, step: int) -> None:
    """Take out of a record what is of later steps, and a last line that was cut short."""
    if not path.is_file():
        return
    kept = [line for line in read_record(path) if line["step"] <= step] if step else []
    with whole_file(path) as partial:
        partial.write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept), encoding="utf-8"
        )


def _finite(held: Any) -> Any:
    """The same with null for numbers that are none, which JSON does not know."""
    if isinstance(held, Mapping):
        return {name: _finite(value) for name, value in held.items()}
    if isinstance(held, list | tuple):
        return [_finite(value) for value in held]
    return None if isinstance(held, float) and not math.isfinite(held) else held

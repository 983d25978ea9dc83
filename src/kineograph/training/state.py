"""Everything that a run carries from one step to the next: saved, checked and put back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from kineograph.core.errors import TrainingError
from kineograph.training.averages import Averages
from kineograph.training.contracts import Position
from kineograph.training.sharding import placed_like, whole
from kineograph.training.stage import Stage
from kineograph.training.state_files import (
    read_json,
    read_state,
    read_weights,
    write_json,
    write_state,
    write_weights,
)

FORMAT = 1
RUN, WEIGHTS, AVERAGES, OPTIMISER = (
    "run.json",
    "weights.safetensors",
    "averages.safetensors",
    "optimiser.pt",
)
FREE = frozenset({"about", "probes", "save_every", "keep", "checkpointing"})
"""Settings of a stage that may change within a run: they do not decide what is learned."""


@dataclass(eq=False)
class RunState:
    """What a run is, between two steps.

    Chance is not in it: every step has its own (`chance.py`).

    Args:
        stage: what is trained.
        weights: what learns, by name.
        optimiser: its state is saved by the order of the weights.
        schedule: of the rate.
        averages: of the weights.
        source: of the batches of this process.
        frozen: the digest of what does not learn.
        process: which of the processes this is.
        processes: how many there are.
        scaler: of the loss, in fp16.
        step: how many have been done.
    """

    stage: Stage
    weights: Mapping[str, nn.Parameter]
    optimiser: torch.optim.Optimizer
    schedule: LRScheduler
    averages: Averages
    source: Position
    frozen: str
    process: int = 0
    processes: int = 1
    scaler: Any = None
    step: int = 0
    _files: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def collect(self) -> None:
        """Bring together what sharding has spread, for `write`; every process has to ask."""
        self._files = {
            WEIGHTS: {name: whole(held) for name, held in self.weights.items()},
            AVERAGES: self.averages.tensors(),
            OPTIMISER: _mapped(self.optimiser.state_dict(), whole),
        }

    def write(self, folder: Path) -> None:
        """Put this process's files into a checkpoint's folder.

        Raises:
            OSError: they cannot be written; or OutputError.
        """
        write_state(folder / self._own, {"source": self.source.state_dict()})
        if self.process == 0:
            write_weights(folder / WEIGHTS, self._files[WEIGHTS])
            if self._files[AVERAGES]:
                write_weights(folder / AVERAGES, self._files[AVERAGES])
            write_state(folder / OPTIMISER, self._optimising())
            write_json(folder / RUN, {"format": FORMAT, "step": self.step, **self._identity()})
        self._files = {}

    def read(self, folder: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            TrainingError: it is broken, or of a run with other settings; the first is named.
        """
        run = read_json(folder / RUN)
        self._check(folder, run)
        state = read_state(folder / OPTIMISER)
        _fill(self.weights, read_weights(folder / WEIGHTS))
        if self.stage.optimiser.ema:
            self.averages.load(read_weights(folder / AVERAGES), state["updates"])
        self.optimiser.load_state_dict(self._placed(state["optimiser"]))
        self.schedule.load_state_dict(state["schedule"])
        if self.scaler is not None:
            self.scaler.load_state_dict(state["scaler"])
        self.source.load_state_dict(read_state(folder / self._own)["source"])
        self.step = int(run["step"])

    @property
    def _own(self) -> str:
        return f"process-{self.process:05d}.pt"

    def _optimising(self) -> dict[str, Any]:
        return {
            "optimiser": self._files[OPTIMISER],
            "schedule": self.schedule.state_dict(),
            "scaler": None if self.scaler is None else self.scaler.state_dict(),
            "updates": self.averages.updates,
        }

    def _identity(self) -> dict[str, Any]:
        """What has to be alike for a run to be gone on with."""
        return {
            "stage": self.stage.model_dump(mode="json"),
            "processes": self.processes,
            "weights": {name: list(held.shape) for name, held in self.weights.items()},
            "frozen": self.frozen,
        }

    def _check(self, folder: Path, run: Any) -> None:
        if not isinstance(run, dict) or run.get("format") != FORMAT:
            raise TrainingError(
                f"the checkpoint {folder} is of another version of kineograph; go on with that, "
                "or start anew in another --out"
            )
        now = self._identity()
        for name, then, here in differences({key: run.get(key) for key in now}, now):
            if not self._may_differ(name):
                raise TrainingError(_refusal(folder, name, then, here))

    def _may_differ(self, name: str) -> bool:
        """Free settings; and the number of steps, where the rate does not follow from it."""
        if not name.startswith("stage."):
            return False
        setting = name.split(".")[1]
        longer = setting == "steps" and self.stage.optimiser.schedule == "constant"
        return setting in FREE or longer

    def _placed(self, state: Any) -> Any:
        """The optimiser's state, spread over processes as the weights are."""
        held = list(self.weights.values())
        spread = {
            index: {
                key: placed_like(value, held[index])
                if isinstance(value, Tensor) and value.shape == held[index].shape
                else value
                for key, value in of_one.items()
            }
            for index, of_one in state["state"].items()
        }
        return {**state, "state": spread}


def differences(then: Any, now: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two pieces of plain data differ: the path, and both values; in the order of `then`."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in [*then, *(key for key in now if key not in then)]:
            path = f"{name}.{key}" if name else str(key)
            yield from differences(then.get(key), now.get(key), path)
    elif then != now:
        yield name, then, now


def _refusal(folder: Path, name: str, then: Any, now: Any) -> str:
    if name == "frozen":
        what = "on another base, or with other frozen adapters"
    elif name.startswith("weights."):
        what = f"with weights {name.removeprefix('weights.')} {_said(then)}, now {_said(now)}"
    else:
        setting = name.removeprefix("stage.")
        what = f"with {setting} {_said(then)}, now it is {_said(now)}"
    return (
        f"cannot go on from {folder}: it was trained {what}; set it back, or start anew in another "
        "--out"
    )


def _said(value: Any) -> str:
    return "not there" if value is None else str(value)


@torch.no_grad()
def _fill(weights: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]) -> None:
    for name, held in weights.items():
        held.copy_(placed_like(tensors[name], held))


def _mapped(held: Any, change: Any) -> Any:
    """Nested containers with every tensor changed."""
    if isinstance(held, Tensor):
        return change(held)
    if isinstance(held, dict):
        return {key: _mapped(value, change) for key, value in held.items()}
    return [_mapped(value, change) for value in held] if isinstance(held, list) else held

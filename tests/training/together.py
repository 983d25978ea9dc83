"""Run by `torchrun`, once a process: trains and leaves its weights where the test finds them."""

import os
import signal
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from tiny_learner import Learning, PairSource, noisy_step, stage, still_step

from kineograph.training.checkpoints import Checkpoints
from kineograph.training.loop import train_stage
from kineograph.training.stage import Optimiser


def main(out: Path, how: str) -> None:
    torch.set_num_threads(1)
    rank = int(os.environ["RANK"])
    step_of = noisy_step if how in ("noisy", "stopped", "resumed") else still_step
    told = stage(
        batch=4,
        accumulate=2 if how == "accumulating" else 1,
        optimiser=Optimiser(lr=1e-2, ema=0.9, clip=0.5),
    )
    learner, source = Learning(), PairSource(batch=4)

    def progress(step: int, steps: int, numbers: object) -> None:
        if how == "stopped" and rank == 1 and step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    folder = out / ("stopped" if how == "resumed" else how)
    result = train_stage(
        told,
        learner,
        source,
        folder,
        resume=how == "resumed",
        step_of=step_of,
        progress=progress,
    )
    held = {name: weight.detach().clone() for name, weight in learner.trainable().items()}
    torch.save(
        {"weights": held, "seen": source.seen, "step": result.step, "stopped": result.stopped},
        out / f"{how}-{rank}.pt",
    )


def full(out: Path) -> None:
    """One process cannot write: all of them learn of it, and none waits for ever."""
    state = PartialState(cpu=True)
    from accelerate import Accelerator

    def write(folder: Path) -> None:
        if state.process_index == 1:
            raise OSError(28, "No space left on device")

    try:
        Checkpoints(out / "full", crew=Accelerator(cpu=True)).save(1, write)
    except Exception as error:
        (out / f"full-{state.process_index}.txt").write_text(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    for asked in sys.argv[2:]:
        if asked == "full":
            full(Path(sys.argv[1]))
        else:
            main(Path(sys.argv[1]), asked)

"""Run by `torchrun`, once a process, or alone: real stages, trained whole or spread by FSDP."""

import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from training_clips import FRAMES, SIZE, clip

from kineograph.data.batch import Batch, collate
from kineograph.data.skipped import SkipReport
from kineograph.training.loop import train_stage
from kineograph.training.objective import Loss
from kineograph.training.run import is_main
from kineograph.training.sharding import own_part
from kineograph.training.stage import Stage
from kineograph.training.step import training_step
from kineograph.training.subject import Subject

STEPS, STOP = 3, 1
STAGES: dict[str, dict[str, Any]] = {
    "tracks": {
        "trains": ["adapters.tracks"],
        "adapters": {"tracks": {"kind": "track-control", "options": {"raster": 1, "channels": 8}}},
        "sampling": {"frames": FRAMES, "size": SIZE, "tracks": "dense"},
        "probes": [{"measure": "epe", "clips": 1, "steps": 2, "every": 1}],
    },
    "boxes": {
        "trains": ["adapters.boxes"],
        "adapters": {"boxes": {"kind": "grounding"}},
        "accumulate": 2,
        "checkpointing": True,
    },
    "motion": {"trains": ["unet.motion"], "precision": "bf16"},
}
"""Gates and their single numbers, accumulation, activations computed again, half precision, the
base's own layers, and videos that are generated meanwhile."""


class Clips:
    """Endless clips: number n of the whole stream is always the same, whoever asks for it."""

    def __init__(self, batch: int) -> None:
        self.batch, self.position = batch, 0
        self.report = SkipReport()

    def part(self, process: int, processes: int, device: Any = None) -> "Clips":
        self.process, self.processes = process, processes
        return self

    def state_dict(self) -> dict[str, Any]:
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.position = state["position"]

    def __iter__(self) -> Any:
        while True:
            begin = (self.position * self.processes + self.process) * self.batch
            self.position += 1
            yield collate([clip(begin + number) for number in range(self.batch)])

    def close(self) -> None:
        pass


def same_chance(subject: Subject, batch: Batch, generator: torch.Generator) -> Loss:
    """The step of training, with the chance of a clip by its number and not by the process."""
    numbers = [int(name.split()[-1]) for name in batch.names]
    losses = [
        training_step(subject, collate([clip(number)]), torch.Generator().manual_seed(number))
        for number in numbers
    ]
    return Loss(torch.stack([loss.total for loss in losses]).mean())


def share(subject: Subject) -> float:
    """How much of all weights of the U-Net and its adapters this process holds."""
    held = list(subject.denoiser.parameters())
    return sum(own_part(one).numel() for one in held) / sum(one.numel() for one in held)


def train(base: Path, out: Path, name: str, clips: int) -> None:
    """Train a stage with a stop in its middle, and export it."""
    fields = {"name": name, "steps": STEPS, "batch": clips, "optimiser": {"lr": 1e-3, "ema": 0.9}}
    fields |= {"sampling": {"frames": FRAMES, "size": SIZE}}
    stage = Stage.model_validate(fields | STAGES[name])
    half = torch.bfloat16 if stage.precision == "bf16" else torch.float32

    def stop(step: int, steps: int, numbers: object) -> None:
        if step == STOP and is_main():
            os.kill(os.getpid(), signal.SIGTERM)
            (out / name / "share.txt").write_text(str(share(subject)))

    for progress in (stop, None):
        subject = Subject.of(stage, base, dtype=half)
        train_stage(
            stage,
            subject,
            Clips(clips),
            out / name,
            resume=progress is None,
            step_of=same_chance,
            progress=progress,
        )
    if is_main():
        subject.export(out / name / "trained")


def command(out: Path) -> None:
    """`kineograph train`, as it is called."""
    steps = ["--stage", "autoencoder", "--steps", "2", "--out", str(out / "command")]
    sys.argv = ["kineograph", "train", "tiny-base", "--tiny", *steps]
    runpy.run_module("kineograph", run_name="__main__")


if __name__ == "__main__":
    torch.set_num_threads(1)
    where, each, *asked = sys.argv[1:]
    for one in asked:
        if one == "command":
            command(Path(where))
        else:
            train(Path(where).parent / "base", Path(where), one, int(each))

"""What does the training loop cost beside a bare one, and does it wait for its data?

A tiny base with a track ControlNet is trained by `train_stage` with everything it does on the side
(record, TensorBoard, moving average off, no checkpoint within what is timed), and by the loop one
writes by hand: the same networks, step, optimiser, clipping and batches. Rounds of the two take
turns, so that whatever else the machine does falls on both, and the best round of each (a median of
its steps) is compared; the network is small, where a loop costs most. All on one thread.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from kineograph.data.batch import Batch
from kineograph.data.skipped import SkipReport
from kineograph.training.chance import chance_of
from kineograph.training.loop import train_stage
from kineograph.training.optimisers import optimiser_for
from kineograph.training.record import read_record
from kineograph.training.source import source_for
from kineograph.training.stage import AdapterChoice, Optimiser, Sampling, Stage
from kineograph.training.step import training_step
from kineograph.training.subject import Subject

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from tiny import tiny_model_folder

ROUNDS, STEPS = 5, 25
SETTLING = 5
"""Steps of each round that are not counted."""
SCENES = {"kind": "scenes"}


class Again:
    """The same few batches over and over: no data is made while time is taken."""

    report = SkipReport()

    def __init__(self, batches: list[Batch]) -> None:
        self.batches, self.position = batches, 0

    def part(self, process: int, processes: int, device: Any) -> "Again":
        return self

    def __iter__(self) -> Iterator[Batch]:
        while True:
            self.position += 1
            yield self.batches[self.position % len(self.batches)]

    def close(self) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        return {"position": self.position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.position = state["position"]


def stage_of(size: tuple[int, int], frames: int, steps: int) -> Stage:
    """Motion Prompting's stage, small."""
    return Stage(
        name="track-control",
        trains=("adapters.tracks",),
        adapters={"tracks": AdapterChoice(kind="track-control", options={"raster": 1})},
        sampling=Sampling(frames=frames, size=size, tracks="dense"),
        optimiser=Optimiser(lr=1e-4),
        steps=steps,
        batch=4,
        save_every=10**6,
    )


def bare(stage: Stage, base: Path, batches: list[Batch]) -> float:
    """Seconds a step of the loop as one writes it by hand."""
    subject = Subject.of(stage, base)
    weights = list(subject.trainable().values())
    optimiser = optimiser_for(stage.optimiser, weights)
    source, times = iter(Again(batches)), []
    for step in range(stage.steps):
        begun = time.perf_counter()
        chance = chance_of(seed=stage.seed, process=0, step=step, part=0)
        loss = training_step(subject, next(source), chance)
        loss.total.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        loss.total.item()
        times.append(time.perf_counter() - begun)
    return statistics.median(times[SETTLING:])


def ours(stage: Stage, base: Path, batches: list[Batch]) -> float:
    """Seconds a step of `train_stage`, between one report of progress and the next."""
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as out:
        train_stage(
            stage,
            Subject.of(stage, base),
            Again(batches),
            Path(out),
            progress=lambda *_: ends.append(time.perf_counter()),
        )
    spans = [after - before for before, after in pairwise(ends)]
    return statistics.median(spans[SETTLING:-1])


def overhead(base: Path, size: tuple[int, int], frames: int) -> tuple[float, float]:
    """Seconds a step: by hand, and of the loop; the best of rounds that take turns."""
    stage = stage_of(size, frames, STEPS)
    source = source_for(SCENES, stage, workers=0)
    made = iter(source)
    batches = [next(made) for _ in range(2)]
    pairs = [(bare(stage, base, batches), ours(stage, base, batches)) for _ in range(ROUNDS)]
    return min(a for a, _ in pairs), min(b for _, b in pairs)


def waiting(base: Path, size: tuple[int, int], frames: int, workers: int) -> tuple[float, float]:
    """The share of the time spent waiting for scenes, and clips a second."""
    stage = stage_of(size, frames, 40)
    with tempfile.TemporaryDirectory() as out:
        source = source_for(SCENES, stage, workers=workers)
        train_stage(stage, Subject.of(stage, base), source, Path(out))
        lines = [line for line in read_record(out) if line["kind"] == "step"][10:]
    spent = [stage.batch / line["clips_per_s"] for line in lines]
    waited = sum(time * line["wait"] for time, line in zip(spent, lines, strict=True))
    return waited / sum(spent), len(lines) * stage.batch / sum(spent)


def run() -> list[str]:
    """The section of docs/results.md."""
    torch.set_num_threads(1)
    lines = ["| clips of a step | by hand | `train_stage` | more |", "|---|---|---|---|"]
    shapes = [((16, 16), 4), ((32, 32), 8)]
    with tempfile.TemporaryDirectory() as folder:
        base = tiny_model_folder(Path(folder) / "base")
        for size, frames in shapes:
            hand, loop = overhead(base, size, frames)
            what = f"4 of {frames} x {size[0]}x{size[1]}"
            lines.append(
                f"| {what} | {hand * 1e3:.1f} ms | {loop * 1e3:.1f} ms | {loop / hand - 1:+.1%} |"
            )
        lines += ["", "| procedural scenes | readers | waiting for data | clips/s |"]
        lines += ["|---|---|---|---|"]
        for size, frames, workers in [((32, 32), 8, 0), ((32, 32), 8, 1)]:
            share, speed = waiting(base, size, frames, workers)
            what = f"{frames} x {size[0]}x{size[1]}"
            lines.append(f"| {what} | {workers} | {share:.1%} | {speed:.1f} |")
    return lines


if __name__ == "__main__":
    print("\n".join(run()))

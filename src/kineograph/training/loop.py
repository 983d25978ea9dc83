"""The training loop: one function, read from top to bottom, that trains any stage of any recipe."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch

from kineograph.core.errors import TrainingError
from kineograph.models.gates import gate_values
from kineograph.training.accelerator import accelerator_for, is_sharded, memory_used
from kineograph.training.averages import Averages
from kineograph.training.chance import chance_kept, chance_of
from kineograph.training.checkpoints import Checkpoints
from kineograph.training.contracts import Learner, OnEvent, Progress, RunProbes, Source, Step
from kineograph.training.network import StepNetwork
from kineograph.training.optimisers import optimiser_for, schedule_for
from kineograph.training.probes.measured import Measured
from kineograph.training.record import Record
from kineograph.training.sharding import (
    allow_unused,
    gathered,
    whole_again,
    whole_numbers,
    without_scalars,
)
from kineograph.training.stage import Probe, Stage
from kineograph.training.state import RunState
from kineograph.training.stopping import listening
from kineograph.training.trouble import check_finite, memory_watched

CHECKPOINTS = "checkpoints"
"""The folder of a stage's checkpoints, in that of the stage."""
GATES_EVERY = 50
"""Steps from one record of the gates to the next."""


@dataclass(frozen=True)
class Result:
    """How a run of the loop ended.

    Args:
        step: how many steps have been done, in all.
        finished: whether these are all.
        stopped: the signal that asked to stop, or "another process" that it came to; or None.
        loss: of the last step, or None if there was none to do.
        probes: what was measured, in order.
        checkpoint: the newest one.
    """

    step: int
    finished: bool
    stopped: str | None
    loss: float | None
    probes: tuple[Measured, ...]
    checkpoint: Path | None


def train_stage(
    stage: Stage,
    subject: Learner,
    source: Source,
    out: Path,
    *,
    resume: bool = False,
    step_of: Step | None = None,
    run_probes: RunProbes | None = None,
    progress: Progress | None = None,
    on_event: OnEvent | None = None,
) -> Result:
    """Train a stage to its end, or until someone asks to stop.

    Weights change in place; at the end they are their moving average, if the stage keeps one.
    Under `accelerate launch` or `torchrun` every process calls this with the same arguments.

    Args:
        stage: what is trained, and how.
        subject: the networks, on the device where they train.
        source: of batches.
        out: the stage's folder: checkpoints, record, samples.
        resume: go on from the newest checkpoint there; without, there may be none.
        step_of: the training step; `training.step.training_step` if None.
        run_probes: measures; `training.probes.run_probes` if None and the stage has probes.
        progress: is told of every step.
        on_event: is told of checkpoints, probes and stops.

    Raises:
        TrainingError: there is something to resume and nobody said so, it does not fit, a number
            is not finite, memory is short, or a checkpoint cannot be written.
        KeyboardInterrupt: a second signal came before the step that the first one waits for ended.
    """
    tell = on_event or (lambda _: None)
    frozen = subject.frozen_digest()
    accelerator = accelerator_for(stage, subject)
    main, process = accelerator.is_main_process, accelerator.process_index
    folder = Path(out)

    # What is carried from step to step.
    network = StepNetwork(subject, step_of or _training_step(), compiled=stage.compile)
    scalars = without_scalars(network) if is_sharded(accelerator) else []
    optimiser = optimiser_for(stage.optimiser, subject.trainable().values())
    network, optimiser = accelerator.prepare(network, optimiser)
    allow_unused(network)
    weights = subject.trainable()
    schedule = schedule_for(stage.optimiser, optimiser.optimizer, stage.steps)
    averages = Averages(weights, stage.optimiser.ema)
    source = source.part(process, accelerator.num_processes, accelerator.device)
    state = RunState(
        stage=stage,
        weights=weights,
        optimiser=optimiser.optimizer,
        schedule=schedule,
        averages=averages,
        source=source,
        frozen=frozen,
        process=process,
        processes=accelerator.num_processes,
        scaler=accelerator.scaler,
    )
    checkpoints = Checkpoints(folder / CHECKPOINTS, keep=stage.keep, crew=accelerator)
    _begin(state, checkpoints, resume, tell)

    loss: float | None = None
    found: list[Measured] = []
    with (
        listening() as stopping,
        chance_kept(),
        closing(source),
        _recording(folder, state.step, main) as record,
    ):

        def probe(due: tuple[Probe, ...]) -> None:
            with averages.swapped(), gathered(network):
                for measured in (run_probes or _run_probes())(due, subject, state.step):
                    found.append(measured)
                    tell(f"step {state.step}: {measured}")
                    if record:
                        record.probe(measured)

        def save() -> None:
            state.collect()
            path = checkpoints.save(state.step, state.write)
            tell(f"step {state.step}: saved {path}")
            if len(source.report):
                left_out = source.report.lines()
                tell(f"step {state.step}: {len(left_out)} clips left out, the last: {left_out[-1]}")
                if record:
                    record.event(state.step, "clips left out", clips=left_out)

        if state.step == 0 and stage.probes:
            probe(stage.probes)
        batches = iter(source)
        while state.step < stage.steps:
            step = state.step + 1
            began, waited, summed = perf_counter(), 0.0, torch.zeros((), device=accelerator.device)
            parts: dict[str, float] = {}

            # The gradients of one batch, or of several one after the other.
            for part in range(stage.accumulate):
                asked = perf_counter()
                batch = next(batches)
                waited += perf_counter() - asked
                with memory_watched(stage), accelerator.accumulate(network):
                    chance = chance_of(seed=stage.seed, process=process, step=step, part=part)
                    with accelerator.autocast():
                        made = network(batch.to(accelerator.device), chance)
                    accelerator.backward(made.total)
                summed += made.total.detach() / stage.accumulate
                for name, value in made.parts.items():
                    parts[name] = parts.get(name, 0.0) + float(value) / stage.accumulate

            # All processes learn the mean loss, and whether one of them was asked to stop.
            told = torch.stack([summed, torch.full_like(summed, float(stopping.asked))])
            mean, ending = accelerator.reduce(told, reduction="mean").tolist()
            largest = stage.optimiser.clip or float("inf")
            norm = float(accelerator.clip_grad_norm_(weights.values(), largest))
            if accelerator.scaler is None:
                check_finite(stage, step, mean, norm)

            # The weights change, and with them everything that follows them.
            with memory_watched(stage):
                optimiser.step()
            rate = schedule.get_last_lr()[0]
            if not accelerator.optimizer_step_was_skipped:
                schedule.step()
                averages.update()
            optimiser.zero_grad()
            state.step, loss = step, mean

            # What a person sees of it.
            whole = perf_counter() - began
            numbers = {
                "lr": rate,
                "grad_norm": norm,
                "clips_per_s": stage.batch * stage.accumulate * accelerator.num_processes / whole,
                "wait": waited / whole,
                "memory": memory_used(accelerator.device),
            }
            gates = None
            if step % GATES_EVERY == 0:
                gates = gate_values(whole_numbers(weights).items())
            if record:
                record.step(step, mean, parts=parts, gates=gates, **numbers)
            if progress is not None:
                progress(step, stage.steps, {"loss": mean, **numbers})

            # Measure, save, stop.
            last, stop = step == stage.steps, ending > 0
            due = tuple(held for held in stage.probes if last or step % held.every == 0)
            if due and not stop:
                probe(due)
            if last or stop or step % stage.save_every == 0:
                save()
            if stop:
                break

    finished = state.step == stage.steps
    if finished:
        averages.settle()
    whole_again(network, scalars)
    accelerator.free_memory()
    stopped = None if finished else next(iter(stopping.heard), "another process")
    return Result(state.step, finished, stopped, loss, tuple(found), checkpoints.latest)


def _begin(state: RunState, checkpoints: Checkpoints, resume: bool, tell: OnEvent) -> None:
    """Go on from the newest checkpoint, or make sure that there is none."""
    latest = checkpoints.latest
    if latest is not None and not resume:
        raise TrainingError(
            f"{checkpoints.folder} already holds checkpoints up to step {checkpoints.steps[-1]}; "
            "go on from there with --resume, or choose another --out"
        )
    if latest is not None:
        state.read(latest)
        tell(f"goes on from step {state.step}, {latest}")
    elif resume:
        tell("nothing to go on from: starts anew")


@contextmanager
def _recording(folder: Path, step: int, main: bool) -> Iterator[Record | None]:
    """The record of a stage, in the main process."""
    if not main:
        yield None
        return
    with Record(folder, resumed=step) as record:
        yield record


def _training_step() -> Step:
    from kineograph.training.step import training_step

    return training_step


def _run_probes() -> RunProbes:
    from kineograph.training.probes import run_probes

    return run_probes

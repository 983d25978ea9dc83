"""The plan of a run: what trains, how much memory it takes, how long it will be."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from kineograph.data.batch import Batch, collate
from kineograph.training.chance import chance_kept
from kineograph.training.part import Part
from kineograph.training.probes.generating import precision
from kineograph.training.probes.probe_clips import SEED, probe_clips
from kineograph.training.recipe import Recipe
from kineograph.training.stage import AdapterChoice, Optimiser, Stage
from kineograph.training.step import training_step
from kineograph.training.subject import Subject

STAGE = "stage:"

STATES: Mapping[str, int] = {"adamw": 8, "adafactor": 0, "sgd": 0}
"""Bytes an optimiser keeps for each number that learns; what Adafactor keeps is a row and a column
of each matrix, which is little."""


@dataclass(frozen=True)
class Memory:
    """What a stage holds on its device, in bytes.

    Args:
        weights: all networks.
        gradients: of what learns, in float32.
        optimiser: what it remembers.
        averages: the moving average of the weights.
        activations: what a step keeps for its backward pass, measured; None if it was not.
    """

    weights: int
    gradients: int
    optimiser: int
    averages: int
    activations: int | None = None

    @property
    def total(self) -> int:
        """All of it, as far as it is known; what a step needs in passing comes on top."""
        return (
            self.weights + self.gradients + self.optimiser + self.averages + (self.activations or 0)
        )


@dataclass(frozen=True)
class StagePlan:
    """The plan of one stage.

    Args:
        stage: what is trained.
        parts: what there is, and which of it trains.
        memory: what it takes.
        seconds: of a step of one process, measured with clips at hand; None if it was not.
    """

    stage: Stage
    parts: tuple[Part, ...]
    memory: Memory
    seconds: float | None = None

    @property
    def learns(self) -> int:
        """Numbers that learn."""
        return sum(part.parameters for part in self.parts if part.trains)

    @property
    def frozen(self) -> int:
        """Numbers that stay as they are."""
        return sum(part.parameters for part in self.parts if not part.trains)

    @property
    def duration(self) -> float | None:
        """Seconds of all steps; probes and checkpoints come on top."""
        return None if self.seconds is None else self.seconds * self.stage.steps


def plan_of(
    recipe: Recipe,
    build: Callable[[Stage], Subject],
    *,
    names: Sequence[str] | None = None,
    measured: int = 2,
    on_stage: Callable[[str], None] | None = None,
) -> tuple[StagePlan, ...]:
    """The plan of a recipe's stages; nothing is trained and nothing written.

    Stages that build on earlier ones are planned with new networks of the same shape in their
    place.

    Args:
        recipe: the recipe.
        build: from a stage to its networks, on the device where they will train.
        names: the stages to plan; all if None.
        measured: steps that are timed, after one that is not; 0 measures nothing.
        on_stage: told the name of each stage before it is planned.

    Raises:
        TrainingError: a stage cannot be trained on its base.
        ModelError: a base or an adapter is missing, broken or does not fit.
    """
    plans = []
    for stage in recipe.stages:
        if names is not None and stage.name not in names:
            continue
        if on_stage is not None:
            on_stage(stage.name)
        subject = build(alone(stage, recipe))
        plans.append(plan_stage(stage, subject, stage.data or recipe.data, measured=measured))
    return tuple(plans)


def plan_stage(
    stage: Stage, subject: Subject, data: Mapping[str, Any], *, measured: int = 2
) -> StagePlan:
    """The plan of one stage whose networks are there; their weights stay as they are.

    Args:
        stage: as the recipe has it.
        subject: its networks.
        data: of the recipe; the measured steps take scenes, whatever it is.
        measured: steps that are timed, after one that is not; 0 measures nothing.
    """
    parts, memory = tuple(subject.parts()), memory_of(subject)
    if not measured:
        return StagePlan(stage, parts, memory)
    batch = _batch(subject, data)
    kept = Kept(subject)
    with kept:
        _step(subject, batch)
    began = perf_counter()
    for _ in range(measured):
        _step(subject, batch)
    seconds = (perf_counter() - began) / measured * stage.accumulate
    return StagePlan(stage, parts, replace(memory, activations=kept.bytes), seconds)


def memory_of(subject: Subject) -> Memory:
    """What a subject's training holds beside activations."""
    networks = [subject.denoiser, *subject.base.networks.values()]
    tensors = {id(held): held for network in networks for held in network.parameters()}
    learns = sum(held.numel() for held in subject.trainable().values())
    optimiser: Optimiser = subject.stage.optimiser
    return Memory(
        weights=sum(_bytes(held) for held in tensors.values()),
        gradients=4 * learns,
        optimiser=STATES[optimiser.name] * learns,
        averages=4 * learns if optimiser.ema else 0,
    )


def alone(stage: Stage, recipe: Recipe) -> Stage:
    """A stage with new networks in the place of what earlier stages will have trained."""
    earlier = {held.name: held for held in recipe.stages}

    def first(name: str, choice: AdapterChoice) -> AdapterChoice:
        while choice.source is not None and choice.source.startswith(STAGE):
            choice = earlier[choice.source.removeprefix(STAGE)].adapters[name]
        return choice

    base = stage.base
    while base is not None and base.startswith(STAGE):
        base = earlier[base.removeprefix(STAGE)].base
    adapters = {name: first(name, choice) for name, choice in stage.adapters.items()}
    return stage.model_copy(update={"base": base, "adapters": adapters})


class Kept(AbstractContextManager["Kept"]):
    """Inside, counts the bytes that are kept for the backward pass; weights are not counted."""

    def __init__(self, subject: Subject) -> None:
        networks = [subject.denoiser, *subject.base.networks.values()]
        self._weights = {
            held.untyped_storage().data_ptr()
            for network in networks
            for held in (*network.parameters(), *network.buffers())
        }
        self._seen: dict[int, int] = {}
        self._hooks: Any = nullcontext()

    @property
    def bytes(self) -> int:
        """How many."""
        return sum(self._seen.values())

    def __enter__(self) -> "Kept":
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._keep, lambda held: held)
        self._hooks.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._hooks.__exit__(*error)

    def _keep(self, held: Tensor) -> Tensor:
        storage = held.untyped_storage()
        if storage.data_ptr() not in self._weights:
            self._seen[storage.data_ptr()] = storage.nbytes()
        return held


def _batch(subject: Subject, data: Mapping[str, Any]) -> Batch:
    """Scenes as large as the stage's clips."""
    bare = subject.stage.model_copy(update={"probes": ()})
    clips = probe_clips(bare, bare.batch, data)
    return collate(clips, max_objects=bare.sampling.max_objects).to(subject.base.device)


def _step(subject: Subject, batch: Batch) -> None:
    """Forward and backward, and the gradients thrown away."""
    device = subject.base.device
    generator = torch.Generator("cpu").manual_seed(SEED)
    with chance_kept():
        with precision(subject):
            loss = training_step(subject, batch, generator)
        loss.total.backward()
    for held in subject.trainable().values():
        held.grad = None
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()

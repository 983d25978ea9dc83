"""A run: the stages of a recipe trained one after the other, each exported when it is done."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from kineograph.core.errors import KineographError, TrainingError
from kineograph.core.files import whole_file
from kineograph.engines.diffusion.device import choose
from kineograph.training.card import card_of
from kineograph.training.checkpoints import Checkpoints
from kineograph.training.loop import CHECKPOINTS, OnEvent, Progress, Result, train_stage
from kineograph.training.origin import SETTINGS
from kineograph.training.probes import Probing
from kineograph.training.probes.generating import HALVES
from kineograph.training.recipe import Recipe
from kineograph.training.source import source_for
from kineograph.training.stage import Stage
from kineograph.training.state import differences
from kineograph.training.subject import Subject

RECIPE, TRAINED, SKIPPED = "recipe.yaml", "trained", "skipped.txt"
"""The recipe in a run's folder; in a stage's the export, and a list of clips that were left out."""


@dataclass(frozen=True)
class StageRun:
    """How the run of one stage went.

    Args:
        stage: what was trained.
        result: of the loop; None if it had been trained before.
        trained: the folder of its export; it is there if the stage is finished.
    """

    stage: Stage
    result: Result | None
    trained: Path

    @property
    def finished(self) -> bool:
        """Whether all of its steps have been done."""
        return self.result is None or self.result.finished


@dataclass(frozen=True)
class Run:
    """Where a recipe is trained: `OUT/recipe.yaml`, and for each stage `OUT/STAGE/` with its
    checkpoints, `record.jsonl`, samples and, when it is done, the export `trained/`.

    Args:
        recipe: what is trained; its base and data stand in it.
        out: the run's folder.
        device: where; the fastest there is if None. Of several GPUs each process takes its own.
        workers: processes that read data; None takes one for every core but one, at most 8.
    """

    recipe: Recipe
    out: Path
    device: str | None = None
    workers: int | None = None

    def train(
        self,
        *,
        names: Sequence[str] | None = None,
        resume: bool = False,
        progress: Callable[[Stage], Progress] | None = None,
        on_event: OnEvent | None = None,
    ) -> tuple[StageRun, ...]:
        """Train stages in their order, until all are done or someone asks to stop.

        Args:
            names: the stages; all if None. What they build on has to be trained.
            resume: go on where the run was; stages that are done are left as they are.
            progress: for each stage, what is told of its steps.
            on_event: is told of checkpoints, probes and exports.

        Raises:
            TrainingError: the run's folder is of another recipe, or training cannot start or go on.
            KineographError: a base, an adapter or the data is missing, broken or does not fit.
        """
        stages = stages_of(self.recipe, names)
        self._keep_recipe(resume)
        runs: list[StageRun] = []
        for stage in stages:
            made = self._stage(stage, resume, progress, on_event or (lambda _: None))
            runs.append(made)
            if not made.finished:
                break
        return tuple(runs)

    def build(self, stage: Stage) -> Subject:
        """The networks of a stage, where they train.

        Raises:
            TrainingError: what it builds on has not been trained, or the base lacks something.
            ModelError: a base or an adapter is missing, broken or does not fit.
        """
        return Subject.of(
            stage,
            self.recipe.base,
            motion=self.recipe.motion,
            device=device_of(self.device),
            dtype=HALVES.get(stage.precision, torch.float32),
            earlier=self.exports,
        )

    @property
    def exports(self) -> dict[str, Path]:
        """The exports that are there, by stage."""
        places = {stage.name: self.out / stage.name / TRAINED for stage in self.recipe.stages}
        return {name: place for name, place in places.items() if (place / SETTINGS).is_file()}

    def _stage(
        self,
        stage: Stage,
        resume: bool,
        progress: Callable[[Stage], Progress] | None,
        tell: OnEvent,
    ) -> StageRun:
        folder = self.out / stage.name
        trained = folder / TRAINED
        steps = Checkpoints(folder / CHECKPOINTS).steps
        if resume and stage.name in self.exports and steps[-1:] >= [stage.steps]:
            tell(f"stage {stage.name} is trained")
            return StageRun(stage, None, trained)
        subject = self.build(stage)
        source = source_for(stage.data or self.recipe.data, stage, workers=self.workers)
        try:
            result = train_stage(
                stage,
                subject,
                source,
                folder,
                resume=resume,
                run_probes=Probing(stage.data or self.recipe.data, folder),
                progress=None if progress is None else progress(stage),
                on_event=tell,
            )
        finally:
            source.close()
            with suppress(KineographError):  # what stopped the run is told, not this
                _list_skipped(source.report.lines(), folder, tell)
        if result.finished and is_main():
            subject.export(trained, card_of(self.recipe, subject, folder))
            tell(f"exported {trained}")
        if torch.distributed.is_initialized():
            torch.distributed.barrier()  # the next stage may build on it
        return StageRun(stage, result, trained)

    def _keep_recipe(self, resume: bool) -> None:
        """Write the recipe down, or see that the run's folder is of the same one."""
        path = self.out / RECIPE
        if path.is_file():
            then, now = Recipe.load(path).model_dump(), self.recipe.model_dump()
            for name in ("name", "base", "motion", "data"):
                for place, before, here in differences(then[name], now[name], name):
                    raise TrainingError(
                        f"{self.out} holds a run with {place} {before}, now it is {here}; set it "
                        "back, or choose another --out"
                    )
        elif self.out.is_dir() and resume and any(self.out.iterdir()):
            raise TrainingError(
                f"there is no run to go on with in {self.out}: it has no {RECIPE}; name the folder "
                "that --out was"
            )
        if is_main() and (resume or not path.is_file()):
            save_recipe(self.recipe, path)


def _list_skipped(lines: Sequence[str], folder: Path, tell: OnEvent) -> None:
    """Write down which clips could not be used, and why."""
    if lines and is_main():
        with whole_file(folder / SKIPPED) as partial:
            partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        tell(f"left out {len(lines)} clips that could not be used; {folder / SKIPPED} lists them")


def stages_of(recipe: Recipe, names: Sequence[str] | None) -> tuple[Stage, ...]:
    """The stages with these names, in the recipe's order; all if None.

    Raises:
        TrainingError: there is no such stage.
    """
    there = [stage.name for stage in recipe.stages]
    for name in names or ():
        if name not in there:
            raise TrainingError(
                f"recipe {recipe.name} has no stage {name}; its stages are {', '.join(there)}"
            )
    return tuple(stage for stage in recipe.stages if names is None or stage.name in names)


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as YAML, as `Recipe.load` reads it."""
    with whole_file(path) as partial:
        text = yaml.safe_dump(recipe.plain(), sort_keys=False, allow_unicode=True)
        partial.write_text(text, encoding="utf-8")


def device_of(name: str | None) -> torch.device:
    """The device of this process: the fastest there is, and of several GPUs its own.

    Raises:
        EngineError: there is no such device.
    """
    device = choose(name).device
    if name is None and device.type == "cuda":
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return device


def is_main() -> bool:
    """Whether this is the process that writes and speaks, of those that train together."""
    return int(os.environ.get("RANK", "0")) == 0


def changed(recipe: Recipe, pairs: Sequence[tuple[str, Any]]) -> Recipe:
    """A recipe with other settings.

    Args:
        recipe: the recipe.
        pairs: paths as "STAGE.optimiser.lr", "*.batch" for all stages, or "base", each with its
            new value.

    Raises:
        TrainingError: there is no such stage or field, or the value is not allowed.
    """
    held = recipe.model_dump(mode="json")
    names = [stage.name for stage in recipe.stages]
    for path, value in pairs:
        first, dot, rest = path.partition(".")
        if first in held and first != "stages":
            _put(held, path, value)
        elif dot and first in (*names, "*"):
            for stage in held["stages"]:
                if first in (stage["name"], "*"):
                    _put(stage, rest, value)
        else:
            raise TrainingError(
                f"--set {path} was given; write STAGE.field=value with a stage of "
                f"{', '.join(names)}, *.field=value for all of them, or base, motion or data"
            )
    return Recipe.of(held, f"recipe {recipe.name}, changed")


def _put(held: dict[str, Any], path: str, value: Any) -> None:
    *before, last = path.split(".")
    for name in before:
        if not isinstance(held.get(name), dict):
            held[name] = {}
        held = held[name]
    held[last] = value

"""Arms: models that differ in one thing, trained with several seeds, and what they differ by.

    ARMS/QUESTION/ARM/SEED/      a model: a folder in diffusers' layout, or what a stage exports
    ARMS/QUESTION/settings.json  engine settings of all its arms; may be absent

An arm of one seed may be the model itself, without a folder of seeds.
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.report_folder import RowHead
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.intervals import LEVEL, SAMPLES, Interval

EXPORT, MODEL = "engine.json", "model_index.json"
JOINT = "joint-motion"
"""The kind of adapter that engine `mini` needs; models without it run on engine `unet`."""

Values = np.ndarray
"""(seeds, clips) of one arm; NaN where nothing was measured."""


@dataclass(frozen=True)
class Arm:
    """What is compared.

    Args:
        name: of its folder.
        models: seed to folder.
    """

    name: str
    models: Mapping[str, Path]

    def label(self, seed: str) -> str:
        """Of its row in the report."""
        return re.sub(r"[^\w.-]", "-", f"{self.name}.{seed}")


def arms_of(where: Path | None, question: str) -> list[Arm]:
    """The arms of a question, in the order of their names; none if there is no such folder."""
    folder = None if where is None else where / question
    if folder is None or not folder.is_dir():
        return []
    arms = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        if is_model(place):
            arms.append(Arm(place.name, {"0": place}))
        elif held := {path.name: path for path in sorted(place.iterdir()) if is_model(path)}:
            arms.append(Arm(place.name, held))
    return arms


def is_model(folder: Path) -> bool:
    """Whether an engine can take it."""
    return (folder / EXPORT).is_file() or (folder / MODEL).is_file()


def rows_of(
    where: Path, question: str, arms: Sequence[Arm], usual: Mapping[str, Any]
) -> list[RowHead]:
    """A row for each model of each arm.

    Args:
        where: the folder of all questions.
        question: by name.
        arms: of the question.
        usual: settings of engine `mini`, unless `settings.json` says otherwise.
    """
    path = where / question / "settings.json"
    given = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return [
        row_of(arm.label(seed), model, usual, given)
        for arm in arms
        for seed, model in arm.models.items()
    ]


def row_of(label: str, model: Path, usual: Mapping[str, Any], given: Mapping[str, Any]) -> RowHead:
    """The row of a model: engine `mini` if it denoises motion too, else engine `unet`."""
    settings: dict[str, Any] = {"model": str(model.absolute())}
    if JOINT in kinds_of(model):
        return RowHead(label, "mini", {**settings, **usual, **given})
    if (model / EXPORT).is_file():
        from kineograph.training.export import engine_settings

        held = {name: x for name, x in engine_settings(model).items() if x}
        settings = {name: list(x) if isinstance(x, tuple) else x for name, x in held.items()}
    return RowHead(label, "unet", {**settings, **given})


def kinds_of(model: Path) -> set[str]:
    """The kinds of a model's adapters: those in its folder and those that its export names."""
    folders = [*model.glob("adapters/*")]
    if (model / EXPORT).is_file():
        said = json.loads((model / EXPORT).read_text(encoding="utf-8"))
        folders += [model / name for name in said.get("adapters", ())]
    files = [folder / "config.json" for folder in folders]
    return {json.loads(x.read_text(encoding="utf-8"))["kind"] for x in files if x.is_file()}


def values_of(results: Results, arm: Arm, metric: str, variant: str) -> Values:
    """(seeds, clips) a metric of an arm."""
    return np.stack([results.numbers(metric, arm.label(seed), variant) for seed in arm.models])


def spread(values: Values, name: str) -> Interval:
    """The mean over clips and trainings, and its interval; see `differ`.

    Raises:
        EvaluationError: nothing was measured.
    """
    _check(values)
    means = _means(values, *_drawn(values.shape, name))
    return _interval(values, float(np.nanmean(values)), means)


def differ(first: Values, second: Values, name: str, *, paired: bool) -> Interval:
    """How much higher the second arm is than the first, over the same clips.

    By a bootstrap that draws trainings and clips, each with replacement (Owen 2007, the pigeonhole
    bootstrap): clips are drawn alike for both arms, and trainings too where they are paired by
    their seeds. It errs on the wide side. With one training an arm, only clips are drawn, and what
    another training would give is not in the interval.

    Args:
        first: (seeds, clips).
        second: (seeds, clips), over the same clips.
        name: the same name draws the same samples.
        paired: whether the trainings of the two have the same seeds, in the same order.

    Raises:
        EvaluationError: nothing was measured.
    """
    _check(first)
    _check(second)
    seeds, clips = _drawn(first.shape, name)
    others = seeds if paired else _drawn(second.shape, f"{name} second")[0]
    means = _means(second, others, clips) - _means(first, seeds, clips)
    return _interval(first, float(np.nanmean(second) - np.nanmean(first)), means)


def _check(values: Values) -> None:
    if np.isnan(values).all():
        raise EvaluationError("there is no value to average; no clip could be measured")


def _drawn(shape: tuple[int, ...], name: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    clips = rng.integers(0, shape[1], (SAMPLES, shape[1]))
    return rng.integers(0, shape[0], (SAMPLES, shape[0])), clips


def _means(values: Values, seeds: np.ndarray, clips: np.ndarray) -> np.ndarray:
    drawn = values[seeds[:, :, None], clips[:, None, :]]
    counts = (~np.isnan(drawn)).sum(axis=(1, 2))
    return np.where(counts > 0, np.nansum(drawn, axis=(1, 2)) / np.maximum(counts, 1), np.nan)


def _interval(values: Values, value: float, means: np.ndarray) -> Interval:
    if values.shape[1] < 2:
        return Interval(value, float("nan"), float("nan"), values.shape[1])
    low, high = np.nanquantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high), values.shape[1])

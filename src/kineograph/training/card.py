"""The model card of what a stage has trained, filled with what the run knows."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kineograph
from kineograph.core.errors import TrainingError
from kineograph.models.converting.card import write_card
from kineograph.training.recipe import Recipe
from kineograph.training.record import read_record
from kineograph.training.stage import Stage
from kineograph.training.subject import Subject


def card_of(recipe: Recipe, subject: Subject, folder: Path) -> str:
    """The card, in Markdown.

    Args:
        recipe: that the stage is of.
        subject: what was trained.
        folder: of the stage, where its record is.
    """
    stage, base = subject.stage, subject.base
    learned = [part for part in subject.parts() if part.trains]
    facts = {
        "recipe": recipe.name,
        "stage": stage.name,
        "trained": ", ".join(stage.trains),
        "parameters trained": f"{sum(part.parameters for part in learned):,}",
        "base": f"{base.name} ({base.family})",
        **({"motion": base.motion} if base.motion else {}),
        "adapters": _adapters(stage) or "none",
        "data": _data(stage.data or recipe.data),
        "clips": _clips(stage),
        "steps": f"{stage.steps:,} of {_batch(stage)}",
        "objective": _objective(stage),
        "dropout": _dropout(stage),
        "optimiser": _optimiser(stage),
        "precision": "float32" if stage.precision == "no" else stage.precision,
        "seed": str(stage.seed),
        **dict(_probes(folder)),
        "made with": f"kineograph {kineograph.__version__}",
    }
    return write_card(f"{recipe.name}, stage {stage.name}", facts, [*_texts(recipe, stage)])


def _adapters(stage: Stage) -> str:
    return ", ".join(f"{name} ({choice.kind})" for name, choice in stage.adapters.items())


def _data(data: dict[str, Any]) -> str:
    kind = str(data.get("kind", "scenes"))
    if kind == "scenes":
        return "procedural scenes"
    where = data.get("path")
    return kind if where is None else f"{kind}, {Path(str(where)).name}"


def _clips(stage: Stage) -> str:
    (width, height), frames = stage.sampling.size, stage.sampling.frames
    strides = ", ".join(map(str, stage.sampling.strides))
    said = f"{frames} frames of {width}x{height}, stride {strides}"
    return said if stage.sampling.tracks == "none" else f"{said}, {stage.sampling.tracks} tracks"


def _batch(stage: Stage) -> str:
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    return f"{stage.batch * stage.accumulate * processes} clips"


def _objective(stage: Stage) -> str:
    held, said = stage.objective, [str(stage.objective.prediction)]
    if held.focal is not None:
        said.append(f"motion focal loss {held.focal.strength:g}")
    if held.inside_boxes > 1:
        said.append(f"{held.inside_boxes:g} inside boxes")
    if held.min_snr is not None:
        said.append(f"min-SNR {held.min_snr:g}")
    return ", ".join(said)


def _dropout(stage: Stage) -> str:
    held = stage.dropout.model_dump()
    shares = [f"{name} {held[name]:g}" for name in ("text", "picture", "tracks", "boxes")]
    return f"{', '.join(shares)}, a {stage.dropout.per} at a time"


def _optimiser(stage: Stage) -> str:
    held = stage.optimiser
    said = f"{held.name}, rate {held.lr:g} {held.schedule}"
    return f"{said}, moving average {held.ema:g}" if held.ema else said


def _probes(folder: Path) -> Iterator[tuple[str, str]]:
    """Each measure as it was before and after, from the record."""
    held: dict[str, list[dict[str, Any]]] = {}
    try:
        lines = [line for line in read_record(folder) if line["kind"] == "probe"]
    except TrainingError:
        return
    for line in lines:
        held.setdefault(line["measure"], []).append(line)
    for measure, found in held.items():
        first, last = found[0], found[-1]
        unit = f" {last['unit']}" if last["unit"] else ""
        beside = ", ".join(
            f"{name} {value:.4g}" for name, value in last["beside"].items() if value is not None
        )
        said = f"{last['value']:.4g}{unit} after {last['step']:,} steps, {first['value']:.4g} after"
        yield measure, f"{said} {first['step']:,}" + (f" ({beside})" if beside else "")


def _texts(recipe: Recipe, stage: Stage) -> Iterator[str]:
    """Sentences of the recipe, of the stage, and how it is used."""
    yield from (text for text in (recipe.about, stage.about) if text)
    yield (
        "`engine.json` holds the settings with which engine `unet` generates: give them with "
        "`--model`, `--adapter`, `--lora` and `--set motion=...` of `kineograph animate`."
    )

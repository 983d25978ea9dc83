"""A stage's needs beside what a base has: checks before training, and its adapters."""

from collections.abc import Mapping
from pathlib import Path

from kineograph.core.errors import TrainingError
from kineograph.models.adapter import Adapter
from kineograph.models.adapter_folder import adapter_class, load_adapter
from kineograph.models.base import Base
from kineograph.models.description import ADAPTERS
from kineograph.training.origin import STAGE, exported
from kineograph.training.part import is_in, part_of
from kineograph.training.stage import AdapterChoice, Stage


def check_stage(stage: Stage, base: Base) -> None:
    """Say what the base lacks before anything is trained.

    Raises:
        TrainingError: it lacks something, or the stage contradicts itself.
        ModelError: its motion layers read fewer frames.
    """
    if stage.temporal:
        base.check_frames(stage.sampling.frames)
    else:
        _check_still(stage)
    width, height = stage.sampling.size
    if width % base.stride or height % base.stride:
        raise TrainingError(
            f"stage {stage.name} trains on {width}x{height}; the sides have to be multiples of "
            f"{base.stride}, the pixels of a latent cell of {base.name}"
        )
    _check_motion(stage, base)
    layers = {part_of("unet", name) for name, _ in base.unet.named_parameters()}
    for asked in stage.trains:
        if asked.startswith("unet") and not any(is_in(part, [asked]) for part in layers):
            raise TrainingError(f"stage {stage.name} trains {asked}, which {base.name} has not")
    taken = sorted(set(stage.adapters) & set(base.adapters))
    if taken:
        raise TrainingError(
            f"stage {stage.name} has an adapter {taken[0]!r}, and {base.name} has one of that name "
            "in its folder; call the stage's by another name"
        )


def _check_motion(stage: Stage, base: Base) -> None:
    """What carries motion gets it, on the grid of the latents, and learns a flow."""
    own = sum(adapter_class(choice.kind).carries for choice in stage.adapters.values())
    carried = own + sum(held.carries for held in base.adapters.values()) > 0
    wanted = base.stride if carried else None
    if stage.sampling.motion != wanted:
        raise TrainingError(
            f"stage {stage.name} has sampling.motion {stage.sampling.motion}; its adapters need "
            f"{wanted}: the pixels of a latent cell where one carries motion, else null"
        )
    if carried and stage.objective.prediction != "flow":
        raise TrainingError(
            f"stage {stage.name} predicts {stage.objective.prediction} and has an adapter that "
            "carries motion, which is denoised as a flow; set objective.prediction=flow"
        )


def _check_still(stage: Stage) -> None:
    moving = [name for name in stage.trains if name == "unet" or name.startswith("unet.motion")]
    if stage.lora is not None and "lora" in stage.trains and stage.lora.on == "motion":
        moving.append("lora")
    if moving:
        raise TrainingError(
            f"stage {stage.name} trains {moving[0]} with temporal: false, where motion layers do "
            "not act; train unet.spatial, or say temporal: true"
        )


def adapter_sources(stage: Stage, earlier: Mapping[str, Path]) -> dict[str, Path]:
    """The folders of adapters that are not new, by name.

    Raises:
        TrainingError: the stage that one of them comes from has not been trained.
    """
    found = {}
    for name, choice in stage.adapters.items():
        if choice.source is not None:
            own = not choice.source.startswith(STAGE)
            folder = (
                Path(choice.source)
                if own
                else exported(stage, choice.source, earlier) / ADAPTERS / name
            )
            found[name] = folder
    return found


def adapter_of(name: str, choice: AdapterChoice, base: Base, source: Path | None) -> Adapter:
    """An adapter as it was trained before, or a new one without effect.

    A new one gets the stride of the base's autoencoder and the width of its vision encoder, unless
    its options say others.

    Raises:
        TrainingError: it is of another kind, or has options that it cannot follow.
        ModelError: it is missing or broken, or an option is unknown.
    """
    kind = adapter_class(choice.kind)
    if source is None:
        fields, options = kind.Config.model_fields, dict(choice.options)
        if "stride" in fields:
            options.setdefault("stride", base.stride)
        if "vision_width" in fields and base.vision is not None:
            options.setdefault("vision_width", base.vision.width)
        made: Adapter = kind.for_base(base.unet, **options)
        return made
    if choice.options:
        raise TrainingError(
            f"adapter {name} is loaded from {source} and has options; options are of a new one: "
            "leave them out"
        )
    held = load_adapter(source)
    if held.kind != choice.kind:
        raise TrainingError(
            f"adapter {name} is to be a {choice.kind} and {source} holds a {held.kind}; name the "
            "kind that it is"
        )
    return held

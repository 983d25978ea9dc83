"""Boximator (2402.01566): hard and soft boxes on a frozen base, learnt by self-tracking.

From the paper: in the first two stages each boxed object's box is painted in its identity colour
into the frames to be predicted, which ties boxes to colours; the third stage leaves that out. Stage
1 has hard boxes (50,000 steps at 2e-4), stage 2 makes 80 % of them soft (50,000 at 3e-5), stage 3
the same on clean frames (10,000 at 3e-5). Each warms up for 7,500 steps and then falls linearly;
Adam, batches of 128, 16 frames of 256x256 at 4 a second, a quarter of samples without boxes, up to
8 objects.

Not published or not the same here: how often text is left out (10 % chosen). The first frame, given
to half of the paper's samples, is not given: its base PixelDance, which reads one, is not open, and
for ModelScope the paper overwrites latents while sampling. 4 frames a second are every sixth of 24.
"""

from typing import Any

from kineograph.training.recipe import Recipe
from kineograph.training.recipes import tiny_base
from kineograph.training.stage import (
    AdapterChoice,
    Dropout,
    Objective,
    Optimiser,
    Probe,
    Sampling,
    Stage,
)

NAME = "boxes"


def recipe(*, painted: bool = True) -> Recipe:
    """The recipe.

    Args:
        painted: whether boxes are painted in the first two stages; without, the paper's ablation
            stays near zero.
    """
    return Recipe(
        name="boximator",
        about="Boximator: hard and soft boxes by self-tracking",
        base="ali-vilab/text-to-video-ms-1.7b",
        stages=(
            _stage("hard", None, 2e-4, 50_000, painted=painted),
            _stage("soft", "hard", 3e-5, 50_000, painted=painted, soft=0.8),
            _stage("clean", "soft", 3e-5, 10_000, painted=False, soft=0.8),
        ),
    )


def tiny(*, painted: bool = True) -> Recipe:
    """The twin: the same three stages on the tiny base.

    Painting does not teach so small a base what boxes mean in the minute there is: colours that it
    has never seen are most of what there is to learn. Without painting it learns to fill boxes.

    Args:
        painted: whether boxes are painted in the first two stages; without, there is one stage, of
            exact boxes on pictures.
    """
    return Recipe(
        name="boximator-tiny" if painted else "boximator-clean-tiny",
        about="Boxes by self-tracking on a tiny model from nothing"
        if painted
        else "Boxes on a tiny model from nothing, nothing painted",
        base=tiny_base.TINY,
        data=tiny_base.DATA,
        stages=(*tiny_base.stages(), *(_tiny_painted() if painted else (_tiny_clean(),))),
    )


_ABOUT = {
    "hard": "Boxes that are exact, painted into the frames to be predicted.",
    "soft": "Most boxes are around their objects only; still painted.",
    "clean": "The same without painting.",
}


def _held(before: str | None, **options: Any) -> dict[str, AdapterChoice]:
    if before is not None:
        return {NAME: AdapterChoice(kind="boximator", source=f"stage:{before}")}
    return {NAME: AdapterChoice(kind="boximator", options=options)}


def _stage(
    name: str, before: str | None, lr: float, steps: int, *, painted: bool, soft: float = 0.0
) -> Stage:
    return Stage(
        name=name,
        about=_ABOUT[name],
        trains=(f"adapters.{NAME}",),
        adapters=_held(before),
        sampling=Sampling(
            frames=16,
            size=(256, 256),
            strides=(6,),
            max_objects=8,
            painted="boxes" if painted else "none",
            soft=soft,
        ),
        dropout=Dropout(text=0.1, boxes=0.25),
        optimiser=Optimiser(lr=lr, weight_decay=0.0, schedule="linear", warmup=7500),
        steps=steps,
        batch=4,
        accumulate=32,
        precision="bf16",
        checkpointing=True,
        probes=(
            Probe(measure="box-iou", every=2500, clips=8, steps=25, guidance=9.0, better="higher"),
        ),
    )


def _tiny_painted() -> tuple[Stage, ...]:
    narrow = {"token_width": 32, "hidden": 64}
    painted = _tiny_boxes(painted="boxes")
    return (
        _tiny_stage("hard", 1e-2, _held(None, **narrow, objects=1), steps=200, sampling=painted),
        _tiny_stage(
            "soft", 3e-3, _held("hard"), steps=40, sampling=_tiny_boxes(painted="boxes", soft=0.8)
        ),
        _tiny_stage("clean", 3e-3, _held("soft"), steps=100, sampling=_tiny_boxes(soft=0.8)),
    )


def _tiny_clean() -> Stage:
    """Many scenes a step, of two frames each, which are pictures of their own.

    In smaller batches, with narrower tokens or softer boxes little is learnt in so few steps.
    """
    return _tiny_stage(
        "hard",
        6e-3,
        _held(None, token_width=128, hidden=512, objects=1),
        about="Boxes that are exact, on pictures.",
        temporal=False,
        sampling=_tiny_boxes(frames=2),
        steps=480,
        batch=40,
        clips=32,
    )


def _tiny_boxes(**fields: Any) -> Sampling:
    return tiny_base.sampling(max_objects=1, **fields)


def _tiny_stage(
    name: str, lr: float, adapters: dict[str, AdapterChoice], *, clips: int = 8, **fields: Any
) -> Stage:
    common: dict[str, Any] = {
        "about": _ABOUT[name],
        "trains": (f"adapters.{NAME}",),
        "base": "stage:clips",
        "dropout": Dropout(text=0.0),
        "objective": Objective(prediction=tiny_base.PREDICTION),
        "optimiser": tiny_base.quickly(lr),
        "batch": 8,
        "probes": (
            Probe(measure="box-iou", every=1000, clips=clips, steps=8, better="higher"),
            Probe(measure="loss", every=1000, clips=clips, steps=4),
        ),
        "save_every": 1000,
        "keep": 1,
    }
    return Stage(name=name, adapters=adapters, **{**common, **fields})

"""SMCD, Animate Your Motion (2403.10179): boxes learnt on pictures, then the picture on videos.

From the paper and its code. Stage 1 trains the position net and the boxes' gates (GLIGEN's) on
pictures of 256x256 with up to 30 boxes, temporal layers off: AdamW at a constant 3e-5 (weight decay
1e-2, gradients clipped at 1), 50,000 steps in batches of 32 (the paper; 64 in the code's notes),
captions left out half of the time. Stage 2 trains what gives the picture, and all temporal
attention, on 8 successive frames of 256x256, stage 1 frozen with its gates: 5e-5, 60,000 steps in
batches of 4 x 4 (the released weights; 80,000 steps of 8 in the paper). Conditions are left out for
a whole batch at once: boxes 10 %, the picture at the input 25 %, the picture at the gates 10 %,
text never. Noise is predicted.

Not published or not the same here: stage 1's random crops (ratio 0.9) and its least box area (0.01)
are left to the data; half precision is bf16 here, fp16 there. How often boxes are left out in stage
1 is GLIGEN's figure, 10 % a batch.
"""

from collections.abc import Mapping
from typing import Any

from kineograph.models.adapter_folder import adapter_class
from kineograph.models.picture.arms import ARMS
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

BOXES = "boxes"


def recipe(arm: str = "zc+gca", *, joint: bool = False) -> Recipe:
    """The recipe.

    Args:
        arm: how the picture is given, one of `kineograph.models.picture.arms.ARMS`.
        joint: both stages at once, on videos: the ablation.
    """
    pictures = arm_adapters(arm)
    stages = (_joint(pictures),) if joint else (_boxes(), _picture(pictures))
    return Recipe(
        name="smcd",
        about="SMCD (Animate Your Motion): boxes on pictures, then the first frame on videos",
        base="ali-vilab/text-to-video-ms-1.7b",
        stages=stages,
    )


def tiny() -> Recipe:
    """The twin: boxes on the tiny base's pictures, then its first frame with boxes frozen."""
    pictures = arm_adapters("zc+gca", widths=[16, 32], depth=1)
    common: dict[str, Any] = {
        "objective": Objective(prediction=tiny_base.PREDICTION),
        "keep": 1,
        "save_every": 1000,
        "base": "stage:clips",
    }
    return Recipe(
        name="smcd-tiny",
        about="Boxes and the first frame on a tiny model from nothing",
        base=tiny_base.TINY,
        data=tiny_base.DATA,
        stages=(
            *tiny_base.stages(),
            Stage(
                name=BOXES,
                about="Boxes on pictures, motion layers off.",
                trains=(f"adapters.{BOXES}",),
                adapters={BOXES: AdapterChoice(kind="grounding", options={"objects": 1})},
                temporal=False,
                # Two frames of a scene are pictures of their own. In smaller batches or at other
                # rates the gates stay as good as shut.
                sampling=tiny_base.sampling(frames=2, max_objects=1),
                dropout=Dropout(text=0.0, per="batch"),
                optimiser=tiny_base.quickly(8e-3),
                steps=480,
                batch=40,
                probes=(
                    Probe(measure="box-iou", every=1000, clips=8, steps=8, better="higher"),
                    Probe(measure="loss", every=1000, clips=8, steps=4),
                ),
                **common,
            ),
            Stage(
                name="picture",
                about="The first frame, boxes frozen.",
                trains=("unet.motion.attention", *(f"adapters.{name}" for name in pictures)),
                adapters={**_frozen_boxes("grounding"), **pictures},
                sampling=tiny_base.sampling(max_objects=1, picture="first"),
                dropout=Dropout(text=0.0, boxes=0.1, picture=0.25, picture_tokens=0.1, per="batch"),
                optimiser=tiny_base.quickly(3e-3),
                steps=150,
                batch=6,
                probes=(
                    Probe(measure="picture", every=1000, clips=4, steps=8, better="higher"),
                    Probe(measure="loss", every=1000, clips=8, steps=4),
                ),
                **common,
            ),
        ),
    )


def arm_adapters(arm: str, **options: Any) -> dict[str, AdapterChoice]:
    """The adapters of a way to give the picture, new, by their kinds.

    Args:
        arm: one of `ARMS`.
        options: other fields of their configs; each goes to those that have it.
    """
    held = ARMS[arm]
    return {
        kind: AdapterChoice(kind=kind, options=_own(kind, held.settings, options))
        for kind in held.kinds
    }


def _own(kind: str, *options: Mapping[str, Any]) -> dict[str, Any]:
    fields = adapter_class(kind).Config.model_fields
    return {name: held for some in options for name, held in some.items() if name in fields}


def _boxes() -> Stage:
    return Stage(
        name=BOXES,
        about="The motion integration module: boxes on pictures, temporal layers off.",
        trains=(f"adapters.{BOXES}",),
        adapters={BOXES: AdapterChoice(kind="grounding", options={"objects": 30})},
        temporal=False,
        sampling=Sampling(frames=1, size=(256, 256), max_objects=30),
        dropout=Dropout(text=0.5, boxes=0.1, per="batch"),
        optimiser=Optimiser(lr=3e-5),
        steps=50_000,
        batch=32,
        precision="bf16",
        probes=(
            Probe(measure="box-iou", every=2500, clips=8, steps=25, guidance=7.5, better="higher"),
        ),
    )


def _picture(pictures: Mapping[str, AdapterChoice]) -> Stage:
    return Stage(
        name="picture",
        about="The dual image integration module, the boxes' frozen.",
        trains=("unet.motion.attention", *(f"adapters.{name}" for name in pictures)),
        adapters={**_frozen_boxes("grounding"), **pictures},
        **_videos(),
    )


def _joint(pictures: Mapping[str, AdapterChoice]) -> Stage:
    boxes = AdapterChoice(kind="grounding", options={"objects": 30})
    names = (BOXES, *pictures)
    return Stage(
        name="joint",
        about="Boxes and the picture at once, the ablation.",
        trains=("unet.motion.attention", *(f"adapters.{name}" for name in names)),
        adapters={BOXES: boxes, **pictures},
        **_videos(),
    )


def _frozen_boxes(kind: str) -> dict[str, AdapterChoice]:
    return {BOXES: AdapterChoice(kind=kind, source=f"stage:{BOXES}")}


def _videos() -> dict[str, Any]:
    """What the stages on videos have in common."""
    return {
        "sampling": Sampling(
            frames=8, size=(256, 256), strides=(1,), max_objects=8, picture="first"
        ),
        "dropout": Dropout(text=0.0, boxes=0.1, picture=0.25, picture_tokens=0.1, per="batch"),
        "optimiser": Optimiser(lr=5e-5),
        "steps": 60_000,
        "batch": 4,
        "accumulate": 4,
        "precision": "bf16",
        "checkpointing": True,
        "probes": (
            Probe(measure="box-iou", every=2500, clips=8, steps=25, guidance=7.5, better="higher"),
            Probe(measure="picture", every=2500, clips=8, steps=25, guidance=7.5, better="higher"),
        ),
    }

"""Personalising a base: what pictures show, by a LoRA or (DreamBooth, 2208.12242) the U-Net itself.

No paper of those that this project follows has figures for it; all of these are chosen. They are
what is common for Stable Diffusion 1.5: a LoRA of rank 16 on the attention layers at 1e-4, or the
whole spatial U-Net and the text encoder at 2e-6, on single pictures in the base's own size.
Motion layers are left out, so that any motion module goes with what was learnt.
"""

from typing import Literal

from kineograph.training.recipe import Recipe
from kineograph.training.recipes import tiny_base
from kineograph.training.stage import (
    Dropout,
    LoraChoice,
    Objective,
    Optimiser,
    Probe,
    Sampling,
    Stage,
)

How = Literal["lora", "dreambooth"]


def recipe(how: How = "lora", *, rank: int = 16) -> Recipe:
    """The recipe.

    Args:
        how: a LoRA, or the U-Net and the text encoder themselves.
        rank: of the LoRA.
    """
    low = how == "lora"
    stage = Stage(
        name="subject",
        about="What the pictures show, under the words of their captions.",
        trains=("lora",) if low else ("unet.spatial", "text"),
        lora=LoraChoice(rank=rank, on="spatial") if low else None,
        temporal=False,
        sampling=Sampling(frames=1, size=(512, 512), strides=(1,)),
        dropout=Dropout(text=0.1 if low else 0.0),
        optimiser=Optimiser(lr=1e-4 if low else 2e-6),
        steps=2000 if low else 1000,
        batch=2,
        precision="bf16",
        checkpointing=not low,
        probes=(Probe(measure="loss", every=250, clips=8),),
        save_every=250,
    )
    return Recipe(
        name="personalize",
        about="Personalise the base: a LoRA, or DreamBooth",
        base="stable-diffusion-v1-5/stable-diffusion-v1-5",
        motion="guoyww/animatediff-motion-adapter-v1-5-3",
        stages=(stage,),
    )


OTHERS = {**tiny_base.DATA, "library": 29, "sprites": 3, "few": 64}
"""Orange, cyan and yellow squares on a yellow ground: none of them is known to the tiny base."""


def tiny(how: How = "lora") -> Recipe:
    """The twin: the tiny base learns other shapes, colours and another ground.

    Args:
        how: by a LoRA, or by its own weights, from the frames of a handful of scenes.
    """
    low = how == "lora"
    stage = Stage(
        name="subject",
        about="Other shapes on another ground.",
        trains=("lora",) if low else ("unet.spatial", "text"),
        lora=LoraChoice(rank=8, on="spatial") if low else None,
        temporal=False,
        base="stage:clips",
        data=OTHERS if low else {**OTHERS, "few": 8},
        sampling=tiny_base.sampling(frames=8 if low else 1),
        dropout=Dropout(text=0.0),
        objective=Objective(prediction=tiny_base.PREDICTION),
        optimiser=tiny_base.quickly(1e-2 if low else 1e-3),
        steps=200,
        batch=4 if low else 32,
        probes=(Probe(measure="loss", every=1000, clips=8, steps=4),),
        save_every=1000,
        keep=1,
    )
    return Recipe(
        name="personalize-tiny" if low else "personalize-dreambooth-tiny",
        about="Other shapes on a tiny model from nothing, by a LoRA or by its own weights",
        base=tiny_base.TINY,
        data=tiny_base.DATA,
        stages=(*tiny_base.stages(), stage),
    )

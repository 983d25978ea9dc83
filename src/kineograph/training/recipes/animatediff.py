"""AnimateDiff (2307.04725): a domain adapter, a motion module on a frozen base, and MotionLoRA.

From the paper and its repository: the motion module is trained on clips of 16 frames with a stride
of 4, 256x256, flipped at random, with AdamW at a constant 1e-4 (weight decay 1e-2, gradients
clipped at 1), text left out of 10 % of samples, noise predicted under a schedule linear in beta
(0.00085 to 0.012). The image stage of version 1 trains the spatial U-Net on single frames at 1e-5
in batches of 50; later versions have a LoRA of rank 128 in its place, the domain adapter.
MotionLoRA takes 2,000 steps on some 50 videos; rank 2 looks as good as 128.

Not published, chosen here: how many steps the motion module and the domain adapter take, their
batch, the adapter's rate, and MotionLoRA's rate. Half precision is bf16 here, fp16 there.
"""

from typing import Any, Literal

from kineograph.training.recipe import Recipe
from kineograph.training.recipes import tiny_base
from kineograph.training.recipes.personalize import OTHERS
from kineograph.training.stage import (
    Dropout,
    LoraChoice,
    Objective,
    Optimiser,
    Probe,
    Sampling,
    Stage,
)

First = Literal["domain", "image"]


def recipe(
    first: First = "domain", *, version: Literal["v1", "v2", "v3"] = "v3", rank: int = 2
) -> Recipe:
    """The recipe.

    Args:
        first: what takes up the look of the training videos: the "domain" adapter of version 3, or
            the "image" stage of version 1.
        version: how the motion module is built: v1 knows 24 frames, v2 and v3 know 32, and v2 has
            a layer in the middle too.
        rank: of MotionLoRA.
    """
    still = _domain() if first == "domain" else _image()
    return Recipe(
        name="animatediff",
        about="AnimateDiff: a motion module for Stable Diffusion 1.5, and MotionLoRA",
        base="stable-diffusion-v1-5/stable-diffusion-v1-5",
        motion=f"new:{version}",
        stages=(still, _motion(still.name), _motion_lora(rank)),
    )


ZOOMED = {
    **OTHERS,
    "few": 12,
    "motions": {"stay": 1.0},
    "camera": 1.0,
    "camera_moves": {"zoom in": 1.0},
}
"""A handful of scenes with one kind of motion: the camera zooms in on things at rest."""


def tiny() -> Recipe:
    """The twin: the three stages on the tiny base's pictures.

    As in the paper, clips do not look like the pictures that the base knows: other shapes on
    another ground, which the domain adapter takes up, so that the motion module need not.
    """
    return Recipe(
        name="animatediff-tiny",
        about="AnimateDiff's domain adapter, motion module and MotionLoRA on a tiny model",
        base=tiny_base.TINY,
        data=tiny_base.DATA,
        stages=(*tiny_base.stages(motion=False), *_tiny_stages()),
    )


def _tiny_stages() -> tuple[Stage, ...]:
    return (
        _tiny_stage(
            name="domain",
            about="The look of the clips, by a LoRA on single frames.",
            trains=("lora",),
            base="stage:pictures",
            lora=LoraChoice(rank=8, on="spatial"),
            temporal=False,
            data=OTHERS,
            sampling=tiny_base.sampling(frames=1),
            optimiser=tiny_base.quickly(1e-2),
            steps=150,
            batch=32,
        ),
        _tiny_stage(
            name="motion",
            about="How things move: the motion layers alone, the domain adapter in place.",
            trains=("unet.motion",),
            base="stage:domain",
            data=OTHERS,
            optimiser=tiny_base.quickly(3e-3),
            steps=150,
            batch=6,
        ),
        _tiny_stage(
            name="motion-lora",
            about="How a camera zooms in, by a LoRA of the motion layers.",
            trains=("lora",),
            base="stage:motion",
            lora=LoraChoice(rank=4, on="motion"),
            data=ZOOMED,
            optimiser=tiny_base.quickly(2e-2),
            steps=200,
            batch=6,
        ),
    )


def _tiny_stage(**fields: Any) -> Stage:
    common: dict[str, Any] = {
        "sampling": tiny_base.sampling(),
        "dropout": Dropout(text=0.0),
        "objective": Objective(prediction=tiny_base.PREDICTION),
        "probes": (Probe(measure="loss", every=1000, clips=8, steps=4),),
        "save_every": 1000,
        "keep": 1,
    }
    return Stage(**{**common, **fields})


def _optimiser(lr: float) -> Optimiser:
    return Optimiser(lr=lr, weight_decay=1e-2, clip=1.0)


def _stage(**fields: Any) -> Stage:
    return Stage(**{"dropout": Dropout(text=0.1), "precision": "bf16", **fields})


def _single() -> Sampling:
    """Random frames, each a picture of its own."""
    return Sampling(frames=1, size=(256, 256), flip=0.5)


def _domain() -> Stage:
    return _stage(
        name="domain",
        about="The domain adapter: a LoRA that takes up the look of the videos (section 4.1).",
        trains=("lora",),
        lora=LoraChoice(rank=128, on="spatial"),
        temporal=False,
        sampling=_single(),
        optimiser=_optimiser(1e-4),
        steps=20_000,
        batch=50,
        probes=(Probe(measure="loss", every=2000, clips=16),),
    )


def _image() -> Stage:
    return _stage(
        name="image",
        about="The image stage of version 1: the spatial U-Net on single frames.",
        trains=("unet.spatial",),
        temporal=False,
        sampling=_single(),
        optimiser=_optimiser(1e-5),
        steps=20_000,
        batch=50,
        probes=(Probe(measure="loss", every=2000, clips=16),),
    )


def _motion(before: str) -> Stage:
    return _stage(
        name="motion",
        about="The motion module, everything else frozen (section 4.2).",
        trains=("unet.motion",),
        base=f"stage:{before}",
        sampling=Sampling(frames=16, size=(256, 256), strides=(4,), flip=0.5),
        optimiser=_optimiser(1e-4),
        steps=100_000,
        batch=4,
        accumulate=4,
        checkpointing=True,
        probes=(
            Probe(measure="direction", every=2500, steps=25, guidance=7.5, better="higher"),
            Probe(measure="loss", every=2500, clips=16),
        ),
    )


def _motion_lora(rank: int) -> Stage:
    return _stage(
        name="motion-lora",
        about="MotionLoRA: one kind of motion from a handful of videos (section 4.3).",
        trains=("lora",),
        base="stage:motion",
        lora=LoraChoice(rank=rank, on="motion"),
        sampling=Sampling(frames=16, size=(256, 256), strides=(4,)),
        optimiser=_optimiser(1e-4),
        steps=2000,
        batch=1,
        checkpointing=True,
        probes=(Probe(measure="loss", every=500, clips=8),),
    )

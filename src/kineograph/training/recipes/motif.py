"""MotiF (2412.16153): the picture by concatenation, and a loss that counts what moves for more.

From the paper: the first frame's latent joins those of all 16 frames at the input (x-cat); the loss
is the plain one plus lambda times the error where things move, lambda 1 (ablation: 0.5, 2 and 5,
and the inverse map, and one of SAM 2's masks); v is predicted; AdamW at a constant 5e-5, 32,000
steps in batches of 64; 320x512 pixels, strides 1 to 6; text left out of 10 % of samples.

Not published, chosen here: how flow is normalised before the map is made (by each clip's largest;
`Focal.normalise` has the others), the last frame's map (that before it), how maps are made smaller
(by area), whether the picture is ever left out (never), weight decay and clipping. The paper's
base, VideoCrafter2, is not of a family that is read here; the base is AnimateDiff's on Stable
Diffusion 1.5, whose U-Net is trained as a whole and so learns to predict v instead of noise.
"""

from typing import Any

from kineograph.training.recipe import Recipe
from kineograph.training.recipes import tiny_base
from kineograph.training.recipes.smcd import arm_adapters
from kineograph.training.stage import (
    AdapterChoice,
    Dropout,
    Focal,
    Objective,
    Optimiser,
    Probe,
    Sampling,
    Stage,
)


def recipe(
    strength: float | None = 1.0, *, inverse: bool = False, masks: bool = False, arm: str = "x-cat"
) -> Recipe:
    """The recipe.

    Args:
        strength: lambda; None leaves the loss plain and reads no flow, 0 is the same with flow.
        inverse: what rests counts for more, the ablation.
        masks: maps of SAM 2's masks in place of the speed.
        arm: how the picture is given: "x-cat", "cx-attn" or "cx+x-cat".
    """
    focal = None if strength is None else Focal(strength=strength, inverse=inverse, masks=masks)
    pictures = arm_adapters(arm)
    return Recipe(
        name="motif",
        about="MotiF: image to video with the motion focal loss",
        base="stable-diffusion-v1-5/stable-diffusion-v1-5",
        motion="guoyww/animatediff-motion-adapter-v1-5-3",
        stages=(
            Stage(
                name="picture",
                about="The picture by concatenation, the whole U-Net learning (section 3).",
                trains=("unet", *(f"adapters.{name}" for name in pictures)),
                adapters=pictures,
                sampling=Sampling(
                    frames=16, size=(512, 320), strides=(1, 2, 3, 4, 5, 6), picture="first"
                ),
                dropout=Dropout(text=0.1),
                objective=Objective(prediction="v_prediction", focal=focal),
                optimiser=Optimiser(lr=5e-5),
                steps=32_000,
                batch=2,
                accumulate=32,
                precision="bf16",
                checkpointing=True,
                probes=_probes(1000, 25, 7.5),
            ),
        ),
    )


def tiny(focal: bool = True) -> Recipe:
    """The twin: the picture by concatenation on the tiny base, whose spatial layers stay frozen.

    Args:
        focal: with the motion focal loss, or without.
    """
    stage = Stage(
        name="picture",
        about="The picture by concatenation, motion layers learning along.",
        trains=("unet.motion", "adapters.picture"),
        base="stage:clips",
        adapters={"picture": AdapterChoice(kind="picture-concat", options={"mask": True})},
        sampling=tiny_base.sampling(picture="first"),
        dropout=Dropout(text=0.0),
        objective=Objective(
            prediction=tiny_base.PREDICTION, focal=Focal(strength=1.0) if focal else None
        ),
        optimiser=tiny_base.quickly(3e-3),
        steps=200,
        batch=6,
        probes=_probes(1000, 8, 1.0),
        save_every=1000,
        keep=1,
    )
    return Recipe(
        name="motif-tiny" if focal else "motif-plain-tiny",
        about="The picture by concatenation on a tiny model from nothing",
        base=tiny_base.TINY,
        data=tiny_base.DATA,
        stages=(*tiny_base.stages(), stage),
    )


def _probes(every: int, steps: int, guidance: float) -> tuple[Probe, ...]:
    shown: dict[str, Any] = {"every": every, "steps": steps, "guidance": guidance}
    return (
        Probe(measure="picture", better="higher", **shown),
        Probe(measure="loss", every=every, clips=8, steps=4),
    )

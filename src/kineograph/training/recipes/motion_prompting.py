"""Motion Prompting (2412.02700): a track ControlNet on a frozen base that knows its first frame.

From the paper: 1,000 to 2,000 tracks a clip, uniformly drawn (its ablation: 1 to 8, or 2 to a power
uniform in 0 to 13), in a volume of 64 channels whose identities are drawn anew from 16,384;
Adafactor at a constant 1e-4; 70,000 steps; the plain diffusion loss. Nothing happens until about
step 20,000, and the loss does not tell: the probe does. Do not stop early.

Not published, chosen here: batch, how often tracks and text are left out (10 %), the noise
schedule (the base's). The paper's base, Lumiere, is not open: it works on 80 frames of 128x128
pixels and reads text and the first frame. Here the base is AnimateDiff's on Stable Diffusion 1.5,
on 16 frames of 256x256, and a first stage teaches it the first frame, by concatenation.
"""

from typing import Literal

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


def recipe(
    tracks: Literal["dense", "sparse", "log-uniform"] = "dense", *, picture: bool = True
) -> Recipe:
    """The recipe.

    Args:
        tracks: how many are drawn.
        picture: whether the first frame is given, and a first stage teaches it.
    """
    stages = (_picture(), _tracks(tracks, picture)) if picture else (_tracks(tracks, picture),)
    return Recipe(
        name="motion-prompting",
        about="Motion Prompting: a track ControlNet on a frozen base",
        base="stable-diffusion-v1-5/stable-diffusion-v1-5",
        motion="guoyww/animatediff-motion-adapter-v1-5-3",
        stages=stages,
    )


def tiny() -> Recipe:
    """The twin: tracks of one sliding shape on the tiny base, which has no picture."""
    return Recipe(
        name="motion-prompting-tiny",
        about="A track ControlNet on a tiny model from nothing",
        base=tiny_base.TINY,
        data=tiny_base.DATA,
        stages=(
            *tiny_base.stages(),
            Stage(
                name="tracks",
                about="The track ControlNet, everything else frozen.",
                trains=("adapters.tracks",),
                base="stage:clips",
                adapters={
                    "tracks": AdapterChoice(
                        kind="track-control", options={"raster": 2, "channels": 32, "pool": 256}
                    )
                },
                sampling=tiny_base.sampling(tracks="dense"),
                dropout=Dropout(text=0.0),
                objective=Objective(prediction=tiny_base.PREDICTION),
                optimiser=tiny_base.quickly(3e-3),
                steps=250,
                batch=6,
                probes=(
                    Probe(measure="epe", every=1000, clips=8, steps=8),
                    Probe(measure="loss", every=1000, clips=8, steps=4),
                ),
                save_every=250,
                keep=1,
            ),
        ),
    )


def _picture() -> Stage:
    return Stage(
        name="picture",
        about="The first frame by concatenation; motion layers learn along. MotiF's figures.",
        trains=("unet.motion", "adapters.picture"),
        adapters={"picture": AdapterChoice(kind="picture-concat")},
        sampling=Sampling(frames=16, size=(256, 256), strides=(1, 2, 3, 4), picture="first"),
        dropout=Dropout(text=0.1, picture=0.1),
        optimiser=Optimiser(lr=5e-5),
        steps=32_000,
        batch=4,
        accumulate=4,
        precision="bf16",
        checkpointing=True,
        probes=(Probe(measure="picture", every=2000, steps=25, guidance=7.5, better="higher"),),
    )


def _tracks(tracks: Literal["dense", "sparse", "log-uniform"], picture: bool) -> Stage:
    held = AdapterChoice(kind="picture-concat", source="stage:picture")
    adapters = {"tracks": AdapterChoice(kind="track-control")}
    return Stage(
        name="tracks",
        about="The track ControlNet, everything else frozen (section 3).",
        trains=("adapters.tracks",),
        base="stage:picture" if picture else None,
        adapters=adapters | ({"picture": held} if picture else {}),
        sampling=Sampling(
            frames=16,
            size=(256, 256),
            strides=(1,),
            tracks=tracks,
            picture="first" if picture else "none",
        ),
        dropout=Dropout(text=0.1, tracks=0.1),
        optimiser=Optimiser(name="adafactor", lr=1e-4, weight_decay=0.0),
        steps=70_000,
        batch=4,
        accumulate=4,
        precision="bf16",
        checkpointing=True,
        probes=(Probe(measure="epe", every=2000, clips=8, steps=25, guidance=7.5),),
    )

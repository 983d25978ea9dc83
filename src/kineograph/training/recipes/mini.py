"""`mini`: Kineograph's own model, from nothing to a folder that animates pictures.

Every stage is one of the four systems', on procedural scenes: an autoencoder; pictures and their
words; AnimateDiff's motion layers on the frozen base; MotiF's picture by concatenation with the
motion focal loss; Motion Prompting's tracks with SMCD's boxes. From the picture stage on the model
also says where each part of the picture goes, and is told there what tracks and boxes ask
(`models/joint_motion.py`). It predicts a flow, which a few steps sample.

The full recipe is for a GPU. At scale "cpu" networks are narrower and stages shorter, about four
hours on two cores, and the last stage, of other sizes, is left out: the few hundred steps that
there would be time for made the model forget words and gave it nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from kineograph.engines.diffusion.flow import FLOW_CONFIG
from kineograph.models.base import Base
from kineograph.models.description import BaseDescription
from kineograph.training.origin import MINI, MINI_CPU, MINI_TINY, silence
from kineograph.training.recipe import Recipe
from kineograph.training.recipes.tiny_base import small_text
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

Scale = Literal["full", "cpu", "tiny"]
SCALES = ("full", "cpu")
"""What `--scale` takes; "tiny" is the twin."""
CHANNELS, STRIDE, FRAMES, REACH, TOKENS = 4, 8, 16, 32, 77
"""Channels of a latent, pixels a cell, frames trained on, the most that the motion layers read, and
the most tokens of a text."""

PREDICTION: Literal["flow"] = "flow"
KEYS = 4
"""Frames of the stage of prompts. Scenes of any number of frames last as long, so these are key
frames of the same motions; at half the size, sixteen times as many clips are seen in an hour."""

SHIFT = 3.0
"""Of the flow's levels towards noise, where motion is decided and few steps spend their time."""

DATA: dict[str, Any] = {"kind": "scenes", "spacing": 2.5}
PLAIN: dict[str, Any] = {
    **DATA,
    "objects": [1, 2],
    "camera": 0.3,
    "still": 0.1,
    "motions": {"slide": 0.5, "spin": 0.2, "grow": 0.15, "stay": 0.15},
}
"""Scenes of few things, so that it shows which words say what, and that rest is a motion too."""

SINGLE: dict[str, Any] = {
    **PLAIN,
    "objects": [1, 1],
    "camera": 0.25,
    "still": 0.05,
    "light": 0.2,
    "motions": {"slide": 0.6, "spin": 0.2, "grow": 0.2},
}
"""Scenes of one thing, of which the words say everything."""

MIXED: dict[str, Any] = {"kind": "several", "of": [DATA, PLAIN, SINGLE, SINGLE]}


@dataclass(frozen=True)
class Size:
    """What a scale settles.

    Args:
        base: the name of the base that starts from nothing.
        widths: of the U-Net's levels.
        text: (width, layers) of the text encoder.
        vae: width of the autoencoder.
        steps: of each stage.
        side: pixels along the sides of the squares that most stages train on.
        batch: clips a step.
        lr: the highest rate of the stages that train the U-Net.
    """

    base: str
    widths: tuple[int, int, int]
    text: tuple[int, int]
    vae: int
    steps: Mapping[str, int]
    side: int
    batch: int
    lr: float


SIZES: dict[Scale, Size] = {
    "full": Size(
        base=MINI,
        widths=(64, 128, 224),
        text=(192, 6),
        vae=64,
        steps={
            "autoencoder": 40_000,
            "pictures": 60_000,
            "motion": 30_000,
            "picture": 60_000,
            "prompts": 75_000,
            "sizes": 20_000,
        },
        side=128,
        batch=32,
        lr=4e-4,
    ),
    "cpu": Size(
        base=MINI_CPU,
        widths=(32, 64, 128),
        text=(128, 3),
        vae=48,
        steps={
            "autoencoder": 8000,
            "pictures": 2400,
            "motion": 600,
            "picture": 1250,
            "prompts": 6000,
        },
        side=128,
        batch=4,
        lr=1e-3,
    ),
    "tiny": Size(
        base=MINI_TINY,
        widths=(16, 32, 64),
        text=(32, 1),
        vae=16,
        steps={
            "autoencoder": 300,
            "pictures": 150,
            "motion": 40,
            "picture": 150,
            "prompts": 150,
            "sizes": 10,
        },
        side=64,
        batch=4,
        lr=2e-3,
    ),
}


def recipe(scale: Scale = "full", *, focal: bool = True) -> Recipe:
    """The recipe.

    Args:
        scale: "full", or "cpu" for narrower networks and fewer steps.
        focal: with the motion focal loss, or without, its ablation.
    """
    size = SIZES[scale]
    stages = (
        _autoencoder(size),
        _pictures(size),
        _motion(size),
        _picture(size, focal),
        _prompts(size, focal),
    )
    return Recipe(
        name="mini-tiny" if scale == "tiny" else "mini",
        about="Kineograph's own model from nothing: text, picture, tracks and boxes to video",
        base=size.base,
        data=DATA,
        stages=(*stages, _sizes(size)) if "sizes" in size.steps else stages,
    )


def tiny() -> Recipe:
    """The twin: the same stages, small enough for a test."""
    return recipe("tiny")


def _autoencoder(size: Size) -> Stage:
    return Stage(
        name="autoencoder",
        about="Pictures to latents of an eighth of their sides, and back.",
        trains=("vae",),
        data={"kind": "scenes", "spacing": 32.0},
        temporal=False,
        sampling=_sampling(size, frames=1),
        optimiser=Optimiser(lr=1e-3, betas=(0.9, 0.99), schedule="linear", warmup=100),
        batch=16,
        probes=(Probe(measure="picture", every=1000, clips=16, better="higher"),),
        **_common(size, "autoencoder"),
    )


def _pictures(size: Size) -> Stage:
    return Stage(
        name="pictures",
        about="What words look like: the spatial layers and the text encoder, on single frames.",
        trains=("unet.spatial", "text"),
        base="stage:autoencoder",
        data={**DATA, "spacing": 32.0},
        temporal=False,
        sampling=_sampling(size, frames=1),
        objective=Objective(prediction=PREDICTION),
        optimiser=_optimiser(size),
        batch=4 * size.batch,
        **_common(size, "pictures"),
    )


def _motion(size: Size) -> Stage:
    return Stage(
        name="motion",
        about="How things move: the motion layers alone on the frozen base (AnimateDiff).",
        trains=("unet.motion",),
        base="stage:pictures",
        data={**DATA, "spacing": 32.0},
        sampling=_sampling(size),
        objective=Objective(prediction=PREDICTION),
        optimiser=_optimiser(size),
        batch=size.batch,
        probes=_loss(),
        **_common(size, "motion"),
    )


def _picture(size: Size, focal: bool) -> Stage:
    return Stage(
        name="picture",
        about="The picture by concatenation and the motion focal loss (MotiF); from here on the "
        "model also says where each part of the picture goes.",
        trains=("unet", "text", "adapters.picture", "adapters.motion"),
        base="stage:motion",
        adapters={
            "picture": AdapterChoice(kind="picture-concat", options={"mask": True}),
            "motion": AdapterChoice(kind="joint-motion"),
        },
        sampling=_sampling(size, picture="first", motion=STRIDE),
        dropout=Dropout(text=0.1, picture=0.05, boxes=1.0),
        objective=_objective(focal=Focal(strength=1.0) if focal else None),
        optimiser=_optimiser(size),
        batch=size.batch,
        probes=_loss(),
        **_common(size, "picture"),
    )


def _prompts(size: Size, focal: bool) -> Stage:
    return Stage(
        name="prompts",
        about="Tracks, few and many, as displacements and as what they carry (Motion Prompting), "
        "and boxes (SMCD's grounding, on the motion's grid).",
        trains=("unet", "text", *_all("picture", "motion", "carried")),
        base="stage:picture",
        data=MIXED,
        adapters={
            **_from("picture", "picture", "motion"),
            "carried": AdapterChoice(kind="track-propagation"),
        },
        sampling=_sampling(
            size,
            size=(size.side // 2, size.side // 2),
            frames=KEYS,
            picture="first",
            motion=STRIDE,
            tracks="log-uniform",
            truncate=0.1,
        ),
        dropout=Dropout(text=0.1, tracks=0.5, boxes=0.75, picture=0.02),
        objective=_objective(focal=Focal(strength=2.0) if focal else None),
        optimiser=_optimiser(size),
        batch=8 * size.batch,
        probes=_loss(),
        **_common(size, "prompts"),
    )


def _sizes(size: Size) -> Stage:
    return Stage(
        name="sizes",
        about="Pictures of another shape and more frames, as it is used.",
        trains=("unet", "text", *_all("picture", "motion", "carried")),
        base="stage:prompts",
        data=MIXED,
        adapters=_from("prompts", "picture", "motion", "carried"),
        sampling=_sampling(
            size,
            size=(size.side, size.side // 2),
            picture="first",
            motion=STRIDE,
            tracks="log-uniform",
            frames=FRAMES // 2,
        ),
        dropout=Dropout(text=0.1, tracks=0.5, boxes=0.75, picture=0.02),
        objective=_objective(),
        optimiser=Optimiser(lr=size.lr / 4, betas=(0.9, 0.99), schedule="linear", warmup=50),
        batch=4 * size.batch,
        probes=_loss(),
        **_common(size, "sizes"),
    )


def _common(size: Size, name: str) -> dict[str, Any]:
    return {"steps": size.steps[name], "precision": "bf16", "save_every": 500, "keep": 1}


def _sampling(scale: Size, **fields: Any) -> Sampling:
    sides = (scale.side, scale.side)
    return Sampling(**{"frames": FRAMES, "size": sides, "strides": (1,), **fields})


def _objective(**fields: Any) -> Objective:
    usual = {"prediction": PREDICTION, "motion": 8.0, "layers": 8.0, "revealed": 3.0}
    return Objective(**{**usual, **fields})


def _optimiser(size: Size) -> Optimiser:
    return Optimiser(lr=size.lr, betas=(0.9, 0.99), schedule="linear", warmup=50)


def _loss() -> tuple[Probe, ...]:
    return (Probe(measure="loss", every=500, clips=16, steps=4),)


def _all(*names: str) -> tuple[str, ...]:
    return tuple(f"adapters.{name}" for name in names)


_KINDS = {
    "picture": "picture-concat",
    "motion": "joint-motion",
    "carried": "track-propagation",
}


def _from(stage: str, *names: str) -> dict[str, AdapterChoice]:
    """Adapters as an earlier stage left them."""
    return {name: AdapterChoice(kind=_KINDS[name], source=f"stage:{stage}") for name in names}


def new_base(scale: Scale = "full") -> Base:
    """Networks with random weights, drawn from torch's global generator; motion layers are silent.

    Args:
        scale: as of `recipe`.
    """
    size = SIZES[scale]
    told = BaseDescription(
        folder=Path("mini"),
        family="animatediff",
        unet="UNetMotionModel",
        widths=size.widths,
        text_width=size.text[0],
        channels=CHANNELS,
        frames=REACH,
        stride=STRIDE,
        size=(256, 256),
        motion=True,
        vision=False,
    )
    width, layers = size.text
    unet, vae = _unet(size), _vae(size)
    text = small_text(width, layers, 4 * width, TOKENS)
    return Base(told, unet, vae, text, {**FLOW_CONFIG, "shift": SHIFT}, motion="v2")


def _unet(size: Size) -> Any:
    from diffusers import UNetMotionModel

    down = ("DownBlockMotion", "CrossAttnDownBlockMotion", "CrossAttnDownBlockMotion")
    unet = UNetMotionModel(
        sample_size=256 // STRIDE,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=size.widths,
        down_block_types=down,
        up_block_types=tuple(name.replace("Down", "Up") for name in reversed(down)),
        layers_per_block=1,
        norm_num_groups=16,
        cross_attention_dim=size.text[0],
        num_attention_heads=4,
        motion_num_attention_heads=4,
        motion_max_seq_length=REACH,
        use_motion_mid_block=True,
    )
    silence(unet)
    return unet.eval()


@torch.no_grad()
def _vae(size: Size) -> Any:
    """Small and without normalisation: an AutoencoderTiny, which two cores train in an hour."""
    from diffusers import AutoencoderTiny

    widths = (size.vae,) * 4
    vae = AutoencoderTiny(
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=(0, 1, 2, 2),
        num_decoder_blocks=(2, 2, 1, 0),
        latent_channels=CHANNELS,
        scaling_factor=SCALE,
    )
    vae.encoder.layers[-1].weight.mul_(SPREAD)
    vae.decoder.layers[0].weight.div_(SPREAD)
    return vae.eval()


SPREAD, SCALE = 3.0, 2.2
"""By how much the encoder's latents are wider at first than torch makes them, and by how much they
are multiplied for the U-Net, so that those of scenes spread by about 1."""

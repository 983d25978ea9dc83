"""A tiny base from nothing: networks of a few layers, and the stages that train them.

It makes clips of 32x32 pixels in which one of a few shapes slides over a plain ground, and learns
that in a minute on one core. Every recipe's tiny twin goes onto it, so that the whole way from
noise to a probe is walked where there is no model and no GPU.
"""

from pathlib import Path
from typing import Any, Literal

import torch

from kineograph.data.procedural.captions import vocabulary
from kineograph.models.base import Base
from kineograph.models.description import BaseDescription
from kineograph.models.text import TextEncoder
from kineograph.training.origin import TINY, silence
from kineograph.training.recipe import Recipe
from kineograph.training.stage import Objective, Optimiser, Probe, Sampling, Stage

SIZE, FRAMES = (32, 32), 8
WIDTHS = (16, 32)
"""Of the U-Net's levels."""
TEXT_WIDTH, TOKENS = 32, 32
CHANNELS = 4
"""Of a latent, whose cells are 4 pixels wide."""

DATA: dict[str, Any] = {
    "kind": "scenes",
    "few": 384,
    "frames": 8,
    "fps": 8,
    "objects": [1, 1],
    "spans": [0.65, 0.85],
    "motions": {"slide": 1.0},
    "camera": 0.0,
    "still": 0.0,
    "light": 0.0,
    "shadows": 0.0,
    "library": 24,
    "sprites": 5,
    "backgrounds": 1,
    "sprite_kinds": {"shape": 1.0},
    "background_kinds": {"pattern": 1.0},
    "spacing": 2.0,
}
"""One orange blob, yellow circle, brown or red triangle or green star on shaded purple."""

PREDICTION: Literal["v_prediction"] = "v_prediction"
"""What the tiny U-Net predicts: in few steps colours come out better than of epsilon."""


def sampling(**fields: Any) -> Sampling:
    """What of a scene every stage of a tiny twin is shown."""
    return Sampling(**{"frames": FRAMES, "size": SIZE, "strides": (1,), **fields})


def quickly(lr: float, warmup: int = 20) -> Optimiser:
    """An optimiser for a few hundred steps: a high rate that goes down to nothing."""
    return Optimiser(lr=lr, betas=(0.9, 0.99), schedule="linear", warmup=warmup)


def stages(motion: bool = True) -> tuple[Stage, ...]:
    """The autoencoder, then pictures and their words, then how they move.

    Args:
        motion: whether the last one is among them.
    """
    found = [
        Stage(
            name="autoencoder",
            about="Frames to latents of 8x8 cells and back.",
            trains=("vae",),
            temporal=False,
            sampling=sampling(frames=1),
            optimiser=quickly(3e-3),
            steps=400,
            batch=16,
            save_every=400,
            keep=1,
        ),
        Stage(
            name="pictures",
            about="What words look like, frame by frame; motion layers are left out.",
            trains=("unet.spatial", "text"),
            temporal=False,
            base="stage:autoencoder",
            sampling=sampling(frames=1),
            objective=Objective(prediction=PREDICTION),
            optimiser=quickly(3e-3),
            steps=450,
            batch=32,
            save_every=450,
            keep=1,
        ),
        Stage(
            name="clips",
            about="How things move: the motion layers alone, as AnimateDiff trains them.",
            trains=("unet.motion",),
            base="stage:pictures",
            sampling=sampling(),
            objective=Objective(prediction=PREDICTION),
            optimiser=quickly(3e-3),
            steps=250,
            batch=6,
            probes=(Probe(measure="loss", every=1000, clips=8, steps=4),),
            save_every=250,
            keep=1,
        ),
    ]
    return tuple(found if motion else found[:2])


def recipe() -> Recipe:
    """The tiny base as a recipe of its own; it is its own twin."""
    return tiny()


def tiny() -> Recipe:
    """The tiny base as a recipe of its own."""
    about = "A tiny model from nothing, for tests and first steps."
    return Recipe(name="tiny-base", about=about, base=TINY, data=DATA, stages=stages())


def new_base() -> Base:
    """Networks with random weights, drawn from torch's global generator; motion layers are silent.

    The autoencoder is small and without normalisation (an AutoencoderTiny), which learns to keep
    colours many times faster than one that normalises them away.
    """
    unet = _unet()
    told = BaseDescription(
        folder=Path("tiny"),
        family="animatediff",
        unet="UNetMotionModel",
        widths=WIDTHS,
        text_width=TEXT_WIDTH,
        channels=CHANNELS,
        frames=int(unet.config["motion_max_seq_length"]),
        stride=4,
        size=SIZE,
        motion=True,
        vision=False,
    )
    return Base(
        told, unet, _vae(), small_text(TEXT_WIDTH, 1, 2 * TEXT_WIDTH), dict(_SCHEDULER), motion="v2"
    )


_SCHEDULER = {
    "_class_name": "DDIMScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "linear",
    "clip_sample": False,
    "prediction_type": PREDICTION,
    "rescale_betas_zero_snr": False,
    "steps_offset": 1,
    "timestep_spacing": "linspace",
}


def _unet() -> Any:
    from diffusers import UNetMotionModel

    levels = len(WIDTHS)
    unet = UNetMotionModel(
        sample_size=SIZE[0] // 4,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=WIDTHS,
        down_block_types=("CrossAttnDownBlockMotion",) * levels,
        up_block_types=("CrossAttnUpBlockMotion",) * levels,
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=TEXT_WIDTH,
        num_attention_heads=2,
        motion_num_attention_heads=2,
        motion_max_seq_length=16,
        use_motion_mid_block=True,
    )
    silence(unet)
    return unet.eval()


@torch.no_grad()
def _vae() -> Any:
    from diffusers import AutoencoderTiny

    widths, blocks = (16, 16, 16), (1, 1, 1)
    vae = AutoencoderTiny(
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=blocks,
        num_decoder_blocks=blocks,
        latent_channels=CHANNELS,
        scaling_factor=SCALE,
    )
    vae.encoder.layers[-1].weight.mul_(SPREAD)
    vae.decoder.layers[0].weight.div_(SPREAD)
    return vae.eval()


SPREAD, SCALE = 5.0, 6.0
"""By how much the encoder's latents are wider at first than torch makes them, and by how much they
are multiplied for the U-Net, so that what moves in a scene has a spread of about 1."""


def small_text(width: int, layers: int, inner: int, tokens: int = TOKENS) -> TextEncoder:
    """A text encoder of CLIP's architecture, with four heads and random weights.

    Args:
        width: of its features.
        layers: how many.
        inner: width inside each layer's perceptron.
        tokens: as of `small_tokenizer`.
    """
    from transformers import CLIPTextConfig, CLIPTextModel

    tokenizer = small_tokenizer(tokens)
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=tokens,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return TextEncoder(tokenizer, CLIPTextModel(config).eval())


def small_tokenizer(tokens: int = TOKENS) -> Any:
    """A CLIP tokenizer that knows the words of captions; others fall into their letters.

    As in CLIP's own, the end of a text has the highest number.

    Args:
        tokens: the most that a text has, its beginning and its end included.
    """
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    pieces = dict.fromkeys(letters + [letter + "</w>" for letter in letters])
    merges: list[tuple[str, str]] = []
    for word in vocabulary():
        left = word[0]
        for letter in [*word[1:-1], word[-1] + "</w>"] if word[1:] else []:
            if left + letter not in pieces:
                merges.append((left, letter))
                pieces[left + letter] = None
            left += letter
    names = [*pieces, "<|startoftext|>", "<|endoftext|>"]
    numbered = {piece: number for number, piece in enumerate(names)}
    made: Any = CLIPTokenizer
    return made(vocab=numbered, merges=merges, model_max_length=tokens)

"""What networks are told of a batch in training: painted targets, soft boxes, picture, tracks."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from diffusers import AutoencoderTiny
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.box_numbers import identity_colours, paint_boxes, relax_for_training
from kineograph.conditioning.first_motion import CHANNELS
from kineograph.data.batch import Batch
from kineograph.models import vae
from kineograph.models.adapter import Adapter
from kineograph.models.base import Base
from kineograph.models.condition import Condition
from kineograph.models.denoiser import Denoiser
from kineograph.models.given import Given
from kineograph.training.dropout import Dropped, without_boxes, without_picture, without_tracks
from kineograph.training.stage import Sampling
from kineograph.training.words import Words, without_autocast

PIXELS = 2**20
"""Pixels that go through the autoencoder at once: 16 frames of 256x256."""


@dataclass(frozen=True)
class Chance:
    """Draws of one step: one generator for all that comes in order, one seed for identities.

    Every adapter draws its identities from that seed anew, so that boxes have the same colours
    where they are painted and where they are told.

    Args:
        generator: what is drawn from in order.
        seed: of identities.
    """

    generator: torch.Generator
    seed: int

    @staticmethod
    def of(generator: torch.Generator) -> "Chance":
        """From a step's generator, which moves on by it."""
        where = generator.device
        return Chance(
            generator, int(torch.randint(2**62, (), generator=generator, device=where).item())
        )

    def identities(self) -> torch.Generator:
        """A generator that begins at the seed."""
        return torch.Generator(self.generator.device).manual_seed(self.seed)


def painted(
    video: Float[Tensor, "batch 3 frames height width"],
    boxes: BoxBatch,
    sampling: Sampling,
    chance: Chance,
) -> Float[Tensor, "batch 3 frames height width"]:
    """Self-tracking's targets: the boxes in their identity colours in every frame to predict.

    A first frame that is given as the picture stays clean (Boximator, arXiv:2402.01566, 5.2).
    """
    colours = identity_colours(boxes.instance, chance.identities())
    frames = rearrange(video, "b c t h w -> b t c h w")
    clean = int(sampling.picture == "first")
    made = paint_boxes(frames, boxes, colours, clean=clean)
    return rearrange(made, "b t c h w -> b c t h w")


def latents_of(
    base: Base, video: Float[Tensor, "batch 3 frames height width"], generator: torch.Generator
) -> Float[Tensor, "batch channels frames h w"]:
    """Latents of clips in float32, drawn from the autoencoder's posterior where it has one."""
    rows = rearrange(video, "b c t h w -> (b t) c h w")
    drawn = not isinstance(base.vae, AutoencoderTiny)
    made = _encoded(base, rows, sample=drawn, generator=generator if drawn else None)
    # as a block: the order of the frames' rows would go on through every layer, and torch's
    # GroupNorm crashes on it in the backward pass on a CPU
    return rearrange(made, "(b t) c h w -> b c t h w", b=len(video)).contiguous()


def with_motion(
    clean: Float[Tensor, "batch channels frames h w"], batch: Batch
) -> Float[Tensor, "batch more_channels frames h w"]:
    """Latents, and behind them the clips' motion where an adapter denoises it too."""
    if batch.motion is None:
        return clean
    return torch.cat([clean, batch.motion[:, :CHANNELS].to(clean)], dim=1)


def given_of(
    batch: Batch,
    boxes: BoxBatch | None,
    picture: Float[Tensor, "batch 3 height width"] | None,
    base: Base,
    dropped: Dropped,
) -> Given:
    """The conditions of a batch, but for the text; the picture is there for all clips still.

    Args:
        batch: of clips, on the base's device.
        boxes: those of the batch, as they are to be told.
        picture: the first frames; None if they are not given, or nobody reads them.
        base: whose autoencoder, and vision encoder if it has one, see the picture.
        dropped: which clips have no tracks.
    """
    tracks = None if batch.tracks is None else without_tracks(batch.tracks, dropped.tracks)
    given = Given(
        batch=len(batch),
        frames=batch.frames,
        size=batch.size,
        stride=base.stride,
        tracks=tracks,
        boxes=boxes,
    )
    if picture is None:
        return given
    with without_autocast(base.device):
        tokens = None if base.vision is None else base.vision.tokens(picture).float()
    latent = _encoded(base, picture)  # the mean, as when a person gives a picture
    return replace(given, picture=picture, picture_latent=latent, picture_tokens=tokens)


def boxes_of(
    batch: Batch,
    words: Words,
    denoiser: Denoiser,
    sampling: Sampling,
    dropped: Dropped,
    chance: Chance,
) -> tuple[BoxBatch | None, BoxBatch | None]:
    """The boxes as they are, to be painted, and as they are told: some soft, with their labels."""
    held = batch.boxes
    if held is None:
        return None, None
    if any(adapter.reads_labels for adapter in adapters_of(denoiser).values()):
        held = words.labels(held)
    true = without_boxes(held, dropped.boxes)
    if not sampling.soft:
        return true, true
    return true, relax_for_training(true, chance.generator, sampling.soft)


def conditions_of(
    denoiser: Denoiser, given: Given, dropped: Dropped, chance: Chance
) -> dict[str, Condition]:
    """What each adapter reads; with gradients where the adapter trains."""
    joined = without_picture(given, dropped.picture)
    attended = without_picture(given, dropped.tokens) if dropped.apart else joined

    def read(adapter: Adapter, given: Given) -> Condition:
        return adapter.condition(replace(given, generator=chance.identities()))

    made = {}
    for name, adapter in adapters_of(denoiser).items():
        if adapter.gates is None or joined is attended or "picture" not in adapter.reads:
            made[name] = read(adapter, joined)
        elif adapter.conv is None:
            made[name] = read(adapter, attended)
        else:
            made[name] = replace(read(adapter, joined), tokens=read(adapter, attended).tokens)
    return made


def adapters_of(denoiser: Denoiser) -> dict[str, Adapter]:
    """The adapters by name."""
    held = denoiser.adapters.items()
    return {name: adapter for name, adapter in held if isinstance(adapter, Adapter)}


def reads(denoiser: Denoiser, condition: str) -> bool:
    """Whether an adapter reads a condition: "picture", "tracks" or "boxes"."""
    return any(condition in adapter.reads for adapter in adapters_of(denoiser).values())


def _encoded(base: Base, pictures: Tensor, **how: Any) -> Tensor:
    """Latents in float32; the frozen autoencoder computes in the numbers that it is kept in."""
    slices = max(1, PIXELS // (pictures.shape[-1] * pictures.shape[-2]))
    with without_autocast(base.device):
        return vae.encode(base.vae, pictures, slices=slices, **how).float()

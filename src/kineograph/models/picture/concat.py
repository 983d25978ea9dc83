"""Concatenation: the first frame's latent joins the noisy latents at the input.

MotiF (arXiv 2412.16153) calls it x-cat, SMCD (arXiv 2403.10179) zero convolution, "ZC".
"""

from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from kineograph.models.adapter import Adapter, AdapterConfig
from kineograph.models.condition import Condition
from kineograph.models.given import Given
from kineograph.models.input_conv import input_conv, replicated
from kineograph.models.picture.latent import first_latent

Where = Literal["all", "first"]


class PictureConcatConfig(AdapterConfig):
    """What it takes to build a `PictureConcat` again."""

    frames: Where = "all"
    """The frames that get the latent; those that do not get zeros."""
    mask: bool = False
    """Whether one more channel says which frame the picture is: 1 in the first, else 0."""


class PictureConcat(Adapter):
    """The first frame's latent beside the noisy latents of every frame, or of the first alone.

    The same as widening the base's input convolution by new channels that start at zero; SMCD's
    files hold it so (`input_blocks.0.0.weight`, the last four channels).
    """

    kind: ClassVar[str] = "picture-concat"
    Config: ClassVar[type[AdapterConfig]] = PictureConcatConfig
    reads: ClassVar[frozenset[str]] = frozenset({"picture"})
    config: PictureConcatConfig

    def __init__(self, config: PictureConcatConfig) -> None:
        super().__init__(config)
        self.conv = input_conv(config.base, config.base.latent_channels + config.mask)

    def condition(self, given: Given) -> Condition:
        """The channels that join the latents; zeros for clips without a picture.

        Raises:
            ModelError: the picture's latent is missing or does not suit the base.
        """
        like = next(self.parameters())
        latent = first_latent(given, self.config.base.latent_channels, like)
        return Condition(
            channels=picture_channels(given, latent, self.config.frames, self.config.mask)
        )


def picture_channels(
    given: Given, latent: Float[Tensor, "batch channels h w"], where: Where, mask: bool
) -> Float[Tensor, "batch more_channels frames h w"]:
    """A picture's latent over the frames of its clip.

    Args:
        given: the clips.
        latent: of the first frame.
        where: "all" frames get it, or only the "first".
        mask: add a last channel that is 1 in the first frame of clips that have a picture.
    """
    held = replicated(latent, given.frames)
    first = torch.zeros(given.frames, dtype=latent.dtype, device=latent.device)
    first[0] = 1
    if where == "first":
        held = held * first[:, None, None]
    if not mask:
        return held
    said = given.has_picture(latent.device).to(latent.dtype)
    known = (said[:, None] * first)[:, None, :, None, None]
    return torch.cat([held, known.expand(-1, 1, -1, *latent.shape[-2:])], dim=1)

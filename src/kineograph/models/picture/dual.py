"""SMCD's dual image integration: concatenation and gated cross-attention together."""

from typing import ClassVar

from kineograph.models.adapter import AdapterConfig
from kineograph.models.condition import Condition
from kineograph.models.given import Given
from kineograph.models.input_conv import input_conv
from kineograph.models.picture.concat import Where, picture_channels
from kineograph.models.picture.gated import PictureGated, PictureGatedConfig
from kineograph.models.picture.latent import first_latent


class PictureDualConfig(PictureGatedConfig):
    """What it takes to build a `PictureDual` again."""

    frames: Where = "all"
    """The frames that get the latent beside theirs; those that do not get zeros."""
    mask: bool = False
    """Whether one more channel says which frame the picture is."""


class PictureDual(PictureGated):
    """SMCD's "DIIM" (arXiv 2403.10179): fine detail at the input, meaning in every spatial block.

    The input is widened once; it is not joined again further inside. In SMCD's training the two
    parts lost their picture independently of each other (a quarter and a tenth of the batches):
    take `channels` and `tokens` of the conditions of two differently dropped `Given`.
    """

    kind: ClassVar[str] = "picture-dual"
    Config: ClassVar[type[AdapterConfig]] = PictureDualConfig
    config: PictureDualConfig

    def __init__(self, config: PictureDualConfig) -> None:
        super().__init__(config)
        self.conv = input_conv(config.base, config.base.latent_channels + config.mask)

    def condition(self, given: Given) -> Condition:
        """The channels that join the latents, and the tokens of every frame.

        Raises:
            ModelError: the picture's latent, or its tokens, are missing or do not suit the base.
        """
        like = next(self.parameters())
        latent = first_latent(given, self.config.base.latent_channels, like)
        channels = picture_channels(given, latent, self.config.frames, self.config.mask)
        return Condition(channels=channels, tokens=self.tokens(given))

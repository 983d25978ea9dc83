"""A ControlNet on the first frame: "ctrl" of SMCD's ablation (arXiv 2403.10179)."""

from typing import Any, ClassVar, cast

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.models.adapter import Adapter, AdapterConfig
from kineograph.models.condition import Condition, Residuals
from kineograph.models.control.encoder import ControlEncoder, network_config
from kineograph.models.given import Given
from kineograph.models.picture.concat import Where, picture_channels
from kineograph.models.picture.latent import first_latent


class PictureControlConfig(AdapterConfig):
    """What it takes to build a `PictureControl` again."""

    network: dict[str, Any]
    """The base's configuration, whose encoder is copied."""
    frames: Where = "all"
    """The frames that get the latent; those that do not get zeros."""
    mask: bool = True
    """Whether one more channel says which frame the picture is."""
    reads_time: bool = True
    """Whether the copy is told the timestep."""
    reads_text: bool = True
    """Whether the copy reads the text. Where it reads neither it runs once a clip."""


class PictureControl(Adapter):
    """A trainable copy of the base's encoder reads the first frame and speaks to the decoder.

    Its residuals are added to the skip connections, as any ControlNet's; SMCD's code joined them
    as further channels there, and also let the copy read the noisy latents.
    """

    kind: ClassVar[str] = "picture-control"
    Config: ClassVar[type[AdapterConfig]] = PictureControlConfig
    reads: ClassVar[frozenset[str]] = frozenset({"picture"})
    config: PictureControlConfig

    def __init__(self, config: PictureControlConfig) -> None:
        super().__init__(config)
        self.encoder = ControlEncoder(
            config.network, reads_time=config.reads_time, reads_text=config.reads_text
        )
        channels = config.base.latent_channels + config.mask
        self.hint = nn.Conv2d(channels, self.encoder.width, kernel_size=3, padding=1)

    @classmethod
    def for_base(cls, unet: nn.Module, **options: Any) -> Any:
        """A new adapter whose encoder, and input convolution for the latent, are the base's own.

        Raises:
            ModelError: the base cannot be copied.
        """
        made = super().for_base(unet, **{"network": network_config(unet), **options})
        made.encoder.copy_from(unet)
        channels, conv_in = made.config.base.latent_channels, cast(nn.Conv2d, unet.conv_in)
        with torch.no_grad():
            made.hint.weight.zero_()[:, :channels].copy_(conv_in.weight)
            made.hint.bias.copy_(conv_in.bias)
        return made

    def condition(self, given: Given) -> Condition:
        """The encoder's input, and its output too where that is the same at every step.

        Raises:
            ModelError: the picture's latent is missing or does not suit the base.
        """
        config = self.config
        latent = first_latent(given, config.base.latent_channels, self.hint.weight)
        channels = picture_channels(given, latent, config.frames, config.mask)
        rows = self.hint(rearrange(channels, "b c f h w -> (b f) c h w"))
        hint = rearrange(rows, "(b f) c h w -> b c f h w", f=given.frames)
        longest = self.encoder.longest or given.frames
        if config.reads_time or config.reads_text or given.frames > longest:
            return Condition(hint=hint)
        return Condition(hint=hint, residuals=self.encoder(hint))

    def residuals(
        self,
        condition: Condition,
        timestep: Tensor,
        text: Float[Tensor, "batch length width"],
    ) -> Residuals | None:
        """What is added to the base's skip connections and middle at one step."""
        if condition.residuals is not None or condition.hint is None:
            return condition.residuals
        return self.encoder(condition.hint, timestep, text)

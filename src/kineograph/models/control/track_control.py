"""Motion prompts through a ControlNet."""

from typing import Any, ClassVar

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.conditioning.identity_volume import identity_volume
from kineograph.core.errors import ModelError
from kineograph.models.adapter import Adapter, AdapterConfig, BaseShape
from kineograph.models.condition import Condition, Residuals
from kineograph.models.control.encoder import ControlEncoder, network_config
from kineograph.models.given import Given


class TrackControlConfig(AdapterConfig):
    """What it takes to build a `TrackControl` again."""

    network: dict[str, Any]
    """The base U-Net's own configuration."""
    stride: int = 8
    """Pixels a latent cell."""
    raster: int = 4
    """Pixels a cell of the identity volume; it has to divide `stride`.

    1 is the pixel itself, `stride` the latent grid. Where tracks meet in a cell their identities
    add up and can hardly be told apart: of 2,000 tracks strewn over 512x512 pixels, 1 % share
    their cell with another at 1, 11 % at 4 and 39 % at 8. At 4 the volume has the 128x128 cells of
    the paper's own, and takes a sixteenth of the memory that it takes at 1.
    """
    channels: int = 64
    """Channels of an identity."""
    pool: int = 16384
    """Identities to draw from."""
    released_channel: bool = False
    """Whether one more channel says which cells hold a track that has been let go."""
    reads_time: bool = True
    """Whether the ControlNet is told the timestep."""
    reads_text: bool = True
    """Whether it is told the text. If it is told neither, it runs once a clip, not at each step."""


class TrackControl(Adapter):
    """A ControlNet whose only input is the identity volume of the tracks.

    Tracks are drawn into a volume of `raster` pixels a cell, the cells of one latent cell are laid
    behind one another as channels, and a 3x3 convolution makes of them what the copied encoder
    reads in place of the noisy latents. Which number a track gets is drawn anew for each sample,
    from `Given.generator`. A track's own strength is in the volume; the strength by step scales
    the residuals.

    Source: Geng et al., "Motion Prompting" (2024), section 3. The paper's model works on pixels;
    that the raster is finer than the latents and folded into channels is ours.

    Raises:
        ModelError: `raster` does not divide `stride`, or the base is none that can be copied.
    """

    kind: ClassVar[str] = "track-control"
    Config: ClassVar[type[AdapterConfig]] = TrackControlConfig
    reads: ClassVar[frozenset[str]] = frozenset({"tracks"})
    config: TrackControlConfig

    def __init__(self, config: TrackControlConfig) -> None:
        super().__init__(config)
        if config.raster < 1 or config.stride % config.raster:
            raise ModelError(
                f"a raster of {config.raster} pixels was asked for; it has to divide the "
                f"{config.stride} pixels of a latent cell"
            )
        self.encoder = ControlEncoder(
            config.network, reads_time=config.reads_time, reads_text=config.reads_text
        )
        folded = (config.channels + config.released_channel) * (config.stride // config.raster) ** 2
        self.hint_in = nn.Conv2d(folded, self.encoder.width, kernel_size=3, padding=1)

    @classmethod
    def for_base(cls, unet: Any, **options: Any) -> "TrackControl":
        """A new one whose encoder is a copy of the base's.

        Args:
            unet: a UNetMotionModel or UNet3DConditionModel, without LoRAs on it.
            options: other fields of `TrackControlConfig`.

        Raises:
            ModelError: the base is none that can be copied.
        """
        base, network = BaseShape.of(unet), network_config(unet)
        made = cls(cls.config_of(base=base, network=network, **options))
        made.encoder.copy_from(unet)
        made.encoder.checkpointing = bool(unet.is_gradient_checkpointing)
        return made.to(dtype=unet.dtype, device=unet.device)

    def condition(self, given: Given) -> Condition:
        """The tracks on the latent grid; the residuals too where they are the same at all steps.

        A clip longer than the motion layers know gets its residuals window by window.

        Raises:
            ModelError: the latent cells are of another size.
        """
        hint = rearrange(self.volume(given), "b c f h w -> (b f) c h w")
        hint = rearrange(self.hint_in(hint), "(b f) c h w -> b c f h w", f=given.frames)
        encoder = self.encoder
        if encoder.reads_time or encoder.reads_text or not encoder.knows(given.frames):
            return Condition(hint=hint)
        return Condition(hint=hint, residuals=encoder(hint))

    def volume(self, given: Given) -> Float[Tensor, "batch folded frames height width"]:
        """The identity volume, the cells of one latent cell behind one another as channels."""
        self._check(given)
        config = self.config
        if given.tracks is None:
            (height, width), fold = given.grid, config.stride // config.raster
            folded = (config.channels + config.released_channel) * fold**2
            weight = self.hint_in.weight
            return weight.new_zeros(given.batch, folded, given.frames, height, width)
        drawn = identity_volume(
            given.tracks.to(self.device),
            stride=config.raster,
            channels=config.channels,
            generator=given.generator,
            pool=config.pool,
            released_channel=config.released_channel,
            dtype=self.dtype,
        )
        fold = config.stride // config.raster
        return rearrange(drawn, "b c f (h p) (w q) -> b (c p q) f h w", p=fold, q=fold)

    def residuals(
        self,
        condition: Condition,
        timestep: Tensor,
        text: Float[Tensor, "batch length text_width"],
    ) -> Residuals | None:
        """What is added to the skip connections and the middle at one step."""
        if condition.residuals is not None or condition.hint is None:
            return condition.residuals
        return self.encoder(condition.hint, timestep, text)

    def _check(self, given: Given) -> None:
        if given.stride != self.config.stride:
            raise ModelError(
                f"the {self.kind} adapter was made for latent cells of {self.config.stride} "
                f"pixels; this autoencoder's have {given.stride}; take the adapter for it"
            )

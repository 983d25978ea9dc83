"""SparseCtrl: some frames of the clip are given, as pictures or as scribbles."""

from typing import Any, ClassVar, cast, get_args

import torch
from diffusers import SparseControlNetModel, UNetMotionModel
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.adapter import Adapter, AdapterConfig, BaseShape
from kineograph.models.condition import Condition, Residuals
from kineograph.models.control.sparse_network import (
    Variant,
    base_of,
    built_network,
    copy_spatial,
    held_config,
    network_for,
)
from kineograph.models.given import Given
from kineograph.models.key_frames import NOWHERE, KeyFrames


class SparseControlConfig(AdapterConfig):
    """What it takes to build a `SparseControl` again."""

    network: dict[str, Any]
    """The configuration of diffusers' SparseControlNetModel."""


class SparseControl(Adapter):
    """diffusers' SparseControlNetModel as it is, read and fed as an adapter.

    The RGB variant reads latents of the key frames and takes the picture as frame 0 unless the key
    frames hold one for it; the scribble variant reads drawings in 0..1 and only the key frames.
    Both read a mask that says which frames are given; the others are 0. The noisy latents are not
    read. A motion document holds no key frames, so that the scribble variant acts only where
    Python gives it some (`Given.key_frames`).

    Source: Guo et al., "SparseCtrl" (2023), section 3.2.

    Raises:
        ModelError: the configuration is of no SparseControlNetModel.
    """

    kind: ClassVar[str] = "sparse-control"
    Config: ClassVar[type[AdapterConfig]] = SparseControlConfig
    reads: ClassVar[frozenset[str]] = frozenset({"picture"})
    """Of the kind; the scribble variant's own is empty."""
    config: SparseControlConfig

    def __init__(self, config: SparseControlConfig) -> None:
        super().__init__(config)
        self._hold(built_network(config.network))

    def _hold(self, network: SparseControlNetModel) -> None:
        self.network = network
        if self.variant == "scribble":
            self.reads = frozenset()  # type: ignore[misc]  # this one reads less than its kind

    @classmethod
    def for_base(cls, unet: Any, *, variant: str = "rgb", **options: Any) -> "SparseControl":
        """A new one: the spatial layers are copies of the base's, the motion layers are new.

        Args:
            unet: a UNetMotionModel, without LoRAs on it.
            variant: what it is to read, "rgb" or "scribble".
            options: other fields of `SparseControlConfig`.

        Raises:
            ModelError: the base is another, or its layers have been replaced; or there is no such
                variant or option.
        """
        if variant not in get_args(Variant):
            raise ModelError(
                f"SparseCtrl was asked for as {variant!r}; its variants are "
                f"{' and '.join(get_args(Variant))}"
            )
        if not isinstance(unet, UNetMotionModel):
            raise ModelError(
                f"SparseCtrl was asked for on a {type(unet).__name__}; it goes onto Stable "
                "Diffusion with a motion module (UNetMotionModel)"
            )
        fields = {
            "base": BaseShape.of(unet),
            "network": network_for(unet.config, cast(Variant, variant)),
        }
        made = cls(cls.config_of(**{**fields, **options}))
        copy_spatial(unet, made.network)
        return made.to(dtype=unet.dtype, device=unet.device)

    @classmethod
    def from_network(cls, network: SparseControlNetModel) -> "SparseControl":
        """An adapter around a network that has been loaded; it is not copied.

        The base is taken to be symmetric, as Stable Diffusion's is: its decoder is not known here.
        """
        made = cls.__new__(cls)
        Adapter.__init__(
            made, SparseControlConfig(base=base_of(network), network=held_config(network))
        )
        made._hold(network)
        return made

    @property
    def variant(self) -> Variant:
        """What it reads."""
        return "rgb" if self.network.use_simplified_condition_embedding else "scribble"

    @property
    def shrinks(self) -> int:
        """How many pixels of what it reads make a latent cell, along a side."""
        embedding: Any = self.network.controlnet_cond_embedding
        halved = [block for block in getattr(embedding, "blocks", ()) if block.stride == (2, 2)]
        return int(2 ** len(halved))

    def condition(self, given: Given) -> Condition:
        """What is given of each frame, and behind it the mask that says of which frames.

        Raises:
            ModelError: key frames do not fit the clip, or their latents are missing.
        """
        pictures, frames = self._rgb(given) if self.variant == "rgb" else self._drawn(given)
        return Condition(hint=_spread(pictures.to(self.device, self.dtype), frames, given.frames))

    def null(self, given: Given) -> Condition:
        """The condition when neither a picture nor key frames are given."""
        return self.condition(given.without("picture"))

    def residuals(
        self,
        condition: Condition,
        timestep: Tensor,
        text: Float[Tensor, "batch length text_width"],
    ) -> Residuals | None:
        """What is added to the skip connections and the middle at one step."""
        if condition.hint is None:
            return condition.residuals
        batch, _, frames, height, width = condition.hint.shape
        channels, cell = self.network.config["in_channels"], self.shrinks
        grid = (batch, channels, frames, height // cell, width // cell)
        down, mid = self.network(
            condition.hint.new_zeros(grid),
            timestep,
            encoder_hidden_states=text.to(self.dtype).repeat_interleave(frames, dim=0),
            controlnet_cond=condition.hint[:, :-1],
            conditioning_mask=condition.hint[:, -1:],
            return_dict=False,
        )
        return Residuals(tuple(down), mid)

    def _rgb(self, given: Given) -> tuple[Tensor, Tensor]:
        """Latents (B, K, c, h, w) and their frames (B, K), the picture first."""
        keys = _checked(given)
        if (keys is not None and keys.latents is None) or (
            given.picture is not None and given.picture_latent is None
        ):
            raise ModelError(
                "SparseCtrl for pictures was given pictures without latents; encode them with the "
                "base's autoencoder first"
            )
        height, width = given.grid
        latents = self._nothing(given, self.network.config["conditioning_channels"], height, width)
        frames = torch.empty(given.batch, 0, dtype=torch.int64, device=self.device)
        if keys is not None and keys.latents is not None:
            latents, frames = keys.latents.to(latents), keys.frames.to(frames)
        if given.picture_latent is not None:
            left_open = given.has_picture(self.device).bool() & ~(frames == 0).any(dim=1)
            first = torch.where(left_open, 0, NOWHERE)[:, None]
            frames = torch.cat([first, frames], dim=1)
            latents = torch.cat([given.picture_latent[:, None].to(latents), latents], dim=1)
        return latents, frames

    def _drawn(self, given: Given) -> tuple[Tensor, Tensor]:
        """Drawings (B, K, 3, H, W) in 0..1 and their frames (B, K)."""
        if given.stride != self.shrinks:
            raise ModelError(
                f"this SparseCtrl makes a latent cell of {self.shrinks} pixels; the autoencoder's "
                f"cells have {given.stride}; take the one for this base"
            )
        keys = _checked(given)
        if keys is None:
            width, height = given.size
            empty = torch.empty(given.batch, 0, dtype=torch.int64, device=self.device)
            return self._nothing(given, 3, height, width), empty
        return keys.images / 2 + 0.5, keys.frames.to(self.device)

    def _nothing(self, given: Given, channels: int, height: int, width: int) -> Tensor:
        """No key frame of this size for any clip."""
        parameter = next(self.parameters())
        return parameter.new_zeros(given.batch, 0, channels, height, width)


def _checked(given: Given) -> KeyFrames | None:
    """The key frames.

    Raises:
        ModelError: they are not of this clip.
    """
    keys = given.key_frames
    if keys is None:
        return None
    height, width = keys.images.shape[-2:]
    if (width, height) != tuple(given.size) or keys.batch != given.batch:
        raise ModelError(
            f"key frames of {keys.batch} clips of {width}x{height} were given for {given.batch} "
            f"of {given.size[0]}x{given.size[1]}; resize them to the clip"
        )
    keys.check_frames(given.frames)
    return keys


def _spread(
    pictures: Float[Tensor, "batch keys channels height width"],
    frames: Int[Tensor, "batch keys"],
    count: int,
) -> Float[Tensor, "batch channels_and_mask frames height width"]:
    """Key frames at their places among `count` frames, else 0; the last channel is the mask."""
    batch, _, channels, height, width = pictures.shape
    spread = pictures.new_zeros(batch, count, channels + 1, height, width)
    clip, place = torch.nonzero(frames != NOWHERE, as_tuple=True)
    when = frames[clip, place]
    spread[clip, when, :-1] = pictures[clip, place]
    spread[clip, when, -1] = 1
    return rearrange(spread, "b f c h w -> b c f h w")

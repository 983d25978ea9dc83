"""The first frame's latent carried along the tracks, joined to the latents at the input.

Wan-Move and ATI put it where their base reads a picture's latent; here it comes as further
channels, so that any base can learn to read it.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from kineograph.conditioning.gaussian_propagation import propagate_gaussian
from kineograph.conditioning.latent_propagation import propagate_latent
from kineograph.conditioning.propagated import Propagated
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError
from kineograph.models.adapter import Adapter, AdapterConfig
from kineograph.models.condition import Condition
from kineograph.models.given import Given
from kineograph.models.input_conv import input_conv, replicated
from kineograph.models.picture.latent import first_latent

_LIKE = {"latent": ("kineograph", "wan-move"), "gaussian": ("kineograph", "ati")}


class TrackPropagationConfig(AdapterConfig):
    """What it takes to build a `TrackPropagation` again."""

    method: Literal["latent", "gaussian"] = "latent"
    """Cell by cell (Wan-Move), or softly around each track (ATI)."""
    like: Literal["kineograph", "wan-move", "ati"] = "kineograph"
    """Whose rules: Kineograph's, or the original's with its flaws, for weights trained on them."""
    plain: bool = False
    """Whether the unmoved latent comes too, in every frame, as further channels."""
    frames_per_latent: int = 1
    """Frames of the video that one frame of the latents stands for."""


class TrackPropagation(Adapter):
    """What the picture shows at a track's start, placed where the track is, and a mask of it.

    The channels are the propagated latent, the mask (1 in the first frame, how much was written in
    the others) and, with `plain`, the unmoved latent. Clips without a picture have nothing to
    carry: all their channels are 0.
    """

    kind: ClassVar[str] = "track-propagation"
    Config: ClassVar[type[AdapterConfig]] = TrackPropagationConfig
    reads: ClassVar[frozenset[str]] = frozenset({"picture", "tracks"})
    config: TrackPropagationConfig

    def __init__(self, config: TrackPropagationConfig) -> None:
        super().__init__(config)
        allowed = _LIKE[config.method]
        if config.like not in allowed:
            raise ModelError(
                f"{config.method} propagation like {config.like!r} was asked for; it can be like "
                f"{' or '.join(allowed)}"
            )
        latent = config.base.latent_channels
        self.conv = input_conv(config.base, latent + 1 + latent * config.plain)

    def condition(self, given: Given) -> Condition:
        """The channels that join the latents.

        Raises:
            ModelError: the picture's latent is missing or does not suit the base, or the tracks
                are of another size than the clip.
        """
        like = next(self.parameters())
        latent = first_latent(given, self.config.base.latent_channels, like)
        carried = self._propagate(latent, given)
        said = given.has_picture(like.device).to(like.dtype)[:, None, None, None, None]
        parts = [carried.latents.to(like), carried.mask.to(like) * said]
        if self.config.plain:
            parts.append(replicated(latent, parts[0].shape[2]))
        return Condition(channels=torch.cat(parts, dim=1))

    def _propagate(self, latent: Tensor, given: Given) -> Propagated:
        config, tracks = self.config, given_tracks(given, latent.device)
        if config.method == "gaussian":
            return propagate_gaussian(
                latent,
                tracks,
                stride=given.stride,
                frames_per_latent=config.frames_per_latent,
                like="ati" if config.like == "ati" else "kineograph",
            )
        return propagate_latent(
            latent,
            tracks,
            stride=given.stride,
            frames_per_latent=config.frames_per_latent,
            like="wan-move" if config.like == "wan-move" else "kineograph",
            generator=given.generator,
        )


def given_tracks(given: Given, device: torch.device) -> TrackBatch:
    """The tracks of a batch of clips; clips without any have none in any state."""
    if given.tracks is None:
        return TrackBatch.of(
            [None] * given.batch, frames=given.frames, size=given.size, device=device
        )
    return given.tracks.to(device)

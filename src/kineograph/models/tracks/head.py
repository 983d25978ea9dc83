"""A light head for tracks: their identity volume joins the latents at the input.

MotionStream (arXiv 2511.01266) steers with this instead of a ControlNet.
"""

from itertools import pairwise
from typing import ClassVar

import torch
from einops import rearrange
from torch import Tensor, nn

from kineograph.conditioning.identity_volume import identity_volume
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.models.adapter import Adapter, AdapterConfig
from kineograph.models.condition import Condition
from kineograph.models.given import Given
from kineograph.models.input_conv import input_conv
from kineograph.models.tracks.propagation import given_tracks


class TrackHeadConfig(AdapterConfig):
    """What it takes to build a `TrackHead` again."""

    channels: int = 64
    """Of a track's identity."""
    widths: tuple[int, ...] = (64,)
    """Channels behind each 1x1 convolution of the head; the last join the latents."""
    frames_per_latent: int = 1
    """Frames of the video that one frame of the latents stands for; they are folded into
    channels."""
    pool: int = 16384
    """How many identities there are to draw from."""
    released: bool = False
    """Whether one more channel a frame says where occluded points are, which a track that is
    released says nothing of."""


class TrackHead(Adapter):
    """The identities of the tracks, written on the latent grid, through 1x1 convolutions.

    Where no track is nothing is added, after training too: neither the head nor the convolution at
    the input has a bias.
    """

    kind: ClassVar[str] = "track-head"
    Config: ClassVar[type[AdapterConfig]] = TrackHeadConfig
    reads: ClassVar[frozenset[str]] = frozenset({"tracks"})
    config: TrackHeadConfig

    def __init__(self, config: TrackHeadConfig) -> None:
        super().__init__(config)
        volume = (config.channels + config.released) * config.frames_per_latent
        layers: list[nn.Module] = []
        for before, width in pairwise((volume, *config.widths)):
            layers += [nn.Conv2d(before, width, kernel_size=1, bias=False), nn.SiLU()]
        self.head = nn.Sequential(*layers)
        self.conv = input_conv(config.base, config.widths[-1] if config.widths else volume)

    def condition(self, given: Given) -> Condition:
        """The channels that join the latents.

        Raises:
            ModelError: the tracks are of another size than the clip.
        """
        like, config = next(self.parameters()), self.config
        tracks = given_tracks(given, like.device)
        volume = identity_volume(
            tracks,
            ids=_none(tracks),
            stride=given.stride,
            channels=config.channels,
            generator=given.generator,
            pool=config.pool,
            frames_per_latent=config.frames_per_latent,
            released_channel=config.released,
            dtype=like.dtype,
        )
        rows = self.head(rearrange(volume, "b c f h w -> (b f) c h w"))
        return Condition(channels=rearrange(rows, "(b f) c h w -> b c f h w", b=given.batch))


def _none(tracks: TrackBatch) -> Tensor | None:
    """The identities of no tracks, which need no generator; None where there are some to draw."""
    if tracks.count:
        return None
    return torch.zeros(tracks.batch, 0, dtype=torch.int64, device=tracks.device)

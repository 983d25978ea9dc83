"""What is had when a first frame's latent is carried along tracks, and what it is made from."""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Float32
from torch import Tensor

from kineograph.conditioning.cells import corners
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError


@dataclass(frozen=True, eq=False)
class Propagated:
    """A first frame's latent, and what tracks carry of it into the latents after it."""

    latents: Float[Tensor, "batch channels latents height width"]
    """The first frame's own latent, then what was carried there, blended onto the base."""
    mask: Float[Tensor, "batch 1 latents height width"]
    """How much of a cell was written: 1 at the first latent, else 0 to 1.

    Negative, down to -1, where a cell belongs to tracks that were not seen in the first frame:
    something is there, and the first frame does not show what it looks like. (The original
    Wan-Move and ATI have no such cells; ATI's mask can exceed 1 where tracks meet.)
    """

    def to(self, device: torch.device) -> "Propagated":
        """The same on a device."""
        return Propagated(self.latents.to(device), self.mask.to(device))


def carried(
    first: Float[Tensor, "batch channels height width"], tracks: TrackBatch, stride: int
) -> Float32[Tensor, "entries carried"]:
    """What each track carries: the latent where it starts, then what it adds to written and mask.

    A track seen in the first frame has the bilinear sample of the latent there, and 1 and 1;
    any other has zeros, and 0 and -1.
    """
    height, width = first.shape[2:]
    rows, shares = corners(tracks.points[:, :, 0], (height, width), stride)
    clip = torch.arange(tracks.batch, device=rows.device)[:, None, None]
    flat = rearrange(first.float(), "b c h w -> (b h w) c")
    samples = (flat[clip * height * width + rows] * shares[..., None]).sum(dim=2)
    seen = (tracks.visible & tracks.inside)[:, :, 0, None].float()
    found = torch.cat([samples * seen, seen, 2 * seen - 1], dim=2)
    return rearrange(found, "b n c -> (b n) c")


def compose(
    first: Float[Tensor, "batch channels height width"],
    base: Float[Tensor, "batch channels latents height width"] | None,
    sums: Float32[Tensor, "cells carried"],
    groups: int,
) -> Propagated:
    """The first latent, then the written sums on what the base shows through them.

    Args:
        first: the first frame's latent.
        base: what is there where nothing is written, None for zeros; its first latent is not read.
        sums: for each cell of each of `groups` latents of each clip, in this order: C summed
            channels, how much is written, the mask.
        groups: the latents after the first.

    Raises:
        ModelError: the base has another shape.
    """
    batch, channels, height, width = first.shape
    shape = (batch, channels, groups + 1, height, width)
    if base is not None and base.shape != shape:
        raise ModelError(
            f"a base of shape {tuple(base.shape)} was given; it has to be {shape}: clips, "
            "channels, latents, height, width"
        )
    volume = rearrange(sums, "(b g h w) c -> b c g h w", b=batch, g=groups, h=height, w=width)
    written, mask = volume[:, channels], volume[:, channels + 1 :]
    after = volume[:, :channels]
    if base is not None:
        after = after + base[:, :, 1:] * (1 - written.clamp(0, 1))[:, None]
    whole = mask.new_ones(batch, 1, 1, height, width)
    return Propagated(
        torch.cat([first[:, :, None], after.to(first.dtype)], dim=2),
        torch.cat([whole, mask], dim=2).to(first.dtype),
    )

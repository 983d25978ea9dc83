"""Where a track is during the frames that one latent stands for."""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float32, Shaped
from torch import Tensor

from kineograph.conditioning.track_batch import TrackBatch


@dataclass(frozen=True, eq=False)
class FrameGroups:
    """The tracks at the G latents after the first, each of k frames; the last may have fewer."""

    points: Float32[Tensor, "batch groups tracks 2"]
    """The mean raster position over the frames in which the track is seen; 0 where in none."""
    seen: Bool[Tensor, "batch groups tracks"]
    """Whether the track is visible, inside the picture, in any of the frames."""
    depth: Float32[Tensor, "batch groups tracks"] | None
    """The mean depth over the same frames; smaller is nearer."""

    @classmethod
    def of(cls, tracks: TrackBatch, per_latent: int) -> "FrameGroups":
        """The tracks in groups of `per_latent` frames, the first frame left out."""
        seen = in_groups(tracks.visible & tracks.inside, per_latent)
        number = seen.sum(dim=2).clamp(min=1)
        points = in_groups(tracks.points, per_latent).masked_fill(~seen[..., None], 0)
        depth = None
        if tracks.depth is not None:
            deep = in_groups(tracks.depth, per_latent).masked_fill(~seen, 0)
            depth = deep.sum(dim=2) / number
        return cls(points.sum(dim=2) / number[..., None], seen.any(dim=2), depth)


def in_groups(
    values: Shaped[Tensor, "batch tracks frames *rest"], per_latent: int
) -> Shaped[Tensor, "batch groups {per_latent} tracks *rest"]:
    """The frames after the first in groups; a last group that is short is filled with zeros."""
    values = values[:, :, 1:].transpose(1, 2)
    missing = -values.shape[1] % per_latent
    if missing:
        filling = values.new_zeros(values.shape[0], missing, *values.shape[2:])
        values = torch.cat([values, filling], dim=1)
    return rearrange(values, "b (g k) n ... -> b g k n ...", k=per_latent)

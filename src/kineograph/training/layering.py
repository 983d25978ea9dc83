"""The error of layers: how little of a motion can be told by one affine motion for each of them.

It asks for masks alone, whatever moves them, so that a network learns what hangs together in a
picture before it knows what a text says of it (as Choudhury et al. 2022, "Guess What Moves", do for
single pictures). Without it, who moves and where to are two unknown factors of one product, and
neither is learnt before the other.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from kineograph.conditioning.first_motion import places
from kineograph.training.words import without_autocast

SLOW = (1e-3, 0.05, 0.05)
"""Reluctance of a layer to move, and to turn or grow: a small one can do neither by chance."""


def layering_error(
    masks: Float[Tensor, "batch layers rows columns"],
    motion: Float[Tensor, "batch 4 frames rows columns"],
) -> Float[Tensor, " batch"]:
    """The mean square of what is left of a motion after the best affine motion of each layer.

    The best ones are found anew, in closed form, so the error's gradient is the masks' alone.

    Args:
        masks: how much of each cell belongs to each layer.
        motion: as of `first_motion.motion_of`; cells that are not told count nothing.

    Returns:
        For each clip, in squared `first_motion.UNIT`, over both axes and all frames but the first.
    """
    with without_autocast(masks.device):  # moments are small differences of large sums
        return _error(masks.float(), motion.float())


def _error(
    masks: Float[Tensor, "batch layers rows columns"],
    motion: Float[Tensor, "batch 4 frames rows columns"],
) -> Float[Tensor, " batch"]:
    rows, columns = masks.shape[2:]
    told = motion[:, 3:, -1]
    weight = rearrange(masks * told, "b k h w -> b k (h w)")
    at = places(rows, columns, masks.device).reshape(-1, 2)
    plane = torch.cat([torch.ones_like(at[:, :1]), at], dim=1)
    gone = rearrange(motion[:, :2, 1:], "b x f h w -> b (x f) (h w)")
    spread = torch.einsum("bkn,ni,nj->bkij", weight, plane, plane)
    spread = spread + torch.diag(torch.tensor(SLOW, device=masks.device))
    pulled = torch.einsum("bkn,ni,bqn->bkiq", weight, plane, gone)
    best = torch.linalg.solve(spread, pulled)
    missed = gone[:, None] - torch.einsum("ni,bkiq->bkqn", plane, best)
    each = (weight * (missed**2).mean(dim=2)).sum(dim=(1, 2))
    total: Tensor = each / weight.sum(dim=(1, 2)).clamp(min=1)
    return total

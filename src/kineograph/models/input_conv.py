"""The convolution through which further channels join a base at its input."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.models.adapter import BaseShape


def input_conv(base: BaseShape, channels: int) -> nn.Conv2d:
    """A convolution like the base's own input convolution, for `channels` more, at first zero.

    Added to what the base's gives, it is the same as widening that convolution by channels whose
    weights start at zero. It has no bias of its own, as the widened one has only one: where the
    channels are zero nothing is added, before training and after.
    """
    made = nn.Conv2d(channels, base.widths[0], kernel_size=3, padding=1, bias=False)
    nn.init.zeros_(made.weight)
    return made


def widened(conv: nn.Conv2d, more: nn.Conv2d) -> nn.Conv2d:
    """One convolution that reads a base's channels and then the further ones.

    Convention: as in files with a widened `conv_in`, the latents come first.

    Args:
        conv: the base's input convolution.
        more: the adapter's, made by `input_conv`.
    """
    made = nn.Conv2d(
        conv.in_channels + more.in_channels,
        conv.out_channels,
        kernel_size=3,
        padding=1,
        bias=conv.bias is not None,
        dtype=conv.weight.dtype,
        device=conv.weight.device,
    )
    with torch.no_grad():
        made.weight.copy_(torch.cat([conv.weight, more.weight.to(conv.weight)], dim=1))
        if made.bias is not None and conv.bias is not None:
            made.bias.copy_(conv.bias)
    return made


def replicated(
    picture: Float[Tensor, "batch channels h w"], frames: int
) -> Float[Tensor, "batch channels frames h w"]:
    """The same for each of `frames` frames; a view, not a copy."""
    return picture[:, :, None].expand(-1, -1, frames, -1, -1)

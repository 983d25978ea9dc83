"""Zero convolutions: a new branch says nothing until it has been trained."""

from typing import Any

from torch import nn


def zero_conv(channels: int) -> nn.Conv2d:
    """A 1x1 convolution whose weight and bias are 0.

    Its own gradient is not 0, so that it learns from the first step on.

    Source: Zhang et al., "Adding Conditional Control to Text-to-Image Diffusion Models" (2023),
    section 3.1.
    """
    conv = nn.Conv2d(channels, channels, kernel_size=1)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv


def skip_widths(width: int, down_blocks: nn.ModuleList) -> list[int]:
    """Channels of each skip connection of a U-Net, in order.

    Args:
        width: channels behind the input convolution.
        down_blocks: diffusers' down blocks, which give one skip connection a layer and one behind
            their downsampler, where they have one.
    """
    widths = [width]
    block: Any
    for block in down_blocks:
        layers = [*block.resnets, *(block.downsamplers or ())]
        widths += [layer.out_channels for layer in layers]
    return widths

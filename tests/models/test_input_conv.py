"""Further channels at the input."""

import torch

from clip_given import BASES, noise
from kineograph.models.adapter import BaseShape
from kineograph.models.input_conv import input_conv, replicated, widened


def test_it_starts_at_zero_and_learns_from_the_first_step() -> None:
    conv = input_conv(BaseShape.of(BASES["animatediff"]()), 5)
    made = conv(noise(1, 5, 6, 8))
    assert made.shape == (1, 8, 6, 8) and not made.any()
    made.sum().backward()
    assert conv.weight.grad.abs().sum() > 0 and conv.bias is None


def test_widened_is_the_sum_of_both() -> None:
    torch.manual_seed(0)
    unet = BASES["modelscope"]()
    more = input_conv(BaseShape.of(unet), 3)
    torch.nn.init.normal_(more.weight)
    both = widened(unet.conv_in, more)
    assert both.weight.shape == (8, 7, 3, 3)
    assert torch.equal(both.weight[:, :4], unet.conv_in.weight)
    assert torch.equal(both.weight[:, 4:], more.weight)
    x, y = noise(2, 4, 6, 8), noise(2, 3, 6, 8, seed=1)
    torch.testing.assert_close(both(torch.cat([x, y], 1)), unet.conv_in(x) + more(y))


def test_replicated_is_the_same_in_every_frame() -> None:
    picture = noise(2, 4, 6, 8)
    assert torch.equal(replicated(picture, 5), torch.stack([picture] * 5, dim=2))

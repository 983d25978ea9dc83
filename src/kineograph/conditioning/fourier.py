"""Numbers as sines and cosines of rising frequency, in the orders that released weights expect."""

from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

Order = Literal["gligen", "boximator"]

_PATTERNS = {
    "gligen": "... numbers freqs waves -> ... (freqs waves numbers)",
    "boximator": "... numbers freqs waves -> ... (numbers freqs waves)",
}


def fourier(
    numbers: Float[Tensor, "*shape numbers"],
    *,
    freqs: int = 8,
    base: float | int = 100,
    order: Order = "gligen",
) -> Float[Tensor, "*shape features"]:
    """Each number x as sin and cos of x * base^(k / freqs), k from 0 to freqs - 1.

    There is no factor of 2 pi: numbers are in 0..1, and the highest frequency turns about 9 times
    over that range. Computed in float32 at least, whatever the type of `numbers`, which the result
    has again.

    Args:
        numbers: any shape; the last axis is what is taken together.
        freqs: frequencies a number; 2 * freqs features each.
        base: what the highest frequency approaches.
        order: how the features lie. "gligen" (Li et al. 2023; SMCD and TrackDiffusion alike):
            frequency by frequency, all sines and then all cosines, number by number within.
            "boximator" (Wang et al. 2024, section 4): number by number, frequency by frequency
            within, the cosine before the sine.
    """
    exact = torch.promote_types(numbers.dtype, torch.float32)
    powers = torch.arange(freqs, device=numbers.device, dtype=exact) / freqs
    angle = numbers.to(exact)[..., None] * base**powers
    waves = [angle.sin(), angle.cos()] if order == "gligen" else [angle.cos(), angle.sin()]
    return rearrange(torch.stack(waves, dim=-1), _PATTERNS[order]).to(numbers.dtype)

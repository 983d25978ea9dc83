"""Attention over short sequences on a CPU, where the fused kernels cost more than they save."""

from typing import Any

from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0
from torch import Tensor, nn

SHORT = 256
"""Tokens up to which plain matrix products are quicker on a CPU, by up to twice with 16 of them."""


class ShortAttention(AttnProcessor2_0):
    """diffusers' plain attention for short sequences on a CPU, its fused one for all others."""

    def __init__(self) -> None:
        super().__init__()
        self._plain = AttnProcessor()

    def __call__(
        self,
        attn: nn.Module,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Tensor:
        """As of diffusers' processors."""
        fits = hidden_states.ndim == 3 and hidden_states.shape[1] <= SHORT
        if fits and hidden_states.device.type == "cpu":
            made: Tensor = self._plain(
                attn, hidden_states, encoder_hidden_states, attention_mask, temb
            )
            return made
        fused: Tensor = super().__call__(
            attn, hidden_states, encoder_hidden_states, attention_mask, temb, *args, **kwargs
        )
        return fused


def attend_shortly(network: Any) -> None:
    """Let a U-Net's attention layers that are as they come from diffusers choose by length."""
    usual = {
        name: ShortAttention() if type(held) is AttnProcessor2_0 else held
        for name, held in network.attn_processors.items()
    }
    network.set_attn_processor(usual)

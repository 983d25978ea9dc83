"""The encoder half of a base U-Net as a ControlNet."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from kineograph.core.errors import ModelError
from kineograph.models.condition import Residuals
from kineograph.models.control.base_network import (
    initialise,
    network_config,
    text_width,
    without_weights,
)
from kineograph.models.control.zero import skip_widths, zero_conv

COPIED = ("time_embedding", "transformer_in", "down_blocks", "mid_block")
"""The parts that start as the base's own; `transformer_in` is ModelScope's only."""

Hint = Float[Tensor, "batch channels frames height width"]
"""What stands for the base's noisy input: on the latent grid, as wide as its first level."""


class ControlEncoder(nn.Module):
    """A copy of a base's time embedding, down blocks and middle block, motion layers and all.

    The base's input convolution is not part of it: what a hint has been made by takes its place,
    so the noisy latents are not read. Each skip connection and the middle leave through a zero
    convolution.

    Source: Geng et al., "Motion Prompting" (2024), section 3: a copy of the encoder stack whose
    first convolution is replaced by one that reads only the conditioning volume.

    Args:
        network: the base's configuration, as `network_config` gives it.
        reads_time: False holds the timestep at 0.
        reads_text: False puts one learned token in the place of the text.

    Raises:
        ModelError: the configuration is of no U-Net that can be copied.
    """

    def __init__(
        self, network: Mapping[str, Any], *, reads_time: bool = True, reads_text: bool = True
    ) -> None:
        super().__init__()
        base: Any = without_weights(network)
        self.reads_time, self.reads_text = reads_time, reads_text
        self.time_proj = base.time_proj
        self.time_embedding = base.time_embedding
        self.transformer_in = getattr(base, "transformer_in", None)
        self.down_blocks, self.mid_block = base.down_blocks, base.mid_block
        # AnimateDiff's versions 1 and 3 have no motion layer in the middle
        self._moving_middle = "num_frames" in signature(self.mid_block.forward).parameters
        self.to_empty(device=torch.get_default_device())
        initialise(self)
        self.width = int(base.config["block_out_channels"][0])
        """Channels of a hint."""
        self.longest = base.config.get("motion_max_seq_length")
        """How many frames the motion layers know positions for; None for any number."""
        widths = skip_widths(self.width, self.down_blocks)
        self.zero_down = nn.ModuleList(zero_conv(channels) for channels in widths)
        self.zero_mid = zero_conv(widths[-1])
        if not reads_text:
            self.null_text = nn.Parameter(torch.zeros(1, 1, text_width(base.config)))
        self.checkpointing = False
        """Whether blocks are computed again in the backward pass instead of kept."""

    @classmethod
    def from_base(
        cls, unet: nn.Module, *, reads_time: bool = True, reads_text: bool = True
    ) -> "ControlEncoder":
        """The encoder of a base, with its weights and its switch for checkpointing.

        Raises:
            ModelError: it is no U-Net that can be copied, or its layers have been replaced.
        """
        made = cls(network_config(unet), reads_time=reads_time, reads_text=reads_text)
        made.copy_from(unet)
        made.checkpointing = bool(unet.is_gradient_checkpointing)
        return made

    def copy_from(self, unet: nn.Module) -> None:
        """Take over the base's weights; the zero convolutions stay as they are.

        Raises:
            ModelError: its layers have been replaced, as by a LoRA that is still on it.
        """
        for name in COPIED:
            part = getattr(self, name)
            if part is not None:
                try:
                    part.load_state_dict(getattr(unet, name).state_dict())
                except RuntimeError as error:
                    raise ModelError(
                        f"the base's {name} has other layers than its config says; take LoRAs "
                        "and other additions off the base before it is copied"
                    ) from error

    def enable_gradient_checkpointing(self) -> None:
        """Compute the blocks again in the backward pass: less memory, more time."""
        self.checkpointing = True

    def disable_gradient_checkpointing(self) -> None:
        """Keep what the backward pass needs."""
        self.checkpointing = False

    def forward(
        self,
        hint: Hint,
        timestep: Tensor | None = None,
        text: Float[Tensor, "batch length text_width"] | None = None,
    ) -> Residuals:
        """What is added to the base's skip connections and middle.

        Args:
            hint: as wide as the base's first level.
            timestep: (batch,); may be None where it is not read.
            text: a row a clip; may be None where it is not read.

        Raises:
            ModelError: the clip is longer than the motion layers know, or something that is read
                is missing.
        """
        skips, middle = self.features(hint, timestep, text)
        down = tuple(zero(skip) for zero, skip in zip(self.zero_down, skips, strict=True))
        return Residuals(down, self.zero_mid(middle))

    def features(
        self, hint: Hint, timestep: Tensor | None, text: Tensor | None
    ) -> tuple[list[Tensor], Tensor]:
        """The skip connections and the middle before the zero convolutions.

        Frames lie one behind the other along the first axis: (batch * frames, channels, h, w).
        """
        batch, frames = hint.shape[0], hint.shape[2]
        self._check(timestep, text, frames)
        time = self._time(timestep, batch, frames, hint)
        words = self._words(text, batch, frames)
        x = rearrange(hint, "b c f h w -> (b f) c h w")
        if self.transformer_in is not None:
            x = self._run(self.transformer_in, x, num_frames=frames, return_dict=False)[0]
        skips = [x]
        for block in self.down_blocks:
            said = {"encoder_hidden_states": words} if _reads_text(block) else {}
            x, states = self._run(block, x, temb=time, num_frames=frames, **said)
            skips += states
        held = {"num_frames": frames} if self._moving_middle else {}
        x = self._run(self.mid_block, x, temb=time, encoder_hidden_states=words, **held)
        return skips, x

    def knows(self, frames: int) -> bool:
        """Whether the motion layers have positions for so many frames."""
        return self.longest is None or frames <= self.longest

    @contextmanager
    def any_length(self) -> Iterator[None]:
        """Take clips of any length while this is open.

        For whoever makes the motion layers look through windows over the frames meanwhile.
        """
        longest, self.longest = self.longest, None
        try:
            yield
        finally:
            self.longest = longest

    def _run(self, block: nn.Module, x: Tensor, **arguments: Any) -> Any:
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(block, x, use_reentrant=False, **arguments)
        return block(x, **arguments)

    def _time(self, timestep: Tensor | None, batch: int, frames: int, hint: Tensor) -> Tensor:
        """The time embedding, a row a frame."""
        if not self.reads_time or timestep is None:
            timestep = torch.zeros(batch, dtype=torch.int64, device=hint.device)
        sines = self.time_proj(timestep.to(hint.device).expand(batch)).to(hint.dtype)
        return self.time_embedding(sines).repeat_interleave(frames, dim=0)

    def _words(self, text: Tensor | None, batch: int, frames: int) -> Tensor:
        """The text, a row a frame."""
        if not self.reads_text or text is None:
            return self.null_text.expand(batch * frames, -1, -1)
        return text.to(self.zero_mid.weight.dtype).repeat_interleave(frames, dim=0)

    def _check(self, timestep: Tensor | None, text: Tensor | None, frames: int) -> None:
        if (timestep is None and self.reads_time) or (text is None and self.reads_text):
            missing = "text" if timestep is not None or not self.reads_time else "timestep"
            raise ModelError(
                f"a ControlNet that reads the {missing} was given none; give it at every step"
            )
        if not self.knows(frames):
            raise ModelError(
                f"a clip of {frames} frames was given to a ControlNet whose motion layers know "
                f"{self.longest}; denoise in windows of at most {self.longest} frames"
            )


def _reads_text(block: nn.Module) -> bool:
    return bool(getattr(block, "has_cross_attention", False))

"""FreeNoise: long clips in one pass, with motion layers that look through windows and noise that
comes again (Qiu et al. 2023, arXiv:2310.15169).
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import torch
from diffusers.models.attention import FreeNoiseTransformerBlock
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.replaced import replaced_forward
from kineograph.engines.diffusion.windows import Windows
from kineograph.models.control.encoder import ControlEncoder

TEMPORAL = ("AnimateDiffTransformer3D", "TransformerTemporalModel")
"""Diffusers' modules whose blocks attend over the frames: those of UNetMotionModel and of the
copies of its encoder, and those of UNet3DConditionModel."""

Noise = Float[Tensor, "batch channels frames height width"]


def repeated_noise(
    noise: Noise,
    length: int,
    stride: int,
    generator: torch.Generator | None = None,
    order: Literal["shuffle", "repeat"] = "shuffle",
) -> Noise:
    """Noise whose first `length` frames come again throughout the clip (section 3.2).

    With the same seed it is what diffusers' FreeNoise mixin makes; `shuffle` takes the frames of
    each stride in another order, `repeat` takes all in the same one.

    Args:
        noise: of every frame; only the first `length` are used.
        length: frames of a window.
        stride: frames from one window to the next; each is shuffled in itself.
        generator: on the CPU; draws the orders.
        order: "shuffle" or "repeat".

    Raises:
        EngineError: length or stride are not positive, or the stride is more than the length.
    """
    if not 1 <= stride <= length:
        raise EngineError(
            f"noise that repeats {length} frames by {stride} was asked for; give a stride of at "
            "least 1 and at most the length"
        )
    total = noise.shape[2]
    if order == "repeat":
        return noise[:, :, torch.arange(total, device=noise.device) % length]
    source = torch.arange(total)
    for start in range(length, total, stride):
        shuffled = torch.randperm(stride, generator=generator)[: total - start]
        source[start : start + stride] = source[start - length + shuffled]
    return noise[:, :, source.to(noise.device)]


@contextmanager
def windowed_motion(network: nn.Module, length: int, overlap: int) -> Iterator[None]:
    """Let a network's motion layers look through windows over the frames while this is open.

    Everything else sees all frames at once. Attention is computed by diffusers' own
    FreeNoiseTransformerBlock, window by window with positions that count from 0, and averaged with
    pyramid weights (section 3.3, eq. 9); the feed-forward layer follows once for all frames. That
    block does not take the original's place, as adapters inside it (LoRA) would not survive, but
    lends it its forward: no module, weight or name changes. And where the windows do not fit the
    clip, the last one counts in full for all its frames; diffusers' own lets the last frames fade.
    Copies of encoders, which else refuse clips that are longer than they know, take any meanwhile.

    Args:
        network: a U-Net, or anything with U-Nets and copies of their encoders inside.
        length: frames of a window, at most what the motion layers reach.
        overlap: frames that two windows share at least.

    Raises:
        EngineError: the network has no motion layers, or the windows are impossible or longer than
            a ControlNet knows.
    """
    Windows(length, length, overlap)  # refuses what is impossible before anything is changed
    blocks = list(motion_blocks(network))
    if not blocks:
        raise EngineError(
            f"a {type(network).__name__} has no motion layers; FreeNoise needs a video model"
        )
    copies = [module for module in network.modules() if isinstance(module, ControlEncoder)]
    _check_reach(copies, length)
    with ExitStack() as opened:
        for copy in copies:
            opened.enter_context(copy.any_length())
        opened.enter_context(
            replaced_forward(blocks, lambda block, whole: _Windowed(block, whole, length, overlap))
        )
        yield


def _check_reach(copies: list[ControlEncoder], length: int) -> None:
    for copy in copies:
        if not copy.knows(length):
            raise EngineError(
                f"windows of {length} frames were asked for; the motion layers of a ControlNet on "
                f"this base know {copy.longest}; give a window of at most {copy.longest}"
            )


def motion_blocks(network: nn.Module) -> Iterator[nn.Module]:
    """The transformer blocks of a network that attend over the frames."""
    module: Any
    for module in network.modules():
        if type(module).__name__ in TEMPORAL:
            yield from module.transformer_blocks


class _Windowed:
    """A block's forward through windows: diffusers' code on the block's own layers."""

    weighting_scheme = "pyramid"
    _forward = FreeNoiseTransformerBlock.forward
    _get_frame_weights = FreeNoiseTransformerBlock._get_frame_weights

    def __init__(
        self, block: nn.Module, whole: Callable[..., Tensor], length: int, overlap: int
    ) -> None:
        self.block, self.whole = block, whole
        self.context_length, self.overlap = length, overlap

    @torch.compiler.disable  # a compiled block computes as it is written meanwhile
    def __call__(
        self, hidden_states: Float[Tensor, "rows frames channels"], *rest: Any, **named: Any
    ) -> Float[Tensor, "rows frames channels"]:
        if hidden_states.shape[1] <= self.context_length:
            return self.whole(hidden_states, *rest, **named)
        return self._forward(hidden_states, *rest, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["block"], name)

    def _get_frame_indices(self, num_frames: int) -> list[tuple[int, int]]:
        frames = Windows(num_frames, self.context_length, self.overlap).frames
        return [(span.start, span.stop) for span in frames]

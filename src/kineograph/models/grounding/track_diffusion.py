"""TrackDiffusion: grounding that knows one object from another through the clip."""

from typing import Any, ClassVar

import torch
from diffusers.models.attention_processor import Attention
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.adapter import AdapterConfig
from kineograph.models.condition import Condition, Tokens
from kineograph.models.gates import BlockShape, Gate
from kineograph.models.given import Given
from kineograph.models.grounding.enhancer import TRACKLET_WIDTH, InstanceEnhancer
from kineograph.models.grounding.grounding import Grounding, GroundingConfig, GroundingGate
from kineograph.models.grounding.position_net import FREQUENCIES
from kineograph.models.grounding.slots import Slots

BOX_WIDTH = FREQUENCIES * 2 * 4


class Tracklets(nn.Module):
    """Where each object is, in each frame, by what it does in all of them.

    The Fourier features of an object's boxes attend to each other over time (4 heads of 32), and go
    through an MLP 64-128-128.

    Args:
        attention: whether they attend; else each frame stands alone.
    """

    def __init__(self, attention: bool = True) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(BOX_WIDTH) if attention else None
        self.attn = Attention(BOX_WIDTH, heads=4, dim_head=32) if attention else None
        self.linears = nn.Sequential(
            nn.Linear(BOX_WIDTH, TRACKLET_WIDTH),
            nn.SiLU(),
            nn.Linear(TRACKLET_WIDTH, TRACKLET_WIDTH),
        )

    def forward(
        self, located: Float[Tensor, "batch_frames objects 64"], frames: int
    ) -> Float[Tensor, "batch_frames objects 128"]:
        """The tracklets' features.

        Args:
            located: the boxes' Fourier features, as the position net makes them.
            frames: frames a clip.
        """
        objects = located.shape[1]
        through = rearrange(located, "(b f) o c -> (b o) f c", f=frames)
        if self.attn is not None and self.norm is not None:
            through = through + self.attn(self.norm(through))
        made: Tensor = self.linears(through)
        return rearrange(made, "(b o) f c -> (b f) o c", o=objects)


class TrackDiffusionGate(GroundingGate):
    """GLIGEN's gate and, where the block is on the way up, the instance enhancer behind it.

    Args:
        shape: the spatial block it stands in.
        token_width: width of a token.
        enhanced: whether there is an enhancer.
    """

    def __init__(self, shape: BlockShape, token_width: int, enhanced: bool) -> None:
        super().__init__(shape, token_width)
        self.enhancer = InstanceEnhancer(shape) if enhanced else None

    def forward(
        self,
        x: Float[Tensor, "batch_frames cells width"],
        tokens: Tokens,
        strength: float | int | Tensor = 1.0,
    ) -> Float[Tensor, "batch_frames cells width"]:
        """The features, changed by the frame's boxes and objects; see `Gate`."""
        x = super().forward(x, tokens, strength)
        return x if self.enhancer is None else self.enhancer(x, tokens, strength)


class TrackDiffusionConfig(GroundingConfig):
    """How a TrackDiffusion adapter is built."""

    objects: int = 20
    """How many objects a frame can hold, and instances the model can tell apart."""
    enhancer: bool = True
    """Whether the decoder's blocks have an instance enhancer."""
    tracklet_attention: bool = True
    """Whether an object's boxes attend to each other over time."""


class TrackDiffusion(Grounding):
    """Boxes with labels and identities (TrackDiffusion, 2312.00651), on any base.

    To GLIGEN's tokens it adds an embedding of the instance, zero at first, the same for an object
    in all frames; in the decoder's blocks an instance enhancer carries each object's look through
    time. Boxes of one `group` are one instance.
    """

    kind: ClassVar[str] = "track-diffusion"
    Config: ClassVar[type[AdapterConfig]] = TrackDiffusionConfig
    config: TrackDiffusionConfig

    def __init__(self, config: TrackDiffusionConfig) -> None:
        super().__init__(config)
        self.instance_embedding = nn.Embedding(config.objects, config.token_width)
        nn.init.zeros_(self.instance_embedding.weight)
        self.tracklets = Tracklets(config.tracklet_attention) if config.enhancer else None

    def gate(self, shape: BlockShape) -> Gate:
        """The gate of one spatial block."""
        enhanced = self.config.enhancer and shape.part == "up"
        return TrackDiffusionGate(shape, self.config.token_width, enhanced)

    def condition(self, given: Given) -> Condition:
        """A token for each of a frame's places, and what the enhancers read.

        Raises:
            ModelError: there are more boxes than places or instances, or boxes without labels.
        """
        slots = Slots.of(given, self.config.objects, self.device, self.kind)
        self._check_instances(slots)
        tokens = self.tokens(given, slots) + self.instance_embedding(slots.instance)
        extra = self._enhanced(slots, given.frames)
        return Condition(tokens=Tokens(tokens, given.frames, given.grid, extra))

    def _enhanced(self, slots: Slots, frames: int) -> dict[str, Any]:
        if self.tracklets is None:
            return {}
        located = self.position_net.located(slots.boxes, slots.given)
        tracklet = self.tracklets(located, frames)
        return {"boxes": slots.boxes, "given": slots.given, "tracklet": tracklet}

    def _check_instances(self, slots: Slots) -> None:
        last = int(torch.where(slots.given, slots.instance, 0).max()) if len(slots.given) else 0
        if last >= self.config.objects:
            raise ModelError(
                f"instance {last} was given; the {self.kind} adapter tells {self.config.objects} "
                f"apart, numbered 0 to {self.config.objects - 1}"
            )

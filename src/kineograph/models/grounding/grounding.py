"""Grounding: GLIGEN's gated self-attention, which is SMCD's motion integration module too."""

from typing import Any, ClassVar

import torch
from diffusers.models.attention import GatedSelfAttentionDense
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.models.adapter import Adapter, AdapterConfig, BaseShape
from kineograph.models.condition import Condition, Tokens
from kineograph.models.gates import BlockShape, Gate, block_shapes
from kineograph.models.given import Given
from kineograph.models.grounding.position_net import PositionNet
from kineograph.models.grounding.slots import Slots, label_slots


class GroundingGate(GatedSelfAttentionDense, Gate):
    """Self-attention over a frame's features and its box tokens, gated (GLIGEN, equation 8).

    It is diffusers' layer with its weights and their names; `strength` multiplies both gates, as
    GLIGEN's scheduled sampling does.

    Args:
        shape: the spatial block it stands in.
        token_width: width of a token.
    """

    linear: nn.Module
    attn: nn.Module
    ff: nn.Module
    norm1: nn.Module
    norm2: nn.Module
    alpha_attn: nn.Parameter
    alpha_dense: nn.Parameter

    def __init__(self, shape: BlockShape, token_width: int) -> None:
        super().__init__(shape.channels, token_width, shape.heads, shape.head_dim)

    def forward(
        self,
        x: Float[Tensor, "batch_frames cells width"],
        tokens: Tokens,
        strength: float | int | Tensor = 1.0,
    ) -> Float[Tensor, "batch_frames cells width"]:
        """The features, changed by the frame's boxes; see `Gate`."""
        joined = self.norm1(torch.cat([x, self.linear(tokens.tokens)], dim=1))
        x = x + strength * self.alpha_attn.tanh() * self.attn(joined)[:, : x.shape[1]]
        changed: Tensor = x + strength * self.alpha_dense.tanh() * self.ff(self.norm2(x))
        return changed


class GroundingConfig(AdapterConfig):
    """How a grounding adapter is built."""

    blocks: tuple[BlockShape, ...]
    """The base's spatial blocks, each of which gets a gate."""
    label_width: int
    """Width of a label's embedding: that of the text encoder, 768 or 1024."""
    token_width: int
    """Width of a box's token."""
    objects: int = 8
    """How many objects a frame can hold."""


class Grounding(Adapter):
    """Boxes with labels, by a gate in every spatial block.

    GLIGEN (2301.07093) on Stable Diffusion's layers; SMCD (2403.10179) puts the same onto
    ModelScope and gives each frame its own boxes. Frames do not see each other's boxes: that is
    left to the base's temporal layers. Whether a box is hard or soft is not read. Newly made, all
    gates are shut.
    """

    kind: ClassVar[str] = "grounding"
    Config: ClassVar[type[AdapterConfig]] = GroundingConfig
    reads: ClassVar[frozenset[str]] = frozenset({"boxes"})
    reads_labels: ClassVar[bool] = True
    config: GroundingConfig

    def __init__(self, config: GroundingConfig) -> None:
        super().__init__(config)
        self.position_net = PositionNet(config.label_width, config.token_width)
        self.gates = nn.ModuleList(self.gate(shape) for shape in config.blocks)

    @classmethod
    def for_base(cls, unet: nn.Module, **options: Any) -> Any:
        """A new adapter that fits a base U-Net.

        Args:
            unet: a UNetMotionModel or UNet3DConditionModel.
            options: `label_width` and `token_width`, both the base's text width if not given, and
                other fields of `Config`.
        """
        width = BaseShape.of(unet).text_width
        widths = {"label_width": width, "token_width": width}
        return super().for_base(unet, blocks=tuple(block_shapes(unet)), **(widths | options))

    def gate(self, shape: BlockShape) -> Gate:
        """The gate of one spatial block."""
        return GroundingGate(shape, self.config.token_width)

    def condition(self, given: Given) -> Condition:
        """A token for each of a frame's places, empty ones by the null features.

        Raises:
            ModelError: there are more boxes than places, or boxes without labels.
        """
        slots = Slots.of(given, self.config.objects, self.device, self.kind)
        return Condition(tokens=Tokens(self.tokens(given, slots), given.frames, given.grid))

    def tokens(self, given: Given, slots: Slots) -> Float[Tensor, "batch_frames objects width"]:
        """The position net's tokens for a batch of clips."""
        config = self.config
        labels = label_slots(given, config.objects, config.label_width, self.device, self.kind)
        tokens: Tensor = self.position_net(slots.boxes, slots.given, labels)
        return tokens

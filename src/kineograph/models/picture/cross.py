"""Cross-attention on image embeddings: "cx-attn" of MotiF's ablation (arXiv 2412.16153)."""

from typing import Any, ClassVar

from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import ImageProjection
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.adapter import Adapter, AdapterConfig
from kineograph.models.condition import Condition, Tokens
from kineograph.models.gates import Gate, block_shapes
from kineograph.models.given import Given
from kineograph.models.picture.gated import blocks_of, each_frame
from kineograph.models.picture.vision_tokens import vision_tokens


class CrossGate(Gate):
    """A frame's features attend to image tokens; the output layer starts at zero.

    Args:
        channels: the width of the features.
        heads: of the attention.
        width: of the tokens.
    """

    def __init__(self, channels: int, heads: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.attn = Attention(
            query_dim=channels,
            cross_attention_dim=width,
            heads=heads,
            dim_head=channels // heads,
        )
        for parameter in self.attn.to_out.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        x: Float[Tensor, "batch_frames cells width"],
        tokens: Tokens,
        strength: float | int | Tensor = 1.0,
    ) -> Float[Tensor, "batch_frames cells width"]:
        """The features, changed by what the image tokens say; strength 0 leaves them."""
        return x + strength * self.attn(self.norm(x), tokens.tokens)


class ImageTokens(nn.Module):
    """Projects a vision encoder's tokens to the width of the text's.

    Args:
        vision_width: of the tokens read.
        text_width: of the tokens made.
        count: how many tokens are made, from the mean of those read; None makes one of each.
    """

    def __init__(self, vision_width: int, text_width: int, count: int | None) -> None:
        super().__init__()
        self.pooled = count is not None
        self.projection: nn.Module
        if count is not None:
            self.projection = ImageProjection(vision_width, text_width, count)
        else:
            self.projection = nn.Sequential(
                nn.Linear(vision_width, text_width), nn.LayerNorm(text_width)
            )

    def forward(
        self, tokens: Float[Tensor, "batch length vision_width"]
    ) -> Float[Tensor, "batch count text_width"]:
        """The projected tokens."""
        projected: Tensor = self.projection(tokens.mean(dim=1) if self.pooled else tokens)
        return projected


class PictureCrossConfig(AdapterConfig):
    """What it takes to build a `PictureCross` again."""

    heads: tuple[int, ...]
    """Heads of each spatial transformer block."""
    vision_width: int
    """The width of the vision encoder's tokens."""
    count: int | None = None
    """How many tokens the picture becomes; None keeps as many as the vision encoder makes."""


class PictureCross(Adapter):
    """The tokens of the base's vision encoder, read in every spatial block beside the text.

    The attention stands right before that to the text, which reads what it has changed. Clips
    without a picture have tokens of zeros, projected as any others.
    """

    kind: ClassVar[str] = "picture-cross"
    Config: ClassVar[type[AdapterConfig]] = PictureCrossConfig
    reads: ClassVar[frozenset[str]] = frozenset({"picture"})
    config: PictureCrossConfig

    def __init__(self, config: PictureCrossConfig) -> None:
        super().__init__(config)
        if config.count is not None and config.count < 1:
            raise ModelError(f"a picture of {config.count} tokens; give 1 or more, or none for all")
        width = config.base.text_width
        self.tokens = ImageTokens(config.vision_width, width, config.count)
        self.gates = nn.ModuleList(
            CrossGate(wide, heads, width) for wide, heads in blocks_of(config, config.heads)
        )

    @classmethod
    def for_base(cls, unet: nn.Module, **options: Any) -> Any:
        """A new adapter for a base U-Net; its gates have as many heads as the block's own."""
        heads = tuple(shape.heads for shape in block_shapes(unet))
        return super().for_base(unet, **{"heads": heads, **options})

    @property
    def rank(self) -> int:
        """After the boxes' gates and the picture's own: next to the text."""
        return 30

    def condition(self, given: Given) -> Condition:
        """The projected tokens of every frame.

        Raises:
            ModelError: the picture's tokens are missing, or of another vision encoder.
        """
        read = vision_tokens(given, self.config.vision_width, next(self.parameters()))
        return Condition(tokens=each_frame(self.tokens(read), given))

"""Gated cross-attention to the first frame: SMCD's "GCA" (arXiv 2403.10179)."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.attention_processor import Attention
from einops import repeat
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.adapter import Adapter, AdapterConfig
from kineograph.models.condition import Condition, Tokens
from kineograph.models.gates import Gate, block_shapes
from kineograph.models.given import Given
from kineograph.models.picture.latent import first_latent
from kineograph.models.picture.vision_tokens import vision_tokens
from kineograph.models.picture.visual_encoder import VisualEncoder

Order = Literal["after", "before", "beside"]
_RANKS: dict[str, int] = {"before": 5, "beside": 10, "after": 20}


class PictureGate(Gate):
    """A frame's features attend to the picture's tokens, and are then fed forward, both gated.

    x += tanh(alpha_attn) * CA(LN(x), linear(tokens)); x += tanh(alpha_dense) * FF(LN(x)); both
    alphas start at 0. Module names are those of GLIGEN's gate; SMCD's file calls the same ones
    v_linear, cross_attn, cross_ff, cross_norm1, cross_norm2, cross_alpha_attn, cross_alpha_dense.

    Args:
        channels: the width of the features.
        heads: of the attention.
        width: of the tokens.
    """

    def __init__(self, channels: int, heads: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, channels)
        self.attn = Attention(query_dim=channels, heads=heads, dim_head=channels // heads)
        self.ff = FeedForward(channels, activation_fn="geglu")
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.alpha_attn = nn.Parameter(torch.tensor(0.0))
        self.alpha_dense = nn.Parameter(torch.tensor(0.0))

    def forward(
        self,
        x: Float[Tensor, "batch_frames cells width"],
        tokens: Tokens,
        strength: float | int | Tensor = 1.0,
    ) -> Float[Tensor, "batch_frames cells width"]:
        """The features, changed by what the picture's tokens say; strength 0 leaves them."""
        read = self.linear(tokens.tokens)
        x = x + strength * self.alpha_attn.tanh() * self.attn(self.norm1(x), read)
        return x + strength * self.alpha_dense.tanh() * self.ff(self.norm2(x))


class PictureGatedConfig(AdapterConfig):
    """What it takes to build a `PictureGated` again."""

    heads: tuple[int, ...]
    """Heads of each spatial transformer block."""
    source: Literal["latent", "vision"] = "latent"
    """What is encoded: the latent, by a `VisualEncoder` of this adapter's own, or nothing: then
    the tokens are those of the base's vision encoder (SMCD's variant with CLIP)."""
    widths: tuple[int, ...] = (256, 512, 1024, 1024)
    """Of the visual encoder's stages."""
    depth: int = 3
    """Residual blocks a stage."""
    vision_width: int = 1280
    """The width of the vision encoder's tokens, where `source` is "vision"."""
    order: Order = "after"
    """Whether the picture's gates act after those of boxes (SMCD), before them, or beside them:
    then both read the same features, and their changes are added up."""


class PictureGated(Adapter):
    """Tokens of the first frame, the same for every frame, through a gate in every spatial block.

    Clips without a picture have the tokens of an empty latent, as in SMCD's training.
    """

    kind: ClassVar[str] = "picture-gated"
    Config: ClassVar[type[AdapterConfig]] = PictureGatedConfig
    reads: ClassVar[frozenset[str]] = frozenset({"picture"})
    config: PictureGatedConfig

    def __init__(self, config: PictureGatedConfig) -> None:
        super().__init__(config)
        own = config.source == "latent"
        channels = config.base.latent_channels
        self.encoder = VisualEncoder(channels, config.widths, config.depth) if own else None
        width = config.widths[-1] if own else config.vision_width
        self.gates = nn.ModuleList(
            PictureGate(wide, heads, width) for wide, heads in blocks_of(config, config.heads)
        )

    @classmethod
    def for_base(cls, unet: nn.Module, **options: Any) -> Any:
        """A new adapter for a base U-Net; its gates have as many heads as the block's own."""
        heads = tuple(shape.heads for shape in block_shapes(unet))
        return super().for_base(unet, **{"heads": heads, **options})

    @property
    def rank(self) -> int:
        """The place of the gates among those of other adapters."""
        return _RANKS[self.config.order]

    def condition(self, given: Given) -> Condition:
        """The tokens of every frame.

        Raises:
            ModelError: the picture's latent, or its tokens, are missing or do not suit the base.
        """
        return Condition(tokens=self.tokens(given))

    def tokens(self, given: Given) -> Tokens:
        """The picture's tokens, repeated for every frame of its clip."""
        like = next(self.parameters())
        if self.encoder is None:
            made = vision_tokens(given, self.config.vision_width, like)
        else:
            made = self.encoder(first_latent(given, self.config.base.latent_channels, like))
        return each_frame(made, given)


def blocks_of(config: AdapterConfig, heads: Sequence[int]) -> list[tuple[int, int]]:
    """The width and the heads of each spatial transformer block of an adapter's base.

    Raises:
        ModelError: there are not as many heads as blocks, or they do not divide a width.
    """
    widths = config.base.blocks
    pairs = list(zip(widths, heads, strict=False))
    if len(heads) != len(widths) or any(held < 1 or wide % held for wide, held in pairs):
        raise ModelError(
            f"attention heads {list(heads)} were given for blocks of widths {list(widths)}; give "
            "one number for each, which divides the width"
        )
    return pairs


def each_frame(tokens: Float[Tensor, "batch length width"], given: Given) -> Tokens:
    """A clip's tokens for every one of its frames."""
    rows = repeat(tokens, "b l d -> (b f) l d", f=given.frames)
    return Tokens(rows, given.frames, given.grid)

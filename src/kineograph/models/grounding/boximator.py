"""Boximator: boxes told by eight numbers and an identity colour, hard or soft."""

from typing import Any, ClassVar, Literal

import torch
from diffusers.models.attention_processor import Attention
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from kineograph.conditioning.box_numbers import (
    box_numbers,
    identity_colours,
    relax_for_inference,
)
from kineograph.conditioning.fourier import fourier
from kineograph.models.adapter import Adapter, AdapterConfig
from kineograph.models.condition import Condition, Tokens
from kineograph.models.gates import BlockShape, Gate, block_shapes
from kineograph.models.given import Given
from kineograph.models.grounding.slots import check_count, fitted

NUMBERS, FREQUENCIES = 8, 8
"""Box, colour and hardness; frequencies of each."""


class BoxToken(nn.Module):
    """A control token from eight numbers (Boximator, 2402.01566, equation 2), or the null token.

    The numbers' 128 Fourier features go through three hidden layers. Which activation they have is
    not published; it is SiLU here, as in GLIGEN's position net.

    Args:
        token_width: width of a token; 1024 in the paper.
        hidden: width of the hidden layers; 512 in the paper.
    """

    def __init__(self, token_width: int, hidden: int = 512) -> None:
        super().__init__()
        features = NUMBERS * FREQUENCIES * 2
        self.linears = nn.Sequential(
            nn.Linear(features, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, token_width),
        )
        for layer in self.linears:
            if isinstance(layer, nn.Linear):
                # torch's own start shrinks what tells boxes apart below the biases, layer by layer
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        self.null = nn.Parameter(torch.zeros(token_width))

    def forward(
        self,
        numbers: Float[Tensor, "rows objects 8"],
        given: Bool[Tensor, "rows objects"],
    ) -> Float[Tensor, "rows objects token_width"]:
        """A token for each object; the learned null token in the places that hold none.

        Args:
            numbers: x0, y0, x1, y1, red, green, blue, hardness; all in 0..1.
            given: which places hold an object.
        """
        features = fourier(numbers.float(), freqs=FREQUENCIES, order="boximator")
        return torch.where(given[..., None], self.linears(features.to(self.null.dtype)), self.null)


class BoximatorGate(Gate):
    """Self-attention over a frame's features and its control tokens, added to the features.

    v + TS(SA([v, h])): TS keeps the features' own rows (Boximator, equation 1). The paper writes
    neither a norm nor how the layer starts; features and tokens are normed as in GLIGEN, and what
    comes out is zero at first, by a zero output projection ("zero") or a shut tanh gate ("tanh").

    Args:
        shape: the spatial block it stands in.
        token_width: width of a control token.
        start: what is zero at first.
    """

    def __init__(
        self, shape: BlockShape, token_width: int, start: Literal["zero", "tanh"] = "zero"
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(token_width, shape.channels)
        self.norm = nn.LayerNorm(shape.channels)
        self.attn = Attention(shape.channels, heads=shape.heads, dim_head=shape.head_dim)
        self.alpha_attn = nn.Parameter(torch.zeros(())) if start == "tanh" else None
        if start == "zero":
            nn.init.zeros_(self.attn.to_out[0].weight)
            nn.init.zeros_(self.attn.to_out[0].bias)

    def forward(
        self,
        x: Float[Tensor, "batch_frames cells width"],
        tokens: Tokens,
        strength: float | int | Tensor = 1.0,
    ) -> Float[Tensor, "batch_frames cells width"]:
        """The features, changed by the frame's boxes; see `Gate`."""
        joined = self.norm(torch.cat([x, self.linear(tokens.tokens)], dim=1))
        seen: Tensor = self.attn(joined)[:, : x.shape[1]]
        if self.alpha_attn is not None:
            seen = self.alpha_attn.tanh() * seen
        return x + strength * seen


class BoximatorConfig(AdapterConfig):
    """How a Boximator adapter is built."""

    blocks: tuple[BlockShape, ...]
    """The base's spatial blocks, each of which gets a gate."""
    token_width: int = 1024
    """Width of a control token."""
    hidden: int = 512
    """Width of the hidden layers that make it."""
    objects: int = 8
    """How many objects a frame can hold."""
    start: Literal["zero", "tanh"] = "zero"
    """What makes a new adapter silent: the output projection, or a gate."""


class Boximator(Adapter):
    """Boxes without labels, each with an identity colour, exact (hard) or around (soft).

    Boximator (2402.01566, sections 3 and 4), on any base. Colours are drawn by the generator that
    is given, in each clip anew; without one objects get the palette's colours in order. Where
    nothing is given in a frame its tokens are the learned null token.

    With `Given.grow_soft` soft boxes are grown as the soft ones of training were, the generator
    drawing by how much (section 4.3: boxes between a person's own are interpolated, then relaxed).
    In training they are read as they are, for the one who trains has grown them.
    """

    kind: ClassVar[str] = "boximator"
    Config: ClassVar[type[AdapterConfig]] = BoximatorConfig
    reads: ClassVar[frozenset[str]] = frozenset({"boxes"})
    config: BoximatorConfig

    def __init__(self, config: BoximatorConfig) -> None:
        super().__init__(config)
        self.box_token = BoxToken(config.token_width, config.hidden)
        self.gates = nn.ModuleList(
            BoximatorGate(shape, config.token_width, config.start) for shape in config.blocks
        )

    @classmethod
    def for_base(cls, unet: nn.Module, **options: Any) -> Any:
        """A new adapter that fits a base U-Net; `options` are other fields of `Config`."""
        return super().for_base(unet, blocks=tuple(block_shapes(unet)), **options)

    def condition(self, given: Given) -> Condition:
        """A control token for each of a frame's places.

        Raises:
            ModelError: there are more boxes than places, or than identity colours.
        """
        numbers, known = self._numbers(given)
        tokens = self.box_token(numbers, known)
        return Condition(tokens=Tokens(tokens, given.frames, given.grid))

    def _numbers(self, given: Given) -> tuple[Tensor, Tensor]:
        objects, held = self.config.objects, given.boxes
        if held is None:
            nothing = torch.zeros(given.batch * given.frames, objects, NUMBERS, device=self.device)
            return nothing, nothing[..., 0] > 0
        check_count(held, objects, self.kind)
        colours = identity_colours(held.instance, given.generator)
        if given.grow_soft and given.generator is not None:
            held = relax_for_inference(held, given.generator)
        numbers = box_numbers(held, colours)
        return (
            rearrange(fitted(numbers.to(self.device), objects), "b o t n -> (b t) o n"),
            rearrange(fitted(held.given.to(self.device), objects), "b o t -> (b t) o"),
        )

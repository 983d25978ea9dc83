"""The position net: a box and what is in it become one token."""

import torch
from diffusers.models.embeddings import GLIGENTextBoundingboxProjection
from jaxtyping import Bool, Float
from torch import Tensor

from kineograph.conditioning.fourier import fourier

FREQUENCIES = 8
"""Frequencies of the box's Fourier features: 8 x (sine, cosine) x 4 sides = 64 numbers."""


class PositionNet(GLIGENTextBoundingboxProjection):
    """GLIGEN's position net (2301.07093, equation 5; SMCD's is the same), weights as diffusers'.

    A token is an MLP of a label's embedding beside the Fourier features of its box; where no object
    is given, learned null features stand for both. With labels and tokens 1024 wide it has
    1,346,624 parameters. The Fourier features are computed in float32 whatever the weights are.

    Args:
        label_width: width of a label's embedding.
        token_width: width of a token.
    """

    def __init__(self, label_width: int, token_width: int) -> None:
        super().__init__(label_width, token_width, fourier_freqs=FREQUENCIES)

    def forward(
        self,
        boxes: Float[Tensor, "rows objects 4"],
        given: Bool[Tensor, "rows objects"],
        labels: Float[Tensor, "rows objects label_width"],
    ) -> Float[Tensor, "rows objects token_width"]:
        """A token for each object.

        Args:
            boxes: x0, y0, x1, y1 in 0..1 of the picture.
            given: which of them are; the others get the null features.
            labels: the embeddings of what is in the boxes.
        """
        null = self.null_positive_feature
        named = torch.where(given[..., None], labels.to(null.dtype), null)
        tokens: Tensor = self.linears(torch.cat([named, self.located(boxes, given)], dim=-1))
        return tokens

    def located(
        self, boxes: Float[Tensor, "rows objects 4"], given: Bool[Tensor, "rows objects"]
    ) -> Float[Tensor, "rows objects 64"]:
        """The Fourier features of the boxes, the null feature where there is none."""
        null = self.null_position_feature
        features = fourier(boxes.float(), freqs=FREQUENCIES, order="gligen")
        return torch.where(given[..., None], features.to(null.dtype), null)

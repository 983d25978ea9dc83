"""A picture as a vision encoder's tokens."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from kineograph.core.errors import ModelError


class VisionEncoder:
    """A CLIP vision encoder and how pictures are prepared for it.

    Args:
        model: a CLIPVisionModel or CLIPVisionModelWithProjection of transformers.
        mean: of each colour, in [0, 1], subtracted before the network.
        std: of each colour, divided by.
    """

    def __init__(
        self,
        model: Any,
        mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073),
        std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711),
    ) -> None:
        if len(mean) != 3 or len(std) != 3:
            raise ModelError(f"a mean {mean} and spread {std} were given; give three numbers each")
        self.model = model
        self.mean = mean
        self.std = std

    @property
    def width(self) -> int:
        """Numbers a token."""
        return int(self.model.config.hidden_size)

    @property
    def size(self) -> int:
        """The side of the pictures that it reads, in pixels."""
        return int(self.model.config.image_size)

    def to(self, *, dtype: torch.dtype | None = None, device: Any = None) -> "VisionEncoder":
        """Itself, with its weights moved in place."""
        self.model.to(dtype=dtype, device=device)
        return self

    def prepare(
        self, pictures: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 side side"]:
        """Pictures in [-1, 1] as the network reads them.

        The short side is resized to `size` (bicubic, smoothed when it shrinks), the middle is cut
        out of the long one, colours are normalised.
        """
        height, width = pictures.shape[-2:]
        short = min(height, width)
        sides = (height * self.size // short, width * self.size // short)
        small = functional.interpolate(
            pictures.float(), size=sides, mode="bicubic", antialias=True, align_corners=False
        )
        top, left = (sides[0] - self.size) // 2, (sides[1] - self.size) // 2
        middle = small[..., top : top + self.size, left : left + self.size].clamp(-1, 1)
        mean = torch.tensor(self.mean, device=pictures.device)[:, None, None]
        std = torch.tensor(self.std, device=pictures.device)[:, None, None]
        return ((middle + 1) / 2 - mean) / std

    @torch.no_grad()
    def tokens(
        self, pictures: Float[Tensor, "batch 3 height width"], *, skip: int = 0
    ) -> Float[Tensor, "batch tokens features"]:
        """The class token and one token a patch, row by row.

        Args:
            pictures: in [-1, 1], of any size.
            skip: how many of the last layers are left out.

        Raises:
            ModelError: so many layers cannot be left out.
        """
        layers = int(self.model.config.num_hidden_layers)
        if not 0 <= skip < layers:
            raise ModelError(
                f"skip {skip} was given; the vision encoder has {layers} layers; give 0 to "
                f"{layers - 1}"
            )
        weights = next(self.model.parameters())
        ready = self.prepare(pictures).to(weights.device, weights.dtype)
        made = self.model(pixel_values=ready, output_hidden_states=True)
        return made.hidden_states[-1 - skip]

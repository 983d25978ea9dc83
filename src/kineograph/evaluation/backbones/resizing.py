"""Pictures as a network reads them: resized, cut to their middle, colours normalised."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

Colours = tuple[float, float, float]

CLIP_COLOURS: tuple[Colours, Colours] = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)
"""Mean and spread that CLIP's colours are normalised by, in [0, 1]."""

IMAGENET_COLOURS: tuple[Colours, Colours] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""The same of ImageNet, for DINO and most others."""


@dataclass(frozen=True)
class View:
    """How pictures are prepared.

    Args:
        short: pixels that the shorter side is resized to; the longer one keeps the proportions, its
            fraction of a pixel cut off.
        crop: the side of the square that is cut out of the middle; None keeps all of it.
        mode: the filter.
        pillow: by Pillow, as the networks' own processors do: the filter is widened where a picture
            shrinks, the result rounded to bytes. Else as tensors in torchvision without
            antialiasing: neither.
        colours: mean and spread.
    """

    short: int
    crop: int | None
    mode: Literal["bicubic", "bilinear"] = "bicubic"
    pillow: bool = True
    colours: tuple[Colours, Colours] = IMAGENET_COLOURS

    def __call__(
        self, frames: UInt8[np.ndarray, "n height width 3"], device: str | torch.device = "cpu"
    ) -> Float[Tensor, "n 3 rows columns"]:
        """Pictures as the network reads them, on its device."""
        small = self._resized(frames)
        if self.crop is not None:
            top, left = ((side - self.crop) // 2 for side in small.shape[-2:])
            small = small[..., top : top + self.crop, left : left + self.crop]
        mean, std = (torch.tensor(x, device=device)[:, None, None] for x in self.colours)
        return (small.to(device).float() / 255 - mean) / std

    def _resized(self, frames: UInt8[np.ndarray, "n height width 3"]) -> Tensor:
        height, width = frames.shape[1:3]
        short = min(height, width)
        size = (self.short * height // short, self.short * width // short)
        if self.pillow and short != self.short:
            by = Image.Resampling[self.mode.upper()]
            frames = np.stack(
                [np.asarray(Image.fromarray(x).resize(size[::-1], by)) for x in frames]
            )
        pictures = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
        if self.pillow or short == self.short:
            return pictures
        return functional.interpolate(
            pictures.float(), size=size, mode=self.mode, align_corners=False
        )

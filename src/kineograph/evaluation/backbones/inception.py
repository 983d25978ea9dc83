"""Inception v3 as FID reads it (Szegedy et al. 2015; weights of 2015-12-05, as pytorch-fid's)."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn
from torch.nn import functional

from kineograph.evaluation.backbones.filling import as_pictures, filled, finite, read_weights
from kineograph.evaluation.backbones.inception_blocks import (
    Unit,
    fives,
    forks,
    sevens,
    to_eight,
    to_seventeen,
)
from kineograph.evaluation.backbones.remembering import Remembering

BATCH = 8
"""Pictures that go through the network at once."""

SIDE = 299
FEATURES = 2048
CLASSES = 1008
"""Of the head that comes with the weights; it is not used."""


class InceptionNetwork(nn.Module):
    """The network, its tensors named as in pytorch-fid's file.

    Where it differs from Inception v3 elsewhere: averages leave the padding out, and the last
    block's pool takes the maximum. That is how the weights were trained, or at least are used by
    every published FID.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, (3, 3), stride=2, padded=False)
        self.Conv2d_2a_3x3 = Unit(32, 32, (3, 3), padded=False)
        self.Conv2d_2b_3x3 = Unit(32, 64, (3, 3))
        self.Conv2d_3b_1x1 = Unit(64, 80, (1, 1))
        self.Conv2d_4a_3x3 = Unit(80, 192, (3, 3), padded=False)
        self.Mixed_5b = fives(192, 32)
        self.Mixed_5c = fives(256, 64)
        self.Mixed_5d = fives(288, 64)
        self.Mixed_6a = to_seventeen(288)
        self.Mixed_6b = sevens(128)
        self.Mixed_6c = sevens(160)
        self.Mixed_6d = sevens(160)
        self.Mixed_6e = sevens(192)
        self.Mixed_7a = to_eight(768)
        self.Mixed_7b = forks(1280, "average")
        self.Mixed_7c = forks(2048, "max")
        self.fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Float[Tensor, "n 3 rows columns"]) -> Float[Tensor, "n features"]:
        """The mean over places of the last block's features ("pool3"), of pictures in -1 to 1."""
        for name, block in self.named_children():
            if name != "fc":
                x = block(x)
            if name in ("Conv2d_2b_3x3", "Conv2d_4a_3x3"):
                x = functional.max_pool2d(x, 3, stride=2)
        return x.mean((2, 3))


class Inception:
    """The network behind FID, from pytorch-fid's file.

    Args:
        place: the file.
        device: where it runs.

    Raises:
        EvaluationError: the file is broken or holds something else.
    """

    def __init__(self, place: Path, device: str = "cpu") -> None:
        tensors = read_weights(place, "inception")
        self._network = filled(InceptionNetwork, tensors, place, "inception", device)
        self._device = device
        self._remembered = Remembering()

    def features(
        self, frames: UInt8[np.ndarray, "n height width 3"]
    ) -> Float32[np.ndarray, "n features"]:
        """(n, 2048) features of pictures of any size.

        They are resized to 299x299 as pytorch-fid does: bilinear without smoothing, whatever the
        proportions.

        Raises:
            EvaluationError: a feature is not finite.
        """
        return self._remembered(self._made, frames)

    @torch.no_grad()
    def _made(self, frames: UInt8[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n features"]:
        made = [self._batch(frames[at : at + BATCH]) for at in range(0, len(frames), BATCH)]
        return finite(torch.cat(made), "inception")

    def _batch(self, frames: UInt8[np.ndarray, "n height width 3"]) -> Float[Tensor, "n features"]:
        pictures = as_pictures(frames, self._device)
        small = functional.interpolate(
            pictures, size=(SIDE, SIDE), mode="bilinear", align_corners=False
        )
        return self._network(small)

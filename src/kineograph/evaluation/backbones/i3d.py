"""I3D: Inception v1 over space and time (Carreira and Zisserman 2017, arXiv 1705.07750)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn
from torch.nn import functional

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.filling import as_pictures, filled, finite, read_weights
from kineograph.evaluation.backbones.frozen_norm import FrozenNorm
from kineograph.evaluation.backbones.remembering import Remembering

Size = tuple[int, int, int]
"""Frames, rows, columns."""

SIDE = 224
CLASSES = 400
LEAST_FRAMES = 10
"""Shorter videos are refused. The network itself, which halves time three times and then looks at
two steps at once, could do with 9; the usual tools ask for 10."""


def same_padded(x: Tensor, size: Size, stride: Size) -> Tensor:
    """Zeros around a video so that every `stride`-th place is the middle of a window; TensorFlow's
    SAME: what cannot be split evenly goes to the end.
    """
    edges: list[int] = []
    for length, window, step in zip(reversed(x.shape[2:]), size[::-1], stride[::-1], strict=True):
        whole = max(0, (-(-length // step) - 1) * step + window - length)
        edges += [whole // 2, whole - whole // 2]
    return functional.pad(x, edges)


def pooled(x: Tensor, size: Size, stride: Size) -> Tensor:
    """Maxima, padded with zeros: what is pooled is never negative."""
    return functional.max_pool3d(same_padded(x, size, stride), size, stride)


class Unit(nn.Module):
    """A convolution, normalisation and rectifier."""

    def __init__(self, channels: int, out: int, side: int = 1, stride: int = 1) -> None:
        super().__init__()
        self._size, self._stride = (side,) * 3, (stride,) * 3
        self.conv3d = nn.Conv3d(channels, out, self._size, self._stride, bias=False)
        self.bn = FrozenNorm(out)

    def forward(self, x: Float[Tensor, "n channels t h w"]) -> Float[Tensor, "n _ _ _ _"]:
        """Features of a video."""
        x = self.conv3d(same_padded(x, self._size, self._stride))
        return functional.relu(self.bn(x), inplace=True)


class Mixed(nn.Module):
    """Four branches side by side.

    Args:
        channels: that it reads.
        outs: of the units b0, b1a, b1b, b2a, b2b and b3b.
    """

    def __init__(self, channels: int, outs: Sequence[int]) -> None:
        super().__init__()
        self.b0 = Unit(channels, outs[0])
        self.b1a, self.b1b = Unit(channels, outs[1]), Unit(outs[1], outs[2], 3)
        self.b2a, self.b2b = Unit(channels, outs[3]), Unit(outs[3], outs[4], 3)
        self.b3b = Unit(channels, outs[5])

    def forward(self, x: Float[Tensor, "n channels t h w"]) -> Float[Tensor, "n _ t h w"]:
        """Features of all branches, in their order."""
        most = pooled(x, (3, 3, 3), (1, 1, 1))
        return torch.cat(
            [self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(most)], 1
        )


class Logits(nn.Module):
    """The head, whose one layer the file calls conv3d."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(channels, classes, 1)

    def forward(self, x: Float[Tensor, "n channels t h w"]) -> Float[Tensor, "n classes t h w"]:
        """Logits at every place."""
        return self.conv3d(x)


_POOLS: dict[str, tuple[Size, Size]] = {
    "Conv3d_1a_7x7": ((1, 3, 3), (1, 2, 2)),
    "Conv3d_2c_3x3": ((1, 3, 3), (1, 2, 2)),
    "Mixed_3c": ((3, 3, 3), (2, 2, 2)),
    "Mixed_4f": ((2, 2, 2), (2, 2, 2)),
}
"""After which layer what is pooled, over which windows, in which steps."""

_MIXED = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}


class I3dNetwork(nn.Module):
    """The network, its tensors named as in pytorch-i3d's files."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, 7, stride=2)
        self.Conv3d_2b_1x1 = Unit(64, 64)
        self.Conv3d_2c_3x3 = Unit(64, 192, 3)
        channels = 192
        for name, outs in _MIXED.items():
            self.add_module(name, Mixed(channels, outs))
            channels = outs[0] + outs[2] + outs[4] + outs[5]
        self.logits = Logits(channels, CLASSES)

    def forward(self, x: Float[Tensor, "n 3 t 224 224"]) -> Float[Tensor, "n classes"]:
        """Logits, the mean over time, of videos in -1 to 1."""
        for name, block in self.named_children():
            if name == "logits":
                x = functional.avg_pool3d(x, (2, 7, 7), stride=1)
            x = block(x)
            if name in _POOLS:
                x = pooled(x, *_POOLS[name])
        return x.mean((2, 3, 4))


class I3d:
    """The network behind FVD, from a file in pytorch-i3d's layout, trained on Kinetics-400.

    Args:
        place: the file.
        device: where it runs.

    Raises:
        EvaluationError: the file is broken or holds something else.
    """

    frames = LEAST_FRAMES
    """The fewest frames that it reads."""

    def __init__(self, place: Path, device: str = "cpu") -> None:
        self._network = filled(I3dNetwork, read_weights(place, "i3d"), place, "i3d", device)
        self._device = device
        self._remembered = Remembering()

    def features(
        self, frames: UInt8[np.ndarray, "t height width 3"]
    ) -> Float32[np.ndarray, " classes"]:
        """(400,) logits of a video of any size and at least `LEAST_FRAMES` frames.

        All frames are read, resized to 224x224: bilinear without smoothing, whatever the
        proportions.

        Raises:
            EvaluationError: the video is too short, or a feature is not finite.
        """
        if len(frames) < LEAST_FRAMES:
            raise EvaluationError(
                f"I3D reads videos of at least {LEAST_FRAMES} frames, this one has {len(frames)}"
            )
        return self._remembered(self._made, frames)

    @torch.no_grad()
    def _made(self, frames: UInt8[np.ndarray, "t h w 3"]) -> Float32[np.ndarray, " classes"]:
        small = [
            functional.interpolate(
                as_pictures(frame[None], self._device),
                size=(SIDE, SIDE),
                mode="bilinear",
                align_corners=False,
            )
            for frame in frames
        ]
        video = torch.stack(small, dim=2)
        return finite(self._network(video)[0], "i3d")

"""LPIPS's networks: AlexNet or VGG16 and learned weights of their channels (Zhang et al. 2018)."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor, nn

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.filling import (
    as_pictures,
    filled,
    finite,
    read_weights,
    remedy,
)
from kineograph.models.checkpoint import SUFFIXES

Frames = UInt8[np.ndarray, "n height width 3"]

PIXELS = 4 * 256 * 256
"""Of each video, so many go through the network at once: memory does not grow with length."""

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of the colours, in -1 to 1; the trunks' own mean and spread, as LPIPS has them."""

_LEAST = 1e-10
"""Added to a feature's length before it is divided by it."""

_TRUNKS = ("alex", "vgg", "squeeze")
_SLICE = re.compile(r"net\.slice\d+\.(\d+)\.(weight|bias)")


class Head(nn.Module):
    """The learned weights of one layer's channels; the file has a dropout before them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Identity(), nn.Conv2d(channels, 1, 1, bias=False))

    def forward(self, x: Float[Tensor, "n channels h w"]) -> Float[Tensor, " n"]:
        """The weighted sum over channels, the mean over places."""
        return self.model(x).mean((1, 2, 3))


class LpipsNetwork(nn.Module):
    """A trunk, its tensors named as torchvision's, and the heads, named as LPIPS's.

    Args:
        layers: the trunk's.
        taps: the indices of those that are compared.
        widths: their channels.
    """

    def __init__(
        self, layers: Sequence[nn.Module], taps: Sequence[int], widths: Sequence[int]
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(*layers)
        self._heads = {tap: f"lin{index}" for index, tap in enumerate(taps)}
        for name, width in zip(self._heads.values(), widths, strict=True):
            self.add_module(name, Head(width))

    def forward(
        self, one: Float[Tensor, "n 3 h w"], other: Float[Tensor, "n 3 h w"]
    ) -> Float[Tensor, " n"]:
        """The distance of each picture to the other, both in -1 to 1."""
        shift, scale = (one.new_tensor(value)[:, None, None] for value in (_SHIFT, _SCALE))
        x = (torch.cat([one, other]) - shift) / scale
        total = one.new_zeros(len(one))
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self._heads:
                mine, its = _unit(x).chunk(2)
                total = total + self.get_submodule(self._heads[index])((mine - its) ** 2)
        return total


def alexnet() -> LpipsNetwork:
    """AlexNet's convolutions, compared after each rectifier."""
    made: list[nn.Module] = [nn.Conv2d(3, 64, 11, stride=4, padding=2), _relu(), _pool()]
    made += [nn.Conv2d(64, 192, 5, padding=2), _relu(), _pool()]
    for channels, out in pairwise((192, 384, 256, 256)):
        made += [nn.Conv2d(channels, out, 3, padding=1), _relu()]
    return LpipsNetwork(made, (1, 4, 7, 9, 11), (64, 192, 384, 256, 256))


def vgg16() -> LpipsNetwork:
    """VGG16's convolutions, compared before each pool (relu1_2, 2_2, 3_3, 4_3, 5_3)."""
    made: list[nn.Module] = []
    taps, channels, widths = [], 3, (64, 128, 256, 512, 512)
    for width, count in zip(widths, (2, 2, 3, 3, 3), strict=True):
        if made:
            made.append(nn.MaxPool2d(2, 2))
        for _ in range(count):
            made += [nn.Conv2d(channels, width, 3, padding=1), _relu()]
            channels = width
        taps.append(len(made) - 1)
    return LpipsNetwork(made, taps, widths)


def _relu() -> nn.Module:
    return nn.ReLU(inplace=True)


def _pool() -> nn.Module:
    return nn.MaxPool2d(3, 2)


def _unit(x: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n channels h w"]:
    return x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + _LEAST)


class Lpips:
    """LPIPS, version 0.1, over a trunk.

    Two files make it: torchvision's trunk (alexnet-owt-*.pth, vgg16-*.pth) and the heads of the
    lpips package (alex.pth, vgg.pth of lpips/weights/v0.1). `place` is the folder that holds both,
    or one file with the tensors of both, such as the saved state of the package's own network. A
    folder may hold the files of several trunks.

    Args:
        place: folder or file.
        device: where it runs.

    Raises:
        EvaluationError: a file is missing, broken, or of something else.
    """

    name: ClassVar[str]
    trunk: ClassVar[str]
    """In the names of its files."""
    least: ClassVar[int]
    """Pixels of the shorter side; smaller pictures vanish in the trunk."""

    def __init__(self, place: Path, device: str = "cpu") -> None:
        tensors = _tensors(place, self.name, self.trunk)
        self._network = filled(self._made, tensors, place, self.name, device)
        self._device = device

    @staticmethod
    def _made() -> LpipsNetwork:
        raise NotImplementedError

    @torch.no_grad()
    def distances(self, one: Frames, other: Frames) -> Float64[np.ndarray, " n"]:
        """(n,) the distance of each frame of a video to the other's; 0 and up.

        Raises:
            EvaluationError: the pictures are too small, or a distance is not finite.
        """
        height, width = one.shape[1:3]
        if min(height, width) < self.least:
            raise EvaluationError(
                f"{self.name} reads pictures of at least {self.least}x{self.least}, not "
                f"{width}x{height}"
            )
        count = max(1, PIXELS // (height * width))
        made = [
            self._network(*(as_pictures(x[at : at + count], self._device) for x in (one, other)))
            for at in range(0, len(one), count)
        ]
        return finite(torch.cat(made), self.name).astype(np.float64)


class LpipsAlex(Lpips):
    """LPIPS over AlexNet: the usual one for measuring."""

    name, trunk, least = "lpips-alex", "alex", 31
    _made = staticmethod(alexnet)


class LpipsVgg(Lpips):
    """LPIPS over VGG16: the usual one for training, and in some papers' tables."""

    name, trunk, least = "lpips-vgg", "vgg", 16
    _made = staticmethod(vgg16)


def _tensors(place: Path, name: str, trunk: str) -> dict[str, Tensor]:
    """Those of all files that belong to a trunk, by the names of `LpipsNetwork`."""
    found: dict[str, Tensor] = {}
    for path in _files(place, name, trunk):
        held = _named(read_weights(path, name))
        if twice := sorted(found.keys() & held.keys()):
            raise EvaluationError(
                f"{place} holds {twice[0]} twice, the second time in {path.name}; leave one trunk "
                "and one set of heads there"
            )
        found |= held
    for start, what in (("features.", "trunk of torchvision"), ("lin", "heads of LPIPS 0.1")):
        if not any(key.startswith(start) for key in found):
            raise EvaluationError(
                f"{place} lacks the {what} (tensors {start}...) that {name} needs; {remedy(name)}"
            )
    return found


def _files(place: Path, name: str, trunk: str) -> list[Path]:
    if not place.is_dir():
        return [place]
    others = [mark for mark in _TRUNKS if mark != trunk]
    found = sorted(
        path
        for path in place.iterdir()
        if path.suffix in SUFFIXES and not any(mark in path.name.lower() for mark in others)
    )
    if not found:
        raise EvaluationError(f"{place} holds no weights for {name}; {remedy(name)}")
    return found


def _named(held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What of a file is needed: a classifier, constants and second names are not."""
    named = {_SLICE.sub(r"features.\1.\2", key): value for key, value in held.items()}
    return {key: x for key, x in named.items() if re.match(r"features\.|lin\d+\.", key)}

"""The blocks of Inception v3, their tensors named as in torchvision's and pytorch-fid's files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from kineograph.evaluation.backbones.frozen_norm import FrozenNorm

Pool = Literal["average", "max", "halve"]


class Unit(nn.Module):
    """A convolution, normalisation and rectifier; padded to keep the size unless told otherwise."""

    def __init__(
        self, channels: int, out: int, size: tuple[int, int], stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        edge = (size[0] // 2, size[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(channels, out, size, stride, edge, bias=False)
        self.bn = FrozenNorm(out)

    def forward(self, x: Float[Tensor, "n channels rows columns"]) -> Float[Tensor, "n _ _ _"]:
        """Features of the picture."""
        return functional.relu(self.bn(self.conv(x)), inplace=True)


@dataclass(frozen=True)
class Step:
    """One unit of a branch.

    Args:
        name: of the unit in the file.
        out: channels it makes.
        size: rows and columns of its filters.
        halves: whether it takes every second place, without padding.
    """

    name: str
    out: int
    size: tuple[int, int] = (1, 1)
    halves: bool = False


Branch = Sequence[Step | tuple[Step, Step]]
"""Steps, one after the other; of two in one place, both read the same and are put together."""


class Mixed(nn.Module):
    """Branches side by side, the last one a pool with a unit after it, or none where it halves."""

    def __init__(
        self, channels: int, branches: Sequence[Branch], pool: Pool, pooled: int = 0
    ) -> None:
        super().__init__()
        self._branches, self._pool = branches, pool
        for branch in branches:
            self._add(channels, branch)
        if pooled:
            self.branch_pool = Unit(channels, pooled, (1, 1))

    def _add(self, channels: int, branch: Branch) -> None:
        for place in branch:
            steps = place if isinstance(place, tuple) else (place,)
            for step in steps:
                stride, padded = (2, False) if step.halves else (1, True)
                unit = Unit(channels, step.out, step.size, stride, padded)
                self.add_module(step.name, unit)
            channels = sum(step.out for step in steps)

    def forward(self, x: Float[Tensor, "n channels rows columns"]) -> Float[Tensor, "n _ _ _"]:
        """Features of all branches, in their order."""
        return torch.cat([*(self._along(branch, x) for branch in self._branches), self._last(x)], 1)

    def _along(self, branch: Branch, x: Tensor) -> Tensor:
        for place in branch:
            steps = place if isinstance(place, tuple) else (place,)
            x = torch.cat([self.get_submodule(step.name)(x) for step in steps], 1)
        return x

    def _last(self, x: Tensor) -> Tensor:
        if self._pool == "halve":
            return functional.max_pool2d(x, 3, stride=2)
        if self._pool == "max":
            return self.branch_pool(functional.max_pool2d(x, 3, stride=1, padding=1))
        inside = functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        return self.branch_pool(inside)


def fives(channels: int, pooled: int) -> Mixed:
    """A block of the 35x35 level."""
    return Mixed(
        channels,
        (
            (Step("branch1x1", 64),),
            (Step("branch5x5_1", 48), Step("branch5x5_2", 64, (5, 5))),
            (
                Step("branch3x3dbl_1", 64),
                Step("branch3x3dbl_2", 96, (3, 3)),
                Step("branch3x3dbl_3", 96, (3, 3)),
            ),
        ),
        "average",
        pooled,
    )


def to_seventeen(channels: int) -> Mixed:
    """From the 35x35 level to the 17x17 one."""
    return Mixed(
        channels,
        (
            (Step("branch3x3", 384, (3, 3), halves=True),),
            (
                Step("branch3x3dbl_1", 64),
                Step("branch3x3dbl_2", 96, (3, 3)),
                Step("branch3x3dbl_3", 96, (3, 3), halves=True),
            ),
        ),
        "halve",
    )


def sevens(between: int) -> Mixed:
    """A block of the 17x17 level, its long filters on `between` channels."""
    return Mixed(
        768,
        (
            (Step("branch1x1", 192),),
            (
                Step("branch7x7_1", between),
                Step("branch7x7_2", between, (1, 7)),
                Step("branch7x7_3", 192, (7, 1)),
            ),
            (
                Step("branch7x7dbl_1", between),
                Step("branch7x7dbl_2", between, (7, 1)),
                Step("branch7x7dbl_3", between, (1, 7)),
                Step("branch7x7dbl_4", between, (7, 1)),
                Step("branch7x7dbl_5", 192, (1, 7)),
            ),
        ),
        "average",
        192,
    )


def to_eight(channels: int) -> Mixed:
    """From the 17x17 level to the 8x8 one."""
    return Mixed(
        channels,
        (
            (Step("branch3x3_1", 192), Step("branch3x3_2", 320, (3, 3), halves=True)),
            (
                Step("branch7x7x3_1", 192),
                Step("branch7x7x3_2", 192, (1, 7)),
                Step("branch7x7x3_3", 192, (7, 1)),
                Step("branch7x7x3_4", 192, (3, 3), halves=True),
            ),
        ),
        "halve",
    )


def forks(channels: int, pool: Pool) -> Mixed:
    """A block of the 8x8 level, whose branches end in two filters side by side."""

    def fork(name: str) -> tuple[Step, Step]:
        return Step(f"{name}a", 384, (1, 3)), Step(f"{name}b", 384, (3, 1))

    return Mixed(
        channels,
        (
            (Step("branch1x1", 320),),
            (Step("branch3x3_1", 384), fork("branch3x3_2")),
            (
                Step("branch3x3dbl_1", 448),
                Step("branch3x3dbl_2", 384, (3, 3)),
                fork("branch3x3dbl_3"),
            ),
        ),
        pool,
        192,
    )

"""Waves: a smooth bending of a sheet in its own plane, with an exact way back."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Waves:
    """A coarse displacement field that changes smoothly, made of two shears.

    x' = x + f(y), y' = y + g(x'), with f and g sums of K sines at every frame. Shears are undone by
    subtraction in the other order, so tracks and pictures agree exactly without a search; and
    they keep areas, as flesh and jelly do.

    Convention: `(T, 2, K, 3)` for frame, shear (f, then g), sine, and its amplitude in pixels,
    its wave number in radians a pixel and its phase in radians.
    """

    sines: Float64[np.ndarray, "frames 2 sines 3"]

    def bend(self, points: Float[np.ndarray, "points 2"]) -> Float64[np.ndarray, "frames points 2"]:
        """Where layer points are, in the layer, at each frame."""
        x = points[None, :, 0] + _sum(self.sines[:, 0], points[None, :, 1])
        y = points[None, :, 1] + _sum(self.sines[:, 1], x)
        return np.stack([x, y], axis=-1)

    @property
    def reach(self) -> float:
        """No point is ever farther than this from where it rests, along x or along y."""
        return float(np.abs(self.sines[..., 0]).sum(axis=-1).max())


def _sum(
    sines: Float64[np.ndarray, "frames sines 3"], at: Float64[np.ndarray, "_ points"]
) -> Float64[np.ndarray, "frames points"]:
    amplitude, number, phase = np.moveaxis(sines[:, :, None, :], -1, 0)
    return (amplitude * np.sin(number * at[:, None] + phase)).sum(axis=1)


def bent(
    sines: Float32[Tensor, "*#batch 2 sines 3"], points: Float32[Tensor, "*#batch grid 2"]
) -> Float32[Tensor, "... grid 2"]:
    """Where layer points are at the frame that the sines are of: the same as `Waves.bend`."""
    x, y = points.unbind(-1)
    x = x + shear(sines[..., 0, :, :], y)
    return torch.stack([x, y + shear(sines[..., 1, :, :], x)], dim=-1)


def unbent(
    sines: Float32[Tensor, "*#batch 2 sines 3"], points: Float32[Tensor, "*#batch grid 2"]
) -> Float32[Tensor, "... grid 2"]:
    """Which layer points are there: the inverse of `bent`."""
    x, y = points.unbind(-1)
    y = y - shear(sines[..., 1, :, :], x)
    return torch.stack([x - shear(sines[..., 0, :, :], y), y], dim=-1)


def shear(
    sines: Float32[Tensor, "*#batch sines 3"], at: Float32[Tensor, "*#batch grid"]
) -> Float32[Tensor, "... grid"]:
    """The sum of the sines at a coordinate."""
    total = at.new_zeros(())
    for amplitude, number, phase in (sine.unbind(-1) for sine in sines.unbind(-2)):
        total = total + amplitude[..., None] * (number[..., None] * at + phase[..., None]).sin()
    return total

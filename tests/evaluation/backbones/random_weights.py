"""Random weights for the networks of metrics, such that their features neither vanish nor burst."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn


def random_weights(kind: Callable[[], nn.Module], seed: int = 0) -> dict[str, Tensor]:
    """Tensors by the names that a network has."""
    torch.manual_seed(seed)
    with torch.device("meta"):
        wanted = kind().state_dict()
    return {name: _drawn(name, value.shape) for name, value in wanted.items()}


def _drawn(name: str, shape: torch.Size) -> Tensor:
    if name.startswith("lin"):
        return torch.rand(shape)
    if len(shape) > 1:
        return torch.randn(shape) * (2 / shape[1:].numel()) ** 0.5
    if name.endswith(("running_var", "bn.weight")):
        return 0.5 + torch.rand(shape)
    return 0.2 * torch.randn(shape)


def saved(tensors: dict[str, Tensor], path: Path) -> Path:
    """A file as torch writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(tensors, path)
    return path


def frames_of(seed: int, count: int, size: tuple[int, int]) -> np.ndarray:
    """(T, H, W, 3) noise."""
    shape = (count, size[1], size[0], 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)

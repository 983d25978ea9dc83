"""Weights that FSDP has spread over processes: whole again, and spread as another is."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def whole(tensor: Tensor) -> Tensor:
    """A tensor with all its parts, on the CPU if it was spread; every process has to ask."""
    full = getattr(tensor, "full_tensor", None)
    return tensor.detach() if full is None else full().detach().cpu()


def placed_like(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor on the device of `like`, spread over processes as `like` is."""
    if not hasattr(like, "full_tensor"):
        return tensor.to(like.device)
    from torch.distributed.tensor import distribute_tensor

    spread: Any = like
    return distribute_tensor(tensor.to(spread.device), spread.device_mesh, spread.placements)


def without_scalars(network: nn.Module) -> list[str]:
    """Make weights that are a single number vectors of one, which FSDP demands; returns which."""
    found = [name for name, held in network.named_parameters() if held.ndim == 0]
    for name in found:
        held = network.get_parameter(name)
        held.data = held.data.reshape(1)
    return found


def whole_again(network: nn.Module, scalars: Iterable[str]) -> None:
    """Undo FSDP's spreading, and `without_scalars`, for good: training is over."""
    for module in _spread(network):
        module.unshard()
    for name in scalars:
        held = network.get_parameter(name)
        held.data = held.data.reshape(())


@contextmanager
def gathered(model: nn.Module) -> Iterator[None]:
    """Inside, the networks of `model` can be called apart from it: FSDP's parts are together."""
    spread = _spread(model)
    for module in spread:
        module.unshard()
    try:
        with torch.no_grad():
            yield
    finally:
        for module in spread:
            module.reshard()


def _spread(network: nn.Module) -> list[Any]:
    """The modules that FSDP has taken hold of."""
    from torch.distributed.fsdp import FSDPModule

    return [module for module in network.modules() if isinstance(module, FSDPModule)]

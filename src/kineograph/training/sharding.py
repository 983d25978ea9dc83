"""Weights that FSDP has spread over processes: whole again, and spread as another is."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule

from kineograph.training.contracts import Learner

BLOCKS = frozenset({"BasicTransformerBlock", "ResnetBlock2D", "TemporalConvLayer"})
"""What U-Nets are made of, by the names of diffusers' classes: FSDP brings one block after another
together, so that no process ever holds a whole network. The text encoder's stay as they are: it is
asked for texts that are new, which one process has and another has not, and all have to take part.
"""


def whole(tensor: Tensor) -> Tensor:
    """A tensor with all its parts, on the CPU if it was spread; every process has to ask."""
    full = getattr(tensor, "full_tensor", None)
    return tensor.detach() if full is None else full().detach().cpu()


def whole_numbers(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of the weights that are a single number, whole; every process has to ask."""
    return {name: whole(held) for name, held in weights.items() if held.numel() == 1}


def placed_like(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor on the device of `like`, spread over processes as `like` is."""
    if not hasattr(like, "full_tensor"):
        return tensor.to(like.device)
    from torch.distributed.tensor import distribute_tensor

    spread: Any = like
    return distribute_tensor(tensor.to(spread.device), spread.device_mesh, spread.placements)


def own_part(weight: Tensor) -> Tensor:
    """What this process holds of a weight, in the same memory; all of it if it is not spread."""
    if not hasattr(weight, "to_local"):
        return weight
    spread: Any = weight.detach()
    held: Tensor = spread.to_local()
    return held.requires_grad_(weight.requires_grad)


def whole_like(part: Tensor, like: Tensor) -> Tensor:
    """What a part and those of the other processes make up, as `like` is spread, on the CPU."""
    if not hasattr(like, "to_local"):
        return part.detach()
    from torch.distributed.tensor import DTensor

    spread: Any = like
    mesh, places, shape = spread.device_mesh, spread.placements, like.shape
    return whole(DTensor.from_local(part, mesh, places, shape=shape, stride=like.stride()))


def without_scalars(network: nn.Module) -> list[str]:
    """Make weights that are a single number vectors of one; returns which.

    FSDP demands that, and that all weights lie in memory row by row.
    """
    for held in network.parameters():
        held.data = held.data.contiguous()
    found = [name for name, held in network.named_parameters() if held.ndim == 0]
    for name in found:
        held = network.get_parameter(name)
        held.data = held.data.reshape(1)
    return found


def blocks_of(learner: Learner) -> list[str]:
    """The classes of the blocks that a subject's networks are made of, by name."""
    networks = [learner.denoiser, *learner.base.networks.values()]
    found = {type(module).__name__ for network in networks for module in network.modules()}
    return sorted(found & BLOCKS)


def allow_unused(network: nn.Module) -> None:
    """Let processes use different weights in a step, as conditions are optional; after FSDP's work.

    What a process does not use has a gradient of zero there.
    """
    for module in _spread(network):
        module.set_reduce_scatter_unused_params(True, recurse=False)


def whole_again(network: nn.Module, scalars: Iterable[str]) -> None:
    """Undo FSDP's spreading, and `without_scalars`, for good: training is over.

    Weights that were spread are then on the CPU, where all of them find room.
    """
    for module in _spread(network):
        module.reshard()
        module.__class__ = type(module).__mro__[2]  # FSDP put its own class before it
    for module in network.modules():
        for name, held in list(module.named_parameters(recurse=False)):
            if hasattr(held, "full_tensor"):
                setattr(module, name, nn.Parameter(whole(held), held.requires_grad))
    for name in scalars:
        held = network.get_parameter(name)
        held.data = held.data.reshape(())


@contextmanager
def gathered(model: nn.Module) -> Iterator[None]:
    """Inside, the networks of `model` can be called apart from it, in all processes alike.

    What is in no block is together all the while; blocks come together when they are called.
    """
    if isinstance(model, FSDPModule):
        model._get_fsdp_state()._lazy_init()  # else the first block to be called were its root
        model.unshard()
    try:
        with torch.no_grad():
            yield
    finally:
        if isinstance(model, FSDPModule):
            model.reshard()


def _spread(network: nn.Module) -> list[Any]:
    """The modules that FSDP has taken hold of."""
    return [module for module in network.modules() if isinstance(module, FSDPModule)]

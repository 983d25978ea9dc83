"""Networks for clips as networks for pictures: motion layers let what they are given pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diffusers.models.resnet import TemporalConvLayer
from diffusers.models.transformers.transformer_temporal import (
    TransformerTemporalModel,
    TransformerTemporalModelOutput,
)
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from torch import Tensor, nn

MOTION_LAYERS = (AnimateDiffTransformer3D, TransformerTemporalModel, TemporalConvLayer)
"""What mixes frames: AnimateDiff's layers, ModelScope's attention and convolutions over time."""


def motion_off(network: nn.Module) -> list[nn.Module]:
    """Let all motion layers of a network pass their input on; returns those that this has changed.

    No weight and no key of the state dict changes. SMCD's first stage multiplies what its temporal
    layers add by zero (2403.10179), which is the same.
    """
    changed = []
    for layer in network.modules():
        if isinstance(layer, MOTION_LAYERS) and "forward" not in vars(layer):
            whole = isinstance(layer, TransformerTemporalModel)
            vars(layer)["forward"] = _passing_output if whole else _passing
            changed.append(layer)
    return changed


def motion_on(layers: list[nn.Module]) -> None:
    """Undo what `motion_off` did to some layers."""
    for layer in layers:
        vars(layer).pop("forward", None)


@contextmanager
def without_motion(network: nn.Module) -> Iterator[None]:
    """Motion layers off for a while; inside another such context it changes nothing.

    With checkpointing of activations it has to last through the backward pass.
    """
    changed = motion_off(network)
    try:
        yield
    finally:
        motion_on(changed)


def _passing(hidden_states: Tensor, *arguments: Any, **named: Any) -> Tensor:
    return hidden_states


def _passing_output(
    hidden_states: Tensor, *arguments: Any, return_dict: bool = True, **named: Any
) -> Any:
    if return_dict:
        return TransformerTemporalModelOutput(sample=hidden_states)
    return (hidden_states,)

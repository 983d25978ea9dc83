"""Low-rank changes that are trained, and those that are on a base for good."""

import warnings
from typing import Any

from torch import Tensor, nn

from kineograph.core.errors import TrainingError
from kineograph.models.base import Base
from kineograph.models.loading.lora_file import TEXT, UNET
from kineograph.models.loading.parts import quiet
from kineograph.training.stage import LoraChoice

NAME = "trained"
"""What peft calls the change that is trained; others have the names of their files."""

_ENDS = {
    "motion": ("to_q", "to_k", "to_v", "to_out.0"),
    "spatial": ("to_q", "to_k", "to_v", "to_out.0"),
    "text": ("q_proj", "k_proj", "v_proj", "out_proj"),
}
_MOTION = (".motion_modules.", ".temp_attentions.", "transformer_in.")


def add_lora(base: Base, choice: LoraChoice) -> None:
    """Put a new low-rank change on a base, without effect at first, to be trained.

    On "motion" it is AnimateDiff's MotionLoRA: the queries, keys, values and outputs of all
    attentions over time (2307.04725); on "spatial" those of all attentions within a frame and to
    the text, as AnimateDiff's domain adapter and styles have them; on "text" those of the text
    encoder. Its scale is 1.

    Raises:
        TrainingError: the base has no such layers.
    """
    from peft import LoraConfig, inject_adapter_in_model
    from peft.tuners.lora import LoraLayer

    network = network_of(base, choice)
    config = LoraConfig(
        r=choice.rank, lora_alpha=choice.rank, target_modules=_layers(network, choice)
    )
    with quiet(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Already found a `peft_config` attribute")
        inject_adapter_in_model(config, network, adapter_name=NAME)
    for layer in network.modules():
        if isinstance(layer, LoraLayer):
            layer.set_adapter(list(layer.lora_A))


def network_of(base: Base, choice: LoraChoice) -> Any:
    """The network that a change is for."""
    return base.text.model if choice.on == "text" else base.unet


def is_low_rank(name: str) -> bool:
    """Whether a parameter belongs to a low-rank change, trained or not."""
    return ".lora_A." in name or ".lora_B." in name


def is_trained(name: str) -> bool:
    """Whether a parameter belongs to the change that is trained."""
    return is_low_rank(name) and f".{NAME}." in name


def lora_tensors(base: Base, choice: LoraChoice) -> dict[str, Tensor]:
    """The trained change under the names of diffusers' files."""
    prefix = TEXT if choice.on == "text" else UNET
    return {
        f"{prefix}.{name.replace(f'.{NAME}.', '.')}": held
        for name, held in network_of(base, choice).named_parameters()
        if is_trained(name)
    }


def own_tensors(network: nn.Module) -> dict[str, Tensor]:
    """The weights of a network as if no low-rank change were on it."""
    return {
        name.replace(".base_layer.", "."): held
        for name, held in network.state_dict().items()
        if not is_low_rank(name)
    }


def _layers(network: nn.Module, choice: LoraChoice) -> list[str]:
    """The names of the layers that are changed."""
    found = [
        name
        for name, _ in network.named_modules()
        if name.endswith(tuple(f".{end}" for end in _ENDS[choice.on])) and _is_on(name, choice.on)
    ]
    if not found:
        raise TrainingError(f"a LoRA on {choice.on} was asked for; this base has no such layers")
    return found


def _is_on(name: str, on: str) -> bool:
    if on == "text":
        return ".self_attn." in name
    moving = any(mark in f".{name}" for mark in _MOTION)
    return moving if on == "motion" else not moving and ".attentions." in name

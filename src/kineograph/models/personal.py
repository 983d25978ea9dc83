"""LoRAs on a base, each at a scale of its own; taken off, the base is what it was, bit for bit."""

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, count
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.base import Base
from kineograph.models.loading.lora_file import TEXT, UNET, LoraFile, Pair, read_lora
from kineograph.models.loading.parts import quiet


class Personal:
    """The LoRAs on one base.

    The base's own weights are never written to: peft puts a layer around each changed one, and
    `remove` takes it away again. Everything that adds low-rank changes comes through here: styles
    (kohya's and diffusers' files), AnimateDiff's MotionLoRA and its domain adapter.

    Args:
        unet: a U-Net of diffusers.
        text: a CLIPTextModel; None if no LoRA may change it.
    """

    def __init__(self, unet: nn.Module, text: nn.Module | None = None) -> None:
        self.networks = {UNET: unet} | ({} if text is None else {TEXT: text})
        self.scales: dict[str, float] = {}

    @staticmethod
    def of(base: Base) -> "Personal":
        """For both networks of a base that LoRAs change."""
        return Personal(base.unet, base.text.model)

    def add(self, path: str | Path, scale: float | int = 1.0, *, name: str | None = None) -> str:
        """Put a LoRA on, beside those that are there; returns its name.

        Args:
            path: the file, or a folder of diffusers with one.
            scale: 0 is without effect; AnimateDiff's alpha.
            name: to call it by; the file's name if None, numbered where that is taken.

        Raises:
            ModelError: it cannot be read, does not fit, the name is taken, or the scale is not
                finite. The base is then as it was.
        """
        _check_scale(path, scale)
        file = read_lora(path)
        called = self._free(file.path) if name is None else self._called(Path(name))
        if called in self.scales:
            raise ModelError(f"a LoRA '{called}' is on the base already; give another name")
        fitted = self._fitted(file)
        for target, pairs in fitted.items():
            _inject(self.networks[target], pairs, called)
        self.scales[called] = float(scale)
        self._activate()
        return called

    def set_scale(self, name: str, scale: float | int) -> None:
        """Change the scale of a LoRA that is on.

        Raises:
            ModelError: there is none of that name, or the scale is not finite.
        """
        self._check(name)
        _check_scale(name, scale)
        self.scales[name] = float(scale)
        self._activate()

    def remove(self, name: str) -> None:
        """Take a LoRA off.

        Raises:
            ModelError: there is none of that name.
        """
        from diffusers.utils.peft_utils import delete_adapter_layers

        self._check(name)
        del self.scales[name]
        for network in self.networks.values():
            delete_adapter_layers(network, name)
            getattr(network, "peft_config", {}).pop(name, None)
            if not any(len(layer.lora_A) for layer in _wrapped(network)):
                _unwrap(network)
        self._activate()

    def clear(self) -> None:
        """Take all of them off."""
        for name in list(self.scales):
            self.remove(name)

    def _fitted(self, file: LoraFile) -> dict[str, dict[str, Pair]]:
        fitted = {target: file.fitted(target, network) for target, network in self.networks.items()}
        left = [target for target, pairs in file.pairs.items() if pairs and target not in fitted]
        if left:
            raise ModelError(f"{file.path} changes the text encoder, which was not given with it")
        return {target: pairs for target, pairs in fitted.items() if pairs}

    def _called(self, path: Path) -> str:
        stem = path.stem if path.suffix in (".safetensors", ".ckpt", ".pt", ".bin") else path.name
        return re.sub(r"\W+", "_", stem).strip("_") or "lora"

    def _free(self, path: Path) -> str:
        """The file's name, or the first of name_2, name_3, ... that is not taken."""
        called = self._called(path)
        names = chain([called], (f"{called}_{number}" for number in count(2)))
        return next(name for name in names if name not in self.scales)

    def _check(self, name: str) -> None:
        if name not in self.scales:
            there = ", ".join(self.scales) or "none"
            raise ModelError(f"there is no LoRA '{name}' on the base; there are: {there}")

    def _activate(self) -> None:
        """Let all of them act, each at its scale; none of their matrices is trained here."""
        for network in self.networks.values():
            for layer in _wrapped(network):
                there = [name for name in self.scales if name in layer.lora_A]
                layer.set_adapter(there)
                for name in there:
                    layer.set_scale(name, self.scales[name])
                for held in (layer.lora_A, layer.lora_B):
                    held.requires_grad_(False)


def _check_scale(what: str | Path, scale: float | int) -> None:
    if not isfinite(scale):
        raise ModelError(f"the LoRA {what} was given the scale {scale}; give a finite number")


@contextmanager
def personalised(base: Base, loras: Iterable[tuple[str | Path, float | int]]) -> Iterator[Personal]:
    """A base with LoRAs on it for a while: (file, scale) each.

    Raises:
        ModelError: one of them does not fit; the base is then as it was.
    """
    personal = Personal.of(base)
    try:
        for number, (path, scale) in enumerate(loras):
            stem = Path(path).stem
            personal.add(path, scale, name=f"{number}_{stem}")
        yield personal
    finally:
        personal.clear()


def _wrapped(network: nn.Module) -> list[Any]:
    from peft.tuners.lora import LoraLayer

    return [module for module in network.modules() if isinstance(module, LoraLayer)]


def _inject(network: nn.Module, pairs: dict[str, Pair], name: str) -> None:
    """Put peft's layers around those that pairs change, with the pairs' matrices in them."""
    from peft import LoraConfig, inject_adapter_in_model
    from peft.utils import set_peft_model_state_dict

    ranks = {f"^{re.escape(layer)}": pair.rank for layer, pair in pairs.items()}
    first = next(iter(pairs.values())).rank
    config = LoraConfig(
        r=first,
        lora_alpha=first,
        target_modules=list(pairs),
        rank_pattern=dict(ranks),
        alpha_pattern=dict(ranks),
        inference_mode=True,
    )
    tensors = _matrices(network, pairs)
    trained = [(held, held.requires_grad) for held in network.parameters()]
    with quiet(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Already found a `peft_config` attribute")
        inject_adapter_in_model(
            config, network, adapter_name=name, low_cpu_mem_usage=True, state_dict=tensors
        )
        set_peft_model_state_dict(network, tensors, name, low_cpu_mem_usage=True)
    for held, flag in trained:  # peft freezes the network around its layers
        held.requires_grad_(flag)


def _matrices(network: nn.Module, pairs: dict[str, Pair]) -> dict[str, Tensor]:
    """The matrices under peft's names, like the network's weights; alpha is in the second."""
    tensors = {}
    for layer, pair in pairs.items():
        weight: Any = network.get_submodule(layer).weight
        up = pair.up.to(torch.float32) * pair.scale
        tensors[f"{layer}.lora_A.weight"] = pair.down.to(weight.device, weight.dtype)
        tensors[f"{layer}.lora_B.weight"] = up.to(weight.device, weight.dtype)
    return tensors


def _unwrap(network: nn.Module) -> None:
    """Take peft's layers away and put what was inside them back into its place."""
    from diffusers.utils.peft_utils import recurse_remove_peft_layers

    recurse_remove_peft_layers(network)
    for mark in ("peft_config", "_hf_peft_config_loaded"):
        vars(network).pop(mark, None)

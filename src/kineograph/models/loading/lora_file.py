"""LoRA files of every common make, as pairs of matrices for layers of a U-Net and a text encoder.

kohya's (`lora_unet_...`, `lora_te_...`, with alphas), diffusers' and peft's old and new, and
AnimateDiff's own MotionLoRA and domain adapter.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.checkpoint import read_metadata, read_tensors
from kineograph.models.layouts import motion_lora

UNET, TEXT = "unet", "text_encoder"

_MATRIX = re.compile(
    r"(?P<layer>.+?)"
    r"(?:\.processor)?"
    r"(?:(?P<old>\.to_(?:[qkv]|out)_lora)|\.lora(?:_linear_layer)?(?=\.)|(?=\.lora_))"
    r"\.(?:lora_)?(?P<matrix>down|up|A|B)(?:\.\w+)?\.weight"
)
_ALPHA = re.compile(r"(?P<layer>.+?)\.alpha")
_PREFIXES = (
    ("lora_unet_", UNET),
    ("lora_te1_", TEXT),
    ("lora_te_", TEXT),
    ("unet.", UNET),
    ("text_encoder.", TEXT),
)
_CANNOT = {
    "hada_w1": "a LoHa",
    "lokr_w1": "a LoKr",
    "dora_scale": "a DoRA",
    "lora_magnitude_vector": "a DoRA",
    "lora_mid": "a LoRA with a decomposed core (LoCon with CP)",
    "lora_te2_": "a LoRA of Stable Diffusion XL",
    "text_encoder_2.": "a LoRA of Stable Diffusion XL",
    "motion_modules.0.temporal_transformer.proj_in": "a whole motion module (--set motion=FILE)",
    "model.diffusion_model.": "a whole checkpoint (--set checkpoint=FILE)",
}


@dataclass(frozen=True, eq=False)
class Pair:
    """A layer's change: scale * up @ down, where scale is alpha / rank.

    Args:
        down: (rank, in) or, of a convolution, (rank, in, height, width).
        up: (out, rank) or (out, rank, 1, 1).
        alpha: None is as much as the rank.
    """

    down: Tensor
    up: Tensor
    alpha: float | None = None

    @property
    def rank(self) -> int:
        """Its rank."""
        return int(self.down.shape[0])

    @property
    def scale(self) -> float:
        """What the product is multiplied by."""
        return 1.0 if self.alpha is None else self.alpha / self.rank


@dataclass(frozen=True, eq=False)
class LoraFile:
    """A LoRA: for each network the pairs by the name that the file gives their layer.

    Args:
        path: the file.
        pairs: "unet" and "text_encoder" to layer to pair.
    """

    path: Path
    pairs: Mapping[str, Mapping[str, Pair]]

    @property
    def parameters(self) -> int:
        """Numbers in all matrices."""
        held = [pair for layers in self.pairs.values() for pair in layers.values()]
        return sum(pair.down.numel() + pair.up.numel() for pair in held)

    def fitted(self, target: str, network: nn.Module) -> dict[str, Pair]:
        """The pairs for one network by the names of its modules, in the shapes of its weights.

        Raises:
            ModelError: it has no such layer, or one of another size.
        """
        layers = {name: found for name, found in network.named_modules() if _has_weight(found)}
        written = {name.replace(".", "_"): name for name in layers}
        fitted = {}
        for given, pair in self.pairs.get(target, {}).items():
            name = _module_name(given, target)
            name = name if name in layers else written.get(name.replace(".", "_"), name)
            if name not in layers:
                raise ModelError(f"{self.path} changes {given}, {_lacking(given, target)}")
            fitted[name] = self._shaped(name, pair, layers[name])
        return fitted

    def _shaped(self, name: str, pair: Pair, layer: Any) -> Pair:
        """A pair in the shapes that the layer's own kind of LoRA has."""
        weight = layer.weight
        down, up = pair.down, pair.up
        if weight.dim() == 2 and down.dim() == 4 and down.shape[2:] == (1, 1):
            down, up = down.flatten(1), up.flatten(1)
        if weight.dim() == 4 and down.dim() == 2:
            down, up = down[..., None, None], up[..., None, None]
        shape = (up.shape[0], down.shape[1], *down.shape[2:])
        if shape != tuple(weight.shape) or up.shape[1] != down.shape[0]:
            raise ModelError(
                f"{self.path} changes {name} of size {list(shape)}; this base's is "
                f"{list(weight.shape)}; it was made for another base"
            )
        return Pair(down, up, pair.alpha)


def read_lora(path: str | Path) -> LoraFile:
    """Read a LoRA file, or a folder of diffusers that holds one.

    Raises:
        ModelError: it cannot be read, or is no LoRA that can be applied.
    """
    path = lora_path(Path(path))
    tensors = read_tensors(path)
    if motion_lora.detect(tensors):
        tensors = motion_lora.read(tensors)
    halves, alphas = _sorted(tensors, path)
    alphas |= _told_alphas(path, halves)
    pairs: dict[str, dict[str, Pair]] = {UNET: {}, TEXT: {}}
    for (target, layer), half in halves.items():
        if len(half) != 2:
            raise ModelError(f"{path} is broken: {layer} has only one of its two matrices")
        pairs[target][layer] = Pair(half["down"], half["up"], alphas.get((target, layer)))
    return LoraFile(path, pairs)


def lora_path(path: Path) -> Path:
    """The file in a folder of diffusers (pytorch_lora_weights.safetensors), or the file itself."""
    return path / "pytorch_lora_weights.safetensors" if path.is_dir() else path


Place = tuple[str, str]


def _sorted(
    tensors: Mapping[str, Tensor], path: Path
) -> tuple[dict[Place, dict[str, Tensor]], dict[Place, float]]:
    halves: dict[Place, dict[str, Tensor]] = {}
    alphas: dict[Place, float] = {}
    for key, tensor in tensors.items():
        target, name = _target(key)
        if found := _MATRIX.fullmatch(name):
            half = "down" if found["matrix"] in ("down", "A") else "up"
            halves.setdefault((target, found["layer"] + _old(found["old"])), {})[half] = tensor
        elif found := _ALPHA.fullmatch(name):
            alphas[target, found["layer"]] = float(tensor)
        else:
            raise ModelError(f"{path} is {_what(tensors)} (it has {key}); give a LoRA")
    return halves, alphas


def _target(key: str) -> Place:
    """Which network a name belongs to, and the rest of the name."""
    key = key.removeprefix("base_model.model.")
    for prefix, target in _PREFIXES:
        if key.startswith(prefix):
            return target, key.removeprefix(prefix)
    return UNET, key


def _old(mark: str | None) -> str:
    """The layer within an attention that diffusers' first files speak of."""
    if mark is None:
        return ""
    layer = mark.removesuffix("_lora")
    return ".to_out.0" if layer == ".to_out" else layer


def _told_alphas(path: Path, halves: Mapping[Place, Any]) -> dict[Place, float]:
    """Alphas that diffusers writes into the head of its files."""
    told = read_metadata(path).get("lora_adapter_metadata")
    said = json.loads(told) if told else {}
    alphas = {}
    for target, layer in halves:
        name = layer.removeprefix("text_model.") if target == TEXT else layer
        pattern = said.get(f"{target}.alpha_pattern") or {}
        alpha = pattern.get(name, pattern.get(layer, said.get(f"{target}.lora_alpha")))
        if alpha is not None:
            alphas[target, layer] = float(alpha)
    return alphas


def _module_name(given: str, target: str) -> str:
    """The name of a layer in transformers' text encoder, or as it is."""
    if target == UNET:
        return given
    name = re.sub(r"^text_model[._]", "", given)
    name = re.sub(r"self_attn\.to_([qkv])$", r"self_attn.\1_proj", name)
    return name.replace("self_attn.to_out.0", "self_attn.out_proj")


def _has_weight(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear | nn.Conv2d) or hasattr(module, "base_layer")


def _lacking(layer: str, target: str) -> str:
    if "motion_modules" in layer:
        middle = "; MotionLoRAs are made for v2's motion module" if "mid_block" in layer else ""
        return f"a motion layer that this base does not have{middle}"
    what = "U-Net" if target == UNET else "text encoder"
    return f"which this {what} does not have; it was made for another base (SDXL, for example)"


def _what(tensors: Mapping[str, Tensor]) -> str:
    for mark, what in _CANNOT.items():
        if any(mark in key for key in tensors):
            return f"{what}, which cannot be applied as a LoRA"
    return "no LoRA"

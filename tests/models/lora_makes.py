"""LoRA files of every make on tiny networks, and what they should do to the weights."""

import hashlib

import torch
from torch import Tensor, nn

import tiny
from kineograph.models.base import Base

ATTENTION = "down_blocks.0.attentions.0.transformer_blocks.0.attn1"
LAYERS = {
    f"{ATTENTION}.to_q": 2,
    f"{ATTENTION}.to_out.0": 3,
    "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj": 2,
    "down_blocks.0.attentions.0.proj_in": 4,
    "down_blocks.0.resnets.0.conv1": 2,
}
"""Layers of the U-Net (linear, 1x1 and 3x3 convolutions) and the rank of a LoRA on each."""
WORDS = {"encoder.layers.0.self_attn.q_proj": 2, "encoder.layers.1.mlp.fc1": 3}
"""Layers of the text encoder."""
MOTION = "{}.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.{}"


def state(network: nn.Module) -> str:
    """A digest of names, bits and of which parameters are trained."""
    digest = hashlib.sha256()
    for name, held in network.state_dict().items():
        digest.update(name.encode() + held.numpy().tobytes())
    for name, held in network.named_parameters():
        digest.update(f"{name}{held.requires_grad}".encode())
    digest.update("".join(type(module).__name__ for module in network.modules()).encode())
    return digest.hexdigest()


def states(base: Base) -> tuple[str, str]:
    return state(base.unet), state(base.text.model)


def matrices(network: nn.Module, layers: dict[str, int], seed: int = 0) -> dict[str, tuple]:
    """Random (down, up) for layers, and what each adds to its weight at scale 1."""
    generator = torch.Generator().manual_seed(seed)
    made = {}
    for name, rank in layers.items():
        weight = network.get_submodule(name).weight
        down = torch.randn(rank, *weight.shape[1:], generator=generator) / 4
        up = torch.randn(len(weight), rank, *[1] * (weight.dim() - 2), generator=generator) / 4
        added = torch.einsum("or,ri->oi", up.flatten(1), down.flatten(1)).view_as(weight)
        made[name] = (down, up, added)
    return made


def merged(network: nn.Module, parts: list[tuple[dict[str, tuple], float]]) -> dict[str, Tensor]:
    """The weights that result when the changes are added, at a scale each."""
    held = {name: value.clone() for name, value in network.state_dict().items()}
    for changes, scale in parts:
        for name, (_, _, added) in changes.items():
            held[f"{name}.weight"] += scale * added
    return held


def run(base: Base) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 4, 4, 8, 8, generator=generator)
    text = base.text.encode(["a red ball"])
    with torch.no_grad():
        frames = base.unet(sample, 500, encoder_hidden_states=text.repeat_interleave(4, 0)).sample
    return frames, text


def outcome(base: Base, unet: dict[str, Tensor], text: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """What a base with these weights gives."""
    other = Base(base.description, tiny.tiny_motion_unet(True), base.vae, base.text, base.scheduler)
    other.text = type(base.text)(base.text.tokenizer, tiny.tiny_text_encoder())
    other.unet.load_state_dict(unet)
    other.text.model.load_state_dict(text)
    return run(other)


def kohya(unet: dict[str, tuple], text: dict[str, tuple], alpha: float | None) -> dict[str, Tensor]:
    tensors = {}
    for prefix, layers in (("lora_unet_", unet), ("lora_te_text_model_", text)):
        for name, (down, up, _) in layers.items():
            written = prefix + name.replace(".", "_")
            tensors[f"{written}.lora_down.weight"] = down
            tensors[f"{written}.lora_up.weight"] = up
            if alpha is not None:
                tensors[f"{written}.alpha"] = torch.tensor(alpha)
    return tensors


def peft(unet: dict[str, tuple], text: dict[str, tuple]) -> dict[str, Tensor]:
    tensors = {}
    for prefix, layers in (("unet.", unet), ("text_encoder.text_model.", text)):
        for name, (down, up, _) in layers.items():
            tensors[f"{prefix}{name}.lora_A.weight"] = down
            tensors[f"{prefix}{name}.lora_B.weight"] = up
    return tensors


def diffusers_first(unet: dict[str, tuple], text: dict[str, tuple]) -> dict[str, Tensor]:
    """The names of diffusers' first files, for what they had names for."""
    tensors = {}
    for name, (down, up, _) in unet.items():
        written = f"unet.{name}.lora"
        for layer, old in ((".to_q", "to_q_lora"), (".to_out.0", "to_out_lora")):
            if name.endswith(layer):
                written = f"unet.{name.removesuffix(layer)}.processor.{old}"
        tensors |= {f"{written}.down.weight": down, f"{written}.up.weight": up}
    for name, (down, up, _) in text.items():
        written = f"text_encoder.text_model.{name}.lora_linear_layer"
        if name.endswith("q_proj"):
            written = f"text_encoder.text_model.{name.removesuffix('q_proj')}to_q_lora"
        tensors |= {f"{written}.down.weight": down, f"{written}.up.weight": up}
    return tensors


def motion_lora(blocks: tuple[str, ...], width: int = 16, rank: int = 2) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(4)
    tensors = {}
    for block in blocks:
        for attention in (0, 1):
            for layer in ("q", "k", "v", "out"):
                name = f"{MOTION.format(block, attention)}.processor.to_{layer}_lora"
                down, up = (
                    torch.randn(s, generator=generator) for s in ((rank, width), (width, rank))
                )
                tensors |= {f"{name}.down.weight": down, f"{name}.up.weight": up}
    return tensors

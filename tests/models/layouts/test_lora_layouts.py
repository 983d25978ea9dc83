"""MotionLoRA and the domain adapter: their names at full size, into peft and back, and merged."""

import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.layouts import domain_adapter, motion_lora
from tiny import tiny_motion_unet

PROJECTIONS = ("q", "k", "v", "out")


def motion_attentions(network: torch.nn.Module) -> dict[str, str]:
    """Each attention of a motion layer: its name in diffusers to its name in AnimateDiff."""
    names = [n for n, _ in network.named_modules() if n.endswith((".attn1", ".attn2"))]
    return {
        name: name.replace(".transformer_blocks.", ".temporal_transformer.transformer_blocks.")
        .replace("attn1", "attention_blocks.0")
        .replace("attn2", "attention_blocks.1")
        for name in names
        if ".motion_modules." in name
    }


def picture_attentions(network: torch.nn.Module) -> dict[str, str]:
    """Each attention of a picture layer; its name is the same in both."""
    names = [n for n, _ in network.named_modules() if n.endswith((".attn1", ".attn2"))]
    return {name: name for name in names if ".attentions." in name}


Attentions = Callable[[torch.nn.Module], dict[str, str]]
BOTH = [(motion_lora, motion_attentions), (domain_adapter, picture_attentions)]


def original(network: torch.nn.Module, attentions: Attentions, rank: int) -> dict[str, Tensor]:
    """A LoRA on all attentions of a kind, random, under AnimateDiff's own names."""
    torch.manual_seed(3)
    held: dict[str, Tensor] = {}
    for ours, theirs in attentions(network).items():
        for name in PROJECTIONS:
            layer = f"{ours}.to_{name}" + (".0" if name == "out" else "")
            weight: Any = network.get_submodule(layer).weight
            at = f"{theirs}.processor.to_{name}_lora"
            where = {"device": weight.device, "dtype": weight.dtype}
            held[f"{at}.down.weight"] = 0.3 * torch.randn(rank, weight.shape[1], **where)
            held[f"{at}.up.weight"] = 0.3 * torch.randn(weight.shape[0], rank, **where)
    return held


def merged(unet: UNetMotionModel, held: dict[str, Tensor], alpha: float) -> UNetMotionModel:
    """The reference: every weight W becomes W + alpha * up @ down, by AnimateDiff's own names."""
    unet = copy.deepcopy(unet)
    for name, down in held.items():
        if name.endswith(".down.weight"):
            layer = name.removesuffix("_lora.down.weight").replace(".processor.", ".")
            layer = layer.replace("attention_blocks.0", "attn1").replace(
                "attention_blocks.1", "attn2"
            )
            layer = layer.replace(".temporal_transformer", "").replace("to_out", "to_out.0")
            weight: Any = unet.get_submodule(layer).weight
            weight.data += alpha * held[name.replace(".down.", ".up.")] @ down
    return unet


def forward(unet: UNetMotionModel) -> Tensor:
    torch.manual_seed(1)
    sample, text = torch.randn(1, 4, 3, 8, 8).double(), torch.randn(1, 7, 32).double()
    with torch.no_grad():
        return unet(sample, torch.tensor(5), text.expand(3, 7, 32)).sample


def test_motion_lora_at_full_size() -> None:
    """21 layers of v2, two attentions, four projections: rank 64 makes 19.33 M parameters."""
    with torch.device("meta"):
        adapter = MotionAdapter()
    held = original(adapter, motion_attentions, rank=64)
    first = "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0"
    at = f"{first}.attention_blocks.0.processor.to_q_lora"
    assert held[f"{at}.down.weight"].shape == (64, 320)
    assert held[f"{at}.up.weight"].shape == (320, 64)
    assert len(held) == 21 * 2 * 4 * 2
    assert sum(tensor.numel() for tensor in held.values()) == 19_333_120
    ours = motion_lora.read(held)
    short = "down_blocks.0.motion_modules.0.transformer_blocks.0.attn1.to_q"
    assert ours[f"{short}.lora_A.weight"].shape == (64, 320)
    assert motion_lora.write(ours).keys() == held.keys()


def test_domain_adapter_at_full_size() -> None:
    """16 blocks of Stable Diffusion 1.5, two attentions: rank 128 makes 25.51 M parameters."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768)
    held = original(unet, picture_attentions, rank=128)
    at = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight"
    assert held[at].shape == (128, 320)
    assert len(held) == 16 * 2 * 4 * 2
    assert sum(tensor.numel() for tensor in held.values()) == 25_509_888
    assert domain_adapter.write(domain_adapter.read(held)).keys() == held.keys()


@pytest.mark.parametrize(("layout", "attentions"), BOTH)
def test_nothing_is_lost_there_and_back(layout: ModuleType, attentions: Attentions) -> None:
    held = original(tiny_motion_unet(True), attentions, rank=2)
    assert layout.detect(held)
    ours = layout.read(held)
    assert all(name.endswith((".lora_A.weight", ".lora_B.weight")) for name in ours)
    for state in (ours, {f"unet.{name}": tensor for name, tensor in ours.items()}):
        back = layout.write(state)
        assert back.keys() == held.keys()
        assert all(torch.equal(back[name], tensor) for name, tensor in held.items())


@pytest.mark.parametrize(("layout", "attentions"), BOTH)
@pytest.mark.parametrize("alpha", [1.0, 0.4])
def test_in_peft_it_does_what_merging_does(
    layout: ModuleType, attentions: Attentions, alpha: float
) -> None:
    unet = tiny_motion_unet(True).double()
    held, weights = original(unet, attentions, rank=2), copy.deepcopy(unet.state_dict())
    before, wanted = forward(unet), forward(merged(unet, held, alpha))
    assert (wanted - before).abs().max() > 1e-3
    state = layout.read(held)
    motion_lora.check_fits(state, unet)
    unet.load_lora_adapter(dict(state), prefix=None, adapter_name="lora")
    unet.set_adapters(["lora"], [alpha])
    torch.testing.assert_close(forward(unet), wanted, atol=1e-12, rtol=1e-12)
    motion_lora.check_fits(state, unet)  # peft renames the weights it wraps
    unet.unload_lora()
    assert unet.state_dict().keys() == weights.keys()
    assert all(torch.equal(unet.state_dict()[name], weight) for name, weight in weights.items())


@pytest.mark.parametrize(("layout", "attentions"), BOTH)
def test_what_peft_holds_is_written_back(layout: ModuleType, attentions: Attentions) -> None:
    from peft.utils import get_peft_model_state_dict

    unet = tiny_motion_unet(True)
    held = original(unet, attentions, rank=2)
    unet.load_lora_adapter(layout.read(held), prefix=None, adapter_name="lora")
    back = layout.write(get_peft_model_state_dict(unet, adapter_name="lora"))
    assert back.keys() == held.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in held.items())


def test_one_is_not_the_other() -> None:
    unet = tiny_motion_unet()
    motion = original(unet, motion_attentions, rank=2)
    picture = original(unet, picture_attentions, rank=2)
    assert not domain_adapter.detect(motion)
    assert not motion_lora.detect(picture)
    with pytest.raises(
        ModelError, match="not a MotionLoRA of AnimateDiff: it has the unknown down"
    ):
        motion_lora.read(picture)
    with pytest.raises(ModelError, match="not a domain adapter of AnimateDiff: it has the unknown"):
        domain_adapter.read(motion | picture)
    with pytest.raises(ModelError, match="cannot be written as a MotionLoRA of AnimateDiff: there"):
        motion_lora.write(domain_adapter.read(picture))
    with pytest.raises(ModelError, match="not a MotionLoRA of AnimateDiff: it is empty"):
        motion_lora.read({})


def test_halves_that_do_not_fit_are_told() -> None:
    held = original(tiny_motion_unet(), motion_attentions, rank=2)
    name = next(name for name in held if name.endswith("to_k_lora.up.weight"))
    with pytest.raises(ModelError, match=r"to_k\.lora_A\.weight lacks its other half .*lora_B"):
        motion_lora.read({n: t for n, t in held.items() if n != name})
    held[name] = torch.zeros(8, 3)
    with pytest.raises(ModelError, match=r"are \[2, 8\] and \[8, 3\]; the rows of the first must"):
        motion_lora.read(held)


def test_a_base_that_does_not_fit_is_told() -> None:
    state = motion_lora.read(original(tiny_motion_unet(True), motion_attentions, rank=2))
    with pytest.raises(ModelError, match=r"changes mid_block.*does not have; MotionLoRAs are made"):
        motion_lora.check_fits(state, tiny_motion_unet())
    state = domain_adapter.read(original(tiny_motion_unet(), picture_attentions, rank=2))
    other = tiny_motion_unet(cross_attention_dim=48)
    with pytest.raises(
        ModelError, match=r"domain adapter.*attn2\.to_k of size \[8, 32\]; this base's is \[8, 48\]"
    ):
        motion_lora.check_fits(state, other, domain_adapter.WHAT)

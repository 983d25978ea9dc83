"""SMCD's files: names at full size, and round trips to the bit."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.layouts import smcd
from models.grounding.boxed import WIDTHS, full_base, full_blocks
from models.layouts.test_gligen import ORIGINAL, empty, fuser, net, random, same

torch.set_num_threads(1)
Shapes = dict[str, tuple[int, ...]]
STAGES = (256, 512, 1024, 1024)


def unet(widths: tuple[int, ...] = WIDTHS, text: int = 1024, pictures: bool = True) -> Shapes:
    """pytorch_model.bin: every gate, and some of the base's own tensors."""
    shapes: Shapes = {
        "input_blocks.0.0.weight": (widths[0], 8 if pictures else 4, 3, 3),
        "input_blocks.0.0.bias": (widths[0],),
        "out.2.weight": (4, widths[0], 3, 3),
        "input_blocks.1.2.transformer_blocks.0.attn1.to_q.weight": (widths[0], widths[0]),
        "input_blocks.1.0.temopral_conv.conv1.0.weight": (widths[0],),
    }
    for name, width in zip(ORIGINAL, widths, strict=True):
        held = fuser(width, text)
        gate = held | (_picture(held) if pictures else {})
        shapes |= {f"{name}.transformer_blocks.0.gate_attn.{k}": s for k, s in gate.items()}
    return shapes


def _picture(gate: Shapes) -> Shapes:
    linears = {f"v_{name}": shape for name, shape in gate.items() if name.startswith("linear")}
    others = {f"cross_{n}": shape for n, shape in gate.items() if not n.startswith("linear")}
    return linears | others


def encoder(stages: tuple[int, ...] = STAGES) -> Shapes:
    """pytorch_model_2.bin."""
    shapes: Shapes = {"conv_in.weight": (stages[0], 4, 3, 3), "conv_in.bias": (stages[0],)}
    before = stages[0]
    for index in range(12):
        width = stages[index // 3]
        convs = {"in_conv": (width, before), "block1": (width, width), "block2": (width, width)}
        if index in (3, 6, 9):
            convs["down_opt.op"] = (before, before)
        for name, (out, into) in convs.items():
            shapes[f"body.{index}.{name}.weight"] = (out, into, 3, 3)
            shapes[f"body.{index}.{name}.bias"] = (out,)
        before = width
    return shapes


def small(pictures: bool = True) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    widths = tuple(width // 40 for width in WIDTHS)
    return (
        random(unet(widths, 24, pictures)),
        random(net(24)),
        random(encoder((8, 16, 24, 24))) if pictures else {},
    )


def shapes_of(tensors: dict[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def test_full_size_names_shapes_and_counts() -> None:
    gates = [s for name, s in unet().items() if ".gate_attn." in name]
    assert sum(torch.Size(shape).numel() for shape in gates) == 422_426_304
    held = smcd.read(empty(unet()), empty(net(1024)), empty(encoder()))
    assert held.picture is not None
    assert held.grounding.config.base == held.picture.config.base == full_base()
    assert held.grounding.config.blocks == full_blocks()
    assert held.picture.config.heads == tuple(width // 64 for width in WIDTHS)
    assert (held.picture.config.widths, held.picture.config.depth) == (STAGES, 3)
    counts = [
        sum(p.numel() for p in module.parameters())
        for module in (held.grounding.gates, held.picture.gates, held.grounding.position_net)
        if module is not None
    ]
    assert counts == [211_213_152, 211_213_152, 1_346_624]
    written = smcd.write(held)
    assert [shapes_of(part) for part in written] == [unet(), net(1024), encoder()]


def test_a_round_trip_is_equal_to_the_bit() -> None:
    files = small()
    held = smcd.read(*files)
    for again, file in zip(smcd.write(held), files, strict=True):
        assert same(again, file)
    assert held.picture is not None and held.picture.gates is not None
    gate = "output_blocks.3.1.transformer_blocks.0.gate_attn"
    assert torch.equal(held.picture.gates[7].linear.weight, files[0][f"{gate}.v_linear.weight"])
    assert torch.equal(held.picture.gates[7].alpha_attn, files[0][f"{gate}.cross_alpha_attn"])
    assert held.grounding.gates is not None
    assert torch.equal(held.grounding.gates[7].alpha_attn, files[0][f"{gate}.alpha_attn"])
    whole = files[0]["input_blocks.0.0.weight"]
    assert torch.equal(held.base["input_blocks.0.0.weight"], whole[:, :4])
    assert held.picture.conv is not None and torch.equal(held.picture.conv.weight, whole[:, 4:])
    assert not any("gate_attn" in name for name in held.base)


def test_the_first_stage_knows_no_picture() -> None:
    first, second, _ = small(pictures=False)
    held = smcd.read(first, second)
    assert held.picture is None
    again = smcd.write(held)
    assert same(again[0], first) and same(again[1], second) and again[2] == {}


def test_it_is_detected_and_its_other_arms_are_refused() -> None:
    assert smcd.detect(unet()) and not smcd.detect(net(1024))
    first, second, third = small()
    with pytest.raises(ModelError, match=r"has gates for a picture and reads 8 channels, and no v"):
        smcd.read(first, second)
    with pytest.raises(ModelError, match=r"give pytorch_model_1\.bin"):
        smcd.read(first, third, third)
    with pytest.raises(ModelError, match=r"it lacks conv_in or body; give pytorch_model_2\.bin"):
        smcd.read(first, second, second)
    with pytest.raises(ModelError, match=r"has no gate_attn or no input_blocks\.0\.0\.weight"):
        smcd.read(third, second, third)
    parallel = first | {
        "middle_block.1.transformer_blocks.0.gate_attn.beta_g": torch.zeros(()),
    }
    with pytest.raises(ModelError, match="one of SMCD's other arms"):
        smcd.read(parallel, second, third)
    short = {
        name: t
        for name, t in first.items()
        if "11.1.transformer_blocks.0.gate_attn.cross_no" not in name
    }
    with pytest.raises(ModelError, match="is not SMCD's dual image integration module: it lacks"):
        smcd.read(short, second, third)


def test_adapters_change_apart_from_one_another() -> None:
    held = smcd.read(*small())
    other = replace(held, base={name: t + 1 for name, t in held.base.items()})
    assert torch.equal(
        smcd.write(other)[0]["input_blocks.0.0.weight"][:, 4:],
        smcd.write(held)[0]["input_blocks.0.0.weight"][:, 4:],
    )

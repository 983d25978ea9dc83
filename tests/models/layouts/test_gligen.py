"""GLIGEN's files: names at full size, and round trips to the bit."""

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.gates import block_shapes
from kineograph.models.grounding.grounding import Grounding, GroundingConfig
from kineograph.models.layouts import gligen
from kineograph.models.layouts.spatial_names import block_names
from models.grounding.boxed import WIDTHS, full_base, full_blocks
from tiny import tiny_unet2d, tiny_unet3d

torch.set_num_threads(1)
ORIGINAL = [
    *(f"input_blocks.{n}.1" for n in (1, 2, 4, 5, 7, 8)),
    "middle_block.1",
    *(f"output_blocks.{n}.1" for n in range(3, 12)),
]
DIFFUSERS = [
    *(f"down_blocks.{level}.attentions.{n}" for level in range(3) for n in range(2)),
    "mid_block.attentions.0",
    *(f"up_blocks.{level}.attentions.{n}" for level in (1, 2, 3) for n in range(3)),
]


def fuser(width: int, text: int) -> dict[str, tuple[int, ...]]:
    """The shapes of one fuser, as published."""
    return {
        "linear.weight": (width, text),
        "linear.bias": (width,),
        "attn.to_q.weight": (width, width),
        "attn.to_k.weight": (width, width),
        "attn.to_v.weight": (width, width),
        "attn.to_out.0.weight": (width, width),
        "attn.to_out.0.bias": (width,),
        "ff.net.0.proj.weight": (8 * width, width),
        "ff.net.0.proj.bias": (8 * width,),
        "ff.net.2.weight": (width, 4 * width),
        "ff.net.2.bias": (width,),
        "norm1.weight": (width,),
        "norm1.bias": (width,),
        "norm2.weight": (width,),
        "norm2.bias": (width,),
        "alpha_attn": (),
        "alpha_dense": (),
    }


def net(text: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the position net, as published."""
    return {
        "linears.0.weight": (512, text + 64),
        "linears.0.bias": (512,),
        "linears.2.weight": (512, 512),
        "linears.2.bias": (512,),
        "linears.4.weight": (text, 512),
        "linears.4.bias": (text,),
        "null_positive_feature": (text,),
        "null_position_feature": (64,),
    }


def published(
    names: list[str] = ORIGINAL, widths: tuple[int, ...] = WIDTHS, text: int = 768
) -> dict[str, tuple[int, ...]]:
    """What GLIGEN trained, and two tensors of Stable Diffusion's beside it."""
    shapes: dict[str, tuple[int, ...]] = {
        "input_blocks.0.0.weight": (widths[0], 4, 3, 3),
        "input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight": (widths[0], widths[0]),
    }
    for name, width in zip(names, widths, strict=True):
        held = fuser(width, text)
        shapes |= {f"{name}.transformer_blocks.0.fuser.{key}": held[key] for key in held}
    return shapes | {f"position_net.{key}": shape for key, shape in net(text).items()}


def empty(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def random(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}


def own(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t for name, t in tensors.items() if ".fuser." in name or "position_net" in name}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """The same names, types and bits."""
    return set(one) == set(other) and all(
        one[name].dtype == other[name].dtype and torch.equal(one[name], other[name]) for name in one
    )


def test_full_size_names_and_shapes() -> None:
    shapes = published()
    held = gligen.read(empty(shapes))
    assert held.config == GroundingConfig(
        base=full_base("animatediff", 768),
        blocks=full_blocks(heads=8),
        label_width=768,
        token_width=768,
        objects=30,
    )
    written = {name: tuple(tensor.shape) for name, tensor in gligen.write(held).items()}
    wanted = {name: shape for name, shape in shapes.items() if name in own(empty(shapes))}
    assert written == wanted and len(written) == 16 * 17 + 8


def test_full_size_names_of_diffusers() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768, attention_type="gated")
        held = Grounding(
            GroundingConfig(
                base=full_base("animatediff", 768),
                blocks=full_blocks(heads=8),
                label_width=768,
                token_width=768,
            )
        )
    written = {n: tuple(t.shape) for n, t in gligen.write(held, "diffusers").items()}
    assert written == {n: tuple(t.shape) for n, t in own(unet.state_dict()).items()}
    again = gligen.read(unet.state_dict())
    assert again.config.blocks == held.config.blocks


def test_blocks_are_called_by_where_they_are() -> None:
    shapes = full_blocks()
    assert block_names(shapes) == [f"{name}.transformer_blocks.0" for name in ORIGINAL]
    assert block_names(shapes, "diffusers") == [f"{n}.transformer_blocks.0" for n in DIFFUSERS]
    tiny = block_shapes(tiny_unet3d())
    assert [name.rsplit(".", 2)[0] for name in block_names(tiny)] == [
        "input_blocks.1.1",
        "middle_block.1",
        "output_blocks.2.1",
        "output_blocks.3.1",
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_round_trip_is_equal_to_the_bit(dtype: torch.dtype) -> None:
    widths = tuple(width // 40 for width in WIDTHS)
    tensors = {n: t.to(dtype) for n, t in random(published(widths=widths, text=24)).items()}
    held = gligen.read(tensors)
    assert same(gligen.write(held), own(tensors))
    diffusers = gligen.write(held, "diffusers")
    assert same(gligen.write(gligen.read(diffusers)), own(tensors))
    name = "output_blocks.3.1.transformer_blocks.0.fuser.attn.to_q.weight"
    assert held.gates is not None
    assert torch.equal(held.gates[7].attn.to_q.weight, tensors[name])
    assert torch.equal(
        diffusers["up_blocks.1.attentions.0.transformer_blocks.0.fuser.attn.to_q.weight"],
        tensors[name],
    )


def test_what_is_gligen_s_is_detected() -> None:
    unet = tiny_unet2d(attention_type="gated")
    assert gligen.detect(published()) and gligen.variant(published()) == "original"
    assert gligen.detect(unet.state_dict()) and gligen.variant(unet.state_dict()) == "diffusers"
    assert not gligen.detect(tiny_unet2d().state_dict())


def test_other_files_are_refused_by_name() -> None:
    with pytest.raises(ModelError, match="is not a GLIGEN text-box model: it has no fuser in any"):
        gligen.read(tiny_unet2d().state_dict())
    pictures = {n.replace("linears", "linears_text"): t for n, t in empty(published()).items()}
    with pytest.raises(ModelError, match=r"lacks position_net.null_positive_feature or .* by"):
        gligen.read(pictures)
    short = empty(published())
    short.pop("output_blocks.11.1.transformer_blocks.0.fuser.norm2.bias")
    with pytest.raises(ModelError, match=r"it lacks output_blocks.11.1.\S+fuser.norm2.bias;"):
        gligen.read(short)

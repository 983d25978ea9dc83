"""SparseCtrl: names and shapes of the released files, both ways without loss."""

from pathlib import Path

import pytest
import torch
from diffusers import SparseControlNetModel
from diffusers.loaders.single_file_utils import convert_animatediff_checkpoint_to_diffusers
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.checkpoint import read_tensors, write_tensors
from kineograph.models.layouts import motion_module, sparse_control
from tiny import made, tiny_motion_adapter

Shapes = dict[str, tuple[int, ...]]
VARIANTS = ("rgb", "scribble")
TINY = {"heads": 2, "groups": 2}


def conv(name: str, given: int, made: int, kernel: int = 3) -> Shapes:
    return {f"{name}.weight": (made, given, kernel, kernel), f"{name}.bias": (made,)}


def linear(name: str, given: int, made: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": (made, given)} | ({f"{name}.bias": (made,)} if bias else {})


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def resnet(at: str, given: int, width: int) -> Shapes:
    shapes = norm(f"{at}.norm1", given) | conv(f"{at}.conv1", given, width)
    shapes |= linear(f"{at}.time_emb_proj", 1280, width)
    shapes |= norm(f"{at}.norm2", width) | conv(f"{at}.conv2", width, width)
    return shapes | ({} if given == width else conv(f"{at}.conv_shortcut", given, width, 1))


def attention(at: str, width: int) -> Shapes:
    block = f"{at}.transformer_blocks.0."
    shapes = norm(f"{at}.norm", width) | feed_forward(block, width)
    shapes |= conv(f"{at}.proj_in", width, width, 1) | conv(f"{at}.proj_out", width, width, 1)
    for number, text in ((1, width), (2, 768)):
        name = f"{block}attn{number}"
        shapes |= linear(f"{name}.to_q", width, width, False) | linear(
            f"{name}.to_out.0", *2 * [width]
        )
        shapes |= linear(f"{name}.to_k", text, width, False)
        shapes |= linear(f"{name}.to_v", text, width, False)
    return shapes | {k: v for n in "123" for k, v in norm(f"{block}norm{n}", width).items()}


def feed_forward(block: str, width: int) -> Shapes:
    return linear(f"{block}ff.net.0.proj", width, 8 * width) | linear(
        f"{block}ff.net.2", 4 * width, width
    )


def motion_layer(at: str, width: int) -> Shapes:
    """One attention, unlike the two of AnimateDiff's motion module."""
    top = f"{at}.temporal_transformer."
    block = f"{top}transformer_blocks.0."
    shapes = norm(f"{top}norm", width) | feed_forward(block, width)
    shapes |= linear(f"{top}proj_in", width, width) | linear(f"{top}proj_out", width, width)
    for name in "qkv":
        shapes |= linear(f"{block}attention_blocks.0.to_{name}", width, width, False)
    shapes |= linear(f"{block}attention_blocks.0.to_out.0", width, width)
    shapes |= norm(f"{block}norms.0", width) | norm(f"{block}ff_norm", width)
    return shapes | {f"{block}attention_blocks.0.pos_encoder.pe": (1, 32, width)}


def released_shapes(variant: str) -> Shapes:
    """Names and shapes of a released SparseCtrl for Stable Diffusion 1.5, written out."""
    widths = (320, 640, 1280, 1280)
    shapes = conv("conv_in", 4, 320) | linear("time_embedding.linear_1", 320, 1280)
    shapes |= linear("time_embedding.linear_2", 1280, 1280) | condition_shapes(variant)
    shapes |= conv("controlnet_mid_block", 1280, 1280, 1)
    skips, given = [320], 320
    for level, width in enumerate(widths):
        for number in (0, 1):
            at = f"down_blocks.{level}."
            shapes |= resnet(f"{at}resnets.{number}", given, width)
            shapes |= attention(f"{at}attentions.{number}", width) if level < 3 else {}
            shapes |= motion_layer(f"{at}motion_modules.{number}", width)
            given = width
        skips += [width] * (3 if level < 3 else 2)
        shapes |= conv(f"{at}downsamplers.0.conv", width, width) if level < 3 else {}
    shapes |= attention("mid_block.attentions.0", 1280)
    for number in (0, 1):
        shapes |= resnet(f"mid_block.resnets.{number}", 1280, 1280)
    for number, width in enumerate(skips):
        shapes |= conv(f"controlnet_down_blocks.{number}", width, width, 1)
    return shapes


def condition_shapes(variant: str) -> Shapes:
    at = "controlnet_cond_embedding"
    if variant == "rgb":
        return conv(at, 4 + 1, 320)
    shapes = conv(f"{at}.conv_in", 3 + 1, 16) | conv(f"{at}.conv_out", 256, 320)
    for number, (given, width) in enumerate(((16, 32), (32, 96), (96, 256))):
        shapes |= conv(f"{at}.blocks.{2 * number}", given, given)
        shapes |= conv(f"{at}.blocks.{2 * number + 1}", given, width)
    return shapes


def tiny_sparse_control(variant: str) -> SparseControlNetModel:
    rgb = variant == "rgb"
    return made(
        lambda: SparseControlNetModel(
            block_out_channels=(8, 16),
            layers_per_block=1,
            down_block_types=("CrossAttnDownBlockMotion", "DownBlockMotion"),
            cross_attention_dim=32,
            norm_num_groups=2,
            attention_head_dim=2,
            motion_num_attention_heads=2,
            conditioning_channels=4 if rgb else 3,
            use_simplified_condition_embedding=rgb,
            conditioning_embedding_out_channels=(4, 6, 10),
        )
    )


def assert_same(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    assert given.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert given[name].dtype == tensor.dtype
        assert torch.equal(given[name], tensor), name


def residuals(network: SparseControlNetModel, variant: str) -> list[Tensor]:
    torch.manual_seed(1)
    sample, text = torch.randn(1, 4, 3, 8, 8), torch.randn(3, 7, 32)
    side = 8 if variant == "rgb" else 32
    hint = torch.randn(1, 4 if variant == "rgb" else 3, 3, side, side)
    mask = torch.tensor([1.0, 0, 0]).reshape(1, 1, 3, 1, 1).expand(1, 1, 3, side, side)
    with torch.no_grad():
        out = network(sample, torch.tensor(5), text, hint, conditioning_mask=mask)
    return [*out.down_block_res_samples, out.mid_block_res_sample]


@pytest.mark.parametrize(
    ("variant", "tensors", "parameters"),
    [("rgb", 486, 496_730_880), ("scribble", 500, 497_802_784)],
)
def test_names_and_shapes_at_full_size(variant: str, tensors: int, parameters: int) -> None:
    """The tables of positions count as tensors, not as parameters."""
    shapes = released_shapes(variant)
    with torch.device("meta"):
        network = SparseControlNetModel(**sparse_control.config(shapes))
    held = sparse_control.write(network)
    assert {name: tuple(tensor.shape) for name, tensor in held.items()} == shapes
    assert len(shapes) == tensors
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert sparse_control.detect(shapes)
    assert sparse_control.variant(shapes) == variant
    assert not motion_module.detect(shapes)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_file_is_read_and_written_back_without_loss(tmp_path: Path, variant: str) -> None:
    network = tiny_sparse_control(variant)
    held = sparse_control.write(network)
    held = {n: t * 1.5 if n.endswith(".pe") else t for n, t in held.items()}
    wrapped = {f"module.{name}": tensor for name, tensor in held.items()}
    torch.save({"controlnet": wrapped | {"animatediff_config": {}}}, tmp_path / "sparse.ckpt")
    read = sparse_control.read(read_tensors(tmp_path / "sparse.ckpt"), **TINY)
    write_tensors(tmp_path / "sparse.safetensors", sparse_control.write(read))
    assert_same(read_tensors(tmp_path / "sparse.safetensors"), held)


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_was_read_computes_the_same_as_through_diffusers(tmp_path: Path, variant: str) -> None:
    network = tiny_sparse_control(variant)
    held = sparse_control.write(network)
    read = sparse_control.read(held, **TINY)
    theirs = convert_animatediff_checkpoint_to_diffusers(held)
    ours = {n: t for n, t in read.state_dict().items() if not n.endswith("pos_embed.pe")}
    assert_same(ours, theirs)
    read.save_config(tmp_path)
    single = SparseControlNetModel.from_single_file(
        dict(held), config=str(tmp_path), local_files_only=True
    )
    for wanted, given, other in zip(
        *(residuals(n, variant) for n in (network, read, single)), strict=True
    ):
        assert wanted.abs().max() > 0
        torch.testing.assert_close(given, wanted)
        torch.testing.assert_close(other, wanted)


def test_other_files_are_told() -> None:
    motion = motion_module.write(tiny_motion_adapter())
    assert not sparse_control.detect(motion)
    with pytest.raises(
        ModelError, match="not a sparse control network of AnimateDiff: it lacks its"
    ):
        sparse_control.read(motion, **TINY)
    held = sparse_control.write(tiny_sparse_control("rgb"))
    del held["controlnet_mid_block.bias"]
    with pytest.raises(
        ModelError, match=r"AnimateDiff: it lacks controlnet_mid_block\.bias; it is"
    ):
        sparse_control.read(held, **TINY)

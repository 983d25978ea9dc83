"""AnimateDiff's motion module: names and shapes of the released files, both ways without loss."""

from pathlib import Path

import pytest
import torch
from diffusers import MotionAdapter, UNetMotionModel
from diffusers.loaders.single_file_utils import convert_animatediff_checkpoint_to_diffusers
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.checkpoint import read_tensors, write_tensors
from kineograph.models.layouts import motion_module
from kineograph.models.motion_module import version_of
from tiny import tiny_motion_adapter, tiny_unet2d

Shapes = dict[str, tuple[int, ...]]
VERSIONS = {"v1": (24, False), "v2": (32, True), "v3": (32, False)}
TINY = {"heads": 2, "groups": 2}


def layer_shapes(at: str, width: int, frames: int) -> Shapes:
    """One motion layer as AnimateDiff's files have it, written out."""
    top, block = f"{at}.temporal_transformer.", f"{at}.temporal_transformer.transformer_blocks.0."
    shapes: Shapes = {}
    for norm in ("norm", "transformer_blocks.0.ff_norm"):
        shapes |= {f"{top}{norm}.weight": (width,), f"{top}{norm}.bias": (width,)}
    for edge in ("proj_in", "proj_out"):
        shapes |= {f"{top}{edge}.weight": (width, width), f"{top}{edge}.bias": (width,)}
    for number in (0, 1):
        attention = f"{block}attention_blocks.{number}."
        shapes |= {f"{attention}to_{name}.weight": (width, width) for name in "qkv"}
        shapes |= {
            f"{attention}to_out.0.weight": (width, width),
            f"{attention}to_out.0.bias": (width,),
            f"{attention}pos_encoder.pe": (1, frames, width),
            f"{block}norms.{number}.weight": (width,),
            f"{block}norms.{number}.bias": (width,),
        }
    return shapes | {
        f"{block}ff.net.0.proj.weight": (8 * width, width),
        f"{block}ff.net.0.proj.bias": (8 * width,),
        f"{block}ff.net.2.weight": (width, 4 * width),
        f"{block}ff.net.2.bias": (width,),
    }


def released_shapes(version: str) -> Shapes:
    """Names and shapes of a released motion module for Stable Diffusion 1.5."""
    frames, mid = VERSIONS[version]
    widths = (320, 640, 1280, 1280)
    shapes: Shapes = {}
    for part, layers in (("down_blocks", 2), ("up_blocks", 3)):
        for level, width in enumerate(widths if layers == 2 else widths[::-1]):
            for number in range(layers):
                shapes |= layer_shapes(f"{part}.{level}.motion_modules.{number}", width, frames)
    return shapes | (layer_shapes("mid_block.motion_modules.0", 1280, frames) if mid else {})


def original(version: str, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """A tiny motion module under AnimateDiff's own names."""
    frames, mid = VERSIONS[version]
    adapter = tiny_motion_adapter(mid, motion_max_seq_length=frames)
    return motion_module.write(adapter.to(dtype))


def assert_same(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    assert given.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert given[name].dtype == tensor.dtype
        assert torch.equal(given[name], tensor), name


@pytest.mark.parametrize(
    ("version", "tensors", "parameters"),
    [("v1", 560, 417_137_600), ("v2", 588, 453_209_280), ("v3", 560, 417_137_600)],
)
def test_names_and_shapes_at_full_size(version: str, tensors: int, parameters: int) -> None:
    """28 tensors a layer with its two tables of positions; the tables are no parameters."""
    shapes = released_shapes(version)
    with torch.device("meta"):
        adapter = MotionAdapter(**motion_module.config(shapes))
    held = motion_module.write(adapter)
    assert {name: tuple(tensor.shape) for name, tensor in held.items()} == shapes
    assert len(held) == tensors
    assert sum(t.numel() for n, t in held.items() if not n.endswith(".pe")) == parameters
    assert sum(p.numel() for p in adapter.parameters()) == parameters
    assert motion_module.detect(shapes)
    assert motion_module.variant(shapes) == version_of(adapter) == version


def test_each_name_follows_from_the_other() -> None:
    for name in released_shapes("v2"):
        ours = motion_module.RENAMING.ours(name)
        if name.endswith("attention_blocks.1.pos_encoder.pe"):
            assert ours is None  # diffusers keeps one table for both attentions
        else:
            assert ours is not None
            assert motion_module.RENAMING.original(ours) == name


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_file_is_read_and_written_back_without_loss(
    tmp_path: Path, version: str, dtype: torch.dtype
) -> None:
    held = original(version, dtype)
    for name in held:  # tables that are not what diffusers computes have to survive as well
        held[name] = held[name] * 1.25 if name.endswith(".pe") else held[name]
    wrapped = {f"module.{name}": tensor for name, tensor in held.items()}
    torch.save({"state_dict": wrapped, "animatediff_config": {}}, tmp_path / "mm.ckpt")
    adapter = motion_module.read(read_tensors(tmp_path / "mm.ckpt"), **TINY)
    assert version_of(adapter) == version
    write_tensors(tmp_path / "mm.safetensors", motion_module.write(adapter))
    assert_same(read_tensors(tmp_path / "mm.safetensors"), held)


@pytest.mark.parametrize("version", VERSIONS)
def test_reading_agrees_with_diffusers_own_conversion(tmp_path: Path, version: str) -> None:
    held = original(version)
    adapter = motion_module.read(held, **TINY)
    ours = adapter.state_dict()
    theirs = convert_animatediff_checkpoint_to_diffusers(held)
    assert_same({n: t for n, t in ours.items() if not n.endswith("pos_embed.pe")}, theirs)
    adapter.save_config(tmp_path)
    single = MotionAdapter.from_single_file(dict(held), config=str(tmp_path), local_files_only=True)
    assert_same(dict(single.state_dict()), dict(ours))


def test_what_was_read_runs_in_a_unet_and_is_written_from_it() -> None:
    held = original("v2")
    unet = UNetMotionModel.from_unet2d(tiny_unet2d(), motion_module.read(held, **TINY))
    assert version_of(unet) == "v2"
    assert_same(motion_module.write(unet), held)
    output = unet(torch.randn(1, 4, 3, 8, 8), 5, torch.randn(3, 7, 32)).sample
    assert output.shape == (1, 4, 3, 8, 8)


def test_several_layers_and_blocks_are_told_from_the_names() -> None:
    adapter = tiny_motion_adapter(
        True,
        motion_layers_per_block=(1, 2),
        motion_transformer_layers_per_block=(2, 1),
        motion_transformer_layers_per_mid_block=3,
        motion_max_seq_length=16,
    )
    held = motion_module.write(adapter)
    assert_same(motion_module.write(motion_module.read(held, **TINY)), held)


def test_of_a_whole_unet_the_motion_layers_are_read() -> None:
    held = original("v3")
    whole = held | dict(tiny_unet2d().state_dict())
    assert motion_module.detect(whole)
    assert_same(motion_module.write(motion_module.read(whole, **TINY)), held)


def test_tensors_that_would_be_lost_are_told() -> None:
    held = original("v3") | {"conv_in.weight": torch.zeros(8, 9, 3, 3)}
    with pytest.raises(ModelError, match=r"it also holds conv_in\.weight, which would be lost"):
        motion_module.read(held, **TINY)


def test_two_different_tables_are_told() -> None:
    held = original("v1")
    name = next(name for name in held if name.endswith("attention_blocks.1.pos_encoder.pe"))
    held[name] = held[name] + 1
    with pytest.raises(ModelError, match="differs from the table of the first attention"):
        motion_module.read(held, **TINY)


def test_missing_and_unknown_tensors_are_told() -> None:
    held = original("v2")
    del held["mid_block.motion_modules.0.temporal_transformer.norm.bias"]
    with pytest.raises(ModelError, match=r"not a motion module of AnimateDiff: it lacks mid_block"):
        motion_module.read(held, **TINY)
    held = original("v3") | {"up_blocks.0.motion_modules.0.extra": torch.zeros(1)}
    with pytest.raises(ModelError, match=r"it has the unknown up_blocks\.0\.motion_modules\.0\.ex"):
        motion_module.read(held, **TINY)
    bare = {name: tensor for name, tensor in held.items() if not name.endswith(".pe")}
    with pytest.raises(ModelError, match=r"lacks its first layers or their positions \(pe\)"):
        motion_module.read(bare, **TINY)


def test_other_files_are_told() -> None:
    with pytest.raises(ModelError, match="no name in it has 'motion_modules'"):
        motion_module.read(tiny_unet2d().state_dict(), **TINY)
    with pytest.raises(ModelError, match="no name for no motion layer; give a motion module"):
        motion_module.write(tiny_unet2d())


def test_the_module_for_sdxl_is_told_apart() -> None:
    shapes = {
        name: shape
        for name, shape in released_shapes("v3").items()
        if not name.startswith(("down_blocks.3", "up_blocks.3"))
    }
    assert motion_module.variant(shapes) == "sdxl"

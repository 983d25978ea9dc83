"""Conversions there and back, number for number, and what they refuse."""

from pathlib import Path

import pytest
import torch
from diffusers import UNet3DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor

import tiny
from kineograph.core.errors import ModelError, OutputError
from kineograph.models.adapter_folder import load_adapter
from kineograph.models.checkpoint import write_tensors
from kineograph.models.control.sparse_control import SparseControl
from kineograph.models.converting.conversion import convert
from kineograph.models.grounding.grounding import Grounding
from kineograph.models.inspecting.inspection import inspect
from kineograph.models.layouts import gligen, modelscope, motion_module, smcd, sparse_control
from kineograph.models.picture.dual import PictureDual
from models.lora_makes import ATTENTION, kohya, matrices, motion_lora

TINY = {"heads": 2, "groups": 2}


def same(path: Path, wanted: dict[str, Tensor]) -> None:
    held = load_file(path)
    assert set(held) == set(wanted)
    for name, tensor in wanted.items():
        assert held[name].dtype == tensor.dtype and torch.equal(held[name], tensor), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_motion_module(tmp_path: Path, dtype: torch.dtype) -> None:
    original = motion_module.write(tiny.tiny_motion_adapter(True).to(dtype))
    torch.save(original, tmp_path / "mm.ckpt")
    (made,) = convert(tmp_path / "mm.ckpt", tmp_path / "folder", **TINY)
    assert (made.path, made.what) == (
        tmp_path / "folder",
        "motion module of AnimateDiff v2, in diffusers' layout",
    )
    told = inspect(tmp_path / "folder")
    assert told.version == "v2"
    assert told.training["origin"] == "mm.ckpt, converted from animatediff-motion-module v2"
    convert(tmp_path / "folder", tmp_path / "back.safetensors", to="original")
    same(tmp_path / "back.safetensors", original)
    convert(tmp_path / "mm.ckpt", tmp_path / "folder", **TINY)  # what it wrote it may replace


def test_a_motion_lora_and_a_domain_adapter(tmp_path: Path) -> None:
    domain = {}
    for name, (down, up, _) in matrices(tiny.tiny_motion_unet(), {f"{ATTENTION}.to_q": 3}).items():
        written = name.replace(".to_q", ".processor.to_q_lora")
        domain |= {f"{written}.down.weight": down, f"{written}.up.weight": up}
    for name, tensors in (("zoom", motion_lora(("mid_block",))), ("domain", domain)):
        save_file(tensors, tmp_path / f"{name}.safetensors")
        (made,) = convert(tmp_path / f"{name}.safetensors", tmp_path / name)
        assert made.what.endswith("of AnimateDiff, in diffusers' layout")
        assert inspect(tmp_path / name).what == "LoRA"
        held = load_file(tmp_path / name / "pytorch_lora_weights.safetensors")
        assert all(key.startswith("unet.") and ".lora_" in key for key in held)
        convert(tmp_path / name, tmp_path / f"{name}-back.safetensors")
        same(tmp_path / f"{name}-back.safetensors", tensors)


def test_a_lora_with_alphas_has_no_original(tmp_path: Path) -> None:
    pairs = matrices(tiny.tiny_motion_unet(), {f"{ATTENTION}.to_q": 2})
    save_file(kohya(pairs, {}, 1.0), tmp_path / "style.safetensors")
    with pytest.raises(ModelError, match="has alphas, which AnimateDiff's layout has no place for"):
        convert(tmp_path / "style.safetensors", tmp_path / "x.safetensors")


def test_sparse_control_every_way(tmp_path: Path) -> None:
    base = tiny.tiny_motion_unet(attention_head_dim=2)
    network = tiny.made(lambda: SparseControl.for_base(base).network)
    original = sparse_control.write(network)
    write_tensors(tmp_path / "rgb.safetensors", original)
    convert(tmp_path / "rgb.safetensors", tmp_path / "ours", **TINY)
    convert(tmp_path / "rgb.safetensors", tmp_path / "theirs", to="diffusers", **TINY)
    convert(tmp_path / "theirs", tmp_path / "ours-too")
    assert inspect(tmp_path / "ours").what == inspect(tmp_path / "ours-too").what
    adapter = load_adapter(tmp_path / "ours-too")
    adapter.check_fits(base)
    held = load_adapter(tmp_path / "ours").state_dict()
    assert all(torch.equal(held[name], value) for name, value in adapter.state_dict().items())
    for number, folder in enumerate(("ours", "theirs", "ours-too")):
        convert(tmp_path / folder, tmp_path / f"{number}.safetensors", to="original")
        same(tmp_path / f"{number}.safetensors", original)


def test_gligen(tmp_path: Path) -> None:
    base = tiny.tiny_motion_unet()
    original = gligen.write(tiny.made(lambda: Grounding.for_base(base, objects=30)))
    torch.save({"model": original, "config_dict": {}}, tmp_path / "gligen.pth")
    (made,) = convert(tmp_path / "gligen.pth", tmp_path / "boxes", heads=4)
    assert made.what == "grounding adapter, in Kineograph's layout"
    load_adapter(tmp_path / "boxes").check_fits(base)
    assert (
        inspect(tmp_path / "boxes").training["origin"] == "gligen.pth, converted from gligen "
        "original"
    )
    convert(tmp_path / "boxes", tmp_path / "back.safetensors")
    same(tmp_path / "back.safetensors", original)


def test_modelscopes_unet(tmp_path: Path) -> None:
    unet = tiny.tiny_unet3d(block_out_channels=(64, 128), attention_head_dim=64)
    original = modelscope.write(unet)
    write_tensors(tmp_path / "ms.safetensors", original)
    (made,) = convert(tmp_path / "ms.safetensors", tmp_path / "unet", groups=2)
    assert made.what == "U-Net of ModelScope, in diffusers' layout"
    again = UNet3DConditionModel.from_pretrained(tmp_path / "unet").state_dict()
    assert all(torch.equal(again[name], held) for name, held in unet.state_dict().items())
    convert(tmp_path / "unet", tmp_path / "back.safetensors")
    same(tmp_path / "back.safetensors", original)
    with pytest.raises(ModelError, match="64, 128 channels cannot have heads of 64 and 48 groups;"):
        convert(tmp_path / "ms.safetensors", tmp_path / "other", groups=48)


def test_smcds_three_files(tmp_path: Path) -> None:
    unet = tiny.tiny_unet3d(
        block_out_channels=(64, 128), attention_head_dim=64, cross_attention_dim=64
    )
    held = smcd.Smcd(
        tiny.made(lambda: Grounding.for_base(unet)),
        tiny.made(lambda: PictureDual.for_base(unet, widths=(32, 64), depth=1)),
        modelscope.write(unet),
    )
    files = dict(zip(("", "_1", "_2"), smcd.write(held), strict=True))
    for name, tensors in files.items():
        torch.save(tensors, tmp_path / f"pytorch_model{name}.bin")
    written = convert(tmp_path, tmp_path / "out", groups=2)
    assert [made.path.name for made in written] == ["unet", "boxes", "picture"]
    told = inspect(tmp_path / "out")
    assert told.what == "SMCD in parts" and told.reads == ("boxes", "picture")
    convert(tmp_path / "out", tmp_path / "back")
    for name, tensors in files.items():
        same(tmp_path / "back" / f"pytorch_model{name}.safetensors", tensors)
    (tmp_path / "pytorch_model_1.bin").unlink()
    with pytest.raises(ModelError, match=r"lacks pytorch_model_1.bin; SMCD is three files: pytor"):
        convert(tmp_path, tmp_path / "again")


def test_refusals(tmp_path: Path) -> None:
    folder = tiny.tiny_model_folder(tmp_path / "model")
    with pytest.raises(ModelError, match="is a model of the family animatediff in the layout diff"):
        convert(folder, tmp_path / "out")
    motion = folder / "motion_adapter"
    with pytest.raises(ModelError, match="it can be converted to original, not to kineograph"):
        convert(motion, tmp_path / "out", to="kineograph")
    with pytest.raises(OutputError, match=r"originals are one file: name it \.safetensors"):
        convert(motion, tmp_path / "out.ckpt", to="original")
    save_file({"a.b": torch.zeros(2)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match="of no layout that is known"):
        convert(tmp_path / "x.safetensors", tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    torch.save(motion_module.write(tiny.tiny_motion_adapter()), tmp_path / "mm.ckpt")
    with pytest.raises(OutputError, match="folder is not empty"):
        convert(tmp_path / "mm.ckpt", tmp_path / "mine", **TINY)
    assert (tmp_path / "mine" / "thesis.txt").is_file()

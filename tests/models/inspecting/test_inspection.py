"""What files and folders are said to be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import tiny
from kineograph.core.errors import ModelError
from kineograph.models.adapter_folder import save_adapter
from kineograph.models.checkpoint import write_tensors
from kineograph.models.control.sparse_control import SparseControl
from kineograph.models.description import describe_adapter
from kineograph.models.grounding.grounding import Grounding
from kineograph.models.inspecting.inspection import inspect
from kineograph.models.layouts import modelscope, motion_module, sparse_control
from models.lora_makes import ATTENTION, LAYERS, WORDS, kohya, matrices, motion_lora
from models.original_sd import original


def count(network: torch.nn.Module) -> int:
    return sum(held.numel() for held in network.parameters())


def test_an_adapter_of_ours(tmp_path: Path) -> None:
    adapter = Grounding.for_base(tiny.tiny_motion_unet()).half()
    save_adapter(adapter, tmp_path / "boxes")
    told = inspect(tmp_path / "boxes")
    assert (told.what, told.layout, told.reads) == ("grounding adapter", "kineograph", ("boxes",))
    assert told.base == "animatediff, widths 8, 16, text width 32"
    assert told.parameters == count(adapter) and told.dtypes == {"float16": count(adapter)}
    assert told.tensors == len(adapter.state_dict())
    assert told.size == (tmp_path / "boxes" / "model.safetensors").stat().st_size
    assert told.training["reads"] == "boxes"


@pytest.mark.parametrize(
    ("mid", "frames", "version"), [(1, 32, "v2"), (0, 24, "v1"), (0, 32, "v3")]
)
def test_a_motion_module_in_both_layouts(
    tmp_path: Path, mid: int, frames: int, version: str
) -> None:
    adapter = tiny.tiny_motion_adapter(bool(mid), motion_max_seq_length=frames)
    adapter.save_pretrained(tmp_path / "folder")
    tensors = motion_module.write(adapter)
    write_tensors(tmp_path / "mm.safetensors", tensors)
    torch.save({"state_dict": tensors}, tmp_path / "mm.ckpt")
    for name, layout in (
        ("folder", "diffusers"),
        ("mm.safetensors", "animatediff-motion-module"),
        ("mm.ckpt", "animatediff-motion-module"),
    ):
        told = inspect(tmp_path / name)
        assert (told.what, told.layout) == ("motion module of AnimateDiff", layout)
        assert (told.version, told.frames) == (version, frames)
        assert told.base == "widths 8, 16"


def test_loras(tmp_path: Path) -> None:
    unet, text = tiny.tiny_motion_unet(), tiny.tiny_text_encoder()
    layers = LAYERS | {f"{ATTENTION.replace('attn1', 'attn2')}.to_k": 7}
    tensors = kohya(matrices(unet, layers), matrices(text, WORDS), 1.0)
    said = {"ss_network_dim": "7", "ss_sd_model_name": "dogs.safetensors", "ss_tag": "{}"}
    save_file(tensors, tmp_path / "style.safetensors", metadata=said)
    told = inspect(tmp_path / "style.safetensors")
    assert (told.what, told.layout, told.ranks) == ("LoRA", "lora", (2, 3, 4, 7))
    assert told.base == "unknown, text width 32"
    assert told.training == {"trained on": "dogs.safetensors", "rank": "7"}
    save_file(motion_lora(("mid_block",)), tmp_path / "zoom.safetensors")
    told = inspect(tmp_path / "zoom.safetensors")
    assert (told.what, told.ranks) == ("MotionLoRA of AnimateDiff", (2,))


def test_sparse_control_in_both_layouts(tmp_path: Path) -> None:
    network = SparseControl.for_base(tiny.tiny_motion_unet()).network
    network.save_pretrained(tmp_path / "folder")
    write_tensors(tmp_path / "rgb.safetensors", sparse_control.write(network))
    for name in ("folder", "rgb.safetensors"):
        told = inspect(tmp_path / name)
        assert (told.what, told.version, told.reads) == ("SparseCtrl", "rgb", ("picture",))
        assert told.base == "unknown, text width 32, widths 8, 16"


def test_scribbles_read_key_frames_alone(tmp_path: Path) -> None:
    network = SparseControl.for_base(tiny.tiny_motion_unet(), variant="scribble").network
    network.save_pretrained(tmp_path / "folder")
    write_tensors(tmp_path / "scribble.safetensors", sparse_control.write(network))
    for name in ("folder", "scribble.safetensors"):
        told = inspect(tmp_path / name)
        assert (told.what, told.version, told.reads) == ("SparseCtrl", "scribble", ())


def test_modelscopes_own_file(tmp_path: Path) -> None:
    write_tensors(tmp_path / "ms.safetensors", modelscope.write(tiny.tiny_unet3d()))
    told = inspect(tmp_path / "ms.safetensors")
    assert (told.what, told.layout, told.reads) == ("U-Net of ModelScope", "modelscope", ())
    assert told.base == "unknown, text width 32"


def test_a_unet_that_does_not_say_its_widths(tmp_path: Path) -> None:
    folder = tiny.tiny_model_folder(tmp_path / "model")
    path = folder / "unet" / "config.json"
    said = json.loads(path.read_text())
    del said["block_out_channels"]
    path.write_text(json.dumps(said))
    with pytest.raises(ModelError, match=r"config\.json does not say block_out_channels, the chan"):
        inspect(folder)


def test_hidden_folders_are_no_adapters_and_a_missing_one_is_named(tmp_path: Path) -> None:
    folder = tiny.tiny_model_folder(tmp_path / "model")
    save_adapter(Grounding.for_base(tiny.tiny_motion_unet()), folder / "adapters" / "boxes")
    (folder / "adapters" / ".ipynb_checkpoints").mkdir()
    (folder / "adapters" / ".DS_Store").write_text("x")
    assert [one.what for one in inspect(folder).adapters] == ["grounding adapter"]
    with pytest.raises(ModelError, match=r"there is no adapter in .*none: it is not there; give a"):
        describe_adapter(tmp_path / "none")
    with pytest.raises(ModelError, match=r"model: it has no config\.json; give an adapter's folde"):
        describe_adapter(folder)


def test_a_model_folder_lists_its_parts_and_adapters(tmp_path: Path) -> None:
    folder = tiny.tiny_model_folder(tmp_path / "model", "stable-diffusion")
    save_adapter(Grounding.for_base(tiny.tiny_motion_unet()), folder / "adapters" / "boxes")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A\n- steps: 3000\n- see: it\n")
    told = inspect(folder)
    assert told.what == "model of the family animatediff" and told.frames == 32
    assert set(told.parts) == {"unet", "vae", "text_encoder", "motion_adapter"}
    assert told.parts["unet"] == f"UNet2DConditionModel, {count(tiny.tiny_unet2d()):,} parameters"
    assert told.training == {"license": "mit", "steps": "3000", "see": "it"}
    assert [(one.what, one.reads) for one in told.adapters] == [("grounding adapter", ("boxes",))]
    assert told.reads == ("boxes",)


def test_folders_are_told_without_torch(tmp_path: Path) -> None:
    folder = tiny.tiny_model_folder(tmp_path / "model")
    code = (
        "import sys; from kineograph.models.inspecting.inspection import inspect; "
        f"inspect({str(folder)!r}); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_single_file_checkpoint(tmp_path: Path) -> None:
    tensors = original(tiny.tiny_unet2d(), tiny.tiny_vae(), tiny.tiny_text_encoder())
    save_file(tensors, tmp_path / "dream.safetensors")
    told = inspect(tmp_path / "dream.safetensors")
    assert told.layout == "stable-diffusion" and told.base == "unknown, text width 32"


def test_what_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no .*nothing; give a model's folder or a wei"):
        inspect(tmp_path / "nothing")
    with pytest.raises(ModelError, match=r"holds no model: no config.json, no unet, no weights;"):
        inspect(tmp_path)
    save_file({"a.b": torch.zeros(2)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=r"of no layout that is known \(it holds a.b\); give Ani"):
        inspect(tmp_path / "x.safetensors")
    whole = (tmp_path / "x.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-3])
    with pytest.raises(ModelError, match=rf"is cut short: {len(whole) - 3} bytes of {len(whole)};"):
        inspect(tmp_path / "cut.safetensors")
    (tmp_path / "page.safetensors").write_bytes(b"<html>" * 9)
    with pytest.raises(ModelError, match=r"is no safetensors file \(its head has no length"):
        inspect(tmp_path / "page.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"kind": "hats"}))
    with pytest.raises(ModelError, match="holds an adapter 'hats'; this version knows boximator"):
        inspect(tmp_path)

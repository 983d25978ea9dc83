"""Personalised checkpoints in one file over a base's folder."""

from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

import tiny
from kineograph.core.errors import ModelError
from kineograph.models.base import load_base
from kineograph.models.loading import single_file
from models.original_sd import original


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("models")
    return {family: tiny.tiny_model_folder(place / family, family) for family in tiny.FAMILIES}


@pytest.mark.parametrize("family", ["animatediff", "stable-diffusion"])
@pytest.mark.parametrize("ending", ["safetensors", "ckpt"])
def test_a_personalised_checkpoint(
    folders: dict[str, Path], tmp_path: Path, family: str, ending: str
) -> None:
    """Every tensor of the picture networks comes from the file, every motion layer stays."""
    unet, vae, text = tiny.tiny_unet2d(9), tiny.tiny_vae(9), tiny.tiny_text_encoder(9)
    path = tmp_path / f"dream.{ending}"
    if ending == "ckpt":
        torch.save({"state_dict": original(unet, vae, text), "epoch": 3}, path)
    else:
        save_file(original(unet, vae, text), path)
    base = load_base(folders[family], checkpoint=path)
    for network, wanted in ((base.unet, unet), (base.vae, vae), (base.text.model, text)):
        held = network.state_dict()
        for name, tensor in wanted.state_dict().items():
            assert torch.equal(held[name], tensor), name
    before = tiny.tiny_motion_unet().state_dict()
    for name, tensor in base.unet.state_dict().items():
        if "motion_modules" in name:
            assert torch.equal(tensor, before[name])


def test_a_checkpoint_with_code_is_not_run(folders: dict[str, Path], tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": Trap()}}, tmp_path / "bad.ckpt")
    with pytest.raises(ModelError, match="which could run code"):
        load_base(folders["animatediff"], checkpoint=tmp_path / "bad.ckpt")


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('code from a checkpoint was run')",)


def test_checkpoints_of_other_kinds(folders: dict[str, Path], tmp_path: Path) -> None:
    base = folders["animatediff"]
    wide = UNet2DConditionModel(**dict(tiny.tiny_unet2d().config) | {"cross_attention_dim": 48})
    tensors = original(wide, tiny.tiny_vae(), tiny.tiny_text_encoder())
    save_file(tensors, tmp_path / "wide.safetensors")
    with pytest.raises(
        ModelError, match=r"wide.safetensors: this is not the unet of this base: it"
    ):
        load_base(base, checkpoint=tmp_path / "wide.safetensors")
    save_file(tensors | {"conditioner.embedders.0.x": torch.zeros(1)}, tmp_path / "xl.safetensors")
    with pytest.raises(ModelError, match="is Stable Diffusion XL; a checkpoint of Stable Diffusi"):
        load_base(base, checkpoint=tmp_path / "xl.safetensors")
    save_file({"lora_unet_x.lora_down.weight": torch.zeros(1)}, tmp_path / "lora.safetensors")
    with pytest.raises(ModelError, match=r"is a LoRA, which is applied on top of a model \(--lora"):
        load_base(base, checkpoint=tmp_path / "lora.safetensors")
    with pytest.raises(ModelError, match="which is modelscope; personalised checkpoints are of"):
        load_base(folders["modelscope"], checkpoint=tmp_path / "wide.safetensors")


def test_stable_diffusion_at_its_full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name and shape of Stable Diffusion 1.5, without its gigabytes."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8)
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
        )
        text = CLIPTextModel(
            CLIPTextConfig(
                hidden_size=768,
                intermediate_size=3072,
                num_hidden_layers=12,
                num_attention_heads=12,
            )
        )
    tensors = original(unet, vae, text)
    assert len(tensors) == 1130  # the published file, without the noise schedule and position ids
    assert "model.diffusion_model.output_blocks.8.2.conv.weight" in tensors
    monkeypatch.setattr(single_file, "read_tensors", lambda path: tensors)
    file = single_file.read_single_file("v1-5.ckpt", unet.config, vae.config)
    for network, made in ((unet, file.unet), (vae, file.vae), (text, file.text)):
        wanted = {name: held.shape for name, held in network.state_dict().items()}
        assert {name: held.shape for name, held in made.items()} == wanted

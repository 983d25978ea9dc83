"""Bases from folders of every layout, and what is said when something is missing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import UNetMotionModel
from safetensors.torch import load_file, save_file

import tiny
from kineograph.core.errors import ModelError
from kineograph.models.base import Base, load_base
from kineograph.models.checkpoint import write_tensors
from kineograph.models.description import describe_base
from kineograph.models.kinds import ADAPTERS, READS
from kineograph.models.layouts import motion_module

HEADS = 8
"""Attention heads of original motion modules; their files do not tell."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("models")
    return {
        family: tiny.tiny_model_folder(place / family, family, vision=family != "modelscope")
        for family in tiny.FAMILIES
    }


@pytest.fixture
def sd(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the Stable Diffusion folder, to break."""
    return Path(shutil.copytree(folders["stable-diffusion"], tmp_path / "sd"))


def run(base: Base, frames: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 4, frames, 8, 8, generator=generator)
    text = base.text.encode(["a red ball"])
    if base.family == "animatediff":
        text = text.repeat_interleave(frames, 0)
    with torch.no_grad():
        return base.unet(sample, 500, encoder_hidden_states=text).sample


def change(folder: Path, part: str, **values: object) -> None:
    path = folder / part / ("scheduler_config.json" if part == "scheduler" else "config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("family", "version"),
    [("animatediff", "v3"), ("stable-diffusion", "v3"), ("modelscope", None)],
)
def test_every_layout(folders: dict[str, Path], family: str, version: str | None) -> None:
    state = torch.random.get_rng_state()
    base = load_base(folders[family])
    assert torch.equal(torch.random.get_rng_state(), state)
    wanted = tiny.tiny_unet3d() if family == "modelscope" else tiny.tiny_motion_unet()
    held = base.unet.state_dict()
    assert all(torch.equal(held[name], tensor) for name, tensor in wanted.state_dict().items())
    assert base.motion == version and base.name == family and base.stride == 2
    assert base.frames == (None if family == "modelscope" else 32)
    assert base.scheduler["_class_name"] == "DDIMScheduler"
    assert (base.vision is None) == (family == "modelscope")
    assert not any(network.training for network in base.networks.values())
    assert torch.isfinite(run(base)).all()


def test_the_description_needs_no_weights_and_no_torch(folders: dict[str, Path]) -> None:
    told = describe_base(folders["stable-diffusion"])
    assert (told.family, told.unet) == ("animatediff", "UNet2DConditionModel")
    assert (told.widths, told.text_width, told.channels) == ((8, 16), 32, 4)
    assert (told.frames, told.stride, told.size) == (32, 2, (16, 16))
    assert told.motion and told.vision and told.reads == frozenset()
    code = (
        "import sys; from kineograph.models.description import describe_base; "
        f"describe_base({str(folders['modelscope'])!r}); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_each_kind_of_adapter_reads_is_what_its_class_says() -> None:
    from kineograph.models.adapter_folder import adapter_class

    assert set(READS) == set(ADAPTERS)
    assert {kind: tuple(sorted(adapter_class(kind).reads)) for kind in READS} == dict(READS)


def test_adapters_in_the_folder_are_loaded_with_it(sd: Path) -> None:
    from kineograph.models.adapter_folder import save_adapter
    from kineograph.models.grounding.grounding import Grounding

    save_adapter(Grounding.for_base(tiny.tiny_motion_unet()), sd / "adapters" / "boxes")
    told = describe_base(sd)
    assert [(a.name, a.kind, a.reads) for a in told.adapters] == [
        ("boxes", "grounding", ("boxes",))
    ]
    assert told.reads == {"boxes"}
    base = load_base(sd)
    assert set(base.adapters) == {"boxes"} and "adapters/boxes" in base.networks
    (sd / "adapters" / "boxes" / "config.json").write_text('{"kind": "hats"}')
    with pytest.raises(ModelError, match="holds an adapter 'hats'; this version knows boximator"):
        load_base(sd)


def test_an_original_motion_module_over_a_folder(sd: Path, tmp_path: Path) -> None:
    """The same numbers from the original file as from the folder it was converted to."""
    shutil.rmtree(sd / "motion_adapter")
    with pytest.raises(ModelError, match="sd makes still pictures: it has no motion layers; give"):
        load_base(sd)
    adapter = tiny.tiny_motion_adapter(True, seed=5, motion_num_attention_heads=HEADS)
    write_tensors(tmp_path / "mm.safetensors", motion_module.write(adapter))
    adapter.save_pretrained(tmp_path / "folder")
    made = [load_base(sd, motion=tmp_path / name) for name in ("mm.safetensors", "folder")]
    assert made[0].motion == made[1].motion == "v2"
    torch.testing.assert_close(run(made[0]), run(made[1]), rtol=0, atol=0)


def test_motion_layers_in_a_unet_are_exchanged(folders: dict[str, Path], tmp_path: Path) -> None:
    tiny.tiny_motion_adapter(True, seed=5).save_pretrained(tmp_path / "other")
    base = load_base(folders["animatediff"], motion=tmp_path / "other")
    with torch.random.fork_rng():
        wanted = UNetMotionModel.from_unet2d(tiny.tiny_unet2d(), tiny.tiny_motion_adapter(True, 5))
    held = base.unet.state_dict()
    assert set(held) == set(wanted.state_dict())
    assert all(torch.equal(held[name], value) for name, value in wanted.state_dict().items())


def test_a_motion_module_for_other_widths(sd: Path, tmp_path: Path) -> None:
    tiny.tiny_motion_adapter(block_out_channels=(8, 32)).save_pretrained(tmp_path / "wide")
    with pytest.raises(ModelError, match="wide is made for widths 8, 32, the U-Net has 8, 16; ta"):
        load_base(sd, motion=tmp_path / "wide")
    tiny.tiny_motion_adapter(motion_layers_per_block=2).save_pretrained(tmp_path / "deep")
    with pytest.raises(ModelError, match="has 2, 2 layers in its blocks, the U-Net 1, 1; take"):
        load_base(sd, motion=tmp_path / "deep")
    with pytest.raises(ModelError, match=r"there is no motion module at ./nowhere; give a folder"):
        load_base(sd, motion="./nowhere")
    with pytest.raises(ModelError, match="is a UNet2DConditionModel; motion layers are a Motion"):
        load_base(sd, motion=sd / "unet")


def test_motion_layers_for_modelscope_are_refused(folders: dict[str, Path]) -> None:
    where = folders["stable-diffusion"] / "motion_adapter"
    with pytest.raises(ModelError, match="were given for modelscope; ModelScope has its own; give"):
        load_base(folders["modelscope"], motion=where)


def test_a_text_encoder_of_another_model(sd: Path) -> None:
    tiny.tiny_text_encoder(width=64).save_pretrained(sd / "text_encoder")
    with pytest.raises(ModelError, match="reads text of width 32, its text encoder writes 64; ta"):
        load_base(sd)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_missing_part_is_named(sd: Path, part: str) -> None:
    shutil.rmtree(sd / part)
    with pytest.raises(ModelError, match=rf"sd has no {part}.*; give a folder in diffusers' lay"):
        load_base(sd)


def test_weights_that_lack_tensors_are_not_filled_up_at_random(sd: Path) -> None:
    path = sd / "unet" / "diffusion_pytorch_model.safetensors"
    held = load_file(path)
    del held["conv_in.weight"]
    save_file(held, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"unet do not fit its config: it lacks conv_in.weight;"):
        load_base(sd)


def test_models_of_other_kinds(sd: Path) -> None:
    change(sd, "unet", addition_embed_type="text_time", cross_attention_dim=2048)
    with pytest.raises(ModelError, match="is Stable Diffusion XL, text width 2048; this engine"):
        describe_base(sd)
    change(sd, "unet", _class_name="UNetSpatioTemporalConditionModel")
    with pytest.raises(ModelError, match="is Stable Video Diffusion; its engine is i2v; this eng"):
        describe_base(sd)
    change(sd, "unet", _class_name="FluxTransformer")
    with pytest.raises(ModelError, match="is a FluxTransformer; this engine reads Stable Diffus"):
        describe_base(sd)


def test_places_that_are_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "a.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"a.safetensors is a file; the model has to be a folder"):
        load_base(tmp_path / "a.safetensors")
    with pytest.raises(ModelError, match="there is no model at nothing; give a folder in diffus"):
        load_base("nothing")
    with pytest.raises(ModelError) as told:
        load_base("somebody/some-model")
    assert str(told.value) == (
        "the model somebody/some-model is not on this machine, and HF_HUB_OFFLINE is set; "
        "fetch it: hf download somebody/some-model"
    )


def test_the_hubs_cache_is_read_offline(
    sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "hub"
    place = cache / "models--somebody--tiny"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc")
    shutil.copytree(sd, place / "snapshots" / "abc")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    assert load_base("somebody/tiny").name == "somebody/tiny"


def test_half_precision_and_frames(folders: dict[str, Path]) -> None:
    base = load_base(folders["animatediff"], dtype=torch.bfloat16)
    assert {p.dtype for n in base.networks.values() for p in n.parameters()} == {torch.bfloat16}
    assert base.dtype == torch.bfloat16 and base.device == torch.device("cpu")
    base.check_frames(32)
    with pytest.raises(ModelError, match=r"33 frames were asked for; .* read at most 32 at once"):
        base.check_frames(33)


def test_old_names_of_the_text_encoder_are_read(sd: Path) -> None:
    """Folders saved by older versions have "text_model." before every name."""
    path = sd / "text_encoder" / "model.safetensors"
    held = {f"text_model.{name}": tensor for name, tensor in load_file(path).items()}
    save_file(held, path, metadata={"format": "pt"})
    base = load_base(sd)
    wanted = tiny.tiny_text_encoder().state_dict()
    assert all(torch.equal(base.text.model.state_dict()[n], t) for n, t in wanted.items())

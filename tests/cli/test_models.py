"""`kineograph models`: what weights are, and converting them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import tiny
from cli.conftest import Run
from kineograph.models.adapter_folder import save_adapter
from kineograph.models.grounding.grounding import Grounding
from kineograph.models.layouts import motion_module


@pytest.fixture
def motion(folder: Path) -> Path:
    """An original motion module in the working folder."""
    torch.save({"state_dict": motion_module.write(tiny.tiny_motion_adapter(True))}, "mm.ckpt")
    return folder / "mm.ckpt"


def test_inspect_tells_people(run: Run, motion: Path) -> None:
    told = run("models", "inspect", "mm.ckpt").stdout
    lines = [" ".join(line.split()) for line in told.splitlines()]
    size, count = motion.stat().st_size, sum(p.numel() for p in _stored().values())
    assert lines[:5] == [
        "mm.ckpt",
        "what motion module of AnimateDiff, v2",
        "layout animatediff-motion-module",
        "base widths 8, 16",
        "frames at most 32 at once",
    ]
    kib = f"{size / 1024:.3g}"
    assert (
        lines[5] == f"weights {count:,} parameters in {len(_stored())} tensors, float32, {kib} KiB"
    )


def _stored() -> dict[str, torch.Tensor]:
    return motion_module.write(tiny.tiny_motion_adapter(True))


def test_inspect_lists_the_adapters_of_a_model(run: Run, folder: Path) -> None:
    model = tiny.tiny_model_folder(folder / "model", "modelscope")
    adapter = Grounding.for_base(tiny.tiny_unet3d())
    save_adapter(adapter, model / "adapters" / "boxes")
    lines = [
        " ".join(line.split()) for line in run("models", "inspect", "model").stdout.split("\n")
    ]
    count = sum(held.numel() for held in adapter.parameters())
    assert f"adapter boxes grounding adapter, reads boxes, {count:,} parameters" in lines
    assert "base modelscope, widths 8, 16, text width 32" in lines
    assert any(line.startswith("part unet UNet3DConditionModel, ") for line in lines)


def test_inspect_as_json_a_line_each(run: Run, motion: Path, folder: Path) -> None:
    tiny.tiny_motion_adapter().save_pretrained(folder / "motion")
    lines = run("models", "inspect", "--json", "mm.ckpt", "motion").stdout.splitlines()
    told = [json.loads(line) for line in lines]
    assert [one["version"] for one in told] == ["v2", "v3"]
    assert told[0]["dtypes"] == {"float32": told[0]["parameters"]}
    assert [one["path"] for one in told] == ["mm.ckpt", "motion"]


def test_convert_there_and_back(run: Run, motion: Path) -> None:
    done = run("models", "convert", "mm.ckpt", "motion", "--heads", 2, "--groups", 2)
    said = "wrote motion: motion module of AnimateDiff v2, in diffusers' layout\n"
    assert done.stdout == said
    assert {path.name for path in Path("motion").iterdir()} == {
        "README.md",
        "config.json",
        "diffusion_pytorch_model.safetensors",
    }
    run("models", "convert", "motion", "back.safetensors", "--to", "original", "-q")
    from safetensors.torch import load_file

    held = load_file("back.safetensors")
    assert all(torch.equal(held[name], value) for name, value in _stored().items())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("inspect", "nothing"), "error: there is no nothing; give a model's folder or a weights"),
        (("inspect", "photo.png"), "error: photo.png holds no weights; a weights file is one of"),
        (("convert", "photo.png", "out"), "error: photo.png holds no weights; a weights file is"),
        (("convert", "mm.ckpt", "out", "--to", "gguf"), "it can be converted to diffusers, not to"),
        (
            ("convert", "mm.ckpt", "out"),
            "error: mm.ckpt cannot have 8 heads and 32 groups (num_chann",
        ),
    ],
)
def test_errors_are_one_line(run: Run, motion: Path, words: tuple[str, ...], said: str) -> None:
    done = run("models", *words, code=2)
    assert said in done.stderr and len(done.stderr.splitlines()) == 1
    assert not Path("out").exists()


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['kineograph', 'models', 'inspect', '--help']\n"
        "from kineograph.cli.main import run\n"
        "try: run()\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'numpy', 'diffusers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]" and "FOLDER_OR_FILE" in done.stdout

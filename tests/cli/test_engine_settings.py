"""What a command line says of the engine."""

import subprocess
import sys
from typing import Any

import pytest

from cli.conftest import Run
from kineograph.cli.engine_settings import changed, engine_settings
from kineograph.cli.options import UsageError


@pytest.mark.parametrize(
    ("pair", "wanted"),
    [
        ("memory=slicing,tiling", {"memory": ["slicing", "tiling"]}),
        ("memory=slicing", {"memory": ["slicing"]}),
        ("memory= slicing , tiling ", {"memory": ["slicing", "tiling"]}),
        ('memory=["slicing"]', {"memory": ["slicing"]}),
        ("loras=a.ckpt:0.5,b.ckpt", {"loras": ["a.ckpt:0.5", "b.ckpt"]}),
        ("scheduler=a,b", {"scheduler": "a,b"}),
        ("guidance=text=3,tracks=1.5", {"guidance": "text=3,tracks=1.5"}),
        ("clip-skip=2", {"clip_skip": 2}),
        ('strengths={"tracks": 0.5}', {"strengths": {"tracks": 0.5}}),
    ],
)
def test_values_are_what_their_settings_hold(pair: str, wanted: dict[str, Any]) -> None:
    assert engine_settings(None, [], [], [pair]) == wanted


def test_a_model_alone_chooses_its_engine() -> None:
    assert changed(None, None, {"model": "sd15"})["name"] == "unet"
    held = {"name": "unet", "settings": {"model": "sd15", "steps": 9}}
    assert changed(held, None, {"adapters": ["tracks"]}) == {
        "name": "unet",
        "settings": {"model": "sd15", "steps": 9, "adapters": ["tracks"]},
    }


@pytest.mark.parametrize(
    ("name", "settings", "option"),
    [
        (None, {"adapters": ["x"]}, "--adapter"),
        (None, {"loras": ["x"]}, "--lora"),
        ("warp", {"model": "x", "adapters": ["y"]}, "--model"),
    ],
)
def test_warp_has_no_model(name: str | None, settings: dict[str, Any], option: str) -> None:
    said = f"^{option} was given and the engine is warp, .* no model; take engine unet, with --mo"
    with pytest.raises(UsageError, match=said):
        changed(None, name, settings)


def test_the_command_says_so_in_one_line(run: Run) -> None:
    done = run("animate", "photo.png", "--adapter", "tracks", code=2)
    assert "--adapter was given and the engine is warp" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_lists_are_told_without_torch() -> None:
    code = (
        "import sys; from kineograph.cli.engine_settings import engine_settings as read; "
        "read(None, [], [], ['memory=a,b']); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

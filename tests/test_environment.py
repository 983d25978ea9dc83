"""What the package needs around it: pins that fit, and no torch, torchvision or the like."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import kineograph

ROOT = Path(__file__).parents[1]
SOURCE = Path(kineograph.__file__).parent
LEARNED = ("torch", "torchvision", "diffusers", "transformers", "accelerate", "peft", "safetensors")
WITHOUT_LEARNED = ("core", "formats", "vision", "render", "gestures", "engines", "cli")
"""Rooms every module of which imports without any of LEARNED, but for LEARNED_ROOMS."""
LEARNED_ROOMS = ("engines/detail", "engines/diffusion")
"""Inner rooms that are imported only when a network is to run."""

BLOCKED = f"""
import importlib, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {LEARNED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""

PINS = {
    re.sub(r"[-_.]+", "-", name).lower(): version
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M
    )
}


def module_names() -> list[str]:
    return [
        ".".join(("kineograph", *path.relative_to(SOURCE).with_suffix("").parts))
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).parts[0] in WITHOUT_LEARNED
        and not path.relative_to(SOURCE).as_posix().startswith(LEARNED_ROOMS)
        and path.name != "__main__.py"
    ]


def requirements() -> list[tuple[str, str]]:
    """(name, specifier) of everything that pyproject.toml asks for, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {}).values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    found = [re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?\s*([^;]*)(?:;.*)?", line) for line in lines]
    assert all(found), lines
    named = [(match[1].lower(), match[2].strip()) for match in found if match]
    return [(name, specifier) for name, specifier in named if name != project["name"]]


def test_every_module_imports_where_nothing_learned_is_installed() -> None:
    names = module_names()
    assert len(names) > 20
    code = f"{BLOCKED}\nfor name in {names!r}: importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("name", "specifier"), requirements())
def test_what_is_required_is_pinned_and_the_pin_fits(name: str, specifier: str) -> None:
    specifiers = pytest.importorskip("packaging.specifiers")
    assert name in PINS, f"{name} is in pyproject.toml but has no pin in constraints.txt"
    assert specifiers.SpecifierSet(specifier).contains(PINS[name])


def test_torchvision_is_never_asked_for() -> None:
    assert "torchvision" not in PINS
    assert "torchvision" not in {name for name, _ in requirements()}


def test_torch_is_pinned_for_every_build() -> None:
    assert re.fullmatch(r"[\d.]+", PINS["torch"]), (
        "a local version such as +cpu fits one build only"
    )


def test_the_core_asks_for_nothing_learned() -> None:
    core = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert not {line for line in core if line.startswith(LEARNED)}

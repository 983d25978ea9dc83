"""What the README promises: its commands run, its example runs, its links lead somewhere.

A block that is to be run stands in the README directly below `<!-- tested -->`. Blocks of one
language run one after the other, in one folder that holds only photo.jpg.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^<!-- tested -->\n+```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"(?:\]\(|(?:src|href)=\")([^)\"\s]+)")


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, photograph: np.ndarray) -> Path:
    cv2.imwrite(str(tmp_path / "photo.jpg"), cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR))
    return tmp_path


def blocks_to_run(readme: str, language: str) -> list[str]:
    blocks = [text for name, text in BLOCK.findall(readme) if name == language]
    assert blocks, f"the README has no ```{language} block below a line <!-- tested -->"
    return blocks


def run(command: list[str], folder: Path) -> None:
    """Run in the folder, with this environment's own commands first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"


def test_the_commands_run(readme: str, folder: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    before = set(folder.iterdir())
    for block in blocks_to_run(readme, "bash"):
        run([bash, "-euo", "pipefail", "-c", block], folder)
    assert set(folder.iterdir()) > before, "the README's commands made nothing"


def test_the_python_example_runs(readme: str, folder: Path) -> None:
    before = set(folder.iterdir())
    for block in blocks_to_run(readme, "python"):
        run([sys.executable, "-c", block], folder)
    assert set(folder.iterdir()) > before, "the README's example made nothing"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.M | re.S)
    local = {target.split("#")[0] for target in TARGET.findall(text) if "://" not in target}
    missing = sorted(target for target in local - {""} if not (ROOT / target).exists())
    assert not missing, f"{name} points to {missing}, which are not there"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_make_commands_exist(name: str) -> None:
    named = set(
        re.findall(r"^(?:\$ )?make ([a-z]+)|`make ([a-z]+)`", (ROOT / name).read_text(), re.M)
    )
    makefile = (ROOT / "Makefile").read_text()
    for target in {one or other for one, other in named}:
        assert re.search(rf"^{target}:", makefile, re.M), f"{name} names `make {target}`"

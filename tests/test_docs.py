"""The commands and examples of docs/models.md run, on a tiny model in place of what they name."""

import re
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.tiny_model import tiny_model
from test_readme import ROOT, blocks_to_run, run

PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(photograph: np.ndarray, tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "photo.jpg"), cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR))
    tiny_model(tmp_path / "sd15", "stable-diffusion")
    return tmp_path


@pytest.mark.slow
def test_the_commands_of_the_models_page_run(folder: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    for block in blocks_to_run(PAGE, "bash"):
        run([bash, "-euo", "pipefail", "-c", block], folder)
    made = {path.name for path in folder.iterdir()}
    assert {"out.mp4", "out.json", "motion.safetensors", "motion"} <= made


@pytest.mark.slow
def test_the_examples_of_the_models_page_run(folder: Path) -> None:
    blocks = blocks_to_run(PAGE, "python")
    assert len(blocks) == len(re.findall("^```python$", PAGE, re.MULTILINE)), "one is not run"
    for block in blocks:
        run([sys.executable, "-c", block], folder)
    made = {path.name for path in folder.iterdir()}
    assert {"ball.mp4", "ball.json", "tracks"} <= made

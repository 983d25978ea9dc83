"""The commands of docs/models.md run, on a tiny model in the place of the one that they name."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.tiny_model import tiny_model
from test_readme import ROOT, blocks_to_run, run


@pytest.mark.slow
def test_the_commands_of_the_models_page_run(photograph: np.ndarray, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.jpg"), cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR))
    tiny_model(tmp_path / "sd15", "stable-diffusion")
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for block in blocks_to_run(text, "bash"):
        run([bash, "-euo", "pipefail", "-c", block], tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    assert {"out.mp4", "out.json", "motion.safetensors", "motion"} <= made

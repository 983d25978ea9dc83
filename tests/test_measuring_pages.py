"""The commands and examples of docs/measuring.md and docs/study.md run."""

import re
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from test_readme import ROOT, blocks_to_run, run

MEASURING = (ROOT / "docs" / "measuring.md").read_text(encoding="utf-8")
STUDY = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(photograph: np.ndarray, tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "photo.jpg"), cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR))
    return tmp_path


def run_bash(page: str, folder: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    for block in blocks_to_run(page, "bash"):
        run([bash, "-euo", "pipefail", "-c", block], folder)


@pytest.mark.slow
def test_the_measuring_page_runs(folder: Path) -> None:
    run_bash(MEASURING, folder)
    assert (folder / "reports" / "first" / "index.html").is_file()
    assert (folder / "compared.html").is_file() and (folder / "values.json").is_file()
    examples = blocks_to_run(MEASURING, "python")
    assert len(examples) == len(re.findall("^```python$", MEASURING, re.MULTILINE))
    for block in examples:
        run([sys.executable, "-c", block], folder)


@pytest.mark.slow
def test_the_study_page_runs(folder: Path) -> None:
    run_bash(STUDY, folder)
    assert (folder / "study").is_dir()

"""The model that comes with the package: its size, its card, and the commands of its page."""

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mini_plan import SHIPPED

from test_readme import ROOT, blocks_to_run, run

PAGE = (ROOT / "docs" / "mini.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(
    not (SHIPPED / "model_index.json").is_file(), reason="this tree holds no weights of mini"
)


def test_it_is_small() -> None:
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 60e6
    assert all(path.suffix not in (".pt", ".ckpt", ".bin", ".pkl") for path in files)


def test_its_card_says_what_it_is() -> None:
    card = (SHIPPED / "README.md").read_text(encoding="utf-8")
    for part in ("license: apache-2.0", "## Data", "## Training", "## Figures", "## Limits"):
        assert part in card, part
    assert "Not measured yet" not in card
    for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", card):
        assert (SHIPPED / name).is_file(), name


def test_every_picture_of_its_page_is_there() -> None:
    named = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", PAGE)
    assert named, "the gallery is empty; run docs/mini_pictures.py"
    for name in named:
        assert (ROOT / "docs" / name).stat().st_size < 400_000, name


@pytest.mark.slow
def test_the_commands_of_its_page_run(photograph: np.ndarray, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    cv2.imwrite(str(tmp_path / "photo.jpg"), cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR))
    for block in blocks_to_run(PAGE, "bash"):
        run([bash, "-euo", "pipefail", "-c", block], tmp_path)
    assert all((tmp_path / name).is_file() for name in ("zoom.mp4", "drag.mp4"))

"""The commands of docs/training.md run, on the tiny twins."""

import shutil
from pathlib import Path

import pytest

from test_readme import ROOT, blocks_to_run, run


@pytest.mark.slow
def test_the_commands_of_the_training_page_run(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    for block in blocks_to_run(text, "bash"):
        run([bash, "-euo", "pipefail", "-c", block], tmp_path)
    stage = tmp_path / "runs" / "tiny" / "autoencoder"
    assert {"record.jsonl", "checkpoints", "trained"} <= {path.name for path in stage.iterdir()}
    assert (stage / "trained" / "engine.json").is_file()

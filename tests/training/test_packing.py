"""A trained model as one folder in half precision."""

from pathlib import Path

import pytest
import torch

from kineograph.core.errors import OutputError, TrainingError
from kineograph.models.base import load_base
from kineograph.training.packing import pack
from kineograph.training.plan import alone
from kineograph.training.recipes import mini, tiny_base
from kineograph.training.stage import LoraChoice
from kineograph.training.subject import Subject


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the last stage of the twin of `mini` writes, untrained."""
    recipe = mini.tiny()
    folder = tmp_path_factory.mktemp("packing") / "trained"
    Subject.of(alone(recipe.stages[-1], recipe), recipe.base).export(folder, "# a card\n")
    return folder


def test_one_folder_holds_base_and_adapters_in_half(export: Path, tmp_path: Path) -> None:
    out = pack(export, tmp_path / "model")
    base = load_base(out)
    assert set(base.adapters) == {"picture", "motion", "carried"}
    before = load_base(export / "base")
    for name, held in before.unet.state_dict().items():
        assert torch.equal(base.unet.state_dict()[name], held.half().float()), name
    files = [path for path in out.rglob("*") if path.is_file()]
    whole = sum(path.stat().st_size for path in export.rglob("*.safetensors"))
    halves = sum(path.stat().st_size for path in files if path.suffix == ".safetensors")
    assert 0.45 * whole < halves < 0.65 * whole
    assert (out / "README.md").read_text(encoding="utf-8") == "# a card\n"
    pack(export, out)  # a model that stands there is replaced


def test_nothing_else_is_written_over(export: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(OutputError):
        pack(export, tmp_path / "model")
    assert (tmp_path / "model" / "letter.txt").read_text(encoding="utf-8") == "dear"


def test_low_rank_changes_are_refused(tmp_path: Path) -> None:
    recipe = tiny_base.tiny()
    stage = alone(recipe.stages[-1], recipe).model_copy(
        update={"trains": ("lora",), "lora": LoraChoice(rank=2, on="motion")}
    )
    Subject.of(stage, recipe.base).export(tmp_path / "lora")
    with pytest.raises(TrainingError, match="low-rank changes, which a packed model has no place"):
        pack(tmp_path / "lora", tmp_path / "model")
    assert not (tmp_path / "model").exists()

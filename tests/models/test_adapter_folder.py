"""Adapters on disk: whole, alone, bit by bit, and what is said of broken ones."""

import json
from pathlib import Path

import pytest
import torch

from kineograph.core.errors import ModelError, OutputError
from kineograph.models import kinds
from kineograph.models.adapter_folder import CARD, CONFIG, WEIGHTS, load_adapter, save_adapter
from kineograph.models.checkpoint import read_tensors, write_tensors
from models.all_ways import AllWays
from tiny import randomise, tiny_motion_unet


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kinds.ADAPTERS, "all-ways", "models.all_ways:AllWays")


@pytest.fixture
def adapter() -> AllWays:
    made = AllWays.for_base(tiny_motion_unet(), place=15)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        randomise(made)
    return made


def test_what_is_saved_is_loaded_bit_by_bit(adapter: AllWays, tmp_path: Path) -> None:
    save_adapter(adapter, tmp_path / "it")
    again = load_adapter(tmp_path / "it")
    assert isinstance(again, AllWays)
    assert (again.config, again.training) == (adapter.config, False)
    held = again.state_dict()
    assert list(held) == list(adapter.state_dict())
    assert all(torch.equal(held[name], value) for name, value in adapter.state_dict().items())
    assert all(value.device.type == "cpu" for value in held.values())


def test_the_type_is_kept(adapter: AllWays, tmp_path: Path) -> None:
    save_adapter(adapter.to(torch.bfloat16), tmp_path / "it")
    assert load_adapter(tmp_path / "it").dtype == torch.bfloat16


def test_the_card_says_what_it_is(adapter: AllWays, tmp_path: Path) -> None:
    save_adapter(adapter, tmp_path / "it")
    card = (tmp_path / "it" / CARD).read_text()
    count = sum(parameter.numel() for parameter in adapter.parameters())
    assert "reads: picture" in card
    assert f"parameters: {count:,}" in card
    save_adapter(adapter, tmp_path / "it", card="# Mine\n")
    assert (tmp_path / "it" / CARD).read_text() == "# Mine\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it"]


def test_a_folder_of_something_else_is_not_replaced(adapter: AllWays, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="the folder is not empty"):
        save_adapter(adapter, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_broken_folders_are_refused_in_one_line(adapter: AllWays, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no folder .*nowhere"):
        load_adapter(tmp_path / "nowhere")
    folder = tmp_path / "it"
    save_adapter(adapter, folder)
    said = json.loads((folder / CONFIG).read_text())
    for change, message in (
        (
            {"kind": "magic"},
            "there is no adapter 'magic'; there are: all-ways, boximator",
        ),
        ({"format": 2}, "an adapter of format 2; this version reads 1; update"),
        (
            {"config": {**said["config"], "colour": 1}},
            "adapter all-ways has an unknown field 'colour'",
        ),
    ):
        (folder / CONFIG).write_text(json.dumps(said | change))
        with pytest.raises(ModelError, match=message) as told:
            load_adapter(folder)
        assert "\n" not in str(told.value)
    (folder / CONFIG).write_text("{")
    with pytest.raises(ModelError, match=r"config.json is missing or not JSON; convert other"):
        load_adapter(folder)


def test_weights_of_another_adapter_are_refused(adapter: AllWays, tmp_path: Path) -> None:
    folder = tmp_path / "it"
    save_adapter(adapter, folder)
    tensors = read_tensors(folder / WEIGHTS)
    tensors.pop("mid")
    tensors["middle"] = torch.zeros(2)
    write_tensors(folder / WEIGHTS, tensors)
    with pytest.raises(ModelError, match="lacks mid; has the unknown middle"):
        load_adapter(folder)

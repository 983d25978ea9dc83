from pathlib import Path
from typing import Any

import pytest
import yaml

from kineograph.core.errors import TrainingError
from kineograph.training.recipe import Recipe

STAGE = {"name": "tracks", "trains": ["adapters.tracks"]}
TRACKS = {"tracks": {"kind": "track-control"}}
GOOD: dict[str, Any] = {"name": "mine", "stages": [{**STAGE, "adapters": TRACKS}]}


def with_stage(**fields: Any) -> dict[str, Any]:
    return {"name": "mine", "stages": [{**STAGE, "adapters": TRACKS, **fields}]}


def test_a_file_is_read_and_written_alike(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(GOOD))
    recipe = Recipe.load(path)
    assert recipe.stages[0].optimiser.lr == 1e-4
    assert recipe.data == {"kind": "scenes"}
    assert recipe.plain() == GOOD


def test_json_is_yaml_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(Recipe.of(GOOD).model_dump_json())
    assert Recipe.load(path) == Recipe.of(GOOD)


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"name": "mine", "stages": []}, "stages"),
        ({**GOOD, "name": "My Recipe"}, "name"),
        ({**GOOD, "stagse": 1}, "stagse"),
        (with_stage(lr=1e-4), "lr"),
        (with_stage(steps=0), "steps"),
        (with_stage(dropout={"text": 1.5}), "text"),
        (with_stage(optimiser={"name": "adam"}), "adam"),
        (with_stage(trains=[]), "trains"),
        (with_stage(trains=["everything"]), "trains everything; parts are unet, unet.spatial"),
        (with_stage(trains=["adapters.boxes"]), "trains adapters.boxes, and no such adapter"),
        (with_stage(trains=["lora"]), 'trains "lora" and the field lora go together'),
        (with_stage(lora={"rank": 4}), 'trains "lora" and the field lora go together'),
        (with_stage(base="stage:before"), "stage tracks builds on before, which is not before it"),
        (
            with_stage(adapters={"tracks": {"kind": "track-control", "source": "stage:tracks"}}),
            "stage tracks builds on tracks, which is not before it",
        ),
        (
            {"name": "mine", "stages": [{**STAGE, "adapters": TRACKS}] * 2},
            "two stages are called tracks",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(held: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError) as caught:
        Recipe.of(held)
    told = str(caught.value)
    assert message in told
    assert "\n" not in told


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"cannot read the recipe .*No such file"):
        Recipe.load(tmp_path / "nothing.yaml")


def test_broken_yaml_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("name: [1, 2\nstages: }")
    with pytest.raises(TrainingError, match="cannot read the recipe") as caught:
        Recipe.load(path)
    assert "\n" not in str(caught.value)

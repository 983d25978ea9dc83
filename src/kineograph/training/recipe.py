"""A recipe: a base and the stages that are trained on it, one after the other."""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, JsonValue, ValidationError, model_validator

from kineograph.core.errors import TrainingError
from kineograph.gestures.writing.messages import one_line
from kineograph.gestures.writing.model import Strict
from kineograph.training.stage import Stage


def _scenes() -> dict[str, JsonValue]:
    return {"kind": "scenes"}


class Recipe(Strict):
    """A named training configuration."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    about: str = ""
    base: str | None = None
    """A model folder, or a name on the hub; `--base` takes its place. None has to be given."""
    motion: str | None = None
    """A motion module for a base without."""
    data: dict[str, JsonValue] = Field(default_factory=_scenes)
    """What is trained on, if `--data` says nothing: {"kind": "scenes"} makes procedural scenes."""
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _stages_are_in_order(self) -> Any:
        names: list[str] = []
        for stage in self.stages:
            if stage.name in names:
                raise ValueError(f"two stages are called {stage.name}")
            for source in (stage.base, *(held.source for held in stage.adapters.values())):
                before = (source or "").removeprefix("stage:")
                if (source or "").startswith("stage:") and before not in names:
                    raise ValueError(
                        f"stage {stage.name} builds on {before}, which is not before it"
                    )
            names.append(stage.name)
        return self

    @staticmethod
    def load(path: Path | str) -> "Recipe":
        """A recipe from a YAML (or JSON) file.

        Raises:
            TrainingError: it is missing, not YAML, or says something that is not allowed.
        """
        try:
            held = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            told = " ".join(str(error).split())
            raise TrainingError(f"cannot read the recipe {path}: {told[:160]}") from None
        return Recipe.of(held, f"the recipe {path}")

    @staticmethod
    def of(held: Any, what: str = "the recipe") -> "Recipe":
        """A recipe from plain data.

        Raises:
            TrainingError: something is unknown, missing or not allowed.
        """
        try:
            return Recipe.model_validate(held)
        except ValidationError as error:
            raise TrainingError(one_line(error, held, what)) from None

    def plain(self) -> dict[str, Any]:
        """As `of` reads it; what is as the defaults have it is left out."""
        return self.model_dump(mode="json", exclude_defaults=True)

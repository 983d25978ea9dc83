"""Where a stage's base comes from: a folder, the hub, an earlier stage, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from kineograph.core.errors import TrainingError
from kineograph.models.base import Base, load_base
from kineograph.models.description import describe_base, read_json
from kineograph.models.loading.parts import quiet
from kineograph.models.personal import Personal
from kineograph.training.stage import Stage

SETTINGS = "engine.json"
"""In the folder of an export: the settings with which engine `unet` generates with it."""
STAGE, NEW = "stage:", "new:"
TINY = "new:tiny"
MINI, MINI_CPU, MINI_TINY = "new:mini", "new:mini-cpu", "new:mini-tiny"
"""Bases that start from nothing; see `recipes/tiny_base.py` and `recipes/mini.py`."""
NEW_MOTION = ("new:v1", "new:v2", "new:v3")
"""Motion layers that start from nothing, built as one of AnimateDiff's versions."""

_FROM_NOTHING: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    TINY: ("tiny_base", {}),
    MINI: ("mini", {"scale": "full"}),
    MINI_CPU: ("mini", {"scale": "cpu"}),
    MINI_TINY: ("mini", {"scale": "tiny"}),
}
"""Name to the recipe's module that makes it, and with what."""

Place = str | Path


@dataclass(frozen=True)
class Origin:
    """What a base is loaded from.

    Args:
        model: a folder, a name on the hub, or a base that starts from nothing, such as `TINY`.
        motion: motion layers in place of the model's own, or one of `NEW_MOTION`; or None.
        loras: files of low-rank changes that stay on it.
    """

    model: Place
    motion: Place | None = None
    loras: tuple[Path, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether no folder holds this base."""
        return str(self.model).startswith(NEW)

    @staticmethod
    def of(
        stage: Stage, base: Place | None, motion: Place | None, earlier: Mapping[str, Path]
    ) -> "Origin":
        """What a stage is trained on.

        Args:
            stage: its own base goes before the recipe's.
            base: the recipe's.
            motion: the recipe's motion layers; they go with the recipe's base.
            earlier: folders of what earlier stages exported, by their names.

        Raises:
            TrainingError: nothing is named, or the earlier stage has not been trained.
        """
        if stage.base is None:
            if base is None:
                raise TrainingError(
                    f"stage {stage.name} has no base to train on; give one with --base: a folder "
                    "in diffusers' layout, or a name on the hub"
                )
            return Origin(base, motion)
        if not stage.base.startswith(STAGE):
            return Origin(stage.base)
        folder = exported(stage, stage.base, earlier)
        said = read_json(folder / SETTINGS, folder)
        return Origin(
            _held(said["model"], folder) or said["model"],
            _held(said.get("motion"), folder),
            tuple(folder / name for name in said.get("loras", ())),
        )

    def load(self, *, dtype: torch.dtype = torch.float32, device: Any = "cpu") -> Base:
        """The base; what starts from nothing draws from torch's global generator.

        Raises:
            ModelError: something is missing or broken, or the parts do not fit each other.
            TrainingError: what is to start from nothing is unknown.
        """
        if not self.is_new:
            return self._loaded(dtype).to(device=device)
        if self.model not in _FROM_NOTHING:
            raise TrainingError(
                f"a base {self.model} was asked for; from nothing there is "
                f"{', '.join(_FROM_NOTHING)}"
            )
        module, options = _FROM_NOTHING[str(self.model)]
        made: Base = import_module(f"kineograph.training.recipes.{module}").new_base(**options)
        return made.to(dtype=dtype, device=device)

    def load_loras(self, base: Base) -> None:
        """Put the changes that stay on a base onto it.

        Raises:
            ModelError: one of them does not fit.
        """
        personal = Personal.of(base)
        for number, path in enumerate(self.loras):
            personal.add(path, name=f"{number}_{path.stem}")

    def settings(self, folder: Path) -> dict[str, Any]:
        """It as settings of engine `unet`, for an export to a folder."""
        motion = None if self.motion is None else placed(self.motion, folder)
        return {
            "model": placed(self.model, folder),
            "motion": motion,
            "loras": [placed(path, folder) for path in self.loras],
        }

    def _loaded(self, dtype: torch.dtype) -> Base:
        if self.motion is None or not str(self.motion).startswith(NEW):
            return load_base(self.model, motion=self.motion, dtype=dtype)
        with TemporaryDirectory(prefix="kineograph-") as folder:
            with quiet():
                _new_motion(self.model, str(self.motion)).save_pretrained(folder)
            return load_base(self.model, motion=folder, dtype=dtype)


def exported(stage: Stage, source: str, earlier: Mapping[str, Path]) -> Path:
    """The folder that an earlier stage ("stage:NAME") has exported to.

    Raises:
        TrainingError: it has not been trained.
    """
    name = source.removeprefix(STAGE)
    folder = earlier.get(name)
    if folder is None or not (Path(folder) / SETTINGS).is_file():
        raise TrainingError(
            f"stage {stage.name} builds on stage {name}, which has not been trained here; train "
            "it first"
        )
    return Path(folder)


def placed(place: Place, folder: Path) -> str:
    """How the file of an export names something: from its own folder on if they are one run's."""
    if not isinstance(place, Path):
        return str(Path(place).resolve()) if Path(place).exists() else place
    run, place = folder.resolve().parent.parent, place.resolve()
    if not place.is_relative_to(run):
        return str(place)
    up = len(folder.resolve().relative_to(run).parts)
    return "../" * up + place.relative_to(run).as_posix()


def _held(said: str | None, folder: Path) -> Place | None:
    """A place as the file of an export names it."""
    if said is None:
        return None
    inside = folder / said
    return inside if inside.exists() else said


def _new_motion(model: Place, asked: str) -> Any:
    """Motion layers for a model, without effect at first: their last layer is zero (2307.04725)."""
    from diffusers import MotionAdapter

    if asked not in NEW_MOTION:
        raise TrainingError(
            f"motion layers {asked} were asked for; from nothing there are {', '.join(NEW_MOTION)}"
        )
    told = describe_base(model)
    config = read_json(told.folder / "unet" / "config.json", told.folder)
    motion = MotionAdapter(
        block_out_channels=told.widths,
        motion_layers_per_block=config.get("layers_per_block", 2),
        motion_norm_num_groups=config.get("norm_num_groups", 32),
        use_motion_mid_block=asked.endswith("v2"),
        motion_max_seq_length=24 if asked.endswith("v1") else 32,
    )
    silence(motion)
    return motion


def silence(network: nn.Module) -> None:
    """Set the last layer of AnimateDiff's motion layers to zero, so that they change nothing."""
    for name, held in network.named_parameters():
        if "motion_modules." in name and ".proj_out." in f".{name}":
            nn.init.zeros_(held)

"""Backbones by name: where their files are, what to say where they are not, loaded once each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from kineograph.core.errors import EvaluationError, KineographError
from kineograph.evaluation.backbones.known import BACKBONES, Backbone


@dataclass(eq=False)
class Backbones:
    """The learned networks that metrics look through, read from files that the user names.

    Nothing is fetched, and nothing stands in for what is missing.

    Args:
        folder: where files and folders of their usual names are looked for.
        places: name to file or folder, for those that lie elsewhere.
        device: where they run.

    Raises:
        EvaluationError: a name is unknown, or what is named is not there.
    """

    folder: Path | None = None
    places: Mapping[str, Path] = field(default_factory=dict)
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.folder is not None and not self.folder.is_dir():
            raise EvaluationError(f"there is no folder {self.folder} of weights; check the name")
        for name, place in self.places.items():
            _known(name)
            if not place.exists():
                raise EvaluationError(f"there is no {place}, given for {name}; check the name")
        self._loaded: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        """The network of a name, ready to look; the same one every time.

        Raises:
            EvaluationError: its file is missing (the message says which, from where and by what
                command), broken, or of something else; or the packages that run it are missing.
        """
        if name not in self._loaded:
            backbone, place = _known(name), self.find(name)
            if place is None:
                raise EvaluationError(self.missing(name))
            self._loaded[name] = _class_of(name, backbone)(place, device=self.device)
        return self._loaded[name]

    def find(self, name: str) -> Path | None:
        """Where a network's file or folder is; None if nowhere."""
        backbone = _known(name)
        if name in self.places:
            return self.places[name]
        if self.folder is None:
            return None
        return next((self.folder / x for x in backbone.files if (self.folder / x).exists()), None)

    def said(self, name: str) -> str:
        """Which weights a network has, for a report: the name and size of its file or folder."""
        place = self.find(name)
        if place is None:
            return "none"
        files = [place] if place.is_file() else [x for x in place.rglob("*") if x.is_file()]
        return f"{place.name}, {sum(file.stat().st_size for file in files):,} bytes"

    def unusable(self, name: str) -> str:
        """Why a network that is needed cannot be used, in a sentence; empty if it can. Loads it."""
        if self.find(name) is None:
            return self.missing(name)
        try:
            self.get(name)
        except KineographError as error:
            return str(error)
        return ""

    def missing(self, name: str) -> str:
        """What to do about a network that is not there, in a sentence; empty if it is there."""
        if self.find(name) is not None:
            return ""
        backbone = _known(name)
        where = f"not in {self.folder}" if self.folder else "no folder of weights was given"
        return f"{name} needs {backbone.files[0]} ({backbone.what}; {where}): {backbone.get}"


def _class_of(name: str, backbone: Backbone) -> Any:
    module, _, made = backbone.target.partition(":")
    try:
        return getattr(import_module(module), made)
    except ImportError as error:
        raise EvaluationError(
            f"{name} needs {error.name or 'a package'}, which is not installed: pip install "
            "'kineograph[bench]'"
        ) from error


def _known(name: str) -> Backbone:
    if name not in BACKBONES:
        raise EvaluationError(f"there is no backbone {name!r}; there are: {', '.join(BACKBONES)}")
    return BACKBONES[name]

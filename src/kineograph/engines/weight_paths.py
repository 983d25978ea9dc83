"""Paths in an engine's settings: where the weights lie, seen from another folder."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any


def absolute(settings: Mapping[str, Any], names: Iterable[str], folder: Path) -> dict[str, Any]:
    """Settings in which the paths that lead somewhere from a folder are absolute.

    What leads nowhere, such as a name on the hub, stays as it is.

    Args:
        settings: of an engine.
        names: the settings that hold paths, one or a list; "path:0.8" is a path with a scale.
        folder: that relative paths are told from.
    """
    return _each(settings, names, lambda path: str((folder / path).absolute()), folder)


def relative(
    settings: Mapping[str, Any], names: Iterable[str], folder: Path, to: Path
) -> dict[str, Any]:
    """The same with those paths told from another folder, as an output's record holds them.

    Args:
        settings: of an engine.
        names: the settings that hold paths.
        folder: that relative paths are told from now.
        to: the folder that they are to be told from.
    """

    def moved(path: Path) -> str:
        try:
            return Path(os.path.relpath((folder / path).absolute(), to.absolute())).as_posix()
        except ValueError:  # another drive
            return (folder / path).absolute().as_posix()

    return _each(settings, names, moved, folder)


def with_scale(given: str) -> tuple[Path, str]:
    """The path of "path:0.8" and its scale as it is written; the scale of a bare path is empty."""
    name, colon, scale = given.rpartition(":")
    try:
        float(scale)
    except ValueError:
        return Path(given), ""
    return (Path(name), scale) if colon and name else (Path(given), "")


def _each(
    settings: Mapping[str, Any], names: Iterable[str], change: Callable[[Path], str], folder: Path
) -> dict[str, Any]:
    def changed(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [changed(item) for item in value]
        if not isinstance(value, str):
            return value
        path, scale = with_scale(value)
        if not (folder / path).exists():
            return value
        return change(path) + (f":{scale}" if scale else "")

    named = set(names)
    return {name: changed(held) if name in named else held for name, held in settings.items()}

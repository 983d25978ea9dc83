"""Checkpoint files of models that come with a package of their own, not through transformers."""

from importlib import import_module
from pathlib import Path
from typing import Any

from kineograph.core.errors import VisionError

SUFFIXES = (".safetensors", ".pt", ".pth", ".npz")
"""What a checkpoint file may be. Pickles are read with torch's `weights_only`: tensors, no code."""


def need(module: str, what: str, install: str) -> Any:
    """Import a module of a package that the user has to have installed.

    Args:
        module: dotted name.
        what: the eye that needs it, for the message.
        install: the command that installs it.

    Raises:
        VisionError: it is not installed, or does not work with what else is.
    """
    try:
        return import_module(module)
    except (ImportError, RuntimeError, OSError) as error:
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        package = module.partition(".")[0]
        raise VisionError(f"{what} needs {package} ({told}); install it: {install}") from error


def checkpoint_file(weights: str | Path, what: str, fetch: str, name: str = "") -> Path:
    """The checkpoint file that is meant by a file, or by a folder that holds it.

    Args:
        weights: the file or folder.
        what: the eye it is for, for the messages.
        fetch: the command that fetches it.
        name: which file of a folder to take if there are several.

    Raises:
        VisionError: there is none, or several and none of them is called `name`.
    """
    path = Path(weights)
    if path.is_file():
        return path
    if not path.is_dir():
        raise VisionError(f"there are no weights of {what} at {path}; fetch them: {fetch}")
    found = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
    named = [file for file in found if file.name == name] or found
    if len(named) != 1:
        held = ", ".join(file.name for file in found) or "no checkpoint"
        raise VisionError(f"{path} holds {held}; name the file for {what}, or fetch it: {fetch}")
    return named[0]


def read_state(path: Path, what: str, fetch: str, prefix: str = "") -> dict[str, Any]:
    """The tensors of a checkpoint by name; wrappers such as "state_dict" are taken off.

    Raises:
        VisionError: the file is broken, holds code, or holds no tensors.
    """
    import torch

    try:
        if path.suffix == ".safetensors":
            held = import_module("safetensors.torch").load_file(path)
        else:
            held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling errors are of many kinds
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise VisionError(
            f"cannot read the weights of {what} in {path}: {told}; fetch them: {fetch}"
        ) from error
    for wrapper in ("model", "state_dict"):
        if isinstance(held, dict) and isinstance(held.get(wrapper), dict):
            held = held[wrapper]
    if not isinstance(held, dict) or not all(isinstance(v, torch.Tensor) for v in held.values()):
        raise VisionError(f"{path} holds no tensors by name; fetch the weights of {what}: {fetch}")
    return {name.removeprefix(prefix): value for name, value in held.items()}


def fill(model: Any, state: dict[str, Any], path: Path, what: str) -> None:
    """Put tensors into a model, every one of them and no other.

    Raises:
        VisionError: they are those of another model.
    """
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        told = " ".join(str(error).split())
        raise VisionError(f"{path} does not fit {what}: {told[:200]}") from error

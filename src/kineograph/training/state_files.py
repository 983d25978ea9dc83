"""The files of a checkpoint: weights, states of optimisers and the like, plain data."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from kineograph.core.errors import KineographError, OutputError, TrainingError


def write_weights(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors by name to a .safetensors file.

    Raises:
        OutputError: the disk is full, and the like.
    """
    apart = {name: held.detach().cpu().contiguous() for name, held in tensors.items()}
    try:
        save_file(apart, path)
    except SafetensorError as error:
        raise OutputError(f"cannot write {path.name}: {error}") from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """What `write_weights` wrote.

    Raises:
        TrainingError: it is missing or broken.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise broken(path, error) from error


def write_state(path: Path, held: Any) -> None:
    """Write tensors in plain containers, as `read_state` reads them.

    Raises:
        OSError: the disk is full, and the like.
    """
    with path.open("wb") as file:
        noting: Any = _Noting(file)
        try:
            torch.save(held, noting)
        except RuntimeError:
            if noting.trouble is None:
                raise
            raise noting.trouble from None


def read_state(path: Path) -> Any:
    """What `write_state` wrote; nothing in the file is run.

    Raises:
        TrainingError: it is missing or broken.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise broken(path, error) from error


def write_json(path: Path, held: Any) -> None:
    """Write plain data as JSON."""
    path.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """What `write_json` wrote.

    Raises:
        TrainingError: it is missing or broken.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise broken(path, error) from error


def broken(path: Path, error: Exception) -> TrainingError:
    """The error of a checkpoint that cannot be read."""
    return TrainingError(
        f"the checkpoint {path.parent} is broken ({path.name}: {reason_of(error)}); remove its "
        "folder to go on from the one before"
    )


def reason_of(error: Exception) -> str:
    """Why something failed, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KineographError):
        return str(error)
    return " ".join(str(error).split())[:160] or type(error).__name__


class _Noting:
    """A file that remembers why it could not be written, which torch does not tell."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.trouble: OSError | None = None

    def write(self, held: Any) -> int:
        try:
            return self._file.write(held)
        except OSError as error:
            self.trouble = error
            raise

    def flush(self) -> None:
        self._file.flush()

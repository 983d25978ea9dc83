"""Networks from files: every tensor in its place, or a sentence that says what is wrong."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from zipfile import ZipFile, is_zipfile

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from kineograph.core.errors import EvaluationError, ModelError
from kineograph.evaluation.backbones.known import BACKBONES
from kineograph.models.checkpoint import compare_keys, read_tensors

Network = TypeVar("Network", bound=nn.Module)

_COUNTED = "num_batches_tracked"
"""Ends the names of what only training reads; files have or lack it."""


def read_weights(place: Path, name: str) -> dict[str, Tensor]:
    """The tensors of a backbone's file.

    Raises:
        EvaluationError: it cannot be read; says why and how to get it.
    """
    if _is_program(place):
        raise EvaluationError(
            f"{place} is a TorchScript program, which would be run; only weights are read "
            f"({remedy(name)})"
        )
    try:
        return read_tensors(place)
    except ModelError as error:
        raise EvaluationError(f"{error} ({remedy(name)})") from error


def filled(
    kind: Callable[[], Network], tensors: Mapping[str, Tensor], place: Path, name: str, device: str
) -> Network:
    """A network in evaluation mode, in single precision, without gradients.

    Args:
        kind: makes it; its parameters are not made, but taken from the file.
        tensors: by the names it has.
        place: where they come from, for the message.
        name: the backbone's.
        device: where it is to run.

    Raises:
        EvaluationError: a tensor is missing, too many, of another shape, or not finite.
    """
    with torch.device("meta"):
        network = kind()
    held = {key: value for key, value in tensors.items() if not key.endswith(_COUNTED)}
    try:
        compare_keys(held, network.state_dict(), BACKBONES[name].what)
    except ModelError as error:
        raise EvaluationError(f"{place}: {error} ({remedy(name)})") from error
    broken = [key for key, value in held.items() if not bool(value.isfinite().all())]
    if broken:
        raise EvaluationError(
            f"{place}: {broken[0]} has numbers that are not finite; {remedy(name)}"
        )
    # copies: what is mapped from a file would change with it
    own = {key: value.to(torch.float32, copy=True) for key, value in held.items()}
    network.load_state_dict(own, assign=True)
    return network.to(device).eval().requires_grad_(False)


def _is_program(place: Path) -> bool:
    if not (place.is_file() and is_zipfile(place)):
        return False
    with ZipFile(place) as archive:
        return any("/code/" in name for name in archive.namelist())


def remedy(name: str) -> str:
    """What to do about a backbone's file."""
    return f"to get {BACKBONES[name].files[0]}: {BACKBONES[name].get}"


def as_pictures(
    frames: UInt8[np.ndarray, "n height width 3"], device: str
) -> Float[Tensor, "n 3 height width"]:
    """Frames as networks read them: channels first, -1 to 1."""
    pictures = torch.from_numpy(np.ascontiguousarray(frames)).to(device).permute(0, 3, 1, 2)
    return pictures.float() / 127.5 - 1


def finite(features: Tensor, name: str) -> np.ndarray:
    """What a network gave, as an array.

    Raises:
        EvaluationError: a number is not finite.
    """
    if not bool(features.isfinite().all()):
        raise EvaluationError(f"{name} gave numbers that are not finite; its weights are broken")
    return np.asarray(features.cpu().numpy())

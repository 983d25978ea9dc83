"""Where a model computes and in which numbers."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from kineograph.core.errors import EngineError
from kineograph.gestures.writing.messages import nearest

Numbers = Literal["float32", "float16", "bfloat16"]

KINDS = ("cuda", "xpu", "mps", "cpu")
"""The kinds of device, the fastest first."""

_DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


@dataclass(frozen=True)
class Place:
    """Where a model computes and in which numbers.

    Args:
        device: with its number, if there are several of its kind.
        dtype: of the networks.
        sentence: the same in words.
    """

    device: torch.device
    dtype: torch.dtype
    sentence: str


def choose(device: str | None = None, dtype: str | None = None) -> Place:
    """Where to compute.

    Args:
        device: such as "cuda", "cuda:1", "mps" or "cpu"; the fastest there is if None.
        dtype: "float32", "float16" or "bfloat16"; float16 on accelerators and float32 on the CPU
            if None. Stable Diffusion's weights were published in float16, and it is the more exact
            half; bfloat16 has the range of float32, for models that overflow.

    Raises:
        EngineError: there is no such device or it does not compute in these numbers.
    """
    chosen = torch.device(kinds()[0]) if device is None else _device(device)
    if dtype is not None and dtype not in get_args(Numbers):
        raise EngineError(
            f"dtype {dtype} was asked for; {nearest(dtype, _DTYPES)}give one of "
            f"{', '.join(_DTYPES)}"
        )
    name = dtype or ("float32" if chosen.type == "cpu" else "float16")
    if name == "bfloat16" and not _has_bfloat16(chosen):
        raise EngineError(f"{_called(chosen)} does not compute in bfloat16; use float16 or float32")
    return Place(chosen, _DTYPES[name], f"computing on {_called(chosen)} in {name}")


def kinds() -> tuple[str, ...]:
    """The kinds of device there are, the fastest first; the CPU always is."""
    return tuple(kind for kind in KINDS if _count(kind))


def _device(name: str) -> torch.device:
    """A device by name, if it is there.

    Raises:
        EngineError: it is not.
    """
    kind, colon, number = name.strip().lower().partition(":")
    if kind not in KINDS or (colon and not number.isdecimal()):
        raise EngineError(
            f"device {name} is not known; {nearest(kind, KINDS)}give one of {', '.join(KINDS)}, "
            "with a number where there are several, as cuda:1"
        )
    count = _count(kind)
    if not count:
        raise EngineError(
            f"device {name} was asked for, but torch {torch.__version__} finds no {kind}; there is "
            f"{', '.join(kinds())}"
        )
    if number and int(number) >= count:
        raise EngineError(
            f"device {name} was asked for, but the {kind} devices here are numbered 0 to "
            f"{count - 1}"
        )
    return torch.device(kind, int(number)) if number else torch.device(kind)


def _count(kind: str) -> int:
    """How many devices of a kind there are."""
    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "xpu":
        return torch.xpu.device_count() if torch.xpu.is_available() else 0
    return int(torch.backends.mps.is_available()) if kind == "mps" else 1


def _has_bfloat16(device: torch.device) -> bool:
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


def _called(device: torch.device) -> str:
    """A device as a person calls it."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return "the CPU" if device.type == "cpu" else str(device)

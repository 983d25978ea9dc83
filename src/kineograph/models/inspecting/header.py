"""The names, shapes and types of the tensors in weights files, read from their heads alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from kineograph.core.errors import ModelError

_LONGEST = 100_000_000
"""Bytes a head may have, as safetensors itself bounds it."""


@dataclass(frozen=True)
class Header:
    """What a weights file, or a folder of them, holds.

    Args:
        shapes: of every tensor, by name.
        dtypes: of every tensor, as "float16".
        size: bytes on the disk.
        metadata: what the file says of itself.
    """

    shapes: dict[str, tuple[int, ...]]
    dtypes: dict[str, str]
    size: int
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Numbers in all tensors."""
        return sum(prod(shape) for shape in self.shapes.values())

    @property
    def counted(self) -> dict[str, int]:
        """How many numbers there are of each type, the most first."""
        counts: dict[str, int] = {}
        for name, dtype in self.dtypes.items():
            counts[dtype] = counts.get(dtype, 0) + prod(self.shapes[name])
        return dict(sorted(counts.items(), key=lambda item: -item[1]))


def read_header(path: Path) -> Header:
    """The head of a weights file. A safetensors file is not read further; a pickle is mapped.

    Raises:
        ModelError: it is missing, broken, or no weights.
    """
    if path.suffix == ".safetensors" and path.is_file():
        return _safetensors(path)
    from kineograph.models.checkpoint import read_tensors

    tensors = read_tensors(path)
    return Header(
        {name: tuple(held.shape) for name, held in tensors.items()},
        {name: str(held.dtype).removeprefix("torch.") for name, held in tensors.items()},
        path.stat().st_size,
    )


def read_folder(folder: Path) -> Header:
    """The heads of all weights files in a folder as one; shards have different names in them.

    Raises:
        ModelError: there is none, or one is broken.
    """
    files = sorted(folder.glob("*.safetensors"))
    files = files or sorted(path for path in folder.glob("*.bin"))
    if not files:
        raise ModelError(f"{folder} has no weights (.safetensors); fetch the model again")
    parts = [read_header(path) for path in files]
    return Header(
        {name: shape for part in parts for name, shape in part.shapes.items()},
        {name: dtype for part in parts for name, dtype in part.dtypes.items()},
        sum(part.size for part in parts),
        {name: text for part in parts for name, text in part.metadata.items()},
    )


def summed(headers: Sequence[Header]) -> dict[str, Any]:
    """Counts over several: tensors, parameters, dtypes (to how many numbers) and size in bytes."""
    dtypes: dict[str, int] = {}
    for header in headers:
        for dtype, count in header.counted.items():
            dtypes[dtype] = dtypes.get(dtype, 0) + count
    return {
        "tensors": sum(len(header.shapes) for header in headers),
        "parameters": sum(header.parameters for header in headers),
        "dtypes": dict(sorted(dtypes.items(), key=lambda item: -item[1])),
        "size": sum(header.size for header in headers),
    }


_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "U8": "uint8",
    "I8": "int8",
    "BOOL": "bool",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}


def _safetensors(path: Path) -> Header:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _LONGEST:
                raise ValueError("its head has no length that can be")
            held = json.loads(file.read(length))
        metadata = held.pop("__metadata__", {})
        shapes = {name: tuple(said["shape"]) for name, said in held.items()}
        dtypes = {name: _DTYPES.get(said["dtype"], said["dtype"]) for name, said in held.items()}
        ends = [said["data_offsets"][1] for said in held.values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no safetensors file ({error}); fetch it again") from error
    size = path.stat().st_size
    if size != 8 + length + max(ends, default=0):
        raise ModelError(
            f"{path} is cut short: {size} bytes of {8 + length + max(ends, default=0)}; fetch it "
            "again"
        )
    return Header(shapes, dtypes, size, dict(metadata))

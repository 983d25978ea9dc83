"""Checkpoint files: read whatever a public one may be, compare its names, write safetensors."""

import io
import pickletools
import warnings
import zipfile
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kineograph.core.errors import ModelError, OutputError
from kineograph.core.files import whole_file
from kineograph.models.loading.inert_configs import inert_configs
from kineograph.models.loading.likely_cause import likely_cause

SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
"""What a checkpoint file may be called. What is in it is told by its first bytes, not its name."""

WRAPPERS = ("state_dict", "controlnet", "model", "module")
"""Names under which trainers put the tensors; whatever stands beside them is not weights."""

DUMMIES = ("animatediff_config",)
"""Entries beside the tensors that mean nothing; dropped, whatever they hold."""

_NOT_WEIGHTS = {
    b"version https://git-lfs": "is a pointer of Git LFS, not the file it stands for; fetch that",
    b"<": "is a web page, not weights; the download went wrong, fetch the file again",
    b"{": "is JSON, not weights; name the file that holds the tensors",
}

_HARMLESS = ("torch", "collections", "_codecs")

Shape = tuple[int, ...]


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a weights file by name, as they are in it (dtype and bits), on the CPU.

    Wrappers of trainers (`WRAPPERS`, and the prefix "module." of all names) are taken off, dummy
    entries dropped. Nothing in the file is run: pickles are read as tensors and plain containers
    only. Where the file allows it the tensors are mapped from the disk: keep it in its place.

    Raises:
        ModelError: there is no such file; it is empty, cut short or no weights; or it is a pickle
            that holds more than tensors.
    """
    path = Path(path)
    if not path.is_file():
        allowed = ", ".join(SUFFIXES)
        given = "is a folder" if path.is_dir() else "does not exist"
        raise ModelError(f"{path} {given}; name a weights file ({allowed})")
    head = _head(path)
    held = _safetensors(path) if head[8:9] == b"{" else _pickle(path, head)
    return _unwrapped(held, path)


def read_metadata(path: str | Path) -> dict[str, str]:
    """What a .safetensors file says about itself; empty for other files.

    Raises:
        ModelError: as `read_tensors` does.
    """
    path = Path(path)
    if not path.is_file() or _head(path)[8:9] != b"{":
        return {}
    with _opened(path) as file:
        return dict(file.metadata() or {})


def write_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors to a .safetensors file, the whole of it or nothing.

    Args:
        path: the file; its folder is made.
        tensors: by name; they may share memory and lie on any device.
        metadata: written in the file's head, readable without the tensors.

    Raises:
        OutputError: `path` does not end in .safetensors, or cannot be written.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise OutputError(f"cannot write weights to {path}: name a file that ends in .safetensors")
    with whole_file(path) as partial:
        try:
            save_file(_apart(tensors), partial, metadata={"format": "pt", **(metadata or {})})
        except SafetensorError as error:  # a full disk, told in its own way
            raise OutputError(f"cannot write {path}: {error}") from error


def compare_keys(given: Mapping[str, Any], wanted: Mapping[str, Any], what: str) -> None:
    """Check that tensors are exactly those that are wanted, by name and shape.

    Args:
        given: names to tensors or shapes, as found.
        wanted: names to tensors or shapes, as needed.
        what: what the tensors are to be, for the message ("a motion module of AnimateDiff").

    Raises:
        ModelError: one is missing, too many, or of another shape; says which and the likely cause.
    """
    found, needed = _shapes(given), _shapes(wanted)
    missing = [name for name in needed if name not in found]
    surplus = [name for name in found if name not in needed]
    wrong = [name for name in needed if name in found and found[name] != needed[name]]
    if not (missing or surplus or wrong):
        return
    told = [
        _some("lacks", missing),
        _some("has the unknown", surplus),
        _some("has", [f"{n} {_size(found[n])} where {_size(needed[n])} fits" for n in wrong]),
    ]
    faults = "; ".join(part for part in told if part)
    raise ModelError(f"this is not {what}: it {faults}; {likely_cause(found, needed)}")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise ModelError(f"{path} is empty; fetch it again")
    for start, told in _NOT_WEIGHTS.items():
        if head.lstrip().startswith(start) and head[8:9] != b"{":
            raise ModelError(f"{path} {told}")
    return head


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt", device="cpu")
    except SafetensorError as error:
        raise _broken(path, error) from error


def _safetensors(path: Path) -> dict[str, Tensor]:
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)


def _pickle(path: Path, head: bytes) -> Any:
    """What torch wrote: a zip archive, or in old times a bare pickle."""
    zipped = zipfile.is_zipfile(path)
    if not zipped and head[:1] != b"\x80":
        if head.startswith(b"PK"):
            raise ModelError(f"{path} is broken or cut short; fetch it again")
        raise ModelError(f"{path} holds no weights; a weights file is one of {', '.join(SUFFIXES)}")
    try:
        with inert_configs(), warnings.catch_warnings():
            # of the pickle's protocol, which says nothing to whoever has the file
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # torch raises many kinds, for code and for damage alike
        if "eights only load failed" in str(error):
            raise _code(path) from error
        raise _broken(path, error) from error


def _code(path: Path) -> ModelError:
    held = ", ".join(foreign_names(path)[:3]) or "more than tensors"
    return ModelError(
        f"{path} was not read: it is a pickle that holds {held}, which could run code; "
        "take the same weights as .safetensors"
    )


def foreign_names(path: Path) -> list[str]:
    """What a pickle would import when it is read, apart from torch; found without reading it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            pickles = [name for name in archive.namelist() if name.endswith(".pkl")]
            data = b"".join(archive.read(name) for name in pickles)
    else:
        data = path.read_bytes()
    stream, names, texts = io.BytesIO(data), set[str](), deque[str](maxlen=2)
    with suppress(ValueError):  # where the pickles end and the tensors' bytes begin
        while True:
            for code, value, _ in pickletools.genops(stream):
                if code.name == "GLOBAL":
                    names.add(str(value).replace(" ", "."))
                elif code.name == "STACK_GLOBAL":
                    names.add(".".join(texts))
                elif isinstance(value, str):
                    texts.append(value)
    return sorted(name for name in names if name.split(".")[0] not in _HARMLESS)


def _broken(path: Path, error: Exception) -> ModelError:
    told = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
    return ModelError(f"{path} is broken or cut short ({told}); fetch it again")


def _unwrapped(held: Any, path: Path) -> dict[str, Tensor]:
    while isinstance(held, Mapping):
        inner = [name for name in WRAPPERS if isinstance(held.get(name), Mapping)]
        if not inner:
            break
        held = held[inner[0]]
    if not isinstance(held, Mapping):
        raise ModelError(f"{path} holds no tensors by name, but {type(held).__name__}")
    tensors = {str(name): value for name, value in held.items() if name not in DUMMIES}
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    tensors = {name: value for name, value in tensors.items() if name not in DUMMIES}
    others = [name for name, value in tensors.items() if not isinstance(value, Tensor)]
    if others or not tensors:
        found = f"{others[0]} ({type(tensors[others[0]]).__name__})" if others else "nothing"
        raise ModelError(f"{path} holds {found} where tensors by name are expected")
    return tensors


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, contiguous and none sharing memory with another, as safetensors wants."""
    apart: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        own = tensor.detach().contiguous()
        memory = own.untyped_storage().data_ptr()
        apart[name] = own.clone() if memory in seen else own
        seen.add(memory)
    return apart


def _shapes(held: Mapping[str, Any]) -> dict[str, Shape]:
    return {name: shape_of(value) for name, value in held.items()}


def shape_of(value: Any) -> Shape:
    """The shape of a tensor, or a shape itself."""
    return tuple(int(size) for size in getattr(value, "shape", value))


def _size(shape: Shape) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def _some(verb: str, names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{verb} {', '.join(names[:most])}{more}" if names else ""

"""Where each clip of a `.tar` begins: read beside it, or found by searching it through."""

import json
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import Int64

from kineograph.data.members import MEMBER

BLOCK = tarfile.BLOCKSIZE
"""Everything in a `.tar` begins at a multiple of so many bytes."""


@dataclass(frozen=True)
class Index:
    """Where the clips of one shard are.

    Args:
        keys: of the clips, in order.
        starts: the k-th is from byte starts[k] to starts[k + 1].
        fault: what is wrong with the rest of the shard, in one line; or None.
    """

    keys: list[str]
    starts: Int64[np.ndarray, " bounds"]
    fault: str | None = None


def members_at(file: IO[bytes], span: tuple[int, int], key: str) -> dict[str, tarfile.TarInfo]:
    """The members of one clip by what they are called after its key.

    Raises:
        OSError, tarfile.TarError: the shard is broken there.
    """
    found: dict[str, tarfile.TarInfo] = {}
    file.seek(span[0])
    with tarfile.open(fileobj=file, mode="r:") as shard:
        for member in _plain_files(shard, span[1]):
            own, name = _parts(member.name)
            if own == key and MEMBER.fullmatch(name):
                found[name] = member
    return found


def bytes_of(file: IO[bytes], member: tarfile.TarInfo) -> bytes:
    """What a member holds.

    Raises:
        OSError: the file ends before it does.
    """
    file.seek(member.offset_data)
    data = file.read(member.size)
    if len(data) != member.size:
        raise OSError(f"{member.name} is cut off")
    return data


def _plain_files(shard: tarfile.TarFile, end: int | None) -> Iterator[tarfile.TarInfo]:
    """Members that are ordinary files, up to a place; no links, devices or sparse files."""
    while (member := shard.next()) is not None:
        shard.members = []  # type: ignore[attr-defined] # or it would keep them all
        if end is not None and member.offset >= end:
            return
        if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and member.sparse is None:
            yield member


def _parts(name: str) -> tuple[str, str]:
    """A member's key, up to the first dot of its last part, and what follows, as WebDataset."""
    folder, slash, last = name.rpartition("/")
    stem, _, rest = last.partition(".")
    return f"{folder}{slash}{stem}", rest


def index_of(path: Path) -> Index:
    """The index beside a shard, where it fits it; else what searching the shard finds."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        held = json.loads(path.with_suffix(".index").read_text())
        size = path.stat().st_size
        starts = np.array([*held["starts"], size], np.int64)
        keys = [str(key) for key in held["keys"]]
        fits = held["bytes"] == size and len(starts) == len(keys) + 1 and starts[0] >= 0
        if fits and (np.diff(starts) > 0).all() and not (starts[:-1] % BLOCK).any():
            return Index(keys, starts)
    return _searched(path)


def _searched(path: Path) -> Index:
    keys: list[str] = []
    starts: list[int] = []
    fault, end = None, 0
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as shard:
            for member in _plain_files(shard, None):
                key, name = _parts(member.name)
                end = member.offset_data + -(-member.size // BLOCK) * BLOCK
                if MEMBER.fullmatch(name) is not None and (not keys or keys[-1] != key):
                    keys.append(key)
                    starts.append(member.offset)
            file.seek(end)  # tarfile takes any damage for the end
            if file.read(BLOCK) != bytes(BLOCK):
                raise tarfile.ReadError(f"it is damaged after byte {end}")
    except (OSError, tarfile.TarError) as error:
        if keys:  # the last is the one that was cut off, or lies before what is damaged
            keys.pop()
            end = starts.pop()
        fault = f"it is broken after {_kept(keys)}, which are used: {one_line(error)}"
    return Index(keys, np.array([*starts, end], np.int64), fault)


def _kept(keys: list[str]) -> str:
    return f"{len(keys)} clip{'s' * (len(keys) != 1)}"


def one_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).splitlines()) or type(error).__name__

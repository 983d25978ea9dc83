"""Shards: clips packed into `.tar` files of WebDataset's layout, written whole, read anywhere.

A shard can be read by WebDataset as well. It is read here by place instead of from front to back,
so that the order of an epoch, and where a run stopped in it, are numbers (see `stream.py`). Beside
`shard-000000.tar` lies `shard-000000.index`, JSON that says where each clip begins; where it is
missing or does not fit the shard is searched through, once, in about half a second a thousand clips
of 16 frames. Shards are files; a pipe or an address is never opened.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from kineograph.core.errors import DataError
from kineograph.core.files import whole_file
from kineograph.data.arrays import EXTRAS
from kineograph.data.clip import Clip
from kineograph.data.members import decode, encode
from kineograph.data.sampling import Strides, Window, draw_window
from kineograph.data.skipped import Skipped
from kineograph.data.tar_index import Index, bytes_of, index_of, members_at, one_line


def write_shard(path: Path | str, clips: Iterable[Clip]) -> int:
    """Write clips into a `.tar`, in order, and the index beside it; whole or not at all.

    The same clips give the same bytes.

    Returns:
        How many clips there were; without any, nothing is written.

    Raises:
        DataError: a clip cannot be kept (see `members.encode`).
        OutputError: the shard cannot be written.
    """
    path = Path(path)
    coming = iter(clips)
    first = next(coming, None)
    if first is None:
        return 0
    starts: list[int] = []
    with whole_file(path) as unfinished:
        with tarfile.open(unfinished, "w", format=tarfile.USTAR_FORMAT) as shard:
            _add(shard, "000000", first)
            starts.append(0)
            for number, clip in enumerate(coming, 1):
                starts.append(shard.offset)
                _add(shard, f"{number:06d}", clip)
        size = unfinished.stat().st_size
        keys = [f"{number:06d}" for number in range(len(starts))]
        with whole_file(path.with_suffix(".index")) as index:
            index.write_text(json.dumps({"bytes": size, "keys": keys, "starts": starts}))
    return len(starts)


def _add(shard: tarfile.TarFile, key: str, clip: Clip) -> None:
    for name, data in encode(clip).items():
        member = tarfile.TarInfo(f"{key}.{name}")  # time 0, owner 0: same clips, same bytes
        member.size = len(data)
        shard.addfile(member, io.BytesIO(data))


def find_shards(where: Path | str) -> list[Path]:
    """The `.tar` files in a folder and the folders in it, sorted; or the one that is named.

    Raises:
        DataError: there is none.
    """
    where = Path(where)
    if where.is_file():
        return [where]
    found = sorted(path for path in where.rglob("*.tar") if path.is_file())
    if not found:
        raise DataError(f"there are no shards (.tar) at {where}; make some with `kineograph data`")
    return found


class Shards:
    """The clips of shards, by number. A `ClipSource`.

    Args:
        where: a folder, searched with the folders in it; or one `.tar`; or several of them.
        frames: how many frames to take of each clip, at a random place; None takes all.
        strides: smallest and largest distance of the frames taken.
        wanted: which of "tracks", "boxes", "cameras", "flow", "depth" and "masks" to read, where
            a clip has them.

    Raises:
        DataError: there are no shards, none of them holds a clip, or `wanted` names another thing.
    """

    def __init__(
        self,
        where: Path | str | Iterable[Path],
        *,
        frames: int | None = None,
        strides: Strides = (1, 1),
        wanted: Iterable[str] = EXTRAS,
    ) -> None:
        self.frames, self.strides = frames, strides
        self.wanted = frozenset(wanted)
        if not self.wanted <= set(EXTRAS):
            raise DataError(
                f"{', '.join(sorted(self.wanted - set(EXTRAS)))} was asked of shards; they hold "
                f"{', '.join(EXTRAS)}"
            )
        paths = find_shards(where) if isinstance(where, Path | str) else list(where)
        indices = [index_of(path) for path in paths]
        self.broken = tuple(
            Skipped(str(path), one.fault)
            for path, one in zip(paths, indices, strict=True)
            if one.fault is not None
        )
        self._held = [(p, one) for p, one in zip(paths, indices, strict=True) if one.keys]
        self.sizes = tuple(len(one.keys) for _, one in self._held)
        """How many clips each shard holds."""
        if not self._held:
            reasons = f": {self.broken[0]}" if self.broken else "; they are empty"
            raise DataError(f"no clip can be read from {len(paths)} shards{reasons}")
        self._bounds = np.concatenate([[0], np.cumsum(self.sizes)])

    def __len__(self) -> int:
        return int(self._bounds[-1])

    @property
    def fingerprint(self) -> str:
        """The same for shards of the same names and clips; another for others."""
        told = hashlib.sha256(f"{self.frames} {self.strides}".encode())
        for path, index in self._held:
            told.update(f"{path.name} {index.keys}".encode() + index.starts[:-1].tobytes())
        return told.hexdigest()[:16]

    def name(self, number: int) -> str:
        """Where the clip of this number comes from."""
        path, index, place = self._find(number)
        return f"{path.name}:{index.keys[place]}"

    def read(self, number: int, rng: np.random.Generator) -> Clip:
        """The clip of this number, or a random window of it.

        Raises:
            DataError: it is broken or too short.
        """
        path, index, place = self._find(number)
        start, end = index.starts[place : place + 2].tolist()
        what = f"{path.name}:{index.keys[place]}"
        try:
            with path.open("rb") as file:
                members = members_at(file, (start, end), index.keys[place])
                return decode(
                    {name: partial(bytes_of, file, found) for name, found in members.items()},
                    wanted=self.wanted,
                    choose=self._chooser(rng),
                    what=what,
                )
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"{what}: it cannot be read: {one_line(error)}") from error

    def _chooser(self, rng: np.random.Generator) -> Callable[[int], Window] | None:
        frames = self.frames
        if frames is None:
            return None
        return lambda total: draw_window(total, frames, self.strides, rng)

    def _find(self, number: int) -> tuple[Path, Index, int]:
        """The file, its index, and which clip of the file it is."""
        if not 0 <= number < len(self):
            raise DataError(f"clip {number} was asked for; there are {len(self)}, counted from 0")
        shard = int(np.searchsorted(self._bounds, number, side="right")) - 1
        return *self._held[shard], number - int(self._bounds[shard])

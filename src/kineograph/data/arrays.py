"""What a clip holds beside its frames, as `.npz` files in a shard, and back.

Nothing is trusted: what a file unpacks to is bounded, and arrays hold no objects.
"""

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32

from kineograph.core.boxes import Boxes
from kineograph.core.cameras import Cameras
from kineograph.core.errors import DataError, TracksError
from kineograph.core.tracks import Tracks
from kineograph.data.sampling import HELD

EXTRAS = HELD
"""What a clip may hold beside its frames."""

VERSION = 1
"""The version of the layout of shards."""

MAX_BYTES = 2 * 2**30
"""The most that one file may unpack to."""

FLOW_STEPS = 64
"""Steps a pixel in which flow is kept; so it reaches 512 pixels."""


def pack(name: str, held: Any) -> bytes:
    """One of `EXTRAS` as the bytes of an `.npz`; same arrays, same bytes.

    Raises:
        DataError: it is flow that reaches 512 pixels.
    """
    arrays = _ENCODERS[name](held)
    buffer = io.BytesIO()
    save = np.savez if name in ("tracks", "boxes", "cameras") else np.savez_compressed
    save(buffer, allow_pickle=False, version=np.int64(VERSION), **arrays)
    return buffer.getvalue()


def unpack(name: str, data: bytes) -> Any:
    """What `pack` packed.

    Raises:
        DataError: it is broken, malformed, of a newer version, or holds objects.
    """
    try:
        return _DECODERS[name](_arrays(data))
    except (TracksError, KeyError, TypeError, ValueError) as error:
        line = " ".join(str(error).splitlines()) or type(error).__name__
        raise DataError(line) from error


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    """The arrays in an `.npz`, bounded in size, without objects."""
    broken = (OSError, EOFError, MemoryError, SyntaxError, zlib.error, NotImplementedError)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise DataError(f"it unpacks to more than {MAX_BYTES >> 30} GiB")
        with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
            arrays = {name: loaded[name] for name in loaded.files}
    except (*broken, zipfile.BadZipFile, RuntimeError) as error:
        raise DataError("it is broken") from error
    if any(not isinstance(array, np.ndarray) for array in arrays.values()):
        raise DataError("it is broken")
    if int(arrays.pop("version")) > VERSION:
        raise DataError("it is of a newer version; install a newer kineograph")
    return arrays


def _fields(held: Any) -> dict[str, Any]:
    """The fields of tracks, boxes or cameras that they have, as arrays."""
    return {name: np.asarray(value) for name, value in vars(held).items() if value is not None}


def _plain(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    plain = {"size": tuple, "fps": float, "labels": tuple}
    return {n: plain[n](a.tolist()) if n in plain else a for n, a in arrays.items()}


def _flow_parts(flow: Float[np.ndarray, "pairs height width 2"]) -> dict[str, np.ndarray]:
    """Low and high bytes of the differences along rows, in steps of 1 / FLOW_STEPS pixels."""
    steps = np.round(flow.astype(np.float64) * FLOW_STEPS)
    if flow.size and np.abs(steps).max() > np.iinfo(np.int16).max:
        raise DataError("flow of 512 pixels or more cannot be kept; use a smaller picture")
    whole = steps.astype(np.int16)
    change = np.diff(whole, axis=2, prepend=np.int16(0)).view(np.uint16)
    low, high = (change & 0xFF).astype(np.uint8), (change >> 8).astype(np.uint8)
    return {"low": low, "high": high}


def _flow(arrays: dict[str, np.ndarray]) -> Float32[np.ndarray, "pairs height width 2"]:
    low, high = arrays["low"], arrays["high"]
    if low.dtype != np.uint8 or high.dtype != np.uint8 or low.ndim != 4:
        raise DataError("it is no flow")
    change = (low.astype(np.uint16) | high.astype(np.uint16) << 8).view(np.int16)
    whole = np.cumsum(change, axis=2, dtype=np.int16)
    return whole.astype(np.float32) / np.float32(FLOW_STEPS)


def _mask_parts(masks: Bool[np.ndarray, "objects frames height width"]) -> dict[str, np.ndarray]:
    return {"bits": np.packbits(masks, axis=-1), "width": np.array(masks.shape[-1])}


def _masks(arrays: dict[str, np.ndarray]) -> Bool[np.ndarray, "objects frames height width"]:
    if arrays["bits"].dtype != np.uint8 or arrays["bits"].ndim != 4:
        raise DataError("they are no masks")
    bits = np.unpackbits(arrays["bits"], axis=-1, count=int(arrays["width"]))
    return bits.astype(np.bool_)


def _depth(arrays: dict[str, np.ndarray]) -> Float32[np.ndarray, "frames height width"]:
    if arrays["depth"].dtype != np.float32:
        raise DataError("it is no depth")
    return arrays["depth"]


_ENCODERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "tracks": _fields,
    "boxes": _fields,
    "cameras": _fields,
    "flow": _flow_parts,
    "depth": lambda depth: {"depth": depth},
    "masks": _mask_parts,
}

_DECODERS: Mapping[str, Callable[[dict[str, np.ndarray]], Any]] = {
    "tracks": lambda arrays: Tracks(**_plain(arrays)),
    "boxes": lambda arrays: Boxes(**_plain(arrays)),
    "cameras": lambda arrays: Cameras.of(**_plain(arrays)),
    "flow": _flow,
    "depth": _depth,
    "masks": _masks,
}

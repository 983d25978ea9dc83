"""A clip as the members of a shard, and back: each frame a picture, everything else beside it.

A clip of the key 000012 is, in WebDataset's naming,

    000012.json          caption, name, frames a second, size, facts
    000012.0000.webp     the frames, lossless, one by one
    000012.tracks.npz    000012.boxes.npz    000012.cameras.npz    as the package's own files
    000012.flow.npz      000012.depth.npz    000012.masks.npz      where the clip has them

Frames are lossless WebP because training wants exactly what was tracked, and fast. Clips of 16
frames of six filmed scenes, one core, encoder's fastest setting, milliseconds to decode and KiB:

    16x128x128   WebP 3.6 ms, 293 KiB   PNG 5.8, 377   FFV1 17, 253   H.264 RGB lossless 24, 215
    16x256x256   WebP 13 ms, 974 KiB    PNG 20, 1291   FFV1 45, 815   H.264 RGB lossless 71, 768

Single frames cost nothing beside one long picture (3.4 and 12.6 ms) and let a reader take only the
frames it trains on. Flow is kept in steps of 1/64 pixel, as differences along the rows, which
takes a quarter of the same as float16 (893 instead of 3501 KiB for 16x256x256).

Nothing here is trusted: sizes are bounded, arrays hold no objects, and names are as above.
"""

import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kineograph.core.errors import DataError
from kineograph.data.arrays import EXTRAS, VERSION, pack, unpack
from kineograph.data.clip import Clip, Fact
from kineograph.data.sampling import Window, taken

MEMBER = re.compile(r"json|\d{4}\.webp|(?:" + "|".join(EXTRAS) + r")\.npz")
"""What a member may be called after its key and a dot; anything else is passed over."""

MAX_FRAMES = 10_000
MAX_SIDE = 16_383
"""WebP's largest side in pixels."""

Members = Mapping[str, Callable[[], bytes]]
"""What gives the bytes of a member, by what it is called after its key."""


class _Told(BaseModel):
    """What the `.json` member holds."""

    model_config = ConfigDict(extra="ignore")

    version: int = Field(ge=1, le=VERSION)
    name: str
    caption: str
    fps: float = Field(gt=0, allow_inf_nan=False)
    size: tuple[int, int]
    frames: int = Field(ge=1, le=MAX_FRAMES)
    facts: list[dict[str, Any]] = []


def encode(clip: Clip) -> dict[str, bytes]:
    """The members of a clip by what they are called after its key; same clip, same bytes.

    Raises:
        DataError: it is too long, too large, or its flow reaches 512 pixels.
    """
    if clip.frames > MAX_FRAMES or max(clip.size) > MAX_SIDE:
        raise DataError(
            f"{clip!r} is too much for a shard; it takes {MAX_FRAMES} frames of {MAX_SIDE} pixels"
        )
    told = {
        "version": VERSION,
        "name": clip.name,
        "caption": clip.caption,
        "fps": float(clip.fps),
        "size": clip.size,
        "frames": clip.frames,
        "facts": [vars(fact) for fact in clip.facts],
    }
    members = {"json": json.dumps(told, ensure_ascii=False).encode()}
    members |= {f"{i:04d}.webp": _webp(frame) for i, frame in enumerate(clip.video)}
    for name in EXTRAS:
        held = getattr(clip, name)
        if held is not None:
            members[f"{name}.npz"] = pack(name, held)
    return members


def decode(
    members: Members,
    *,
    wanted: frozenset[str] = frozenset(EXTRAS),
    choose: Callable[[int], Window] | None = None,
    what: str = "",
) -> Clip:
    """The clip of members; only those that are needed are read.

    Args:
        members: what gives the bytes of each.
        wanted: which of `EXTRAS` to read.
        choose: given how many frames there are, says which to take; None takes all.
        what: where it comes from, for messages.

    Raises:
        DataError: something is missing, broken, or does not fit; one line.
    """
    if "json" not in members:
        raise DataError(f"{what}: its description (.json) is missing")
    told = _told(members["json"](), what)
    try:
        chosen = Window(0, told.frames, 1) if choose is None else choose(told.frames)
    except DataError as error:
        raise DataError(f"{what}: {error}") from error
    held: dict[str, Any] = {}
    for name in EXTRAS:
        if name in wanted and f"{name}.npz" in members:
            try:
                whole = unpack(name, members[f"{name}.npz"]())
                _check_frames(name, whole, told)
                held[name] = taken(name, whole, chosen, told.fps / chosen.stride)
            except DataError as error:
                raise DataError(f"{what}: its {name} cannot be read: {error}") from error
    names = [f"{i:04d}.webp" for i in chosen.indices]
    try:
        facts = tuple(Fact(**fact) for fact in told.facts)
    except TypeError as error:
        raise DataError(f"{what}: its facts are malformed") from error
    return Clip(
        np.stack([_frame(members, name, told.size, what) for name in names]),
        told.fps / chosen.stride,
        told.caption,
        name=told.name or what,
        facts=facts,
        **held,
    )


def _check_frames(name: str, held: Any, told: _Told) -> None:
    """Something beside the frames has as many as the clip, before some of them are taken."""
    axis = 1 if name == "masks" else 0
    found = held.frames if hasattr(held, "frames") else held.shape[axis] + (name == "flow")
    if found != told.frames:
        raise DataError(f"it is of {found} frames, the clip of {told.frames}")


def caption_of(told: bytes, what: str = "") -> str:
    """The caption in a `.json` member, no frame decoded.

    Raises:
        DataError: it is malformed.
    """
    return _told(told, what).caption


def _told(data: bytes, what: str) -> _Told:
    try:
        return _Told.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "its JSON"
        raise DataError(f"{what}: its description is malformed: {place}: {first['msg']}") from error


def _webp(frame: UInt8[np.ndarray, "height width 3"]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "WEBP", lossless=True, method=0, quality=0)
    return buffer.getvalue()


def _frame(
    members: Members, name: str, size: tuple[int, int], what: str
) -> UInt8[np.ndarray, "height width 3"]:
    if name not in members:
        raise DataError(f"{what}: its frame {name} is missing")
    data = members[name]()
    if _webp_size(data) != size:
        raise DataError(f"{what}: its frame {name} is broken or not of {size[0]}x{size[1]}")
    frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if frame is None:
        raise DataError(f"{what}: its frame {name} is broken")
    return frame


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """The size a lossless WebP says it has, before anything is unpacked; None if it is none."""
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8L" or len(data) < 25 or data[20] != 0x2F:
        return None
    bits = int.from_bytes(data[21:25], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1

"""What a network made of a video, kept for when it is shown again."""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

import numpy as np
from jaxtyping import Float32, UInt8

Frames = UInt8[np.ndarray, "t height width 3"]
Features = Float32[np.ndarray, "..."]

MOST = 64 << 20
"""Bytes of features that are kept; those that were not asked for longest go first."""


class Remembering:
    """Features of videos by what is in them.

    The rows and variants of a benchmark share their true videos, and the still ones; a network sees
    each once. What is kept is bounded.

    Args:
        most: bytes that are kept.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most, self._held = most, 0
        self._kept: OrderedDict[bytes, Features] = OrderedDict()

    def __call__(self, make: Callable[[Frames], Features], frames: Frames) -> Features:
        """What `make` gives of a video, or gave; read only."""
        key = blake2b(
            np.ascontiguousarray(frames).data, digest_size=20, person=_shape(frames)
        ).digest()
        if key not in self._kept:
            made = make(frames)
            made.flags.writeable = False
            self._kept[key] = made
            self._held += made.nbytes
        self._kept.move_to_end(key)
        found = self._kept[key]
        while self._held > self._most:
            _, gone = self._kept.popitem(last=False)
            self._held -= gone.nbytes
        return found


def _shape(frames: Frames) -> bytes:
    """Two videos of the same bytes may differ in shape."""
    return np.array(frames.shape[:3], np.uint32).tobytes()

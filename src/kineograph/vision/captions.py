"""Captions: what is to be seen in a picture, in a sentence."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8


@runtime_checkable
class Captioner(Protocol):
    """Says what a picture shows."""

    def __call__(self, picture: UInt8[np.ndarray, "height width 3"]) -> str:
        """A sentence about an RGB picture, without a full stop at its end."""
        ...

"""Clip sources: anything that has clips by number."""

from typing import Protocol, runtime_checkable

import numpy as np

from kineograph.data.clip import Clip
from kineograph.data.skipped import Skipped


@runtime_checkable
class ClipSource(Protocol):
    """Clips by number: shards, folders of videos, GOT-10k, YouTube-VIS."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many clips lie together, in their order; their sum is the source's length."""
        ...

    @property
    def fingerprint(self) -> str:
        """The same for the same clips, read the same way; another for others."""
        ...

    @property
    def broken(self) -> tuple[Skipped, ...]:
        """What was found unusable when the source was opened."""
        ...

    def __len__(self) -> int:
        """How many clips there are."""
        ...

    def name(self, number: int) -> str:
        """Where the clip of this number comes from."""
        ...

    def read(self, number: int, rng: np.random.Generator) -> Clip:
        """The clip of this number, or a window of it; the same for the same generator.

        Raises:
            KineographError: it is broken, or does not fit together.
        """
        ...

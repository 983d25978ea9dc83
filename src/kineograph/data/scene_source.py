"""Procedural scenes as clips by number, so that they stream as anything else does."""

import numpy as np

from kineograph.core.errors import DataError
from kineograph.data.clip import Clip
from kineograph.data.files import fingerprint
from kineograph.data.procedural.scene import Scenes
from kineograph.data.skipped import Skipped

MANY = 1_000_000
"""Scenes an epoch, if nobody says; the second epoch is the first again, in another order."""


class SceneSource:
    """The first `count` scenes. A `ClipSource`.

    Args:
        scenes: the scenes.
        count: how many of them an epoch has.

    Raises:
        DataError: `count` is below 1.
    """

    def __init__(self, scenes: Scenes, count: int = MANY) -> None:
        if count < 1:
            raise DataError(f"{count} scenes were asked for; give 1 or more")
        self.scenes = scenes
        self.sizes = (count,)
        self.broken: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return self.sizes[0]

    @property
    def fingerprint(self) -> str:
        """The same for the same scenes; another for others."""
        settings = self.scenes.settings.model_dump_json()
        return fingerprint(["scenes", self.scenes.seed, settings, *self.sizes])

    def name(self, number: int) -> str:
        """The scene's number in words."""
        return f"scene {number} of seed {self.scenes.seed}"

    def read(self, number: int, rng: np.random.Generator) -> Clip:
        """The scene of this number; nothing of it is left to `rng`."""
        return self.scenes[number]

"""Procedural scenes as clips to train on: without an end, or a few that come again."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np

from kineograph.data.clip import Clip
from kineograph.data.procedural.drawing import draw_world
from kineograph.data.procedural.scene import clips_of, library
from kineograph.data.procedural.settings import SceneSettings
from kineograph.data.sampling import random_window
from kineograph.data.skipped import Skipped

EPOCH = 1 << 16
"""Scenes that are called an epoch; the next has others."""

SHARD = 64
"""Scenes that lie together in it, so that other data comes between them."""

MOST_KEPT = 4096
"""Scenes that may be kept in memory."""

PICTURED = 8
"""Frames of the scenes that single pictures are taken from, if the data does not say."""

_KEPT: dict[tuple[str, int], Clip] = {}


def scene_frames(shown: int, data: Mapping[str, Any]) -> int:
    """How many frames the scenes have of which some are shown.

    Those that are shown; but a scene of one frame says that nothing happens in it and does not name
    what is there, so single pictures are taken from longer ones. A few scenes that are kept, and
    those of single pictures, are as long as the data says.

    Args:
        shown: frames that a stage samples.
        data: of a recipe, of kind "scenes".
    """
    said = data.get("frames")
    if isinstance(said, int) and (data.get("few") or shown == 1):
        return max(shown, said)
    return PICTURED if shown == 1 else shown


class SceneClips:
    """Procedural scenes without an end. A `ClipSource`.

    Which scene it is comes from the chance that it is read with, which the stream has from its
    seed, the epoch and the number: no scene comes twice.

    Args:
        settings: what scenes are like.
        needed: what clips have to hold; flow, depth and masks are only made if they are.
        few: only so many scenes, which come again in every epoch and are kept in memory.
        frames: so many successive frames of a scene, others each time; all if None.
    """

    def __init__(
        self,
        settings: SceneSettings,
        needed: frozenset[str],
        few: int | None = None,
        frames: int | None = None,
    ) -> None:
        self.frames = frames or settings.frames
        made = {name: name in needed for name in ("flow", "depth", "masks")}
        self.settings, self.few = settings.model_copy(update=made), few
        self.sizes = (few,) if few else (SHARD,) * (EPOCH // SHARD)
        self.broken = tuple[Skipped, ...]()

    def __len__(self) -> int:
        return sum(self.sizes)

    @property
    def fingerprint(self) -> str:
        """Another for other settings."""
        said = self.settings.model_dump_json() + (f" {self.few}" if self.few else "")
        return sha256(said.encode()).hexdigest()[:16]

    def name(self, number: int) -> str:
        """What the clip of this number is called."""
        return f"scene number {number}"

    def read(self, number: int, rng: np.random.Generator) -> Clip:
        """A scene with all its truth, drawn by `rng`; one of few by its number."""
        if self.few:
            key = (self.fingerprint, number)
            if key not in _KEPT:
                _KEPT[key] = self._drawn(number)
            return self._part(_KEPT[key], rng)
        return self._part(self._drawn(int(rng.integers(2**63))), rng)

    def _part(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """As many successive frames as are wanted."""
        return clip if clip.frames == self.frames else random_window(clip, self.frames, rng)

    def _drawn(self, seed: int) -> Clip:
        world = draw_world(seed, self.settings, library(self.settings))
        return clips_of([world], self.settings)[0]

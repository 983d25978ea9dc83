"""The batches of a stage: clips read, sampled as its paper does, put together, read ahead."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from kineograph.core.errors import DataError, TrainingError
from kineograph.data.batch import Batch
from kineograph.data.clip import Clip
from kineograph.data.loader import BatchLoader
from kineograph.data.mirror import random_flip
from kineograph.data.order import BUFFER
from kineograph.data.sampling import fit
from kineograph.data.skipped import LIMIT, SkipReport
from kineograph.data.source import ClipSource
from kineograph.data.stream import ClipStream, Share
from kineograph.data.track_sampling import draw_tracks, gap, truncate, with_motion
from kineograph.training.clips import Data, clip_source, needed
from kineograph.training.scene_clips import SceneClips
from kineograph.training.stage import Sampling, Stage

MOST_WORKERS = 8
"""Processes that read, if nobody says and there are cores for them."""


@dataclass(frozen=True)
class Sampled:
    """What a stage takes of a clip, by chance; called with a clip and a generator.

    The middle of the picture is cut out in the aspect asked for and resized. Things the stage does
    not read are left out.

    Args:
        sampling: of the stage.
        needed: what the clip has to hold.
    """

    sampling: Sampling
    needed: frozenset[str]

    def __call__(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """The clip as it is trained on.

        Raises:
            DataError: it lacks what the stage needs.
        """
        for name in sorted(self.needed):
            if getattr(clip, name) is None:
                raise DataError(
                    f"clip {clip.name} has no {name}, which this stage reads; `kineograph data "
                    "prepare` adds what can be measured"
                )
        unread = {"tracks", "boxes", "flow", "depth", "masks", "cameras"} - self.needed
        nothing: dict[str, Any] = dict.fromkeys(unread)
        clip = fit(replace(clip, **nothing), self.sampling.size)
        clip = random_flip(clip, rng, self.sampling.flip)
        clip = with_motion(clip, self.sampling.motion)
        if self.sampling.tracks == "none":
            return replace(clip, tracks=None)
        clip = draw_tracks(clip, self.sampling.tracks, rng)
        clip = truncate(clip, rng, self.sampling.truncate)
        return gap(clip, rng, self.sampling.gaps)


class BatchSource:
    """Endless batches for a stage; its state is that of the batches handed out.

    Args:
        clips: where they come from.
        stage: how they are sampled, how many make a batch, and the seed of order and chance.
        workers: processes that read ahead; None takes one for every core but one, at most 8.
        limit: how many clips may be left out because they are broken; None is any number.
    """

    def __init__(
        self,
        clips: ClipSource,
        stage: Stage,
        *,
        workers: int | None = None,
        limit: int | None = LIMIT,
    ) -> None:
        self.clips, self.stage, self.limit = clips, stage, limit
        self.workers = spare_cores() if workers is None else workers
        self._loader: BatchLoader | None = None

    def part(
        self, process: int, processes: int, device: torch.device | str | None = None
    ) -> "BatchSource":
        """Itself, with the share of one of several processes, from the beginning.

        Together the processes see the clips that one with batches as large as all of theirs sees.

        Raises:
            DataError: more clips are broken than the limit allows.
        """
        endless = isinstance(self.clips, SceneClips) and not self.clips.few
        stream = ClipStream(
            self.clips,
            seed=self.stage.seed,
            transform=Sampled(self.stage.sampling, needed(self.stage)),
            share=Share(rank=process, world=processes, batch=self.stage.batch),
            limit=self.limit,
            buffer=0 if endless else BUFFER,
        )
        self._loader = BatchLoader(
            stream,
            workers=self.workers,
            max_objects=self.stage.sampling.max_objects,
            heatmaps="masks" if "masks" in needed(self.stage) else None,
            device=device,
        )
        return self

    def __iter__(self) -> Iterator[Batch]:
        """Batches from where it is; iterating again goes on.

        Raises:
            DataError: more clips are broken than the limit allows.
        """
        return iter(self.loader)

    @property
    def loader(self) -> BatchLoader:
        """What reads for this process."""
        if self._loader is None:
            self.part(0, 1)
        assert self._loader is not None
        return self._loader

    @property
    def report(self) -> SkipReport:
        """What had to be left out so far, and why."""
        return self.loader.report

    def state_dict(self) -> dict[str, Any]:
        """Where it is; plain values only."""
        return self.loader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the batch after those that were handed out.

        Raises:
            TrainingError: it was made of other data.
        """
        try:
            self.loader.load_state_dict(dict(state))
        except DataError as error:
            raise TrainingError(str(error)) from error

    def close(self) -> None:
        """Let the processes that read go."""
        if self._loader is not None:
            self._loader.close()


def source_for(
    data: Data, stage: Stage, *, workers: int | None = None, limit: int | None = LIMIT
) -> BatchSource:
    """The batches that a stage trains on.

    Args:
        data: of the recipe, or of `data_of`.
        stage: what is trained.
        workers: processes that read ahead; None takes one for every core but one, at most 8.
        limit: how many broken clips are left out before the run stops; None is any number.

    Raises:
        TrainingError: the data or the stage says something that is not allowed.
        DataError: there are no such clips.
    """
    return BatchSource(clip_source(data, stage), stage, workers=workers, limit=limit)


def spare_cores() -> int:
    """How many processes may read without taking the core that trains."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    together = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(0, min(MOST_WORKERS, here // together - 1))

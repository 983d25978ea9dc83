"""Suites of real videos whose boxes are asked for, stretched to 256x256, as SMCD is measured."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kineograph.core.errors import DataError, EvaluationError
from kineograph.core.state import State
from kineograph.data.clip import Clip
from kineograph.data.sampling import fit
from kineograph.data.source import ClipSource
from kineograph.engines.base import Request
from kineograph.evaluation.suites.choosing import boxes_at
from kineograph.evaluation.suites.naming import plain_names, seed_of
from kineograph.evaluation.suites.suite import Case, Loaded, Suite

OBJECTS = 8
"""Boxes that are given, the first ones."""

TRIES = 32
"""Windows that are drawn until one begins with an object that is seen."""


class BoxSuite(Suite):
    """First frame, caption and boxes of a window of each video.

    8 consecutive frames at 256x256, their aspect not kept. Where the paper's windows begin is not
    public: here they are drawn by a fixed seed, so that the first frame shows an object.
    """

    metrics: ClassVar[tuple[str, ...]] = ("fvd", "clip-sim", "fff-dino", "ao", "sr50", "sr75")

    def __init__(
        self,
        data: Path | None = None,
        *,
        size: tuple[int, int] | None = None,
        frames: int | None = None,
        count: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(data, size=size, frames=frames, count=count, seed=seed)
        self.size, self.frames = size or (256, 256), frames or 8

    def __getstate__(self) -> dict[str, Any]:
        return {name: held for name, held in self.__dict__.items() if name != "_source"}

    @abstractmethod
    def source_of(self, root: Path, frames: int) -> ClipSource:
        """The clips that the paper is measured on.

        Raises:
            DataError: they are not there.
        """

    @cached_property
    def _source(self) -> ClipSource:
        assert self.data is not None and self.frames is not None
        try:
            return self.source_of(self.data, self.frames)
        except DataError as error:
            raise EvaluationError(f"{error}; wanted: {self.layout}") from error

    @cached_property
    def _numbers(self) -> dict[str, int]:
        names = [self._source.name(number) for number in range(len(self._source))]
        return {name: number for number, name in enumerate(plain_names(names))}

    def cases(self) -> Sequence[Case]:
        """See `Suite`."""
        return [
            Case(name, "", seed_of(self.seed, name) % 2**31)
            for name in list(self._numbers)[: self.count]
        ]

    def load(self, case: Case) -> Loaded:
        """See `Suite`."""
        assert self.size is not None
        truth = fit(self._window(case.name), self.size, "stretch")
        boxes = truth.boxes
        if boxes is not None and boxes.count > OBJECTS:
            boxes = boxes_at(boxes, np.arange(OBJECTS))
        truth = replace(truth, boxes=boxes)
        request = Request(
            size=truth.size,
            frames=truth.frames,
            fps=truth.fps,
            picture=truth.video[0],
            text=truth.caption,
            seed=case.seed,
            boxes=truth.boxes,
        )
        return Loaded(request, truth)

    def _window(self, name: str) -> Clip:
        """A window that begins with an object in view."""
        number = self._numbers[name]
        rng = np.random.default_rng(seed_of(self.seed, name))
        for _ in range(TRIES):
            clip = self._source.read(number, rng)
            if clip.boxes is not None and (clip.boxes.state[:, 0] == State.VISIBLE).any():
                return clip
        raise EvaluationError(
            f"{name}: none of {TRIES} windows of {self.frames} frames begins with an object in view"
        )

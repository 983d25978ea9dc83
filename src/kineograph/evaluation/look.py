"""A look at a sample: what several metrics need of it is measured once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from kineograph.core.errors import EvaluationError
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.data.clip import Clip
from kineograph.evaluation.backbones.store import Backbones
from kineograph.evaluation.sample import Frames, Sample
from kineograph.vision.dis import DisFlow
from kineograph.vision.flow import OpticalFlow
from kineograph.vision.flow_tracker import FlowTracker
from kineograph.vision.tracker import PointTracker, grid_queries

GRID = 16
"""Points along the longer side of the grid that the background and the camera are told by."""


@dataclass(eq=False)
class Look:
    """A sample, with the eyes that look at it and what they have seen.

    Args:
        sample: what is measured.
        tracker: follows points through videos.
        flow: measures dense motion.
        backbones: learned networks, from files that the user names.
    """

    sample: Sample
    tracker: PointTracker = field(default_factory=FlowTracker)
    flow: OpticalFlow = field(default_factory=DisFlow)
    backbones: Backbones = field(default_factory=Backbones)

    def __post_init__(self) -> None:
        self._kept: dict[str, Any] = {}

    @property
    def truth(self) -> Clip:
        """The true video and what is known of it.

        Raises:
            EvaluationError: there is none.
        """
        if self.sample.truth is None:
            raise EvaluationError(
                f"{self.sample.name or 'a sample'} has no true video; name a metric that needs none"
            )
        return self.sample.truth

    @property
    def asked(self) -> Tracks:
        """The tracks that were asked for.

        Raises:
            EvaluationError: there are none.
        """
        if self.sample.request.tracks is None:
            raise EvaluationError(
                f"{self.sample.name or 'a sample'} was asked without tracks; name a metric that "
                "needs none"
            )
        return self.sample.request.tracks

    @cached_property
    def queries(self) -> tuple[Float32[np.ndarray, "queries 3"], Int64[np.ndarray, " queries"]]:
        """Where the asked tracks are first visible: (frame, x, y), and which track each is of.

        A track that is never visible inside the picture has none.
        """
        asked = self.asked
        inside = asked.visible & ((asked.points >= 0) & (asked.points < np.array(asked.size))).all(
            axis=2
        )
        which = np.flatnonzero(inside.any(axis=1))
        frame = inside[which].argmax(axis=1)
        places = np.concatenate([frame[:, None], asked.points[which, frame]], axis=1)
        return places.astype(np.float32), which.astype(np.int64)

    @cached_property
    def grid(self) -> Float32[np.ndarray, "queries 3"]:
        """Queries evenly over the first frame, whatever was asked."""
        return grid_queries(self.sample.size, GRID)

    @property
    def followed(self) -> Tracks:
        """The tracks of `queries` as the tracker finds them in the generated video.

        Raises:
            EvaluationError: no tracks were asked for.
        """
        return self._generated.select(np.arange(len(self.queries[0])))

    @property
    def truth_followed(self) -> Tracks:
        """The same in the true video: what the tracker makes of a perfect answer.

        Raises:
            EvaluationError: no tracks were asked for, or there is no true video.
        """
        return self._true.select(np.arange(len(self.queries[0])))

    @property
    def grid_followed(self) -> Tracks:
        """The tracks of `grid` in the generated video."""
        return self._generated.select(np.arange(-len(self.grid), 0) + self._generated.count)

    @property
    def truth_grid_followed(self) -> Tracks:
        """The tracks of `grid` in the true video.

        Raises:
            EvaluationError: there is none.
        """
        return self._true.select(np.arange(-len(self.grid), 0) + self._true.count)

    def follow(self, frames: Frames, queries: Float32[np.ndarray, "queries 3"]) -> Tracks:
        """The tracks of some queries in a video of the sample's rate."""
        return self.tracker(Video(frames, self.sample.fps), queries)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, kept under `key`: features that several metrics read."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    @cached_property
    def _generated(self) -> Tracks:
        """All that is followed in the generated video, in one pass: the queries, then the grid."""
        return self.follow(self.sample.frames, self._all_queries)

    @cached_property
    def _true(self) -> Tracks:
        if self.truth.video is self.sample.frames:
            return self._generated
        return self.follow(self.truth.video, self._all_queries)

    @property
    def _all_queries(self) -> Float32[np.ndarray, "queries 3"]:
        if self.sample.request.tracks is None:
            return self.grid
        return np.concatenate([self.queries[0], self.grid])

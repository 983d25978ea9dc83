"""Suites of real videos whose own motion is asked for, as tracks of different numbers."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from kineograph.core.errors import EvaluationError
from kineograph.core.video import Video
from kineograph.data.clip import Clip
from kineograph.engines.base import Request
from kineograph.evaluation.suites.naming import seed_of
from kineograph.evaluation.suites.suite import Case, Loaded, Suite
from kineograph.evaluation.suites.tracks import COUNTS, Followed, first_tracks


class TrackSuite(Suite):
    """First frame, text and N tracks of a true video, for several N.

    Tracks are followed through the true video by a tracker and kept; see `Followed`.

    Args:
        data: the folder of the videos.
        size: (width, height); the protocol's own if None.
        frames: at most so many of each clip, from its first; the protocol's own if None.
        count: at most so many clips, the first ones; all if None.
        seed: of the order that tracks are taken in.
        tracker: an eye of the kind "tracker" that follows the true videos; the default if empty.
        weights: where its weights are, if it needs any.

    Raises:
        EvaluationError: the data is missing or is not laid out as `layout` says.
    """

    axis = "tracks"
    variants: ClassVar[tuple[str, ...]] = COUNTS
    metrics: ClassVar[tuple[str, ...]] = ("psnr", "ssim", "lpips", "fvd", "epe", "epe-diagonal")
    usual_size: ClassVar[tuple[int, int]] = (256, 256)
    usual_frames: ClassVar[int] = 80

    def __init__(
        self,
        data: Path | None = None,
        *,
        size: tuple[int, int] | None = None,
        frames: int | None = None,
        count: int | None = None,
        seed: int = 0,
        tracker: str = "",
        weights: Path | None = None,
    ) -> None:
        super().__init__(data, size=size, frames=frames, count=count, seed=seed)
        assert self.data is not None
        self.size, self.frames = size or self.usual_size, frames or self.usual_frames
        self.followed = Followed(self.data, tracker, weights, seed)
        self._last: tuple[str, Clip] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_last": None}

    @property
    def said(self) -> Mapping[str, str]:
        """See `Suite`."""
        return {"true videos followed by": self.followed.said}

    @abstractmethod
    def names(self) -> Sequence[str]:
        """The clips, in their order.

        Raises:
            EvaluationError: the data is not laid out as it has to be; says what is missing.
        """

    @abstractmethod
    def clip(self, name: str) -> Clip:
        """The true clip of a name, at `size` and with at most `frames` frames.

        Raises:
            KineographError: its files are missing or broken.
        """

    def cases(self) -> Sequence[Case]:
        """See `Suite`."""
        names = self.names()[: self.count]
        return [
            Case(name, variant, seed_of(self.seed, name) % 2**31)
            for name in names
            for variant in self.variants
        ]

    def load(self, case: Case) -> Loaded:
        """See `Suite`."""
        truth = self._truth(case.name)
        assert truth.tracks is not None
        request = Request(
            size=truth.size,
            frames=truth.frames,
            fps=truth.fps,
            picture=truth.video[0],
            text=truth.caption,
            seed=case.seed,
            tracks=first_tracks(truth.tracks, int(case.variant), case.name),
        )
        return Loaded(request, truth)

    def _truth(self, name: str) -> Clip:
        """The true clip with its tracks; the last one is kept for its other variants."""
        if self._last is None or self._last[0] != name:
            clip = self.clip(name)
            if clip.frames < 2:
                raise EvaluationError(f"{name} has {clip.frames} frame; a clip needs 2 or more")
            tracks = self.followed(name, Video(clip.video, clip.fps))
            self._last = (name, replace(clip, tracks=tracks))
        return self._last[1]

"""Tracks that suites ask for: a fixed order of points, followed through the true video once.

Motion Prompting's protocol draws N tracks from those of a dense grid on the first frame. Here they
are the first N of one order, drawn by a fixed seed, so that what is asked for with more tracks
holds what is asked for with fewer; and only the points that are used are followed.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

import kineograph
from kineograph.core.errors import EvaluationError, OutputError, TracksError
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.evaluation.suites.naming import seed_of
from kineograph.vision.eyes import eye
from kineograph.vision.tracker import grid_queries

COUNTS = ("1", "4", "16", "64", "512", "2048")
"""How many tracks are given: Motion Prompting's variants (arXiv:2412.02700, table 1)."""

ACROSS = 128
"""The dense grid: 128 x 128 points on a square first frame, as its training data has."""

CACHE = "kineograph-tracks"
"""The folder beside the data that keeps what was followed."""


@dataclass(frozen=True)
class Followed:
    """Tracks of the true videos, kept on the disk.

    Args:
        data: the folder beside whose files they are kept; the user's cache if it cannot be written.
        tracker: an eye of the kind "tracker"; the default one if empty.
        weights: where its weights are, if it needs any.
        seed: of the order of the points.
    """

    data: Path
    tracker: str = ""
    weights: Path | None = None
    seed: int = 0

    def __call__(self, name: str, video: Video) -> Tracks:
        """The tracks of a video's points, in their fixed order; as many as are ever asked for.

        Raises:
            EvaluationError: they cannot be kept anywhere.
            VisionError: the tracker cannot be had.
        """
        digest = sha256(np.ascontiguousarray(video.frames).tobytes()).hexdigest()[:16]
        places = [where / self._folder(video) / f"{name}-{digest}.npz" for where in self._wheres()]
        for place in places:
            if (kept := _read(place, video)) is not None:
                return kept
        found = self._tracker()(video, self.queries(name, video.size))
        for place in places:
            try:
                found.save(place)
            except OutputError:
                continue
            return found
        raise EvaluationError(
            f"tracks of {name} cannot be written to {places[0].parent} nor to "
            f"{places[-1].parent}; make one of them writable"
        )

    def queries(self, name: str, size: tuple[int, int]) -> Float32[np.ndarray, "queries 3"]:
        """Points of the grid on the first frame, in the order that they are taken in."""
        grid = grid_queries(size, ACROSS)
        order = np.random.default_rng(seed_of(self.seed, name)).permutation(len(grid))
        return grid[order[: int(COUNTS[-1])]]

    @property
    def said(self) -> str:
        """What follows, for a report and for the names of what is kept."""
        weights = f" {self.weights.stem}" if self.weights else ""
        return f"{self.tracker}{weights}" if self.tracker else f"default {kineograph.__version__}"

    def _folder(self, video: Video) -> str:
        width, height = video.size
        return f"{self.said.replace(' ', '-')}-{width}x{height}-{len(video)}-seed{self.seed}"

    def _wheres(self) -> tuple[Path, Path]:
        told = sha256(str(self.data.resolve()).encode()).hexdigest()[:12]
        return self.data / CACHE, Path.home() / ".cache" / "kineograph" / CACHE / told

    def _tracker(self) -> Any:
        return eye("tracker", self.tracker or None, self.weights)


def first_tracks(tracks: Tracks, count: int, name: str) -> Tracks:
    """Exactly the first `count` tracks of an order.

    Raises:
        EvaluationError: there are not so many.
    """
    if tracks.count < count:
        raise EvaluationError(
            f"{name} has {tracks.count} tracks and {count} are asked for; choose a larger --size, "
            "or other --variants"
        )
    return tracks.select(np.arange(count))


def _read(place: Path, video: Video) -> Tracks | None:
    """What is kept there, if it is of this video."""
    if not place.is_file():
        return None
    try:
        kept = Tracks.load(place)
    except TracksError:
        return None  # broken: it is followed and written anew
    fits = (kept.frames, kept.size) == (len(video), video.size)
    return kept if fits and abs(kept.fps - video.fps) <= 1e-3 * video.fps else None

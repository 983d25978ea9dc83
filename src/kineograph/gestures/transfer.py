"""The transfer: another video's motion on this picture."""

from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Float32
from pydantic import Field, model_validator

from kineograph.core.errors import DocumentError
from kineograph.core.motion import Motion
from kineograph.core.tracks import Tracks
from kineograph.gestures.base import check_amount
from kineograph.gestures.scene import Scene
from kineograph.gestures.videos.alignment import Affine, Alignment, alignment_of, check_unfolded
from kineograph.gestures.videos.source import SourceVideo
from kineograph.gestures.writing.model import LISTED, PLAIN, Point

DENSER = 4.0
"""Tracks are drawn at random from a grid of so many times as many points."""

Pair = Annotated[tuple[Point, Point], LISTED]


class Transfer(SourceVideo):
    """Let the picture move as a video does: the video's tracks, laid over this picture.

    Without pairs the tracks are stretched over the canvas as they are (Motion Prompting, Geng et
    al. 2024, section 4.5). With pairs the picture's places are made to correspond: a track begins
    where its own place lies in this picture, and moves as the video does, turned and stretched as
    the picture is there.
    """

    kind: Literal["transfer"] = "transfer"
    """Another video's motion on this picture."""
    pairs: Annotated[tuple[Pair, ...], LISTED] = ()
    """Pairs [[x, y], [x, y]] of a point in the video's first frame, in its pixels, and the point of
    the canvas that corresponds to it."""
    align: Literal["canvas", "similarity", "thin-plate"] | None = None
    """How: canvas, stretched over the canvas; similarity, turned, scaled and moved as two or more
    pairs say; thin-plate, bent so that three or more pairs meet exactly. Left out, it is canvas
    without pairs and similarity with them."""
    scale: Annotated[float, Field(gt=0, le=1000), PLAIN] = 1.0
    """How large the motion is: 2 moves everything twice as far."""
    seed: Annotated[int, Field(ge=0, lt=2**63), PLAIN] = 0
    """Where the random choice of the tracks starts."""

    @model_validator(mode="after")
    def _check_pairs(self) -> "Transfer":
        if self.align == "canvas" and self.pairs:
            raise ValueError("has pairs and align canvas; take the pairs out, or align by them")
        if self.pairs or self.align not in (None, "canvas"):
            try:
                alignment_of(self.align or "similarity", self.pairs)
            except DocumentError as error:
                raise ValueError(str(error)) from None
        return self

    def expand(self, scene: Scene) -> Motion:
        """The source's tracks, where and when this picture is to move.

        Raises:
            DocumentError: the source is shorter than asked, the region holds nothing, or no track
                begins on the canvas.
            VideoError, TracksError, VisionError: the source cannot be read or tracked.
        """
        self.check(scene)
        check_amount(self.count, scene, "ask for a smaller count")
        source = self._tracks(scene)
        placed = self.aligned(source, scene)
        if not scene.inside(_beginnings(placed)).any():
            raise DocumentError(
                f"none of the {placed.count} tracks begins on the canvas of {scene.size[0]}x"
                f"{scene.size[1]}; check the pairs"
            )
        return Motion(tracks=self.fitted(placed, scene))

    def aligned(self, tracks: Tracks, scene: Scene) -> Tracks:
        """Tracks of the source as tracks of this picture, in the source's own time.

        Raises:
            DocumentError: the pairs fold the source over.
        """
        alignment = self._alignment(tracks.size, scene)
        begin = _beginnings(tracks).astype(np.float64)
        check_unfolded(alignment, begin)
        step = np.einsum("nij,ntj->nti", alignment.jacobian(begin), tracks.displacements())
        points = alignment.at(begin)[:, None] + self.scale * step
        return Tracks.of(points, tracks.state, size=scene.size, fps=tracks.fps)

    def _alignment(self, size: tuple[int, int], scene: Scene) -> Alignment:
        if not self.pairs:
            return Affine.scaling(size, scene.size)
        return alignment_of(self.align or "similarity", self.pairs)

    def _tracks(self, scene: Scene) -> Tracks:
        """So many tracks of the source's region as are asked for, drawn at random."""
        rng = np.random.default_rng(self.seed)
        if self.path.lower().endswith(".npz"):
            held = Tracks.load(scene.find_file(self.path))
            held = held.select(np.flatnonzero(held.specified.any(axis=1)))
            held = held.select(self.chosen(_beginnings(held), held.size, scene))
            if held.count == 0:
                raise DocumentError(f"no track of {self.path} begins in the region; make it larger")
            return held.subsample(min(self.count, held.count), rng)
        video = self.video(scene)
        seeds = self.seeds(video.size, scene, DENSER)
        kept = np.sort(rng.choice(len(seeds), min(self.count, len(seeds)), replace=False))
        queries = np.column_stack([np.zeros(len(kept), np.float32), seeds[kept]])
        return _tracker(self)(video, queries)


def _beginnings(tracks: Tracks) -> Float32[np.ndarray, "tracks 2"]:
    """Each track's first specified position."""
    return tracks.points[np.arange(tracks.count), tracks.specified.argmax(axis=1)]


def _tracker(gesture: SourceVideo) -> Any:
    from kineograph.vision.eyes import eye

    return eye("tracker", gesture.tracker, gesture.weights)


def log_uniform_subset(
    tracks: Tracks, rng: np.random.Generator, *, least: int = 1, most: int = 2**13
) -> Tracks:
    """A random subset whose size is drawn log-uniformly: as often 1 to 2 tracks as 512 to 1024.

    (The "dense + sparse" setting of Motion Prompting, Geng et al. 2024.)

    Args:
        tracks: what is drawn from.
        rng: where randomness comes from.
        least: the smallest number.
        most: the largest number; if there are fewer tracks, all of them.

    Raises:
        DocumentError: there are fewer than `least`, or the limits are no range.
    """
    most = min(most, tracks.count)
    if not 1 <= least <= most:
        raise DocumentError(
            f"{least} to {most} of {tracks.count} tracks were asked for; give 1 or more, and not "
            "more than there are"
        )
    count = int(np.exp(rng.uniform(np.log(least), np.log(most + 1))))
    return tracks.subsample(min(max(count, least), most), rng)

"""Procedural scenes with exact truth: suites that need no data."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from kineograph.core.errors import EvaluationError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip
from kineograph.engines.base import Request
from kineograph.evaluation.metrics.direction import measurable
from kineograph.evaluation.suites.choosing import boxes_at
from kineograph.evaluation.suites.naming import seed_of
from kineograph.evaluation.suites.suite import Case, Loaded, Suite
from kineograph.evaluation.suites.tracks import COUNTS, first_tracks

SEED = 3_000_000_000
"""Of the first scene: neither training nor its probes use these (see `training.probes`)."""

TRIES = 64
"""Scenes that are looked at for each clip that is taken."""

CLIPS = 16
"""Clips, if nobody says."""

MOVES = 0.03
"""What goes further than this share of the picture's longer side moves."""

OBJECTS = 8
"""Boxes that are given, as SMCD's and Boximator's networks read."""


class _Scenes(Suite):
    """Scenes of 128x128, 16 frames at 16 a second; each has something that the suite measures.

    Scenes are drawn from the same sprites and backgrounds as training's, by seeds that training
    does not use. Nothing in `data` is read.
    """

    source = "Kineograph's own: exact truth, nothing estimated"
    settings: ClassVar[Mapping[str, Any]] = {}
    """Of the scenes, where they are not the usual ones; see `SceneSettings`."""

    def cases(self) -> Sequence[Case]:
        """See `Suite`."""
        return [
            Case(f"scene-{number:03d}", variant, seed_of(self.seed, number) % 2**31)
            for number in range(self.count or CLIPS)
            for variant in self.variants
        ]

    def load(self, case: Case) -> Loaded:
        """See `Suite`."""
        truth = self._truth(int(case.name.rpartition("-")[2]))
        plain = Request(
            size=truth.size,
            frames=truth.frames,
            fps=truth.fps,
            picture=truth.video[0],
            text=truth.caption,
            seed=case.seed,
        )
        return Loaded(self.asked(plain, truth, case), truth)

    @abstractmethod
    def asked(self, plain: Request, truth: Clip, case: Case) -> Request:
        """What is asked for, given picture and text."""

    @abstractmethod
    def suits(self, clip: Clip) -> bool:
        """Whether a scene has what this suite measures."""

    def _truth(self, number: int) -> Clip:
        begin = SEED + (self.seed * 10_000 + number) * TRIES
        for seed in range(begin, begin + TRIES):
            clip = _scene(
                seed, self.size or (128, 128), self.frames or 16, tuple(self.settings.items())
            )
            if self.suits(clip):
                return clip
        raise EvaluationError(
            f"none of {TRIES} scenes of {self.frames or 16} frames has what suite {self.name} "
            "measures; ask for more --frames"
        )


class Procedural(_Scenes):
    """First frame, caption and N of the truth's tracks.

    The tracks are the first N of one order, drawn by a fixed seed, of those of an even grid on the
    first frame, all visible there. The very first is one that moves, so that a single track asks
    for something; otherwise moving and resting points are as frequent as in the picture.
    """

    name = "procedural"
    title = "Procedural scenes, N tracks"
    axis = "tracks"
    variants: ClassVar[tuple[str, ...]] = COUNTS
    metrics: ClassVar[tuple[str, ...]] = (
        "epe",
        "delta-average",
        "average-jaccard",
        "epe-horizon",
        "leakage",
        "psnr",
        "ssim",
    )

    def asked(self, plain: Request, truth: Clip, case: Case) -> Request:
        """See above."""
        assert truth.tracks is not None
        ordered = in_order(truth.tracks, seed_of(self.seed, case.name))
        return replace(plain, tracks=first_tracks(ordered, int(case.variant), case.name))

    def suits(self, clip: Clip) -> bool:
        """See above."""
        return clip.tracks is not None and bool(moving(clip.tracks).any())


class ProceduralBoxes(_Scenes):
    """First frame, caption and the boxes of all objects, as SMCD is asked."""

    name = "procedural-boxes"
    title = "Procedural scenes, boxes"
    metrics: ClassVar[tuple[str, ...]] = ("ao", "sr50", "sr75", "map", "ap50", "psnr", "ssim")
    settings: ClassVar[Mapping[str, Any]] = {"objects": (1, 4)}

    def asked(self, plain: Request, truth: Clip, case: Case) -> Request:
        """See above."""
        return replace(plain, boxes=truth.boxes)

    def suits(self, clip: Clip) -> bool:
        """Whether an object that the first frame shows goes somewhere."""
        boxes = clip.boxes
        if boxes is None or not boxes.count:
            return False
        shown = boxes.state[:, 0] == State.VISIBLE
        gone = np.linalg.norm(boxes.centres - boxes.centres[:, :1], axis=2)
        gone = np.where(boxes.visible, gone, 0).max(axis=1)
        return bool((shown & (gone > MOVES * max(clip.size))).any())


class ProceduralText(_Scenes):
    """The caption alone, or with the first frame: whether what it says to move does so."""

    name = "procedural-text"
    title = "Procedural scenes, text"
    axis = "given"
    variants: ClassVar[tuple[str, ...]] = ("picture-and-text", "text")
    metrics: ClassVar[tuple[str, ...]] = ("text-direction", "text-direction-cosine")
    settings: ClassVar[Mapping[str, Any]] = {"objects": (1, 2), "camera": 0.25}

    def asked(self, plain: Request, truth: Clip, case: Case) -> Request:
        """See above."""
        return replace(plain, picture=None) if case.variant == "text" else plain

    def suits(self, clip: Clip) -> bool:
        """Whether the caption says a way that can be seen."""
        return bool(clip.caption) and any(measurable(fact) for fact in clip.facts)


def in_order(tracks: Tracks, seed: int) -> Tracks:
    """The tracks that the first frame shows, in an order drawn by a seed; the first one moves."""
    shown = np.flatnonzero(tracks.visible[:, 0])
    order = shown[np.random.default_rng(seed).permutation(len(shown))]
    mobile = np.flatnonzero(moving(tracks)[order])
    if len(mobile):
        order = np.concatenate([order[mobile[:1]], np.delete(order, mobile[0])])
    return tracks.select(order)


def moving(tracks: Tracks) -> np.ndarray:
    """(N,) which tracks go somewhere while they are seen."""
    far = np.linalg.norm(tracks.displacements(), axis=2)
    far = np.where(tracks.visible, far, 0).max(axis=1, initial=0)
    return np.asarray(tracks.visible[:, 0] & (far > MOVES * max(tracks.size)))


@lru_cache(4)
def _scene(
    seed: int, size: tuple[int, int], frames: int, settings: tuple[tuple[str, Any], ...]
) -> Clip:
    """A scene in which something moves; the last ones are kept for the other variants of theirs.

    The grid of tracks has 4,096 points or more at any size.
    """
    from kineograph.data.procedural.scene import scene
    from kineograph.data.procedural.settings import OFTEN

    spacing = min(2.0, float(np.sqrt(size[0] * size[1] / 4096)))
    clip = scene(
        seed,
        size=size,
        frames=frames,
        spacing=spacing,
        depth=False,
        flow=False,
        still=0.0,
        motions={name: often for name, often in OFTEN.items() if name != "stay"},
        **dict(settings),
    )
    if clip.boxes is None or clip.boxes.count <= OBJECTS:
        return clip
    masks = None if clip.masks is None else clip.masks[:OBJECTS]
    return replace(clip, boxes=boxes_at(clip.boxes, np.arange(OBJECTS)), masks=masks)

"""A suite of a few small scenes, quick enough for tests; importable by other processes."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from kineograph.core.errors import EvaluationError
from kineograph.data.procedural.scene import scene
from kineograph.data.sampling import window
from kineograph.engines.base import Request
from kineograph.evaluation.suites.suite import Case, Loaded, Published, Suite

SLIDES: dict[str, Any] = {
    "objects": (1, 1),
    "spans": (0.5, 0.6),
    "motions": {"slide": 1.0},
    "camera": 0.0,
    "still": 0.0,
    "light": 0.0,
}
"""One large thing slides over a background that rests."""


class FewScenes(Suite):
    """Three scenes of 96x96, with 4 or 32 tracks, all on what moves."""

    name = "few-scenes"
    title = "A few scenes"
    source = "this test"
    metrics = ("psnr", "epe")
    axis = "tracks"
    variants: ClassVar[tuple[str, ...]] = ("4", "32")
    published: ClassVar[tuple[Published, ...]] = (
        Published("Another", "4", {"epe": 9.0}, "A paper, Table 1"),
    )

    def cases(self) -> Sequence[Case]:
        names = [f"scene-{index}" for index in range(self.count or 3)]
        return [Case(name, variant, self.seed) for name in names for variant in self.variants]

    def load(self, case: Case) -> Loaded:
        if case.seed == 13:
            raise EvaluationError(f"{case.name} cannot be read")
        number = 7000 + int(case.name.rpartition("-")[2])
        whole = scene(number, size=(96, 96), frames=16, flow=False, depth=False, **SLIDES)
        truth = window(whole, 0, 5)  # what moves in 16 frames is too quick for trackers in 5
        assert truth.tracks is not None
        moves = np.linalg.norm(truth.tracks.displacements()[:, -1], axis=1) > 1
        seen = np.flatnonzero(truth.tracks.visible.all(axis=1) & moves)
        some = np.random.default_rng(number).permutation(seen)[: int(case.variant)]
        request = Request(
            size=truth.size,
            frames=truth.frames,
            fps=truth.fps,
            picture=truth.video[0],
            text=truth.caption,
            seed=case.seed,
            tracks=truth.tracks.select(np.sort(some)),
        )
        return Loaded(request, truth)

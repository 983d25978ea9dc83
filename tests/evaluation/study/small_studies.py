"""Small studies for tests: with real videos, or with setups alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from conftest import made_texture
from kineograph.core.picture import write_picture
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.evaluation.study.creating import Order, create
from kineograph.evaluation.study.given import Given, motions_in, pictures_in, videos_in
from kineograph.evaluation.study.protocols import PROTOCOLS, Protocol
from kineograph.evaluation.study.sittings import Sittings
from kineograph.evaluation.study.store import Store
from kineograph.evaluation.study.study_folder import Pair, Shown, Study, StudyFolder, Test

SIZE, FRAMES, FPS = (64, 48), 6, 12
SYSTEMS = {"zebrafinch": 2, "okapi": 1, "quagga": 3}
"""Labels that come up nowhere else, and how fast their videos pan."""


def pan(seed: int, step: int, frames: int = FRAMES, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A texture that moves left by `step` pixels a frame."""
    wide = made_texture((size[0] + 40, size[1]), seed)
    return np.stack([wide[:, step * i : step * i + size[0]] for i in range(frames)])


def given_in(root: Path, cases: int = 3, systems: Mapping[str, int] = SYSTEMS) -> Given:
    """Folders of videos, tracks and pictures, and texts."""
    (root / "pictures").mkdir(parents=True)
    (root / "motion").mkdir()
    texts = {}
    for case in range(cases):
        name = f"case{case}"
        for system, step in systems.items():
            (root / system).mkdir(exist_ok=True)
            Video(pan(case, step), FPS).save(root / system / f"{name}.mp4")
        write_picture(root / "pictures" / f"{name}.png", pan(case, 0)[0])
        path = np.stack([np.linspace(50, 20, FRAMES), np.full(FRAMES, 24.0)], axis=-1)[None]
        tracks = Tracks.of(points=path.astype(np.float32), size=SIZE, fps=FPS)
        tracks.save(root / "motion" / f"{name}.tracks.npz")
        texts[name] = f"the texture of number {case} moves to the left"
    return Given(
        videos={system: videos_in(root / system) for system in systems},
        motion=motions_in(root / "motion"),
        pictures=pictures_in(root / "pictures"),
        texts=texts,
    )


def quick(name: str, **changed: object) -> Protocol:
    """A built-in protocol without its waiting times."""
    held = {"submit_after": 0.0, "least_seconds": 0.0, **changed}
    return PROTOCOLS[name].model_copy(update=held)


def made_study(root: Path, protocol: Protocol, cases: int = 3) -> StudyFolder:
    """A whole study under `root/study`."""
    create(given_in(root / "given", cases), Order(protocol), root / "study")
    return StudyFolder(root / "study")


def bare_study(
    protocol: Protocol, cases: int = 6, systems: tuple[str, ...] = ("a", "b"), tests: int = 3
) -> Study:
    """A setup whose files are not there."""
    pairs = [
        Pair(
            id=f"case{case}: {one} / {other}",
            case=f"case{case}",
            systems=(one, other),
            videos=(f"{case}{one}.mp4", f"{case}{other}.mp4"),
            shown=Shown(),
            seconds=0.5,
        )
        for case in range(cases)
        for one, other in combinations(systems, 2)
    ]
    checks = tuple(question.id for question in protocol.choices)
    hidden = [
        Test(
            id=f"test-{index}",
            kind="given",
            good="0good.mp4",
            bad="1bad.mp4",
            checks=checks,
            shown=Shown(),
            seconds=0.5,
        )
        for index in range(tests)
    ]
    return Study(protocol=protocol, systems=systems, pairs=tuple(pairs), tests=tuple(hidden))


@dataclass
class Clock:
    """A clock that is turned by hand."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def sittings_of(study: Study, where: Path, clock: Clock | None = None) -> Sittings:
    """The rules of a study over a new database in a folder."""
    folder = StudyFolder(where)
    where.mkdir(exist_ok=True)
    return Sittings(folder, study, Store(folder.votes), clock or Clock())


def answered(sittings: Sittings, clock: Clock, token: str, say: dict[str, list[str]]) -> dict:
    """Do the current task by the rules, saying the same to each question."""
    seen = sittings.look(token)
    clock.now += 100
    for side in ("first", "second"):
        sittings.watched(token, seen["position"], side)
    return sittings.answer(token, seen["position"], say)

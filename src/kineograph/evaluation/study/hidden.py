"""Hidden test questions: pairs of which it is plain which video is better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from kineograph.core.errors import StudyError
from kineograph.core.picture import read_picture
from kineograph.core.tracks import Tracks
from kineograph.core.video import read_video
from kineograph.evaluation.align import aligned
from kineograph.evaluation.study.format import Format, Wish
from kineograph.evaluation.study.given import Given, pictures_in, texts_of, videos_in
from kineograph.evaluation.study.media import Frames, Media, check_moves, degraded
from kineograph.evaluation.study.protocols import Protocol
from kineograph.evaluation.study.red_dot import red_dots
from kineograph.evaluation.study.study_folder import Shown, Test

GOOD, BAD, MOTION = ".good", ".bad", ".motion"
"""Endings of the stems of test questions that the user gives."""


@dataclass(frozen=True)
class Maker:
    """Makes test questions for a study.

    Args:
        protocol: says how many and what is shown.
        media: where the videos go.
        shown: case to what stands beside its videos.
        formats: case to what its videos are.
        wish: what may be done to videos.
        rng: chooses.
    """

    protocol: Protocol
    media: Media
    shown: Mapping[str, Shown]
    formats: Mapping[str, Format]
    wish: Wish
    rng: np.random.Generator

    def tests(self, given: Given, own: Path | None) -> tuple[Test, ...]:
        """The user's own, and as many made ones as are still needed.

        Half of those that are made show a moving disc that follows the dot or goes elsewhere, if
        the protocol asks about motion; the others a case's video, the true one where it is given,
        against the same one spoilt.

        Raises:
            StudyError: a file of the user's own is missing or does not fit.
        """
        found = [] if own is None else self._own(own)
        missing = max(0, self.protocol.tests - len(found))
        asks = tuple(question.id for question in self.protocol.questions if question.motion)
        moving = missing // 2 if asks else 0
        spoilt = [self._degraded(given, index) for index in range(missing - moving)]
        return tuple(found + spoilt + [self._moving(asks, index) for index in range(moving)])

    def _degraded(self, given: Given, index: int) -> Test:
        """A video against the same one spoilt: right or wrong for every choice."""
        cases = sorted(given.truth) or sorted(self.formats)
        cases = [case for case in cases if case in self.formats]
        if not cases:
            raise StudyError("none of the true videos has the name of a case; name them alike")
        case = cases[int(self.rng.integers(len(cases)))]
        files = [given.truth[case]] if case in given.truth else self._files(given, case)
        path = files[int(self.rng.integers(len(files)))]
        held = self.formats[case]
        good = brought(path, held, self.wish)
        check_moves(good, str(path))
        names = (
            self.media.video(good, held.fps),
            self.media.video(degraded(good, self.rng), held.fps),
        )
        return self._test(f"degraded-{index + 1}", "degraded", names, self.shown[case], held)

    @staticmethod
    def _files(given: Given, case: str) -> list[Path]:
        return [held[case] for held in given.videos.values()]

    def _moving(self, asks: tuple[str, ...], index: int) -> Test:
        """A disc that goes where the dot goes, against one that goes the way back."""
        held = next(iter(self.formats.values()))
        there = disc_tracks(held, self.rng)
        back = replace(there, points=np.ascontiguousarray(there.points[:, ::-1]))
        seed = int(self.rng.integers(2**31))
        names = tuple(
            self.media.video(disc_video(way, np.random.default_rng(seed)), held.fps)
            for way in (there, back)
        )
        motion = self.media.video(red_dots(there), held.fps)
        return self._test(
            f"moving-{index + 1}", "moving", (names[0], names[1]), Shown(motion=motion), held, asks
        )

    def _own(self, folder: Path) -> list[Test]:
        """`NAME.good.mp4` and `NAME.bad.mp4`, with `NAME.motion.mp4`, pictures and `texts.json`."""
        videos = videos_in(folder)
        names = sorted({_name(stem) for stem in videos})
        texts = texts_of(folder / "texts.json") if (folder / "texts.json").is_file() else {}
        pictures = pictures_in(folder) if self.protocol.shows_picture else {}
        return [self._given(folder, name, videos, pictures, texts) for name in names]

    def _given(
        self,
        folder: Path,
        name: str,
        videos: Mapping[str, Path],
        pictures: Mapping[str, Path],
        texts: Mapping[str, str],
    ) -> Test:
        wanted = [GOOD, BAD] + [MOTION] * self.protocol.shows_motion
        for ending in wanted:
            if name + ending not in videos:
                raise StudyError(f"{folder} has no {name}{ending}.mp4; a test question needs it")
        if self.protocol.shows_picture and name not in pictures:
            raise StudyError(f"{folder} has no picture {name}.png; the protocol shows one")
        if self.protocol.shows_text and name not in texts:
            raise StudyError(f"{folder}/texts.json has no text for {name}; the protocol shows one")
        first = next(iter(self.formats.values()))
        frames = [brought(videos[name + ending], first, self.wish) for ending in wanted]
        files = [self.media.video(held, first.fps) for held in frames]
        picture = read_picture(pictures[name]) if self.protocol.shows_picture else None
        shown = Shown(
            text=texts.get(name, "") if self.protocol.shows_text else "",
            picture=None if picture is None else self.media.picture(picture, first.size),
            motion=files[2] if len(files) > 2 else None,
        )
        return self._test(f"given-{name}", "given", (files[0], files[1]), shown, first)

    def _test(
        self,
        name: str,
        kind: str,
        names: tuple[str, str],
        shown: Shown,
        held: Format,
        checks: tuple[str, ...] = (),
    ) -> Test:
        """A test question; without `checks` the good video is right for every choice."""
        self.media.even_out(names)
        return Test(
            id=name,
            kind=kind,
            good=names[0],
            bad=names[1],
            checks=checks or tuple(question.id for question in self.protocol.choices),
            shown=shown,
            seconds=held.seconds,
        )


def brought(path: Path, held: Format, wish: Wish) -> Frames:
    """A video's frames in a format.

    Raises:
        EvaluationError: it differs in something of which nobody said what to do about it.
    """
    return aligned(read_video(path), held.size, held.frames, held.fps, wish.how, str(path))


def disc_tracks(held: Format, rng: np.random.Generator) -> Tracks:
    """The middle of a disc that moves across the picture, straight, to a random side."""
    width, height = held.size
    angle = rng.uniform(0, 2 * np.pi)
    reach = 0.28 * np.array([width * np.cos(angle), height * np.sin(angle)])
    along = np.linspace(-1, 1, held.frames)[:, None]
    points = np.array([width / 2, height / 2]) + along * reach
    return Tracks.of(points=points[None].astype(np.float32), size=held.size, fps=held.fps)


def disc_video(tracks: Tracks, rng: np.random.Generator) -> Frames:
    """A bright disc over a smooth random ground, moving along the first track."""
    width, height = tracks.size
    ground = _ground((width, height), rng)
    colour = rng.uniform(0, 90, 3) + np.array([20.0, 110.0, 60.0])
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    radius = 0.12 * min(width, height)
    frames = []
    for centre in tracks.points[0]:
        far = np.hypot(x - centre[0], y - centre[1])[..., None]
        inside = np.clip(radius + 0.5 - far, 0, 1)
        shade = 1.0 - 0.5 * (far / radius) ** 2
        frames.append(ground * (1 - inside) + inside * np.clip(colour * shade, 0, 255))
    return np.stack(frames).astype(np.uint8)


def _ground(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    coarse = rng.uniform(70, 190, (6, 6, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255)


def _name(stem: str) -> str:
    for ending in (GOOD, BAD, MOTION):
        if stem.endswith(ending):
            return stem.removesuffix(ending)
    raise StudyError(
        f"{stem} is no test question's video; name them NAME.good.mp4 and NAME.bad.mp4"
    )


def checks_of(test: Test, answers: Mapping[str, Sequence[str]], good: str) -> bool:
    """Whether a test question was passed: `good` was chosen wherever it is the right answer."""
    return all(tuple(answers.get(question, ())) == (good,) for question in test.checks)

"""MoveBench: 1,018 clips of 5 seconds with tracks of one object, 192 with several (MIT licence).

Of Wan-Move (arXiv:2512.08765); its layout is that of its public code.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

from kineograph.core.errors import EvaluationError, KineographError
from kineograph.core.picture import fit as fit_picture
from kineograph.core.picture import read_picture
from kineograph.core.points import from_pixel_centres
from kineograph.core.tracks import Tracks
from kineograph.core.video import read_video
from kineograph.data.clip import Clip
from kineograph.data.sampling import Window, fit, taken
from kineograph.engines.base import Request
from kineograph.evaluation.sample import Frames
from kineograph.evaluation.suites.naming import plain_names, seed_of
from kineograph.evaluation.suites.reading import check_there, cut, lines_of, within
from kineograph.evaluation.suites.suite import Case, Loaded, Published, Suite

MODES = ("single", "multi")
"""Tracks of one object, or of several."""

FPS = 16.0
"""Frames a second of the clips."""

VIDEOS = ("video", "videos")
"""The folder of the true videos, by its usual names; without it nothing is held against them."""

MAX_BYTES = 2**30
"""Of an array; tracks of a clip are far smaller."""


class MoveBench(Suite):
    """First frame, caption and the tracks that come with it; the true clips where they are there.

    81 frames of 832x480 at 16 a second, as the tracks are. Tracks are CoTracker's, whose (0, 0) is
    the middle of a pixel. A size of another aspect takes the middle; fewer `frames` take the first.
    """

    name = "movebench"
    title = "MoveBench"
    source = "Wan-Move (arXiv:2512.08765), MoveBench and its public code"
    layout = (
        "en/single_track.txt and en/multi_track.txt (NAME.mp4,caption a line), en/first_frame/"
        "NAME.jpg, en/track/single/NAME_tracks.npy and NAME_visibility.npy (the same in track/"
        "multi), and en/video/NAME.mp4 (hf download Ruihang/MoveBench --repo-type dataset, "
        "then tar xf en.tar.gz)"
    )
    axis = "objects"
    variants: ClassVar[tuple[str, ...]] = MODES
    metrics: ClassVar[tuple[str, ...]] = (
        "fid",
        "fvd",
        "psnr",
        "ssim",
        "lpips",
        "clip-sim",
        "epe",
        "epe-paired",
    )
    published: ClassVar[tuple[Published, ...]] = (
        Published(
            "Wan-Move 14B",
            "single",
            {"fid": 12.2, "fvd": 83.5, "psnr": 17.8, "ssim": 0.64},
            "Wan-Move (arXiv:2512.08765)",
            "recalled and not checked against the paper; its EPE, 2.6, is of 832x480 pixels",
        ),
    )

    def cases(self) -> Sequence[Case]:
        """See `Suite`."""
        names = list(dict.fromkeys(name for name, _ in self._items))[: self.count]
        chosen = frozenset(names)
        return [
            Case(name, mode, seed_of(self.seed, name) % 2**31)
            for name, mode in self._items
            if name in chosen
        ]

    def load(self, case: Case) -> Loaded:
        """See `Suite`."""
        stem, caption = self._items[case.name, case.variant]
        picture = read_picture(self._root / "first_frame" / f"{stem}.jpg")
        size = (picture.shape[1], picture.shape[0])
        tracks = _tracks(self._root / "track" / case.variant / stem, size)
        frames = min(tracks.frames, self.frames or tracks.frames)
        truth = self._truth(stem, frames, size)
        frames = frames if truth is None else min(frames, len(truth))
        first = Window(0, frames, 1)
        video = np.repeat(picture[None], frames, axis=0) if truth is None else truth[:frames]
        clip = Clip(video, FPS, caption, case.name, tracks=taken("tracks", tracks, first, FPS))
        clip = clip if self.size is None else fit(clip, self.size)
        request = Request(
            size=clip.size,
            frames=frames,
            fps=FPS,
            picture=fit_picture(cut(picture, clip.size, "crop"), clip.size),
            text=caption,
            seed=case.seed,
            tracks=clip.tracks,
        )
        return Loaded(request, None if truth is None else clip)

    @cached_property
    def _items(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Name and mode to stem and caption, in the order of the lists."""
        stems: dict[tuple[str, str], str] = {}
        for mode in MODES:
            for line in lines_of(self._root / f"{mode}_track.txt", "names, captions", self.layout):
                name, comma, caption = line.partition(",")
                if not comma or not caption.strip():
                    raise EvaluationError(
                        f"{self._root / f'{mode}_track.txt'} has the line {line!r}; a line is a "
                        "name, a comma and a caption"
                    )
                stems[str(Path(name.strip()).with_suffix("")), mode] = caption.strip()
        self._check(stems)
        told = list(dict.fromkeys(stem for stem, _ in stems))
        plain = dict(zip(told, plain_names(told), strict=True))
        ordered = sorted(stems, key=lambda item: (told.index(item[0]), MODES.index(item[1])))
        return {(plain[stem], mode): (stem, stems[stem, mode]) for stem, mode in ordered}

    @property
    def _root(self) -> Path:
        assert self.data is not None
        return self.data / "en"

    def _check(self, stems: dict[tuple[str, str], str]) -> None:
        for what, ending in (("tracks", "_tracks.npy"), ("visibilities", "_visibility.npy")):
            held = (within(self._root / "track" / mode, f"{stem}{ending}") for stem, mode in stems)
            check_there(held, what, self.layout)
        names = dict.fromkeys(stem for stem, _ in stems)
        first = (within(self._root / "first_frame", f"{stem}.jpg") for stem in names)
        check_there(first, "first frames", self.layout)
        for folder in (self._root / name for name in VIDEOS if (self._root / name).is_dir()):
            check_there((within(folder, f"{stem}.mp4") for stem in names), "videos", self.layout)

    def _truth(self, stem: str, frames: int, size: tuple[int, int]) -> Frames | None:
        """The true video's frames; None where the videos were not fetched."""
        folder = next((self._root / n for n in VIDEOS if (self._root / n).is_dir()), None)
        if folder is None:
            return None
        video = read_video(within(folder, f"{stem}.mp4"), max_frames=frames)
        if video.size != size:
            raise EvaluationError(
                f"{stem}.mp4 is {video.size[0]}x{video.size[1]}, its first frame {size[0]}x"
                f"{size[1]}; fetch both again"
            )
        return video.frames


def _tracks(stem: Path, size: tuple[int, int]) -> Tracks:
    """The tracks in a pair of arrays: points (F, N, 2) or (1, F, N, 2), visibility (F, N)."""
    points, seen = (
        _array(stem.with_name(f"{stem.name}_{w}.npy")) for w in ("tracks", "visibility")
    )
    points, seen = (
        held[0] if held.ndim == wanted else held for held, wanted in ((points, 4), (seen, 3))
    )
    if points.ndim != 3 or points.shape[2] != 2 or seen.shape != points.shape[:2]:
        raise EvaluationError(
            f"{stem}_tracks.npy is {points.shape}, its visibility {seen.shape}; they have to be "
            "(frames, points, 2) and (frames, points)"
        )
    placed = from_pixel_centres(np.asarray(points, np.float32).transpose(1, 0, 2))
    try:
        return Tracks.of(placed, seen.T.astype(bool), size=size, fps=FPS).hide_outside()
    except KineographError as error:
        raise EvaluationError(f"{stem}_tracks.npy: {error}") from error


def _array(path: Path) -> np.ndarray:
    """An array of numbers; pickles are not read."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise EvaluationError(f"{path} is larger than {MAX_BYTES >> 30} GiB; it is no track")
        held = cast(Any, np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        first = str(error).splitlines()[0]
        raise EvaluationError(f"{path} cannot be read as an array: {first}") from error
    if not isinstance(held, np.ndarray) or held.dtype.kind not in "biuf":
        raise EvaluationError(f"{path} holds no array of numbers")
    return held

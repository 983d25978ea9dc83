"""MSR-VTT's test split with boxes, as Boximator is measured on it (arXiv:2402.01566)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kineograph.core.boxes import Boxes
from kineograph.core.errors import DataError, EvaluationError
from kineograph.core.state import State
from kineograph.core.video import open_video
from kineograph.data.clip import Clip
from kineograph.data.files import read_json
from kineograph.data.folders import beside
from kineograph.data.sampling import Window, fit, taken
from kineograph.engines.base import Request
from kineograph.evaluation.suites.choosing import boxes_at
from kineograph.evaluation.suites.naming import seed_of
from kineograph.evaluation.suites.reading import check_there, within
from kineograph.evaluation.suites.suite import Case, Loaded, Published, Suite

LISTS = ("test_videodatainfo.json", "MSRVTT_data.json")
"""Usual names of the list of videos and sentences."""

FOLDERS = ("TestVideo", "videos/all", "videos")
"""Usual folders of the videos."""

RATE = 4.0
"""Frames a second that are shown."""

BOX, FIRST = "box", "f0"
"""What variants give: boxes, the first frame."""

_SOURCE = "Boximator (arXiv:2402.01566), section 4"
_NOTE = (
    "boxes by Grounding DINO and DEVA, which are not public; CLIPSIM times 100; 2,990 clips with "
    "one prompt each, drawn otherwise"
)
_NAMES = ("fvd", "clip-sim", "map", "ap50", "ap75")
_ROWS: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "ModelScope + Boximator": {
        "text": (239, 30.13, 0.096, 0.195, 0.084),
        "box": (216, 29.48, 0.312, 0.470, 0.309),
        "f0": (142, 28.65, 0.141, 0.260, 0.126),
        "f0-box": (132, 28.52, 0.300, 0.456, 0.299),
    },
    "PixelDance + Boximator": {
        "text": (237, 30.39, 0.094),
        "box": (174, 29.47, 0.349, 0.479, 0.359),
        "f0": (113, 28.90, 0.194),
        "f0-box": (102, 28.74, 0.365, 0.521, 0.384),
    },
}


@dataclass(frozen=True)
class _Item:
    """A video, and what is said of it."""

    video: Path
    sentences: tuple[str, ...]
    boxes: Path | None


class MsrVtt(Suite):
    """Text, alone or with the boxes of the first and the last frame, the first frame, or both.

    16 frames at 4 a second from the video's beginning, the middle square at 256x256, one of the
    video's sentences by a fixed seed. Between its two ends a box goes in a straight line and is
    soft, as Boximator's inference has it. Only objects that are seen in all frames count. The
    paper's boxes are not public: make them with a detector, one NAME.boxes.npz a video of all its
    frames.
    """

    name = "msrvtt"
    title = "MSR-VTT test, boxes"
    source = _SOURCE
    layout = (
        "test_videodatainfo.json (videos, sentences), TestVideo/video7010.mp4 ..., and "
        "boxes/video7010.boxes.npz (or beside the video) for what is boxed"
    )
    axis = "given"
    variants: ClassVar[tuple[str, ...]] = ("text", BOX, FIRST, f"{FIRST}-{BOX}")
    metrics: ClassVar[tuple[str, ...]] = ("fvd", "clip-sim", *_NAMES[2:], "map-gdino", "ap50-gdino")
    published: ClassVar[tuple[Published, ...]] = tuple(
        Published(system, variant, dict(zip(_NAMES, values, strict=False)), _SOURCE, _NOTE)
        for system, table in _ROWS.items()
        for variant, values in table.items()
    )

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
        self.size, self.frames = size or (256, 256), frames or 16

    def cases(self) -> Sequence[Case]:
        """See `Suite`. Variants with boxes are of the videos that have a file of boxes."""
        return [
            Case(name, variant, seed_of(self.seed, name) % 2**31)
            for name in list(self._items)[: self.count]
            for variant in self.variants
            if BOX not in variant or self._items[name].boxes is not None
        ]

    def load(self, case: Case) -> Loaded:
        """See `Suite`."""
        truth = self._clip(self._items[case.name], case.name)
        request = Request(
            size=truth.size,
            frames=truth.frames,
            fps=truth.fps,
            picture=truth.video[0] if FIRST in case.variant else None,
            text=truth.caption,
            seed=case.seed,
            boxes=ends(truth.boxes) if BOX in case.variant and truth.boxes else None,
        )
        return Loaded(request, truth)

    @cached_property
    def _items(self) -> dict[str, _Item]:
        """Name to video, those of the test split in the list's order."""
        assert self.data is not None
        listed = next((self.data / n for n in LISTS if (self.data / n).is_file()), None)
        if listed is None:
            raise EvaluationError(f"{self.data} has no {LISTS[0]}; wanted: {self.layout}")
        folder = next((self.data / n for n in FOLDERS if (self.data / n).is_dir()), None)
        if folder is None:
            raise EvaluationError(f"{self.data} has no folder {FOLDERS[0]}; wanted: {self.layout}")
        names, sentences = _read(listed)
        videos = {name: within(folder, f"{name}.mp4") for name in names}
        check_there(videos.values(), "videos", self.layout)
        silent = [name for name in names if not sentences.get(name)]
        if silent:
            raise EvaluationError(f"{listed} has no sentence of {silent[0]}; fetch it again")
        return {
            name: _Item(path, tuple(sentences[name]), self._boxes_of(path))
            for name, path in videos.items()
        }

    def _boxes_of(self, video: Path) -> Path | None:
        assert self.data is not None
        name = f"{video.stem}.boxes.npz"
        held = (self.data / "boxes" / name, video.with_name(name))
        return next((path for path in held if path.is_file()), None)

    def _clip(self, item: _Item, name: str) -> Clip:
        """The true clip, with the boxes of what is seen in all its frames."""
        assert self.size is not None and self.frames is not None
        with open_video(item.video) as reader:
            stride = max(1, round(reader.fps / RATE))
            chosen = Window(0, self.frames, stride)
            kept = list(islice(reader, 0, chosen.indices[-1] + 1, stride))
            whole, rate = (reader.frames, reader.size, reader.fps), reader.fps / stride
        if len(kept) < self.frames:
            raise EvaluationError(
                f"{item.video} has {whole[0]} frames, too few for {self.frames} at {RATE:g} a "
                "second; ask for fewer --frames"
            )
        rng = np.random.default_rng(seed_of(self.seed, name))
        caption = item.sentences[int(rng.integers(len(item.sentences)))]
        boxes = None
        if item.boxes is not None:
            # `beside` looks for the file by the video's name, wherever that would lie
            held = beside(item.boxes.with_name(item.video.name), "boxes", Boxes, whole)
            boxes = taken("boxes", held, chosen, rate)
        clip = fit(Clip(np.stack(kept), rate, caption, name=name, boxes=boxes), self.size)
        return replace(clip, boxes=_throughout(clip.boxes))


def ends(boxes: Boxes) -> Boxes | None:
    """The boxes of the first and the last frame, soft ones in a straight line between them."""
    if not boxes.count:
        return None
    share = np.linspace(0, 1, boxes.frames)[None, :, None]
    first, last = boxes.boxes[:, :1], boxes.boxes[:, -1:]
    hard = np.zeros((boxes.count, boxes.frames), bool)
    hard[:, [0, -1]] = True
    return Boxes.of(
        first + share * (last - first),
        size=boxes.size,
        fps=boxes.fps,
        labels=boxes.labels,
        hard=hard,
    )


def _throughout(boxes: Boxes | None) -> Boxes | None:
    """The objects that are seen in every frame."""
    if boxes is None:
        return None
    kept = np.flatnonzero((boxes.state == State.VISIBLE).all(axis=1))
    return boxes_at(boxes, kept) if len(kept) else None


def _read(listed: Path) -> tuple[list[str], dict[str, list[str]]]:
    """The test videos' names, and every video's sentences."""
    try:
        held: Any = read_json(listed, "videos and sentences of MSR-VTT")
    except DataError as error:
        raise EvaluationError(str(error)) from error
    try:
        names = [str(x["video_id"]) for x in held["videos"] if x.get("split", "test") == "test"]
        sentences: dict[str, list[str]] = {}
        for told in held["sentences"]:
            sentences.setdefault(str(told["video_id"]), []).append(
                " ".join(told["caption"].split())
            )
    except (KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(
            f"{listed} is malformed: it is to hold videos (video_id, split) and sentences "
            "(video_id, caption)"
        ) from error
    if not names:
        raise EvaluationError(f"{listed} lists no video of the test split; fetch the test list")
    return names, sentences

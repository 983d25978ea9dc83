"""YouTube-VIS (Yang et al. 2019) as SMCD trains on it: boxes of several objects a clip.

    ROOT/train/JPEGImages/0043f083b5/00000.jpg ...
    ROOT/train/instances.json               videos, categories, annotations: one an object, with a
                                            box x, y, w, h or null for every frame
    ROOT/caption.json                       a caption a video, as TrackDiffusion made them

Where an object has no box it is unspecified, so that a network reads its null token. Videos without
a caption are called by what is in them.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kineograph.core.boxes import Boxes
from kineograph.core.errors import DataError, TracksError
from kineograph.data.clip import Clip
from kineograph.data.files import fingerprint, read_frames, read_json
from kineograph.data.sampling import Strides, draw_window
from kineograph.data.skipped import Skipped

FPS = 6.0
"""Frames a second of the frames: every fifth of a video of 30."""

MEASURED = 180
"""SMCD is measured on so many videos at the front of its training split."""

SHORTEST = 8
"""Videos with fewer frames are left out by SMCD: 2890 of 2985 remain."""


def held_out(names: Iterable[str]) -> frozenset[str]:
    """The videos of the training split that must not be trained on, out of those of 8 frames.

    SMCD's figures are of the first 180 of them by name, which its training does not leave out;
    TrackDiffusion's are of 160 of the split, whose names are not public. There is no other
    validation split with public boxes.
    """
    return frozenset(sorted(names)[:MEASURED])


class _Video(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: int
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    file_names: list[str] = Field(min_length=1)


class _Category(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: int
    name: str = Field(min_length=1)


class _Annotation(BaseModel):
    model_config = ConfigDict(extra="ignore")
    video_id: int
    category_id: int
    bboxes: list[tuple[float, float, float, float] | None]


class _Instances(BaseModel):
    model_config = ConfigDict(extra="ignore")
    videos: list[_Video]
    categories: list[_Category]
    annotations: list[_Annotation]


class YouTubeVis:
    """Windows of YouTube-VIS's videos. A `ClipSource`.

    Args:
        root: the folder that holds the splits.
        split: the folder with `instances.json`.
        frames: of each window; SMCD takes 8.
        strides: smallest and largest distance of the frames taken.
        evaluation: read what is held out, and nothing else.

    Raises:
        DataError: `instances.json` is missing or malformed, or nothing is left to read.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        split: str = "train",
        frames: int = SHORTEST,
        strides: Strides = (1, 1),
        evaluation: bool = False,
    ) -> None:
        self.folder = Path(root) / split
        self.frames, self.strides = frames, strides
        held = _instances(self.folder / "instances.json")
        self._captions = _captions(Path(root), self.folder)
        self._classes = {one.id: one.name for one in held.categories}
        self._objects: dict[int, list[_Annotation]] = {}
        for item in held.annotations:
            self._objects.setdefault(item.video_id, []).append(item)
        videos = {_name(one): one for one in held.videos if len(one.file_names) >= SHORTEST}
        measured = held_out(videos) if split == "train" else frozenset[str]()
        self._videos = [videos[name] for name in sorted(videos) if (name in measured) == evaluation]
        if not self._videos:
            raise DataError(
                f"{self.folder} has no video of {SHORTEST} frames that is not held out for "
                f"evaluation ({len(measured)} are)"
            )
        self.sizes = (len(self._videos),)
        self.broken: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self._videos)

    @property
    def fingerprint(self) -> str:
        """The same for the same videos, read the same way."""
        return fingerprint(["ytvis", self.frames, self.strides, *map(_name, self._videos)])

    def name(self, number: int) -> str:
        """The video's name."""
        return _name(self._videos[number])

    def read(self, number: int, rng: np.random.Generator) -> Clip:
        """A window of the video of this number.

        Raises:
            DataError: frames are missing or malformed, or it is too short.
        """
        video = self._videos[number]
        try:
            return self._read(video, rng)
        except (DataError, TracksError) as error:
            raise DataError(f"{_name(video)}: {error}") from error

    def _read(self, video: _Video, rng: np.random.Generator) -> Clip:
        total = len(video.file_names)
        chosen = draw_window(total, self.frames, self.strides, rng)
        names = [_inside(video.file_names[i]) for i in chosen.indices]
        pictures = read_frames(self.folder / "JPEGImages" / name for name in names)
        size, fps = (pictures.shape[2], pictures.shape[1]), FPS / chosen.stride
        if size != (video.width, video.height):
            raise DataError(
                f"its frames are {size[0]}x{size[1]}, its boxes for {video.width}x{video.height}"
            )
        objects = self._objects.get(video.id, [])
        labels = tuple(self._class(item) for item in objects)
        placed = np.array([_corners(item, total) for item in objects]).reshape(-1, total, 4)
        boxes = Boxes.of(placed[:, chosen.picked], size=size, fps=fps, labels=labels)
        caption = self._captions.get(_name(video)) or _called(labels)
        return Clip(pictures, fps, caption, name=_name(video), boxes=boxes)

    def _class(self, item: _Annotation) -> str:
        if item.category_id not in self._classes:
            raise DataError(f"an object is of the unknown category {item.category_id}")
        return self._classes[item.category_id].replace("_", " ")


def _instances(path: Path) -> _Instances:
    held = read_json(path, "videos, categories and annotations of YouTube-VIS")
    try:
        return _Instances.model_validate(held)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise DataError(f"{path} is malformed: {place}: {first['msg']}") from error


def _captions(*folders: Path) -> dict[str, str]:
    """The captions by video, from the first caption.json there is."""
    for path in (folder / "caption.json" for folder in folders):
        if path.is_file():
            held: Any = read_json(path, "captions of the videos")
            if not isinstance(held, dict) or not all(isinstance(v, str) for v in held.values()):
                raise DataError(f"{path} has to hold names of videos with a caption each")
            return {name: " ".join(text.split()) for name, text in held.items()}
    return {}


def _name(video: _Video) -> str:
    """A video is called as the folder of its frames."""
    return PurePosixPath(video.file_names[0]).parent.name or str(video.id)


def _inside(name: str) -> str:
    """The path of a frame, inside the folder of all frames."""
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts:
        raise DataError(f"its frame {name} is outside JPEGImages")
    return name


def _corners(item: _Annotation, frames: int) -> list[list[float]]:
    """x0, y0, x1, y1 a frame, NaN where there is no box."""
    if len(item.bboxes) != frames:
        raise DataError(f"an object has {len(item.bboxes)} boxes for {frames} frames")
    return [
        [np.nan] * 4
        if box is None or min(box[2:]) <= 0
        else [box[0], box[1], box[0] + box[2], box[1] + box[3]]
        for box in item.bboxes
    ]


def _called(labels: tuple[str, ...]) -> str:
    """A caption from the classes, each once: "A dog and a person."."""
    names = list(dict.fromkeys(labels))
    if not names:
        return ""
    said = [f"{'an' if name[0] in 'aeiou' else 'a'} {name}" for name in names]
    joined = " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
    return f"{joined[0].upper()}{joined[1:]}."

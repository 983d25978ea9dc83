"""GOT-10k (Huang et al. 2019) as SMCD trains on it: one boxed object a clip, a template caption.

    ROOT/train/list.txt                     names of the sequences, one a line
    ROOT/train/GOT-10k_Train_000001/        00000001.jpg ...
        groundtruth.txt                     x,y,w,h a line, pixels
        meta_info.ini                       object_class, motion_class, anno_fps ...
        absence.label  cover.label          a number a line: 1 is absent; 0..8 eighths seen

Where the object is absent its box is unspecified, so that a network reads its null token.
"""

import configparser
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from kineograph.core.boxes import Boxes
from kineograph.core.errors import DataError, TracksError
from kineograph.core.state import State
from kineograph.data.clip import Clip
from kineograph.data.files import fingerprint, frame_files, read_frames
from kineograph.data.sampling import Strides, draw_window
from kineograph.data.skipped import Skipped

FPS = 10.0
"""Frames a second at which GOT-10k's frames were taken, where meta_info.ini does not say."""

SKIPPED = (
    "001665", "001849", "001858", "001867", "001898", "002446", "002449", "004419", "005912",
    "007610", "007643", "007645", "007788", "008628", "008630", "008721", "008917", "008925",
    "008931", "009027", "009031", "009032", "009058", "009059", "009065", "009094", "009102",
    "009210", "009211", "009214", "009274", "009302", "009320", "009323",
)  # fmt: skip
"""The 34 numbers that SMCD's training leaves out (its released code)."""

VALIDATION = 180
"""Sequences of the validation split, on all of which SMCD is measured."""


def held_out(split: str) -> frozenset[str]:
    """The sequences of a split that must not be trained on.

    "train": SMCD's 34; "val": all 180, its evaluation set; "test": all 180, which have no boxes
    but in their first frame.

    Raises:
        DataError: there is no such split.
    """
    if split == "train":
        return frozenset(f"GOT-10k_Train_{number}" for number in SKIPPED)
    if split in ("val", "test"):
        numbers = range(1, VALIDATION + 1)
        return frozenset(f"GOT-10k_{split.title()}_{number:06d}" for number in numbers)
    raise DataError(f"GOT-10k has no split {split}; there are train, val and test")


class Got10k:
    """Windows of GOT-10k's sequences. A `ClipSource`.

    The caption is SMCD's "A {object_class} that is {motion_class}."; the box's label the class.

    Args:
        root: the folder that holds the splits.
        split: "train" or "val".
        frames: of each window; SMCD takes 8.
        strides: smallest and largest distance of the frames taken.
        evaluation: read what is held out, which is left out otherwise.

    Raises:
        DataError: the folder or its list is missing, or nothing is left to read.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        split: str = "train",
        frames: int = 8,
        strides: Strides = (1, 1),
        evaluation: bool = False,
    ) -> None:
        self.folder = Path(root) / split
        self.frames, self.strides = frames, strides
        kept_out = frozenset[str]() if evaluation else held_out(split)
        self.names = [name for name in _listed(self.folder) if name not in kept_out]
        if not self.names:
            raise DataError(
                f"all sequences of {self.folder} are held out for evaluation; train on "
                "another split"
            )
        self.sizes = (len(self.names),)
        self.broken: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def fingerprint(self) -> str:
        """The same for the same sequences, read the same way."""
        return fingerprint(["got10k", self.frames, self.strides, *self.names])

    def name(self, number: int) -> str:
        """The sequence's name."""
        return self.names[number]

    def read(self, number: int, rng: np.random.Generator) -> Clip:
        """A window of the sequence of this number.

        Raises:
            DataError: it is incomplete, malformed or too short.
        """
        folder = self.folder / self.names[number]
        try:
            return self._read(folder, rng)
        except (DataError, TracksError) as error:
            raise DataError(f"{folder.name}: {error}") from error

    def _read(self, folder: Path, rng: np.random.Generator) -> Clip:
        files = frame_files(folder)
        told = _meta(folder / "meta_info.ini")
        placed, state = _boxes(folder, len(files))
        chosen = draw_window(len(files), self.frames, self.strides, rng)
        video = read_frames(files[i] for i in chosen.indices)
        subject, fps = told["object_class"], _fps(told) / chosen.stride
        boxes = Boxes.of(
            placed[None, chosen.picked],
            state[None, chosen.picked],
            size=(video.shape[2], video.shape[1]),
            fps=fps,
            labels=(subject,),
        )
        caption = f"A {subject} that is {told['motion_class']}."
        return Clip(video, fps, caption, name=folder.name, boxes=boxes)


def _listed(folder: Path) -> list[str]:
    """The sequences of a split: those of its list.txt, else its folders."""
    path = folder / "list.txt"
    if path.is_file():
        names = path.read_text(encoding="utf-8", errors="replace").split()
        strange = [name for name in names if not re.fullmatch(r"[\w.-]+", name)]
        if strange:
            raise DataError(f"{path} lists {strange[0]!r}, which is no name of a folder beside it")
        return names
    found = sorted(path.name for path in folder.glob("GOT-10k_*") if path.is_dir())
    if not found:
        raise DataError(f"there is no list.txt and no sequence in {folder}; give GOT-10k's root")
    return found


def _boxes(
    folder: Path, frames: int
) -> tuple[Float[np.ndarray, "frames 4"], UInt8[np.ndarray, " frames"]]:
    """Corners and states of the object at every frame."""
    given = _numbers(folder / "groundtruth.txt", frames, 4)
    if given is None:
        raise DataError("its groundtruth.txt is missing")
    absent = _numbers(folder / "absence.label", frames, 1)
    cover = _numbers(folder / "cover.label", frames, 1)
    state = np.full(frames, State.VISIBLE, np.uint8)
    if cover is not None:
        state[cover[:, 0] == 0] = State.OCCLUDED
    missing = ~np.isfinite(given).all(axis=1) | (given[:, 2:] <= 0).any(axis=1)
    if absent is not None:
        missing |= absent[:, 0] != 0
    state[missing] = State.UNSPECIFIED
    corners = np.concatenate([given[:, :2], given[:, :2] + given[:, 2:]], axis=1)
    corners[missing] = 0
    return corners, state


def _numbers(path: Path, rows: int, columns: int) -> Float[np.ndarray, "rows columns"] | None:
    """Numbers in a text file, so many rows of so many; None if there is no file."""
    if not path.is_file():
        return None
    try:
        lines = path.read_text().replace(",", " ").splitlines()
        values = np.array(
            [[float(word) for word in line.split()] for line in lines if line.strip()]
        )
    except (OSError, ValueError) as error:
        raise DataError(f"its {path.name} does not hold numbers") from error
    if values.shape != (rows, columns):
        raise DataError(
            f"its {path.name} has {len(lines)} lines; its {rows} frames need one of "
            f"{columns} number{'s' * (columns > 1)} each"
        )
    return values


@lru_cache(maxsize=65536)
def _meta(path: Path) -> dict[str, str]:
    """What meta_info.ini says."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        told = {key: value.strip().strip('"') for key, value in parser["METAINFO"].items()}
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError) as error:
        raise DataError("its meta_info.ini is missing or malformed") from error
    lacking = [name for name in ("object_class", "motion_class") if not told.get(name)]
    if lacking:
        raise DataError(f"its meta_info.ini does not say the {lacking[0]}")
    return told


def _fps(told: dict[str, str]) -> float:
    """Frames a second of the frames, as "10Hz"."""
    found = re.match(r"\s*(\d+(?:\.\d+)?)", told.get("anno_fps", ""))
    return float(found.group(1)) if found and float(found.group(1)) > 0 else FPS

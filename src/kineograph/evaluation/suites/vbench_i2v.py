"""VBench-I2V: 355 pictures with captions, and seven camera moves for those of backgrounds."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from kineograph.core.errors import DataError, EvaluationError
from kineograph.data.files import read_json
from kineograph.evaluation.suites.picture_suite import Pair, PictureSuite
from kineograph.evaluation.suites.reading import check_there, within
from kineograph.evaluation.suites.suite import Published

MOVES: Mapping[str, str] = {
    "pan-left": "camera pans left",
    "pan-right": "camera pans right",
    "tilt-up": "camera tilts up",
    "tilt-down": "camera tilts down",
    "zoom-in": "camera zooms in",
    "zoom-out": "camera zooms out",
    "static": "camera static",
}
"""Variant to what is said after the caption."""

BACKGROUNDS = ("architecture", "scenery", "indoor", "abstract")
"""Types of pictures without a subject; the camera is told to move in these alone."""

CROPS: Mapping[str, float] = {"1-1": 1.0, "8-5": 8 / 5, "7-4": 7 / 4, "16-9": 16 / 9}
"""The folders of ready crops, and their aspects."""

_SOURCE = "VBench++ (arXiv:2411.13503) and its public code"
_TABLE = "MotiF (arXiv:2412.16153), table A2"
_NOTE = "by VBench's own networks (DINO, DreamSim, CoTracker2, LAION, MUSIQ, AMT)"
_NAMES = ("subject-consistency", "background-consistency", "temporal-flickering", "i2v-subject")
_ROWS: Mapping[str, tuple[tuple[float, ...], float]] = {
    "MotiF": ((95.27, 98.37, 97.27, 96.89), 24.35),
    "a still picture": ((100.0, 100.0, 100.0, 98.77), 14.29),
}


def _published() -> tuple[Published, ...]:
    rows = []
    for system, (values, camera) in _ROWS.items():
        named = dict(zip(_NAMES, values, strict=True))
        rows.append(Published(system, "caption", named, _TABLE, _NOTE))
        said = f"{_NOTE}; the mean over all seven moves"
        rows += [Published(system, m, {"camera-class": camera}, _TABLE, said) for m in MOVES]
    return tuple(rows)


class VBenchI2V(PictureSuite):
    """Each picture with its caption; those of backgrounds also with each camera move.

    Pictures are taken from the ready crop whose aspect is nearest to the size (320x512 of MotiF is
    8:5), the middle of it where they differ. VBench samples five videos a prompt; here it is one,
    by a fixed seed: five seeds make five reports.
    """

    name = "vbench-i2v"
    title = "VBench-I2V"
    source = _SOURCE
    layout = (
        "i2v-bench-info.json (file_name, caption, type of each picture) and crop/1-1, crop/8-5, "
        "crop/7-4 or crop/16-9 with the pictures (vbench2_beta_i2v/download_data.sh)"
    )
    axis = "said"
    variants: ClassVar[tuple[str, ...]] = ("caption", *MOVES)
    metrics: ClassVar[tuple[str, ...]] = (
        *_NAMES,
        "i2v-dinov2",
        "smoothness-flow",
        "dynamic-degree-flow",
        "camera-class",
    )
    published: ClassVar[tuple[Published, ...]] = _published()
    usual_size = (512, 320)

    def pairs(self) -> Sequence[Pair]:
        """See `PictureSuite`."""
        assert self.data is not None and self.size is not None
        listed = self.data / "i2v-bench-info.json"
        check_there([listed], "parts of it", self.layout)
        try:
            held = read_json(listed, "captions and types of the pictures")
        except DataError as error:
            raise EvaluationError(str(error)) from error
        if not isinstance(held, list) or not held:
            raise EvaluationError(f"{listed} is to hold a list of pictures; wanted: {self.layout}")
        folder = self._folder()
        found = [pair for item in held for pair in _told(item, folder, listed)]
        check_there((pair.picture for pair in found), "pictures", self.layout)
        return found

    def _folder(self) -> Path:
        """The crops of the nearest aspect."""
        assert self.data is not None and self.size is not None
        aspect = self.size[0] / self.size[1]
        there = [name for name in CROPS if (self.data / "crop" / name).is_dir()]
        if not there:
            raise EvaluationError(f"{self.data / 'crop'} has no crops; wanted: {self.layout}")
        nearest = min(there, key=lambda name: abs(CROPS[name] - aspect))
        return self.data / "crop" / nearest


def _told(item: Any, folder: Path, listed: Path) -> Iterator[Pair]:
    """The pairs of a picture: its caption, then what the camera is told."""
    held = item if isinstance(item, dict) else {}
    file, caption, kind = (held.get(key) for key in ("file_name", "caption", "type"))
    if not all(isinstance(value, str) and value for value in (file, caption, kind)):
        raise EvaluationError(
            f"{listed} has a picture without file_name, caption or type; fetch it again"
        )
    picture, name = within(folder, str(file)), str(caption)
    yield Pair(name, picture, name, "caption")
    if kind in BACKGROUNDS:
        for variant, said in MOVES.items():
            yield Pair(name, picture, f"{name}, {said}", variant)

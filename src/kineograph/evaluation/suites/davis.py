"""DAVIS-2017 as Motion Prompting is measured on it (arXiv:2412.02700, section 5.1 and table 1)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from kineograph.core.boxes import Boxes
from kineograph.core.errors import EvaluationError
from kineograph.data.clip import Clip
from kineograph.data.files import frame_files
from kineograph.evaluation.metrics.masks import around
from kineograph.evaluation.suites.reading import (
    check_there,
    fitted_masks,
    lines_of,
    pictures_at,
    within,
)
from kineograph.evaluation.suites.suite import Published
from kineograph.evaluation.suites.track_suite import TrackSuite

FPS = 24.0
"""Frames a second of DAVIS."""

VOID = 255
"""Of an annotation: pixels of which nothing is said."""

_TABLE = "Motion Prompting (arXiv:2412.02700), table 1"
_NOTE = (
    "BootsTAP tracks; the paper does not state how many frames, which FVD features, nor whether "
    "hidden points count; 30 clips are too few for FVD"
)
_ROWS: Mapping[str, Mapping[str, tuple[float, float, float, float, float]]] = {
    "Image Conductor": {
        "1": (11.468, 0.145, 0.529, 1919.8, 19.224),
        "4": (12.017, 0.176, 0.499, 1735.0, 18.921),
        "16": (12.184, 0.175, 0.502, 1838.9, 24.263),
        "64": (12.513, 0.180, 0.503, 1947.7, 26.316),
        "512": (11.902, 0.132, 0.524, 1966.3, 30.734),
        "2048": (11.609, 0.120, 0.538, 1890.7, 33.561),
    },
    "DragAnything": {
        "1": (14.589, 0.241, 0.420, 1544.9, 9.135),
        "4": (15.040, 0.272, 0.397, 1497.2, 8.946),
        "16": (15.119, 0.305, 0.378, 1282.8, 9.800),
        "64": (14.499, 0.274, 0.393, 1342.0, 10.642),
        "512": (15.055, 0.289, 0.381, 1379.8, 10.948),
        "2048": (14.845, 0.286, 0.397, 1468.4, 12.485),
    },
    "Motion Prompting": {
        "1": (15.431, 0.266, 0.368, 1445.2, 14.619),
        "4": (15.820, 0.319, 0.353, 1207.7, 12.985),
        "16": (16.618, 0.405, 0.319, 1322.0, 8.319),
        "64": (18.000, 0.513, 0.265, 951.4, 4.127),
        "512": (18.968, 0.583, 0.229, 688.7, 4.055),
        "2048": (19.327, 0.608, 0.227, 655.9, 3.887),
    },
}
_STREAM = "MotionStream (arXiv:2511.01266)"
_STREAM_NOTE = (
    "another protocol: 50x50 = 2,500 tracks by CoTracker3, EPE of visible points in pixels of 480p "
    "(not shown here: our EPE is at 256x256)"
)
_OTHERS: Mapping[str, tuple[float, float, float]] = {
    "Image Conductor (as MotionStream)": (11.30, 0.214, 0.664),
    "Go-with-the-Flow (as MotionStream)": (15.62, 0.392, 0.490),
    "Diffusion as Shader (as MotionStream)": (15.80, 0.372, 0.483),
    "ATI, Wan 2.1 14B (as MotionStream)": (15.33, 0.374, 0.473),
    "MotionStream teacher 1.3B": (16.61, 0.477, 0.427),
    "MotionStream causal 1.3B": (16.20, 0.447, 0.443),
    "MotionStream teacher 5B": (16.10, 0.466, 0.427),
}
_NAMES = ("psnr", "ssim", "lpips", "fvd", "epe")


def _published() -> tuple[Published, ...]:
    rows = [
        Published(system, count, dict(zip(_NAMES, values, strict=True)), _TABLE, _NOTE)
        for system, table in _ROWS.items()
        for count, values in table.items()
    ]
    return tuple(rows) + tuple(
        Published(system, "2048", dict(zip(_NAMES, values, strict=False)), _STREAM, _STREAM_NOTE)
        for system, values in _OTHERS.items()
    )


class Davis(TrackSuite):
    """The 30 sequences of DAVIS-2017's validation split; text is the sequence's title.

    The middle square at 256x256. The paper does not state how many frames it takes of videos of 34
    to 104 frames; here the first 80 (its model's length) or all there are. See `TrackSuite`.
    """

    name = "davis"
    title = "DAVIS-2017 val, N tracks"
    source = _TABLE + ", section 5.1"
    layout = (
        "ImageSets/2017/val.txt, JPEGImages/480p/NAME/00000.jpg ..., and for mask metrics "
        "Annotations/480p/NAME/00000.png ... (DAVIS-2017-trainval-480p.zip)"
    )
    published: ClassVar[tuple[Published, ...]] = _published()

    def names(self) -> Sequence[str]:
        """See `TrackSuite`."""
        assert self.data is not None
        listed = self.data / "ImageSets" / "2017" / "val.txt"
        names = lines_of(listed, "the names of the sequences", self.layout)
        check_there(map(self._frames, names), "sequences", self.layout)
        return names

    def clip(self, name: str) -> Clip:
        """See `TrackSuite`."""
        assert self.size is not None
        files = frame_files(self._frames(name))[: self.frames]
        video = pictures_at(files, self.size)
        masks = self._masks(name, [path.stem for path in files])
        return Clip(
            video,
            FPS,
            caption=name.replace("-", " "),
            name=name,
            masks=masks,
            boxes=None if masks is None else boxes_around(masks, name, FPS),
        )

    def _frames(self, name: str) -> Path:
        assert self.data is not None
        return within(self.data / "JPEGImages" / "480p", name)

    def _masks(
        self, name: str, frames: Sequence[str]
    ) -> Bool[np.ndarray, "objects frames height width"] | None:
        """The objects' masks; None where a frame has no annotation."""
        assert self.data is not None and self.size is not None
        folder = within(self.data / "Annotations" / "480p", name)
        paths = [folder / f"{frame}.png" for frame in frames]
        if not all(path.is_file() for path in paths):
            return None
        told = [_objects(path) for path in paths]
        ids = sorted({int(item) for one in told for item in np.unique(one)} - {0, VOID})
        if not ids:
            return None
        return np.stack([fitted_masks((one == item for one in told), self.size) for item in ids])


def boxes_around(
    masks: Bool[np.ndarray, "objects frames height width"], label: str, fps: float | int
) -> Boxes:
    """The boxes around objects' masks; unspecified where a mask is empty."""
    placed = np.stack([around(one) for one in masks])
    placed[~masks.any(axis=(2, 3))] = np.nan
    size = (masks.shape[3], masks.shape[2])
    return Boxes.of(placed, size=size, fps=fps, labels=(label.replace("-", " "),) * len(masks))


def _objects(path: Path) -> UInt8[np.ndarray, "height width"]:
    """Which object each pixel shows: the indices of a picture with a palette."""
    try:
        with Image.open(path) as image:
            held = np.array(image)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be read as an annotation: {error}") from error
    if held.ndim != 2 or held.dtype != np.uint8:
        raise EvaluationError(
            f"{path} is no annotation of DAVIS: it has to be a PNG with a palette"
        )
    return held

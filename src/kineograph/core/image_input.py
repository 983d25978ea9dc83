"""Reading moving pictures that are many stills: a folder of pictures, an animated WebP."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kineograph.core.embedding import open_image, webp_durations
from kineograph.core.errors import PictureError, VideoError
from kineograph.core.frame_rate import Cadence, cadence
from kineograph.core.picture import PICTURE_ENDINGS, check_pixels, read_picture, to_rgb
from kineograph.core.request_record import find_request, fps_of_record, positive_rate


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key by which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", name.lower())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


class FolderInput:
    """A folder of pictures of one size, in natural order of their names.

    The rate is `fps`, else what the folder's own first frame or request says.

    Raises:
        VideoError: there are no pictures, their sizes differ, or nothing says the rate.
    """

    codec = "pictures"

    def __init__(self, path: Path, *, max_pixels: int, fps: float | int | None) -> None:
        self.path = path
        self._max_pixels = max_pixels
        names = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
        pictures = [entry for entry in names if entry.suffix.lower() in PICTURE_ENDINGS]
        self._pictures = sorted(pictures, key=lambda entry: natural_key(entry.name))
        if not self._pictures:
            endings = ", ".join(PICTURE_ENDINGS)
            raise VideoError(f"the folder {path} holds no pictures ({endings}); name another")
        rate = positive_rate(fps) or _fps_of_frame(self._pictures[0])
        rate = rate or fps_of_record(find_request(path))
        if not rate:
            raise VideoError(f"the folder {path} does not say its frames a second; give --fps")
        self.cadence = Cadence(rate, len(self._pictures))
        first = self._read(self._pictures[0])
        self.size = (first.shape[1], first.shape[0])

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        for picture in self._pictures:
            image = self._read(picture)
            size = (image.shape[1], image.shape[0])
            if size != self.size:
                raise VideoError(
                    f"{picture} is {size[0]}x{size[1]} but {self._pictures[0].name} is "
                    f"{self.size[0]}x{self.size[1]}; all frames must have one size"
                )
            yield image

    def _read(self, picture: Path) -> UInt8[np.ndarray, "height width 3"]:
        try:
            return read_picture(picture, max_pixels=self._max_pixels)
        except PictureError as error:
            raise VideoError(str(error)) from error


class WebpInput:
    """An animated WebP file, decoded one frame at a time.

    Raises:
        VideoError: the file is broken, or a still picture that says no rate.
    """

    codec = "webp"

    def __init__(self, path: Path, *, max_pixels: int) -> None:
        self.path = path
        try:
            self._durations = webp_durations(path)
            with open_image(path) as image:
                self.size = image.size
        except (OSError, ValueError, SyntaxError) as error:
            raise VideoError(f"cannot read {path} as WebP: {error}; is it complete?") from error
        check_pixels(self.size, max_pixels=max_pixels, what=str(path))
        self.cadence = self._cadence()

    def _cadence(self) -> Cadence:
        if not self._durations:
            raise VideoError(f"{self.path} is a still picture, not a video; name a video")
        claim = fps_of_record(find_request(self.path))
        # A frame that claims to last no time at all is shown for 100 ms by every browser.
        lengths = np.array([length or 100 for length in self._durations]) / 1000
        ends = np.cumsum(lengths)
        return cadence(ends - lengths, float(ends[-1]), 0.001, [claim])

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        return self.cadence.resample(self._timed())

    def _timed(self) -> Iterator[tuple[float, UInt8[np.ndarray, "height width 3"]]]:
        time = 0.0
        with open_image(self.path) as image:
            for index, length in enumerate(self._durations):
                try:
                    image.seek(index)
                    yield time, to_rgb(image)
                except (OSError, EOFError, ValueError) as error:
                    raise VideoError(f"{self.path} is broken at frame {index}: {error}") from error
                time += (length or 100) / 1000


def is_still(path: Path) -> bool:
    """Whether a file is a readable picture that does not move (PNG and GIF may move)."""
    try:
        with open_image(path) as image:
            return not getattr(image, "is_animated", False)
    except (OSError, SyntaxError, ValueError):
        return False


def _fps_of_frame(picture: Path) -> Fraction | None:
    """The rate that Kineograph writes into the first PNG of a folder."""
    try:
        with open_image(picture) as image:
            return positive_rate(image.info.get("fps"))
    except (OSError, SyntaxError, ValueError):
        return None

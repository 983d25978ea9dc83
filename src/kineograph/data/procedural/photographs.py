"""Photographs to take pieces of: those that come with scikit-image, or a folder of your own."""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from kineograph.core.errors import DataError, PictureError
from kineograph.core.picture import read_picture
from kineograph.data.procedural.chance import between, either

SHIPPED = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "motorcycle_left.png",
    "hubble_deep_field.jpg",
    "gravel.png",
    "brick.png",
)
"""Photographs inside the package of scikit-image itself: nothing is fetched for them."""

ENDINGS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""What counts as a picture in a folder."""

LONGEST = 1024
"""Pixels: a photograph with a longer side is made smaller when it is read."""

Photograph = UInt8[np.ndarray, "_ _ 3"]


@cache
def shipped_photographs() -> tuple[Photograph, ...]:
    """Those of `SHIPPED` that are there; none where scikit-image is not installed."""
    found = find_spec("skimage")
    if found is None or found.origin is None:
        return ()
    folder = Path(found.origin).parent / "data"
    return tuple(_read(folder / name) for name in SHIPPED if (folder / name).is_file())


def read_photographs(folder: Path) -> tuple[Photograph, ...]:
    """Every picture of a folder, in the order of their names; folders within it are left alone.

    Raises:
        DataError: there is no such folder, it holds no picture, or one cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"no folder of photographs at {folder}; name one that is there")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not paths:
        raise DataError(
            f"{folder} holds no photograph; put in files that end in {', '.join(ENDINGS)}"
        )
    try:
        return tuple(_read(path) for path in paths)
    except PictureError as error:
        raise DataError(f"a photograph of {folder} cannot be used: {error}") from error


def crop(
    rng: np.random.Generator, photographs: Sequence[Photograph], size: tuple[int, int]
) -> Photograph:
    """A random piece of one of some photographs, made to fit (width, height), perhaps mirrored.

    It covers from a third of the largest piece of that shape to all of it, and never fewer pixels
    than asked for where the photograph has them.
    """
    photograph = either(rng, photographs)
    height, width = photograph.shape[:2]
    largest = min(width / size[0], height / size[1])
    smallest = min(largest, max(1.0, largest / 3))
    scale = between(rng, smallest, largest)
    wide, high = (max(1, int(side * scale)) for side in size)
    left, top = int(rng.integers(width - wide + 1)), int(rng.integers(height - high + 1))
    piece = photograph[top : top + high, left : left + wide]
    if rng.random() < 0.5:
        piece = np.ascontiguousarray(piece[:, ::-1])
    way = cv2.INTER_AREA if scale >= 1 else cv2.INTER_CUBIC
    return cv2.resize(piece, size, interpolation=way).astype(np.uint8)


def _read(path: Path) -> Photograph:
    picture = read_picture(path)
    scale = LONGEST / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)

"""Still pictures: read whatever people have as 8-bit RGB, write it back, bring it to a size."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms, ImageOps

from kineograph.core.embedding import open_image, png_text, xmp
from kineograph.core.errors import OutputError, PictureError
from kineograph.core.files import whole_file
from kineograph.core.request_record import Record, to_text, with_sidecar

MAX_PIXELS = 64_000_000
"""The largest picture, or frame of a video, that is read unless the caller allows more."""

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
"""The endings of still pictures; those that `write_picture` writes are the first four."""

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error)


def check_pixels(
    size: tuple[int, int], *, max_pixels: int = MAX_PIXELS, what: str = "the picture"
) -> None:
    """Refuse a (width, height) that is empty or has more than `max_pixels` pixels.

    Raises:
        PictureError: says the size, the limit and the flag that lifts it.
    """
    width, height = size
    if width < 1 or height < 1:
        raise PictureError(f"{what} is {width}x{height}; both sides must be at least 1 pixel")
    if width * height > max_pixels:
        told, limit = f"{width * height / 1e6:.1f}", f"{max_pixels / 1e6:.1f}"
        unit = "megapixels"
        if max_pixels < 1_000_000 or told == limit:  # rounded, they would say nothing
            told, limit, unit = str(width * height), str(max_pixels), "pixels"
        raise PictureError(
            f"{what} is {width}x{height}, {told} {unit}; the limit is {limit}; allow it with "
            f"--max-pixels {width * height}"
        )


def read_picture(
    path: Path | str, *, max_pixels: int = MAX_PIXELS
) -> UInt8[np.ndarray, "height width 3"]:
    """Read a still picture as 8-bit sRGB, upright, on white where it is transparent.

    The EXIF orientation is applied, a colour profile is converted to sRGB, grey, palette, CMYK and
    16-bit pictures become RGB; of an animation the first frame is read.

    Raises:
        PictureError: the file is missing, a folder, no picture, broken or too large.
    """
    path = Path(path)
    if path.is_dir():
        raise PictureError(f"{path} is a folder; name a picture such as photo.jpg or photo.png")
    if not path.exists():
        raise PictureError(f"there is no picture at {path}; check the name")
    with _opened(path) as image:
        check_pixels(image.size, max_pixels=max_pixels, what=str(path))
        image.load()
        return to_rgb(_upright(image))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a picture; whatever goes wrong in the block becomes one line about this file."""
    try:
        with open_image(path) as image:
            yield image
    except Image.UnidentifiedImageError as error:
        raise PictureError(
            f"{path} is not a picture that can be read; give PNG, JPEG, WebP, TIFF, BMP or GIF"
        ) from error
    except _BROKEN as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise PictureError(f"cannot read the picture {path}: {reason}; is it complete?") from error


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN:  # a damaged EXIF block does not make the pixels unreadable
        return image


def to_rgb(image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    """Any Pillow picture as 8-bit sRGB, composited on white where it is transparent.

    Raises:
        ValueError: the picture holds numbers that are not a grey scale (floats, 32-bit integers).
    """
    if image.mode.startswith("I"):
        return _from_wide_grey(np.asarray(image))
    if image.mode == "F":
        raise ValueError("it holds floating-point values; save it with 8 or 16 bits a channel")
    image = _to_srgb(image)
    if not image.has_transparency_data:
        return np.array(image.convert("RGB"))
    return on_white(np.asarray(image.convert("RGBA")))


def _from_wide_grey(grey: np.ndarray) -> UInt8[np.ndarray, "height width 3"]:
    """16-bit grey to 8 bits: 65535 becomes 255, with rounding."""
    if grey.min(initial=0) < 0 or grey.max(initial=0) > 65535:
        raise ValueError("it holds 32-bit values; save it with 8 or 16 bits a channel")
    narrow = ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.repeat(narrow[..., None], 3, axis=-1)


def on_white(
    rgba: UInt8[np.ndarray, "height width 4"],
) -> UInt8[np.ndarray, "height width 3"]:
    """Composite straight (not premultiplied) RGBA on white, rounded to nearest."""
    alpha = rgba[..., 3:].astype(np.uint32)
    if alpha.min(initial=255) == 255:
        return np.ascontiguousarray(rgba[..., :3])
    blended = (rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return blended.astype(np.uint8)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Apply an embedded colour profile other than sRGB; phones save Display P3."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK") or "transparency" in image.info:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError):  # an unusable profile: read the numbers as they are
        return image


def write_picture(
    path: Path | str,
    image: UInt8[np.ndarray, "height width 3"],
    request: Record | None = None,
) -> None:
    """Write an RGB picture whole or not at all; the ending is .png, .jpg, .jpeg or .webp.

    A `request` record goes into the file (`read_request` reads it) and into a `.json` beside it.

    Raises:
        OutputError: another ending, a place that cannot be written, or a record that is no JSON.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in PICTURE_ENDINGS[:4]:
        allowed = ", ".join(PICTURE_ENDINGS[:4])
        raise OutputError(f"cannot write the picture {path}: its ending must be one of {allowed}")
    with with_sidecar(path, request), whole_file(path) as partial:
        try:
            Image.fromarray(image).save(partial, **_save_options(ending, request))
        except ValueError as error:
            raise OutputError(f"cannot write {path}: {error}; write a .png instead") from error


def _save_options(ending: str, request: Record | None) -> dict[str, Any]:
    text = None if request is None else to_text(request)
    if ending == ".png":
        return {"format": "PNG", "compress_level": 4, "pnginfo": png_text(text)}
    options: dict[str, Any] = {"quality": 95}
    if ending in (".jpg", ".jpeg"):
        options |= {"format": "JPEG", "subsampling": 0}
    else:
        options |= {"format": "WEBP", "method": 4}
    return options | ({} if text is None else {"xmp": xmp(text)})


def fit(
    image: UInt8[np.ndarray, "height width 3"], size: tuple[int, int]
) -> UInt8[np.ndarray, "new_height new_width 3"]:
    """Resize to (width, height): by area where it shrinks, bicubic where it grows.

    Points follow by multiplication with the ratio of the sizes (raster pixels, see DESIGN.md).

    Raises:
        PictureError: a side is smaller than 1 pixel.
    """
    check_pixels(size, max_pixels=max(1, size[0] * size[1]), what="the wanted size")
    height, width = image.shape[:2]
    if size == (width, height):
        return image.copy()
    shrinks = size[0] * size[1] < width * height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=method)

"""Glyphs of an emoji font as things to move: small coloured pictures with names of plain words.

The names are Unicode's own. The font is one with coloured bitmaps, such as Noto Color Emoji
(`apt install fonts-noto-color-emoji`); it is looked for where systems keep their fonts.
"""

import shutil
import subprocess
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32
from PIL import Image, ImageDraw, ImageFont

from kineograph.core.errors import DataError
from kineograph.data.procedural.glyph_names import NAMES, PLAINER
from kineograph.data.procedural.shapes import bled

FONT_PLACES = (
    "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",
    "/usr/share/fonts/noto/NotoColorEmoji.ttf",
    "/usr/share/fonts/google-noto-emoji/NotoColorEmoji.ttf",
    "/usr/share/fonts/google-noto-color-emoji-fonts/NotoColorEmoji.ttf",
    "/usr/local/share/fonts/NotoColorEmoji.ttf",
    "~/.local/share/fonts/NotoColorEmoji.ttf",
    "~/.fonts/NotoColorEmoji.ttf",
    "/System/Library/Fonts/Apple Color Emoji.ttc",
)
"""Where an emoji font with bitmaps usually is."""

BITMAP_SIZES = (109, 160, 96, 64)
"""Sizes in which such fonts hold their bitmaps: Noto has 109 only, Apple's has 160, 96 and 64."""

_NO_CHARACTER = "\U0010fffe"
"""What no font has: what it draws instead is what it draws for everything it lacks."""


@dataclass(frozen=True, eq=False)
class Glyph:
    """A glyph (height, width, 4), straight alpha in 0..1 with colour beyond its edge; its name."""

    rgba: Float32[np.ndarray, "height width 4"]
    name: str


def plain_name(character: str) -> str:
    """The name of a character in plain words: "grinning face", "red apple".

    Raises:
        DataError: it is not one character, or has no name.
    """
    name = unicodedata.name(character, "") if len(character) == 1 else ""
    if not name:
        raise DataError(f"{character!r} has no Unicode name; give one named character")
    words = name.lower().replace("-", " ")
    return PLAINER.get(words, words)


@cache
def find_font() -> Path | None:
    """An emoji font with coloured bitmaps that this system has, or None."""
    for place in (*FONT_PLACES, *_listed()):
        path = Path(place).expanduser()
        if path.is_file() and _opened(path) is not None:
            return path
    return None


@cache
def read_glyphs(font: Path) -> tuple[Glyph, ...]:
    """The glyphs of `NAMES` that a font has, in that order, each drawn once.

    Raises:
        DataError: the file is missing or no font with coloured bitmaps, or has none of them.
    """
    if not Path(font).is_file():
        raise DataError(f"no font at {font}; name an emoji font such as NotoColorEmoji.ttf")
    face = _opened(Path(font))
    if face is None:
        raise DataError(
            f"{font} is not a font with coloured bitmaps; name one such as NotoColorEmoji.ttf"
        )
    glyphs = tuple(_drawn_all(face, (unicodedata.lookup(name) for name in NAMES)))
    if not glyphs:
        raise DataError(f"{font} has no emoji; name a font such as NotoColorEmoji.ttf")
    return glyphs


def _drawn_all(face: ImageFont.FreeTypeFont, characters: Iterable[str]) -> Iterable[Glyph]:
    """The glyphs a font really has: coloured, and not what it draws for what it lacks."""
    missing = _drawn(face, _NO_CHARACTER)
    for character in characters:
        image = _drawn(face, character)
        if image is None or (missing is not None and np.array_equal(image, missing)):
            continue
        yield Glyph(bled(image.astype(np.float32) / 255), plain_name(character))


def _drawn(face: ImageFont.FreeTypeFont, character: str) -> np.ndarray | None:
    """A character cut to what it covers, uint8 RGBA; None where it covers nothing or is grey."""
    side = 2 * int(face.size)
    image = Image.new("RGBA", (side, side))
    corner = (side // 8, side // 8)
    ImageDraw.Draw(image).text(corner, character, font=face, embedded_color=True)
    box = image.getbbox(alpha_only=True)
    return None if box is None else np.asarray(image.crop(box))


def _opened(path: Path) -> ImageFont.FreeTypeFont | None:
    """The font at a size that it has bitmaps of and at which it draws a colour, or None."""
    for size in BITMAP_SIZES:
        try:
            face = ImageFont.truetype(str(path), size)
            image = _drawn(face, unicodedata.lookup("RED APPLE"))
        except (OSError, ValueError):
            continue
        if image is not None and np.ptp(image[..., :3].astype(int), axis=2).max() > 60:
            return face
    return None


def _listed() -> list[str]:
    """Emoji fonts that fontconfig knows of; none where it is not installed."""
    if shutil.which("fc-list") is None:
        return []
    try:
        told = subprocess.run(
            ["fc-list", ":lang=und-zsye", "file"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return sorted(line.strip().rstrip(":") for line in told.splitlines() if line.strip())


def resized(
    rgba: Float32[np.ndarray, "height width 4"], size: tuple[int, int]
) -> Float32[np.ndarray, "newheight newwidth 4"]:
    """A picture with straight alpha at another (width, height); its edges take on no colour."""
    weighted = np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], axis=2)
    way = cv2.INTER_AREA if size[0] < rgba.shape[1] else cv2.INTER_CUBIC
    scaled = cv2.resize(weighted, size, interpolation=way)
    alpha = scaled[..., 3:]
    rgb = np.divide(scaled[..., :3], alpha, out=np.zeros_like(scaled[..., :3]), where=alpha > 1e-3)
    return np.concatenate([rgb, alpha], axis=2).clip(0, 1).astype(np.float32)

"""Writing a folder of numbered PNG frames."""

import json
from fractions import Fraction
from pathlib import Path
from re import fullmatch

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from kineograph.core.embedding import open_image, png_text
from kineograph.core.request_record import FOLDER_FILE


class FolderOutput:
    """`000000.png`, `000001.png` ... and `request.json`; the first holds rate and record."""

    def __init__(self, path: Path, size: tuple[int, int], fps: Fraction, text: str | None) -> None:
        self._path, self._fps, self._text = path, fps, text
        self._count = 0

    def write(self, image: UInt8[np.ndarray, "height width 3"]) -> None:
        """Append one frame."""
        info = png_text(self._text if self._count == 0 else None)
        if self._count == 0:
            info.add_text("fps", str(self._fps))
        target = self._path / f"{self._count:06d}.png"
        Image.fromarray(image).save(target, compress_level=1, pnginfo=info)
        self._count += 1

    def finish(self) -> None:
        """Write the record beside the frames."""
        if self._text is not None:
            record = json.dumps(json.loads(self._text), indent=2, ensure_ascii=False)
            (self._path / FOLDER_FILE).write_text(record + "\n", encoding="utf-8")

    def close(self) -> None:
        """Nothing is held open."""


def is_our_folder(path: Path) -> bool:
    """Whether a folder holds nothing but frames that Kineograph wrote, so may be replaced."""
    names = sorted(entry.name for entry in path.iterdir())
    ours = [name for name in names if fullmatch(r"\d{6,}\.png", name)]
    if not ours or set(names) - set(ours) - {FOLDER_FILE}:
        return False
    try:
        with open_image(path / ours[0]) as image:
            return image.info.get("Software") == "kineograph"
    except (OSError, SyntaxError, ValueError):
        return False

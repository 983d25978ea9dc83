"""The picture that a motion document names, known by its bytes."""

from pathlib import Path
from typing import Annotated

import numpy as np
from jaxtyping import UInt8
from pydantic import Field

from kineograph.core.errors import PictureError
from kineograph.core.files import sha256_of
from kineograph.core.picture import read_picture
from kineograph.gestures.writing.model import FileName, Strict


class PictureRef(Strict):
    """The still picture that is animated."""

    path: FileName
    """The picture's file, relative to the document's folder, with forward slashes."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """The SHA-256 of the file, in lower-case hexadecimal, so that another picture is not taken for
    this one; left out, it is not checked."""

    @classmethod
    def of(cls, path: Path) -> "PictureRef":
        """A reference to a file as it is now."""
        return cls(path=path.as_posix(), sha256=sha256_of(path))

    def read(self, path: Path, *, max_pixels: int) -> UInt8[np.ndarray, "height width 3"]:
        """The picture, read from where `path` leads to.

        Raises:
            PictureError: it is missing, broken or too large, or it is another picture.
        """
        image = read_picture(path, max_pixels=max_pixels)
        found = sha256_of(path)
        if self.sha256 not in (None, found):
            raise PictureError(
                f"{self.path} is not the picture that the document was made for: its SHA-256 is "
                f"{found[:12]}..., not {str(self.sha256)[:12]}...; put that picture back, or take "
                '"sha256" out of the document'
            )
        return image

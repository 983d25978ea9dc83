"""What a document says about how far away things are: a file, a learned model, or the prior."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import UInt8
from pydantic import Discriminator, Field, Tag, model_validator

from kineograph.core.errors import DocumentError
from kineograph.core.files import sha256_of
from kineograph.gestures.writing.model import FileName, Strict
from kineograph.vision.depth import Depth

Picture = UInt8[np.ndarray, "height width 3"]


class DepthRef(Strict):
    """Where the depth of the picture comes from: a file, or a learned model."""

    path: FileName | None = None
    """A depth map of the picture, any size: a grey picture, .npy, .npz, .tif or .pfm, relative to
    the document's folder, with forward slashes."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """The SHA-256 of that file, in lower-case hexadecimal; left out, it is not checked."""
    near_is_white: bool | None = None
    """Whether large values in that file are near (inverse depth) or far (depth itself). Left out,
    pictures of 8 bits are white where near, and everything else holds depth itself."""
    model: Annotated[str, Field(min_length=1)] | None = None
    """Weights of a learned depth model: a folder, relative to the document's, or a name on the
    Hugging Face hub."""

    @model_validator(mode="after")
    def _check_source(self) -> "DepthRef":
        if (self.path is None) == (self.model is None):
            raise ValueError('has to name either a file ("path") or a learned model ("model")')
        if self.model is not None and (self.near_is_white is not None or self.sha256 is not None):
            raise ValueError('says "near_is_white" or "sha256" of a model; they are for files')
        return self

    @classmethod
    def of(cls, path: Path | str, *, near_is_white: bool | None = None) -> "DepthRef":
        """A reference to a depth file as it is now."""
        path = Path(path)
        return cls(path=path.as_posix(), sha256=sha256_of(path), near_is_white=near_is_white)

    def measure(self, picture: Picture | None, find: Callable[[str], Path]) -> Depth:
        """The depth map, in its own size.

        Args:
            picture: what a model looks at.
            find: gives the place of a file that the document names.

        Raises:
            VisionError: the file or the model cannot be used.
            DocumentError: the file is another one, or there is no picture to look at.
        """
        if self.path is not None:
            return self._read(find(self.path))
        from kineograph.vision.eyes import eye

        assert self.model is not None
        folder = find(self.model) if _is_folder(self.model, find) else self.model
        return eye("depth", "model", folder)(_needed(picture))

    def _read(self, path: Path) -> Depth:
        from kineograph.vision.depth_file import read_depth

        held = read_depth(path, near_is_white=self.near_is_white)
        if self.sha256 not in (None, sha256_of(path)):
            raise DocumentError(
                f"{self.path} is not the depth map that the document was made for; put that one "
                'back, or take its "sha256" out of the document'
            )
        return held


DepthChoice = Annotated[
    Annotated[Literal["prior"], Tag("prior")] | Annotated[DepthRef, Tag("source")],
    Discriminator(lambda value: "prior" if isinstance(value, str) else "source"),
]
"""How far away things are: "prior" for the built-in guess, or where to take it from."""


def measure(choice: Any, picture: Picture | None, find: Callable[[str], Path]) -> Depth:
    """The depth map that a document's choice stands for.

    Raises:
        VisionError: it cannot be had.
        DocumentError: there is no picture to look at, or the file is another one.
    """
    if isinstance(choice, DepthRef):
        return choice.measure(picture, find)
    from kineograph.vision.depth_prior import DepthPrior

    return DepthPrior()(_needed(picture))


def _needed(picture: Picture | None) -> Picture:
    if picture is None:
        raise DocumentError("depth is measured on the picture and there is none; give a depth file")
    return picture


def _is_folder(name: str, find: Callable[[str], Path]) -> bool:
    """Whether a model's name is that of a folder that is there and may be read."""
    try:
        return find(name).is_dir()
    except DocumentError:
        if name.count("/") == 1 and not name.startswith((".", "/", "~")):
            return False
        raise

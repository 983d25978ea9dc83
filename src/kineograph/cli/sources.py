"""Where motion documents come from, a file or an output's record, and what they may read."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kineograph.cli.options import UsageError
from kineograph.core.errors import DocumentError
from kineograph.core.image_output import is_our_folder
from kineograph.core.request_record import FOLDER_FILE, read_request
from kineograph.gestures.document import Document
from kineograph.gestures.scene import find_file
from kineograph.gestures.writing.depth_ref import DepthRef
from kineograph.gestures.writing.reading import read_document


@dataclass(frozen=True)
class Source:
    """A motion document as it was found, before the command line's options override it.

    Args:
        name: the file it comes from, for the messages.
        data: its JSON.
        folder: what the paths in it are relative to.
        readable: folders besides `folder` that it may read from.
        size: (width, height) of the video that is made again; None is the document's.
        engine: the engine that made that video; None is the document's.
        remedy: what else helps where a file lies outside.
    """

    name: Path
    data: Mapping[str, Any]
    folder: Path
    readable: tuple[Path, ...] = ()
    size: tuple[int, int] | None = None
    engine: str | None = None
    remedy: str = ""

    def document(self, changes: Mapping[str, Any], *, allow_outside: bool) -> Document:
        """The document with some of its fields replaced.

        It may then read whatever is added to it; its own files are checked here.

        Raises:
            DocumentError: a field is not allowed, or a file lies outside the folders.
        """
        try:
            document = Document.parse({**self.data, **changes}, self.folder, allow_outside=True)
            if not allow_outside:
                self._check_files(document, own_picture="picture" not in changes)
        except DocumentError as error:
            raise DocumentError(f"{self.name}: {error}") from None
        return document

    def _check_files(self, document: Document, *, own_picture: bool) -> None:
        for name in _named(document, own_picture):
            place = (self.folder / name).resolve()
            if any(place.is_relative_to(folder.resolve()) for folder in self.readable):
                continue
            try:
                find_file(name, self.folder, allow_outside=False)
            except DocumentError as error:
                raise DocumentError(f"{error}{self.remedy}") from None


def _named(document: Document, picture: bool) -> Iterator[str]:
    """The files that a document names."""
    if picture and document.picture is not None:
        yield document.picture.path
    if isinstance(document.depth, DepthRef) and document.depth.path is not None:
        yield document.depth.path
    for gesture in document.gestures:
        yield from gesture.files().values()


def from_file(path: Path) -> Source:
    """The motion document in a file.

    Raises:
        DocumentError: the file is missing or no JSON object.
    """
    return Source(path, read_document(path), path.absolute().parent)


def from_output(path: Path) -> Source:
    """The document in the record of an output: a video, a picture, a folder, or its `.json`.

    Files inside the working folder may be read too: an output often stands beside, not above, the
    picture that it was made from.

    Raises:
        VideoError: there is nothing at `path`, or no record.
        UsageError: the record is not one of `kineograph animate`.
    """
    record = read_request(path)
    data, size, engine = (record.get(key) for key in ("document", "size", "engine"))
    sound = isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size)
    if not (
        isinstance(data, dict) and isinstance(engine, str) and isinstance(size, list) and sound
    ):
        raise UsageError(
            f"{path} was not made by `kineograph animate`: its record holds no document; give one "
            "that was"
        )
    return Source(
        path,
        data,
        home_of(path),
        readable=(Path.cwd(),),
        size=(size[0], size[1]),
        engine=engine,
        remedy=", or name the picture as PHOTO",
    )


def home_of(output: Path) -> Path:
    """The folder that the paths in an output's record are relative to: the one it stands in."""
    place = Path(os.path.abspath(output))  # noqa: PTH100  # "." and "frames/.." have a parent too
    if place.name == FOLDER_FILE and is_our_folder(place.parent):
        return place.parent.parent
    return place.parent

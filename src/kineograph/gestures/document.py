"""The motion document: a picture, what moves in it, and everything else an engine is told."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import UInt8
from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from kineograph.core.errors import DocumentError, OutputError
from kineograph.core.files import whole_file
from kineograph.core.motion import Motion
from kineograph.core.picture import MAX_PIXELS, fit, read_picture
from kineograph.gestures import compose
from kineograph.gestures.base import Gesture
from kineograph.gestures.kinds import KINDS, AnyGesture
from kineograph.gestures.scene import Scene, find_file
from kineograph.gestures.writing.depth_ref import DepthChoice, DepthRef, measure
from kineograph.gestures.writing.messages import DOCUMENT, one_line
from kineograph.gestures.writing.model import PLAIN, Strict
from kineograph.gestures.writing.picture_ref import PictureRef
from kineograph.gestures.writing.readable import to_json
from kineograph.gestures.writing.reading import VERSION, check_version, read_document
from kineograph.vision.depth import Depth

DEFAULT_ENGINE = "warp"
"""The engine that makes the video if nobody says which."""


class EngineChoice(Strict):
    """Which engine makes the video, and how it is set."""

    name: Annotated[str, Field(min_length=1)] = DEFAULT_ENGINE
    """The engine's name."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """What is set for this engine alone; the engine says what it knows."""


class Document(Strict):
    """A motion document: a still picture, a sentence and gestures that become a video.

    Points are [x, y] in pixels of the canvas, which spans [0, width] x [0, height]: the centre of
    its top-left pixel is [0.5, 0.5]. Times are in seconds; frame i is at i / fps. Paths of files
    are relative to the document's folder, and files outside it are not read unless that is
    allowed. On disk it is a `*.motion.json`.

    Raises:
        DocumentError: a field is unknown or missing, or its value is not allowed.
    """

    model_config = ConfigDict(title="Kineograph motion document")

    written = ("version", "frames", "fps")

    json_schema: Annotated[str | None, Field(alias="$schema", exclude=True)] = None
    """The JSON Schema of this form, for editors; nothing is read from there."""
    version: Literal[1] = 1
    """The version of the form of this document."""
    size: tuple[Annotated[int, Field(ge=1), PLAIN], Annotated[int, Field(ge=1), PLAIN]]
    """The canvas, [width, height] in pixels; all points are in its pixels."""
    frames: Annotated[int, Field(ge=1, le=1_000_000), PLAIN] = 49
    """The number of frames of the video."""
    fps: Annotated[float, Field(gt=0, le=1000), PLAIN] = 16.0
    """Frames a second."""
    picture: PictureRef | None = None
    """The still picture that is animated, the first frame."""
    depth: DepthChoice | None = None
    """How far away things in the picture are, for cameras that move: "prior" for the built-in
    guess, or the depth map or model to take it from."""
    text: str = ""
    """A sentence that says what is to be seen."""
    negative_text: str = ""
    """What is not to be seen."""
    seed: Annotated[int, Field(ge=0, lt=2**63), PLAIN] = 0
    """Where randomness starts; the same document and seed give the same video."""
    engine: EngineChoice = EngineChoice()
    """The engine that makes the video, and its settings."""
    gestures: tuple[AnyGesture, ...] = ()
    """What moves and what holds still, in any number."""

    _folder: Path = PrivateAttr(default_factory=Path.cwd)
    _allow_outside: bool = PrivateAttr(default=True)

    @classmethod
    def title(cls, data: Any) -> str:
        """What messages call it."""
        return DOCUMENT

    @model_validator(mode="after")
    def _check_gestures(self) -> "Document":
        for index, gesture in enumerate(self.gestures):
            self._check(index, gesture)
        return self

    def _check(self, index: int, gesture: Gesture) -> None:
        label = compose.label_of(index, gesture)
        try:
            gesture.check(Scene(self.size, self.frames, self.fps))
        except DocumentError as error:
            raise DocumentError(f"{label}: {error}") from None

    # making one

    @classmethod
    def for_picture(
        cls,
        path: Path | str,
        *,
        frames: int = 49,
        fps: float | int = 16,
        max_pixels: int = MAX_PIXELS,
        **fields: Any,
    ) -> "Document":
        """A document that animates a picture, on a canvas of the picture's own size.

        Args:
            path: the picture's file.
            frames: the number of frames of the video.
            fps: frames a second.
            max_pixels: the largest picture that is read.
            fields: other fields of the document, such as `text` and `seed`.

        Raises:
            PictureError: the picture is missing, broken or too large.
            DocumentError: a value is not allowed.
        """
        path = Path(path)
        height, width = read_picture(path, max_pixels=max_pixels).shape[:2]
        given = {"size": (width, height), "frames": frames, "fps": fps, **fields}
        return cls(**given, picture=PictureRef.of(path))

    def add(self, *gestures: Gesture) -> "Document":
        """The document with more gestures.

        Raises:
            DocumentError: one cannot be done on this canvas or in this clip.
        """
        for index, gesture in enumerate(gestures, start=len(self.gestures)):
            if type(gesture) not in KINDS:
                known = ", ".join(kind.__name__ for kind in KINDS)
                given = type(gesture).__name__
                raise DocumentError(f"{given} is no gesture of a document; give one of {known}")
            self._check(index, gesture)
        return self.model_copy(update={"gestures": (*self.gestures, *gestures)})

    # files

    @classmethod
    def load(cls, path: Path | str, *, allow_outside: bool = False) -> "Document":
        """Read a motion document.

        Args:
            path: its file, `*.motion.json`.
            allow_outside: let it read files outside its own folder.

        Raises:
            DocumentError: the file is missing, no motion document or of a newer version, or
                something in it is not allowed.
        """
        path = Path(path)
        data = read_document(path)
        try:
            return cls.parse(data, path.parent, allow_outside=allow_outside)
        except DocumentError as error:
            raise DocumentError(f"{path}: {error}") from None

    @classmethod
    def parse(
        cls, data: dict[str, Any], folder: Path | str, *, allow_outside: bool = False
    ) -> "Document":
        """A document out of what its JSON holds.

        Args:
            data: the JSON object.
            folder: what the paths in it are relative to.
            allow_outside: let it read files outside that folder.

        Raises:
            DocumentError: it is of a newer version, or something in it is not allowed.
        """
        check_version(data)
        try:
            document = cls.model_validate(data)
        except ValidationError as error:
            raise DocumentError(one_line(error, data, cls.title(data))) from None
        document._folder, document._allow_outside = Path(folder).absolute(), allow_outside
        return document

    def save(self, path: Path | str) -> None:
        """Write the document, readable and whole; paths in it become relative to its folder.

        Raises:
            OutputError: the name does not end in `.json`, or it cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() != ".json":
            raise OutputError(
                f"cannot write {path}: motion documents are JSON; name it such as scene.motion.json"
            )
        text = to_json(self.relative_to(path.parent).to_dict())
        with whole_file(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")

    def to_dict(self, *, defaults: bool = False) -> dict[str, Any]:
        """The document as JSON holds it, without the fields that nobody gave.

        The version, frames and fps of a document and the kinds of its gestures are always there.

        Args:
            defaults: put in what nobody gave too, so that nothing depends on defaults.
        """
        held = self.model_dump(mode="json", exclude_none=True, exclude_unset=not defaults)
        return held if self.json_schema is None else {"$schema": self.json_schema, **held}

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """The JSON Schema of motion documents, which names its own dialect and version."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:kineograph:motion:{VERSION}",
            **super().model_json_schema(*args, **options),
        }

    @property
    def folder(self) -> Path:
        """The folder that the paths in it are told from."""
        return self._folder

    def with_engine(self, name: str, settings: dict[str, Any]) -> "Document":
        """The same document with another engine, or other settings of it."""
        return self.model_copy(update={"engine": EngineChoice(name=name, settings=settings)})

    def relative_to(self, folder: Path | str) -> "Document":
        """The same document with the paths of its files relative to another folder."""
        folder = Path(folder).absolute()

        def moved(name: str) -> str:
            return _relative(self._folder / name, folder)

        picture = self.picture
        if picture is not None:
            picture = picture.model_copy(update={"path": moved(picture.path)})
        gestures = tuple(
            gesture.model_copy(update={name: moved(file) for name, file in gesture.files().items()})
            for gesture in self.gestures
        )
        depth = self.depth
        if isinstance(depth, DepthRef) and depth.path is not None:
            depth = depth.model_copy(update={"path": moved(depth.path)})
        copy = self.model_copy(update={"picture": picture, "depth": depth, "gestures": gestures})
        copy._folder = folder
        return copy

    def __eq__(self, other: object) -> bool:
        """Alike in every field, whatever folder the paths of their files are told from."""
        if not isinstance(other, Document):
            return NotImplemented
        return dict(self.relative_to("/")) == dict(other.relative_to("/"))

    __hash__ = None  # type: ignore[assignment]

    # using it

    def load_picture(
        self, *, max_pixels: int = MAX_PIXELS
    ) -> UInt8[np.ndarray, "height width 3"] | None:
        """The picture in its own size, which may differ from the canvas; None if there is none.

        Raises:
            DocumentError: it lies outside the document's folder and that was not allowed.
            PictureError: it is missing, broken or too large, or it is another picture.
        """
        if self.picture is None:
            return None
        path = find_file(self.picture.path, self._folder, allow_outside=self._allow_outside)
        return self.picture.read(path, max_pixels=max_pixels)

    def scene(self, picture: UInt8[np.ndarray, "height width 3"] | None = None) -> Scene:
        """What the gestures need to know of this document.

        Args:
            picture: the picture on the canvas, for gestures that look at it.
        """
        return Scene(
            size=self.size,
            frames=self.frames,
            fps=self.fps,
            folder=self._folder,
            allow_outside=self._allow_outside,
            picture=picture,
            measure=None if self.depth is None else lambda: self._measured(picture),
        )

    def _measured(self, picture: UInt8[np.ndarray, "height width 3"] | None) -> Depth:
        """The depth that the document speaks of; the picture is read if nobody gives it."""

        def found(name: str) -> Path:
            return find_file(name, self._folder, allow_outside=self._allow_outside)

        if picture is None and not (isinstance(self.depth, DepthRef) and self.depth.path):
            picture = self.load_picture()
        return measure(self.depth, picture, found)

    def expand(self, picture: UInt8[np.ndarray, "height width 3"] | None = None) -> Motion:
        """The tracks and boxes that all gestures together ask for, in canvas pixels.

        Args:
            picture: the picture on the canvas, for gestures that look at it; it is read if one does
                and nobody gives it.

        Raises:
            DocumentError: two gestures contradict each other, or one cannot be done.
        """
        if picture is None and any(gesture.looks for gesture in self.gestures):
            read = self.load_picture()
            picture = None if read is None else fit(read, self.size)
        return compose.settle(self.gestures, self.scene(picture))


def _relative(path: Path, folder: Path) -> str:
    """A path told from a folder, with forward slashes; absolute where there is no way there."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.absolute().as_posix()

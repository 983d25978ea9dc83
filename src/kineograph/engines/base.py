"""What an engine is asked, what it can read, and what it gives back."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, ClassVar, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from pydantic import ValidationError

from kineograph.core.boxes import Boxes
from kineograph.core.checks import checked_fps, checked_size
from kineograph.core.errors import EngineError
from kineograph.core.picture import MAX_PIXELS, check_pixels, fit
from kineograph.core.tracks import Tracks
from kineograph.gestures.document import Document
from kineograph.gestures.writing.messages import one_line
from kineograph.gestures.writing.model import Strict

Input = Literal["picture", "text", "negative text", "tracks", "boxes"]
"""What a request may hold and an engine may read."""

INPUTS: tuple[Input, ...] = get_args(Input)


@dataclass(frozen=True, eq=False)
class Request:
    """Everything an engine is told; the same for every engine.

    Convention: `size` is (width, height); the picture has exactly that size, and tracks and boxes
    are in its raster pixels, with `frames` frames at `fps`. The same request gives the same frames.

    Raises:
        EngineError: the picture, the tracks or the boxes do not fit size, frames and fps.
    """

    size: tuple[int, int]
    frames: int
    fps: float | int
    picture: UInt8[np.ndarray, "height width 3"] | None = None
    text: str = ""
    negative_text: str = ""
    seed: int = 0
    tracks: Tracks | None = None
    boxes: Boxes | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What is set for this engine alone; `Engine.settings_of` checks it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checked_size(self.size))
        object.__setattr__(self, "fps", checked_fps(self.fps))
        if self.frames < 1:
            raise EngineError(f"{self.frames} frames were asked for; ask for at least 1")
        self._check_picture()
        for name, motion in (("tracks", self.tracks), ("boxes", self.boxes)):
            if motion is not None:
                self._check_motion(name, motion)

    @staticmethod
    def of(
        document: Document,
        size: tuple[int, int] | None = None,
        *,
        picture: UInt8[np.ndarray, "picture_height picture_width 3"] | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> "Request":
        """What a motion document asks for: its gestures expanded and all of it at one size.

        Args:
            document: the document.
            size: (width, height) to scale picture and motion to; the document's own if None.
            picture: the document's picture, if it is already read; any size.
            max_pixels: the largest picture and the largest frame that is allowed.

        Raises:
            DocumentError: a gesture cannot be done.
            PictureError: the picture cannot be read, or picture or frame are too large.
        """
        size = document.size if size is None else checked_size(size)
        for asked, what in ((document.size, "the canvas"), (size, "the video")):
            check_pixels(asked, max_pixels=max_pixels, what=what)
        if picture is None:
            picture = document.load_picture(max_pixels=max_pixels)
        motion = document.expand(None if picture is None else fit(picture, document.size))
        motion = motion.resize(size)
        return Request(
            size=size,
            frames=document.frames,
            fps=document.fps,
            picture=None if picture is None else fit(picture, size),
            text=document.text,
            negative_text=document.negative_text,
            seed=document.seed,
            tracks=motion.tracks,
            boxes=motion.boxes,
            settings=document.engine.settings,
        )

    def _check_picture(self) -> None:
        if self.picture is None:
            return
        height, width = self.picture.shape[:2]
        if (width, height) != self.size:
            raise EngineError(
                f"the picture is {width}x{height} in a request of {self.size[0]}x{self.size[1]}; "
                "fit it to the request's size first"
            )

    def _check_motion(self, name: str, motion: Tracks | Boxes) -> None:
        given = (motion.frames, motion.size, motion.fps)
        if given != (self.frames, self.size, self.fps):
            raise EngineError(
                f"the {name} are {_clip(*given)} in a request of "
                f"{_clip(self.frames, self.size, self.fps)}; resize and resample them first"
            )

    def given(self) -> frozenset[Input]:
        """Which of the things an engine may read are in this request."""
        held: dict[Input, bool] = {
            "picture": self.picture is not None,
            "text": bool(self.text),
            "negative text": bool(self.negative_text),
            "tracks": self.tracks is not None and self.tracks.count > 0,
            "boxes": self.boxes is not None and self.boxes.count > 0,
        }
        return frozenset(name for name, there in held.items() if there)


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of an animation.

    Args:
        image: RGB.
        known: 255 where the pixel was carried over from the picture, 0 where it was made up,
            shares between; None if the engine cannot tell.
    """

    image: UInt8[np.ndarray, "height width 3"]
    known: UInt8[np.ndarray, "height width"] | None = None


@dataclass(frozen=True)
class Capabilities:
    """What an engine can do; what it cannot read is lowered or left out.

    Args:
        reads: what it takes into account.
        needs: what it cannot work without.
        size_step: width and height have to be multiples of this many pixels.

    Raises:
        EngineError: it needs something that it does not read.
    """

    reads: frozenset[Input]
    needs: frozenset[Input] = frozenset()
    size_step: int = 1

    def __post_init__(self) -> None:
        if self.needs - self.reads:
            raise EngineError(
                f"an engine needs {listed(self.needs - self.reads)} but does not read it"
            )


@runtime_checkable
class Progress(Protocol):
    """Told how many of how many are done of something, such as "frames" or "steps"."""

    def __call__(self, done: int, total: int, what: str = "frames") -> None:
        """Take note; an exception stops the work."""


class Settings(Strict):
    """Base of what can be set for one engine alone; an engine has a subclass with its fields."""

    paths: ClassVar[tuple[str, ...]] = ()
    """The fields that name files and folders; in a document they are told from its folder."""


class Engine(ABC):
    """Turns a request into frames.

    A subclass states its name, capabilities and settings, and writes `generate`. It is made
    without arguments and cheaply; what is heavy is loaded when the first frame is asked for, and
    may be kept for the next request.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    settings: ClassVar[type[Settings]] = Settings
    packages: ClassVar[tuple[str, ...]] = ()
    """What has to be installed beside Kineograph's own needs."""
    install: ClassVar[str] = ""
    """The command that installs `packages`."""
    progress: Progress | None = None
    """Told of work that comes before the first frame, such as the steps of a diffusion model."""

    def capabilities_for(self, request: Request) -> Capabilities:
        """What it can do with this request's settings: another model may read something else.

        Raises:
            KineographError: the settings name something that cannot be used.
        """
        return self.capabilities

    def check_packages(self) -> None:
        """Say whether everything that it needs is installed.

        Raises:
            EngineError: something is not.
        """
        missing = [name for name in self.packages if find_spec(name) is None]
        if missing:
            raise EngineError(
                f"engine {self.name} needs {', '.join(missing)}; install them: {self.install}"
            )

    def notes(self, request: Request) -> Iterator[str]:
        """What a user should know of how this engine will do the request, a sentence each."""
        return iter(())

    @abstractmethod
    def generate(self, request: Request) -> Iterator[Frame]:
        """Yield `request.frames` frames of `request.size`, one after the other.

        Frames are made as they are asked for; closing the iterator cancels the rest.

        Raises:
            EngineError: the request cannot be done.
        """

    def settings_of(self, request: Request) -> Any:
        """The request's settings as this engine's own `settings` model.

        Raises:
            EngineError: a setting is unknown or has an impossible value.
        """
        given = dict(request.settings)
        try:
            return self.settings.model_validate(given)
        except ValidationError as error:
            raise EngineError(
                one_line(error, given, f"the settings of engine {self.name}")
            ) from None


def listed(names: Any) -> str:
    """Names as a person writes them, in the order of `INPUTS` where they are inputs."""
    order: dict[str, int] = {name: index for index, name in enumerate(INPUTS)}
    return ", ".join(sorted(names, key=lambda name: (order.get(name, len(order)), name)))


def _clip(frames: int, size: tuple[int, int], fps: float) -> str:
    return f"{frames} frames of {size[0]}x{size[1]} at {fps:g} fps"

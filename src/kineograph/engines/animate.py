"""From a motion document to a finished clip: expand, lower, generate, write."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

import kineograph
from kineograph.core.errors import EngineError
from kineograph.core.picture import MAX_PIXELS, write_picture
from kineograph.core.video import Video
from kineograph.core.video_writer import VideoWriter
from kineograph.engines import registry
from kineograph.engines.base import Capabilities, Engine, Frame, Progress, Request
from kineograph.engines.lowering import left_out, lower
from kineograph.engines.outputs import check_outputs
from kineograph.engines.weight_paths import absolute, relative
from kineograph.gestures.document import Document
from kineograph.render.overlay import draw_boxes, draw_tracks

Image = UInt8[np.ndarray, "height width 3"]
STRETCH = 0.01
"""How much a picture's proportions may change unnoticed."""


def animate(
    document: Document | Path | str,
    *,
    size: tuple[int, int] | None = None,
    engine: Engine | str | None = None,
    max_pixels: int = MAX_PIXELS,
) -> "Animation":
    """Prepare the clip that a motion document describes; no frame is made yet.

    Args:
        document: the document, or the path of its file.
        size: (width, height) of the clip; the document's own if None. The picture and the motion
            are scaled to it.
        engine: the engine or its name; the document's own if None. The document's settings go to
            the engine that it names and to no other. An engine that is passed in may keep what it
            loads for the next clip.
        max_pixels: the largest picture and the largest frame that is allowed.

    Raises:
        DocumentError: a gesture cannot be done.
        PictureError: the picture is missing, broken, too large or another one.
        EngineError: the engine is unknown or cannot do this.
    """
    if not isinstance(document, Document):
        document = Document.load(Path(document))
    chosen = (
        engine if isinstance(engine, Engine) else registry.engine(engine or document.engine.name)
    )
    picture = document.load_picture(max_pixels=max_pixels)
    asked = Request.of(document, size, picture=picture, max_pixels=max_pixels)
    own = chosen.name == document.engine.name
    asked = replace(asked, settings=_settings(document, chosen) if own else {})
    chosen.settings_of(asked)
    can = chosen.capabilities_for(asked)
    told = lower(asked, can, chosen.name)
    return Animation(document, chosen, asked, told, tuple(_notes(asked, chosen, can, picture)))


def _settings(document: Document, engine: Engine) -> dict[str, Any]:
    """The document's settings of an engine; its paths lead somewhere from anywhere."""
    return absolute(document.engine.settings, engine.settings.paths, document.folder)


def _notes(
    asked: Request, engine: Engine, can: Capabilities, picture: Image | None
) -> Iterator[str]:
    """What a user should know before the frames are made, one sentence each."""
    yield from engine.notes(asked)
    for name in left_out(asked, can):
        yield f"engine {engine.name} does not read {name}; it is left out"
    if "text" not in can.reads and not _moves(asked):
        yield "nothing is asked to move; the picture stands still"
    if picture is not None:
        (height, width), (to_width, to_height) = picture.shape[:2], asked.size
        if abs(width * to_height / (height * to_width) - 1) > STRETCH:
            yield f"the picture, {width}x{height}, is stretched to {to_width}x{to_height}"


def _moves(request: Request) -> bool:
    tracks, boxes = request.tracks, request.boxes
    return (boxes is not None and boxes.count > 0) or (
        tracks is not None and bool(np.abs(tracks.displacements()).max(initial=0) > 0)
    )


@dataclass(frozen=True, eq=False)
class Animation:
    """A clip that is made frame by frame, as it is asked for; iterating again makes it again.

    Iterating gives images: (height, width, 3) uint8 RGB. `animate` makes one.
    """

    document: Document
    engine: Engine
    asked: Request
    """The request as the document states it."""
    request: Request
    """What the engine is told: `asked`, lowered to what it reads."""
    notes: tuple[str, ...] = ()
    """What a user should know, such as what the engine takes no account of; a sentence each."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.request.size

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.request.fps

    def __len__(self) -> int:
        return self.request.frames

    def __iter__(self) -> Iterator[Image]:
        for frame in self.frames():
            yield frame.image

    def frames(self) -> Iterator[Frame]:
        """The frames, each with the mask of what is known and what was made up.

        Raises:
            EngineError: the engine breaks its promise on size or number of frames.
        """
        done = 0
        with ExitStack() as stack:
            made = self.engine.generate(self.request)
            if isinstance(made, Generator):
                stack.enter_context(closing(made))  # stopping early cancels the engine's work
            for frame in made:
                done += 1
                self._check(frame, done)
                yield frame
        if done != len(self):
            raise EngineError(
                f"engine {self.engine.name} made {done} of {len(self)} frames; this is its fault"
            )

    def record(self, folder: Path | str = ".") -> dict[str, Any]:
        """What an output carries so that it can be made again; JSON.

        Args:
            folder: the output's folder; the paths in the record are relative to it.
        """
        document, here = self.document.relative_to(Path(folder)), self.document.folder
        held = self.document.engine
        settings = relative(held.settings, self.engine.settings.paths, here, Path(folder))
        document = document.with_engine(held.name, settings)
        return {
            "kineograph": kineograph.__version__,
            "engine": self.engine.name,
            "size": list(self.size),
            "document": document.to_dict(defaults=True),
        }

    def save(
        self,
        path: Path | str | None,
        *,
        last_frame: Path | str | None = None,
        overlay: Path | str | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Make the frames and write them, all outputs or none.

        Args:
            path: the video; its ending chooses the container, none is a folder of PNG frames. None
                writes no video.
            last_frame: a picture of the last frame, for editing by dragging.
            overlay: a video with the tracks and boxes drawn over the frames.
            progress: told after each frame how many of how many are done, and before the first
                one of the engine's own steps.

        Raises:
            OutputError: something cannot be written; nothing is left behind.
        """
        check_outputs(path, last_frame=last_frame, overlay=overlay)
        self.engine.progress = progress
        with ExitStack() as stack:
            video = None if path is None else stack.enter_context(self._writer(Path(path)))
            drawn = None if overlay is None else stack.enter_context(self._writer(Path(overlay)))
            for index, image in enumerate(self):
                if video is not None:
                    video.write(image)
                if drawn is not None:
                    drawn.write(self.drawn(image, index))
                if progress is not None:
                    progress(index + 1, len(self))
            if last_frame is not None:
                write_picture(Path(last_frame), image, self.record(Path(last_frame).parent))

    def drawn(self, image: Image, frame: int) -> Image:
        """An image with the tracks and boxes that were asked for drawn over it."""
        if self.asked.tracks is not None:
            image = draw_tracks(image, self.asked.tracks, frame)
        if self.asked.boxes is not None:
            image = draw_boxes(image, self.asked.boxes, frame)
        return image

    def video(self) -> Video:
        """All frames at once, in memory; its record has paths relative to the working folder."""
        return Video(np.stack(list(self)), self.fps, self.record())

    def last_frame(self) -> Image:
        """The last frame alone."""
        for image in self:  # only one frame at a time is held
            last = image
        return last

    def _writer(self, path: Path) -> VideoWriter:
        return VideoWriter(path, self.size, self.fps, self.record(path.parent))

    def _check(self, frame: Frame, number: int) -> None:
        height, width = frame.image.shape[:2]
        if (width, height) != self.size or number > len(self):
            raise EngineError(
                f"engine {self.engine.name} made frame {number} of {len(self)} as {width}x"
                f"{height}, not {self.size[0]}x{self.size[1]}; this is its fault"
            )

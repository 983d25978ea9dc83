"""What `kineograph animate` is asked for, from its options to a clip that is ready to be made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kineograph.cli.engine_settings import OPTIONS, changed
from kineograph.cli.options import UsageError
from kineograph.cli.talk import Talk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kineograph.cli.sources import Source
    from kineograph.engines.animate import Animation
    from kineograph.gestures.base import Gesture
    from kineograph.gestures.document import Document


FOR_WORDS = "mini"
"""The engine that is taken where nothing but a text says what moves."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of `kineograph animate`, named as there; None was not given."""

    photo: Path | None = None
    motion: Path | None = None
    again: Path | None = None
    drags: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    boxes: tuple[str, ...] = ()
    solids: tuple[str, ...] = ()
    poses: tuple[Path, ...] = ()
    cameras: tuple[str, ...] = ()
    transfers: tuple[str, ...] = ()
    magnifies: tuple[str, ...] = ()
    recordings: tuple[str, ...] = ()
    depth: str | None = None
    tracks: Path | None = None
    text: str | None = None
    negative_text: str | None = None
    frames: int | None = None
    fps: float | None = None
    size: tuple[int, int] | None = None
    seed: int | None = None
    engine: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    max_pixels: int | None = None
    allow_outside: bool = False

    def check(self) -> None:
        """Refuse what contradicts itself, before any file is read.

        Raises:
            UsageError: the options cannot be meant together.
        """
        if self.motion is not None and self.again is not None:
            raise UsageError("--motion and --from both say what moves; give one of them")
        if self.photo is None and self.motion is None and self.again is None:
            if self.text is None:
                raise UsageError("nothing to animate; give a PHOTO, --motion or --from")
            if self.size is None:
                raise UsageError("without a PHOTO the size is unknown; give --size, as 832x480")
        if self.fps is not None and not (isfinite(self.fps) and 0 < self.fps <= 1000):
            raise UsageError(f"--fps {self.fps:g} was given; give a number above 0, up to 1000")

    def animation(self, talk: Talk) -> "Animation":
        """The clip, ready to be made: every gesture expanded and the engine content with it.

        Raises:
            KineographError: something given is missing, broken or impossible.
        """
        from kineograph.core.picture import MAX_PIXELS
        from kineograph.engines.animate import animate

        source = self._source()
        document = self._document(source, talk)
        animation = animate(
            document.add(*self._gestures(document)),
            size=self.size or (source.size if source else None),
            engine=self.engine or (source.engine if source and not self.settings else None),
            max_pixels=self.max_pixels or MAX_PIXELS,
        )
        for note in (*animation.notes, *self._cut_short(document)):
            talk.note(note)
        return animation

    def _source(self) -> "Source | None":
        from kineograph.cli import sources

        if self.motion is not None:
            return sources.from_file(self.motion)
        return None if self.again is None else sources.from_output(self.again)

    def _document(self, source: "Source | None", talk: Talk) -> "Document":
        """The document before the command line's gestures are added."""
        from kineograph.core.picture import MAX_PIXELS
        from kineograph.gestures.document import Document

        changes = self._changes()
        if source is not None:
            if self.photo is not None:
                changes["picture"] = self._replaced(source, self.photo, talk)
            if self.engine is not None or self.settings:
                held = source.data.get("engine")
                held = held if isinstance(held, dict) else None
                changes["engine"] = changed(held, self.engine, self._engine_settings())
            return source.document(changes, allow_outside=self.allow_outside)
        engine = self.engine or self._for_words(talk)
        if engine is not None or self.settings:
            changes["engine"] = changed(None, engine, self._engine_settings())
        if self.photo is None:
            assert self.size is not None, "check() has seen to it"
            return Document(size=self.size, **changes)
        return Document.for_picture(self.photo, max_pixels=self.max_pixels or MAX_PIXELS, **changes)

    def _changes(self) -> dict[str, Any]:
        """Fields of the document that the options give outright."""
        given = {
            "frames": self.frames,
            "fps": self.fps,
            "text": self.text,
            "negative_text": self.negative_text,
            "seed": self.seed,
            "depth": self._depth(),
        }
        return {name: value for name, value in given.items() if value is not None}

    def _for_words(self, talk: Talk) -> str | None:
        """The engine for a text alone, where nobody chose one; None where that is not so."""
        from kineograph.core.errors import EngineError
        from kineograph.engines.registry import engine

        if not self.text or self._moves() or set(self.settings) & set(OPTIONS):
            return None
        try:
            engine(FOR_WORDS).check_packages()
        except EngineError as error:
            talk.note(f"only words say what moves, and {error}")
            return None
        talk.note(f"only words say what moves; engine {FOR_WORDS} reads them")
        return FOR_WORDS

    def _moves(self) -> bool:
        """Whether any option but the text says what moves."""
        told = (self.drags, self.pins, self.boxes, self.solids, self.poses, self.cameras)
        copied = (self.transfers, self.magnifies, self.recordings, self.tracks)
        return any(told) or any(copied)

    def _engine_settings(self) -> dict[str, Any]:
        """The settings given here; their paths are told from the working folder."""
        from kineograph.engines.unet import UnetSettings
        from kineograph.engines.weight_paths import absolute

        return absolute(self.settings, UnetSettings.paths, Path.cwd())

    def _depth(self) -> Any:
        """What the document is to say of depth; None leaves it as it is."""
        from kineograph.gestures.shorthand.camera import parse_depth

        return None if self.depth is None else parse_depth(self.depth)

    def _replaced(self, source: "Source", photo: Path, talk: Talk) -> dict[str, str]:
        """PHOTO in place of the document's picture."""
        from kineograph.core.files import sha256_of
        from kineograph.core.picture import read_picture

        if not photo.is_file():
            read_picture(photo)  # says what is wrong with it
        digest = sha256_of(photo)
        picture = source.data.get("picture")
        if self.again is not None and isinstance(picture, dict) and picture.get("sha256") != digest:
            talk.note(f"{photo} is not the picture that {source.name} was made from")
        return {"path": photo.absolute().as_posix(), "sha256": digest}

    def _gestures(self, document: "Document") -> list["Gesture"]:
        from kineograph.gestures.figures.pose_file import read_pose
        from kineograph.gestures.shorthand.camera import parse_camera
        from kineograph.gestures.shorthand.line import parse_box, parse_drag, parse_pin
        from kineograph.gestures.shorthand.solid import parse_solid
        from kineograph.gestures.shorthand.video import (
            parse_magnify,
            parse_recording,
            parse_transfer,
        )
        from kineograph.gestures.tracks_file import TracksFile

        size = document.size
        gestures: list[Gesture] = [parse_drag(text, size) for text in self.drags]
        gestures += [parse_pin(text, size) for text in self.pins]
        gestures += [parse_box(text, size) for text in self.boxes]
        gestures += [parse_solid(text, size) for text in self.solids]
        gestures += [read_pose(path) for path in self.poses]
        gestures += [parse_camera(text, size) for text in self.cameras]
        gestures += [parse_transfer(text) for text in self.transfers]
        gestures += [parse_magnify(text) for text in self.magnifies]
        for text in self.recordings:
            gestures += parse_recording(text, document.scene())
        if self.tracks is not None:
            gestures.append(TracksFile(path=self.tracks.absolute().as_posix()))
        return gestures

    def _cut_short(self, document: "Document") -> "Iterator[str]":
        """What is lost of --tracks because the clip ends before them."""
        from kineograph.core.tracks import Tracks

        if self.tracks is None:
            return
        held = Tracks.load(self.tracks)
        needed = ceil((held.frames - 1) / held.fps * document.fps - 1e-6) + 1
        if needed > document.frames:
            yield (
                f"{self.tracks} lasts {held.frames / held.fps:.2f} s and the clip "
                f"{document.frames / document.fps:.2f} s; --frames {needed} takes in all of it"
            )

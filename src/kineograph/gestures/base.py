"""What all gestures have in common: when, how firmly, how near, and an expansion."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float64
from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from kineograph.core.errors import DocumentError
from kineograph.core.motion import Motion
from kineograph.core.timing import Curve, Key
from kineograph.core.tracks import Tracks
from kineograph.gestures.scene import INSTANT, Scene
from kineograph.gestures.writing.model import PLAIN, Strict

MAX_ENTRIES = 32_000_000
"""The most points, tracks times frames, that one gesture may expand to."""

Easing = Literal["linear", "ease", "ease-in", "ease-out", "ease-in-out", "hold"]
"""The names of `kineograph.core.timing.EASINGS`."""


class TimingKey(Strict):
    """One key of a timing curve: how much of the motion is done at an instant."""

    at: Annotated[float, Field(ge=0, le=1), PLAIN]
    """When, as a share of the gesture's time span: 0 is its start, 1 its end."""
    to: Annotated[float, Field(ge=0, le=1), PLAIN]
    """How much of the motion is done then: 0 is its beginning, 1 all of it."""
    ease: Easing = "linear"
    """How the motion goes on from this key to the next one."""


Keys = Annotated[tuple[TimingKey, ...], Field(min_length=2)]
Timing = Annotated[
    Annotated[Easing, Tag("easing")] | Annotated[Keys, Tag("keys")],
    Discriminator(lambda value: "easing" if isinstance(value, str) else "keys"),
]


@dataclass(frozen=True, eq=False)
class Grip:
    """What a rigid gesture takes hold of, and how it moves that.

    Convention: (x, y) in canvas pixels.

    Args:
        point: where it takes hold.
        displacement: (T, 2) how far from there the point is at each frame; 0 before it is taken
            hold of, and constant after it is let go.
    """

    point: tuple[float, float]
    displacement: Float64[np.ndarray, "frames 2"]


def _require_kind(schema: dict[str, Any]) -> None:
    """In a document the kind has to be said; in Python the class says it."""
    schema["required"] = ["kind", *schema.get("required", [])]


class Gesture(Strict):
    """A person's request that expands to tracks or boxes.

    A new kind is a new file with a subclass of this, and a line in `kinds.py`.
    """

    model_config = ConfigDict(json_schema_extra=_require_kind)

    file_fields: ClassVar[tuple[str, ...]] = ()
    """The fields of this kind that name a file."""

    written = ("kind",)

    kind: str
    """What is asked for."""
    name: str | None = None
    """A name for this gesture, for people and for messages."""
    start: Annotated[float, Field(ge=0), PLAIN] = 0.0
    """When it begins, in seconds from the beginning of the clip."""
    end: Annotated[float, Field(gt=0), PLAIN] | None = None
    """When it ends, in seconds from the beginning of the clip; left out, it lasts to the end."""
    timing: Timing = "linear"
    """How the motion is spread over the time span: the name of an easing, or keys in between which
    it is eased."""
    strength: Annotated[float, Field(gt=0, le=1), PLAIN] = 1.0
    """How firmly it is meant, above 0 and at most 1, for engines that can be asked so."""
    depth: Annotated[float, Field(ge=-1e9, le=1e9), PLAIN] | None = None
    """How near it is; the smaller is nearer. Where two gestures want the same point to move
    differently, the nearer one is followed. Left out, it is farther than all that have a depth."""

    @model_validator(mode="after")
    def _check_times(self) -> "Gesture":
        if self.end is not None and not self.end > self.start:
            raise ValueError(
                f"lasts from {self.start:g} s to {self.end:g} s; the end has to be later than the "
                "start"
            )
        self.curve()
        return self

    @classmethod
    def title(cls, data: Mapping[str, Any]) -> str:
        """The kind, and the gesture's name if it has one."""
        kind = str(cls.model_fields["kind"].default)
        name = " ".join(str(data.get("name") or "").split())
        return f'{kind} "{name}"' if name else kind

    @abstractmethod
    def expand(self, scene: Scene) -> Motion:
        """The tracks or boxes that say what this gesture asks for.

        Convention: raster pixels of `scene.size`, one entry for each of `scene.frames`.

        Raises:
            DocumentError: it cannot be done on this canvas or in this clip.
        """

    @property
    def looks(self) -> bool:
        """Whether it has to look at the picture to expand."""
        return False

    def files(self) -> dict[str, str]:
        """The files that it names, by field."""
        named = {name: getattr(self, name) for name in self.file_fields}
        return {name: file for name, file in named.items() if isinstance(file, str)}

    def check(self, scene: Scene) -> None:
        """Check what can be checked without expanding: that the time span is in the clip.

        Raises:
            DocumentError: it cannot be done on this canvas or in this clip.
        """
        _, end = self.span(scene)
        given = max(self.start, end)
        if given > scene.duration + INSTANT:
            raise DocumentError(
                f"the time span reaches {given:g} s; the clip has {scene.frames} frames at "
                f"{scene.fps:g} fps, {scene.duration:g} s; end it by then or make the clip longer"
            )
        if not self.active(scene).any():
            raise DocumentError(
                f"the time span from {self.start:g} s to {end:g} s holds no frame of the clip, "
                f"which has one every {1 / scene.fps:g} s until {scene.last:g} s; make it longer"
            )

    def span(self, scene: Scene) -> tuple[float, float]:
        """Start and end in seconds; without an end, that of the last frame."""
        return self.start, scene.last if self.end is None else self.end

    def active(self, scene: Scene) -> Bool[np.ndarray, " frames"]:
        """The frames within the time span."""
        return scene.during(*self.span(scene))

    def progress(self, scene: Scene) -> Float64[np.ndarray, " frames"]:
        """How much of the motion is done at each frame, 0 to 1, by the timing curve."""
        start, end = self.span(scene)
        return self.curve()((scene.times - start) / max(end - start, INSTANT))

    def curve(self) -> Curve:
        """The timing curve over the time span, which goes from 0 to 1.

        Raises:
            ValueError: its keys are not in order.
        """
        if isinstance(self.timing, str):
            return Curve.named(self.timing)
        try:
            return Curve(tuple(Key(key.at, key.to, key.ease) for key in self.timing))
        except DocumentError as error:
            raise ValueError(f"has no good timing: {error}") from error

    def cell(self, scene: Scene) -> tuple[float, float]:
        """Width and height in pixels of the patch of picture that one of its tracks speaks for."""
        return 1.0, 1.0

    def held(self, scene: Scene, motion: Motion) -> Tracks | None:
        """The points that it holds, to find out whether another gesture wants them elsewhere."""
        return motion.tracks

    def held_in_one_depth(self, motion: Motion) -> Tracks | None:
        """Its points without their relief, for kinds whose relief decides nothing over others."""
        if motion.tracks is None:
            return None
        depth = self.depth
        flat = None if depth is None else np.full(motion.tracks.state.shape, depth, np.float32)
        return replace(motion.tracks, depth=flat)

    def grip(self, scene: Scene) -> Grip | None:
        """What it takes hold of and moves as a whole; None unless it moves something rigidly."""
        return None

    def tracks(
        self,
        scene: Scene,
        points: Float64[np.ndarray, "tracks frames 2"],
        shown: Bool[np.ndarray, " frames"],
    ) -> Tracks:
        """Tracks with this gesture's depth and strength, as one group.

        Convention: raster pixels. Points are unspecified at frames that are not `shown`, and
        occluded where they are outside the picture.
        """
        tracks = Tracks.of(
            np.where(shown[:, None], points, np.nan),
            size=scene.size,
            fps=scene.fps,
            group=0,
            depth=self.depth,
            strength=None if self.strength == 1 else self.strength,
        )
        return tracks.hide_outside()


def check_amount(count: float | int, scene: Scene, remedy: str) -> None:
    """Check that a gesture does not expand to more than can be held.

    Raises:
        DocumentError: it does.
    """
    if count * scene.frames > MAX_ENTRIES:
        raise DocumentError(
            f"it expands to {count:.4g} tracks of {scene.frames} frames; at most "
            f"{MAX_ENTRIES // scene.frames} are allowed; {remedy}"
        )

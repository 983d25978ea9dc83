"""Settings of procedural scenes: how large, how many things, how often what happens."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kineograph.core.errors import DataError
from kineograph.data.procedural.backgrounds import KINDS as BACKGROUND_KINDS
from kineograph.data.procedural.camera import CAMERA_MOVES, EVENLY
from kineograph.data.procedural.motions import MOTIONS
from kineograph.data.procedural.sprites import KINDS as SPRITE_KINDS

OFTEN = {
    "stay": 0.07,
    "slide": 0.24,
    "slide and spin": 0.09,
    "slide and grow": 0.07,
    "spin": 0.06,
    "grow": 0.05,
    "circle": 0.08,
    "swing": 0.05,
    "throw": 0.12,
    "wobble": 0.05,
    "wobble and slide": 0.05,
    "pulse": 0.03,
    "hinged": 0.02,
    "hinged and slide": 0.06,
}
"""How often each of `MOTIONS` is drawn."""


class SceneSettings(BaseModel):
    """What procedural scenes are like; `settings_of` makes them from loose fields.

    A scene is settled by its seed, these settings and the stock of the system. Probabilities are
    for one scene.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: tuple[int, int] = (128, 128)
    """(width, height) of the pictures in pixels."""
    frames: int = Field(default=16, ge=1)
    """Frames of a clip."""
    fps: float = Field(default=16.0, gt=0)
    """Frames a second."""
    objects: tuple[int, int] = (1, 5)
    """The least and the most objects before the background."""
    spans: tuple[float, float] | None = None
    """The least and the largest side of an object, in units of the picture's shorter side; None
    draws 0.22 to 0.5, and less in a crowd."""
    motions: dict[str, float] = OFTEN
    """How often each motion is drawn, in any unit; one that is not named is not drawn."""
    camera: float = Field(default=0.5, ge=0, le=1)
    """How likely it is that the camera moves."""
    camera_moves: dict[str, float] = EVENLY
    """How often each camera move is drawn, in any unit: a kind, or a kind and its way, such as
    "zoom in"; one that is not named is not drawn."""
    still: float = Field(default=0.02, ge=0, le=1)
    """How likely it is that nothing moves at all."""
    light: float = Field(default=0.35, ge=0, le=1)
    """How likely it is that the light changes."""
    shadows: float = Field(default=0.3, ge=0, le=1)
    """How likely it is that things throw shadows on the background."""
    library: int = Field(default=0, ge=0)
    """What the sprites and backgrounds are drawn from; another number gives others."""
    sprites: int = Field(default=1024, ge=1)
    """How many sprites there are to draw from; few are quicker, for they are drawn once."""
    backgrounds: int = Field(default=256, ge=1)
    """How many backgrounds there are to draw from."""
    kept: int = Field(default=1024, ge=1)
    """How many sprites are kept in memory; a quarter as many backgrounds are."""
    sprite_kinds: dict[str, float] = dict(SPRITE_KINDS)
    """How often each kind of sprite is drawn."""
    background_kinds: dict[str, float] = dict(BACKGROUND_KINDS)
    """How often each kind of background is drawn."""
    font: Path | None = None
    """The emoji font; None looks for one."""
    photographs: Path | None = None
    """A folder of photographs; None takes those that come with scikit-image."""
    spacing: float = Field(default=2.0, gt=0)
    """Pixels between the tracks of the dense grid on frame 0."""
    flow: bool = True
    """Whether clips hold flow."""
    depth: bool = True
    """Whether clips hold depth."""
    masks: bool = True
    """Whether clips hold masks."""

    @field_validator("size")
    @classmethod
    def _large_enough(cls, size: tuple[int, int]) -> tuple[int, int]:
        if min(size) < 16:
            raise ValueError("give a width and a height of 16 pixels or more")
        return size

    @field_validator("objects")
    @classmethod
    def _in_order(cls, objects: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= objects[0] <= objects[1] <= 64:
            raise ValueError("give the least and the most, from 0 to 64")
        return objects

    @field_validator("motions")
    @classmethod
    def _motions_there_are(cls, motions: dict[str, float]) -> dict[str, float]:
        return _often("motions", motions, MOTIONS)

    @field_validator("camera_moves")
    @classmethod
    def _moves_there_are(cls, moves: dict[str, float]) -> dict[str, float]:
        return _often("camera moves", moves, CAMERA_MOVES)


def _often(what: str, often: dict[str, float], known: Collection[str]) -> dict[str, float]:
    unknown = set(often) - set(known)
    if unknown:
        raise ValueError(f"{what} are {', '.join(known)}, not {', '.join(sorted(unknown))}")
    if min(often.values(), default=0) < 0 or not 0 < sum(often.values()) < float("inf"):
        raise ValueError("give numbers of 0 or more, not all 0")
    return often


def settings_of(**fields: Any) -> SceneSettings:
    """Settings from loose fields.

    Raises:
        DataError: a field is unknown or its value is not allowed.
    """
    try:
        return SceneSettings(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "settings"
        said = first["msg"].removeprefix("Value error, ")
        known = ", ".join(SceneSettings.model_fields)
        told = f"; there are {known}" if first["type"] == "extra_forbidden" else ""
        raise DataError(f"scene setting {where} is {first['input']!r}: {said}{told}") from None

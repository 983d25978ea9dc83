"""What every part of a motion document is made of: strict models, and the types of their fields."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from kineograph.core.errors import DocumentError
from kineograph.gestures.writing.messages import nearest, one_line, shown


class Strict(BaseModel):
    """A model that cannot be changed, knows all its fields, and says in one line what is wrong.

    Raises:
        DocumentError: a field is unknown or missing, or its value is not allowed.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    written: ClassVar[tuple[str, ...]] = ()
    """The fields that are written to disk even where nobody gave them."""

    if not TYPE_CHECKING:  # type checkers read the fields

        def __init__(self, /, **data: Any) -> None:
            try:
                super().__init__(**data)
            except ValidationError as error:
                raise DocumentError(one_line(error, data, self.title(data))) from None

        # Models inside others are not built through __init__, so that the place of a mistake is
        # told from the outermost one.
        __init__.__pydantic_base_init__ = True

    @classmethod
    def title(cls, data: Mapping[str, Any]) -> str:
        """What a message calls the thing that was to be made of `data`."""
        return cls.__name__

    @model_validator(mode="before")
    @classmethod
    def _know_all_fields(cls, data: Any) -> Any:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [name for name in data if name not in known] if isinstance(data, Mapping) else []
        if unknown:
            raise ValueError(
                f"has an unknown field {shown(unknown[0])}; {nearest(unknown[0], known)}"
                f"known: {', '.join(known)}"
            )
        return data

    @model_validator(mode="after")
    def _mark_written(self) -> "Strict":
        self.model_fields_set.update(self.written)
        return self


def plain_number(value: Any) -> Any:
    """NumPy's numbers are welcome; text and truth values are no numbers."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"is {shown(value)}; give a number")
    return value


def plain_list(value: Any) -> Any:
    """NumPy's arrays are welcome."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _plain_path(value: Any) -> Any:
    """Paths with forward slashes, on every system."""
    if isinstance(value, Path):
        value = value.as_posix()
    if isinstance(value, str) and (not value.strip() or "\0" in value):
        raise ValueError(f"is {shown(value)}; name a file")
    return value


PLAIN = BeforeValidator(plain_number)
"""Marks a number that may be NumPy's; it has to come last, or the schema loses the limits."""

LISTED = BeforeValidator(plain_list)
"""Marks a list that may be a NumPy array; it has to come last, or the schema loses the limits."""

Coordinate = Annotated[float, Field(ge=-1e7, le=1e7), PLAIN]
"""A place along x or y in canvas pixels."""

Point = Annotated[tuple[Coordinate, Coordinate], LISTED]
"""x, y in canvas pixels, which spans [0, W] x [0, H]; the top-left pixel's centre is 0.5, 0.5."""

Corners = Annotated[tuple[Coordinate, Coordinate, Coordinate, Coordinate], LISTED]
"""x0, y0, x1, y1 in canvas pixels: the left, top, right and bottom sides."""

FileName = Annotated[str, BeforeValidator(_plain_path)]
"""A file, named with forward slashes, relative to the folder of the document."""


def check_corners(corners: tuple[float, float, float, float]) -> None:
    """Check that a box has an area.

    Raises:
        ValueError: it has none, or is inside out.
    """
    x0, y0, x1, y1 = corners
    if not (x0 < x1 and y0 < y1):
        raise ValueError(
            f"is the box {x0:g},{y0:g},{x1:g},{y1:g}, which has no area; give the left, top, "
            "right and bottom side in this order"
        )

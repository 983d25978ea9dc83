"""What a report's files may say: checked before any of it is believed.

A report may come from another version, another machine or a stranger. Its rows name folders, its
words go into pages, its numbers into tables.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from kineograph.core.errors import EvaluationError
from kineograph.gestures.writing.messages import one_line

LABEL = r"^\w[\w.-]*$"
"""A name that is one plain part of a path."""

Label = Annotated[str, Field(pattern=LABEL)]

Number = float | None
"""None stands for NaN."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class RowFile(_Strict):
    """A row of the head."""

    label: Label
    engine: str
    settings: dict[str, JsonValue]


class MetricFile(_Strict):
    """A metric of the head, as `Metric.plain` says it."""

    name: str
    title: str
    what: str
    better: Literal["lower", "higher", "neither"]
    unit: str
    range: list[Number]
    kind: Literal["clip", "curve", "set"]
    axis: str
    motion: bool
    least: int
    source: str


class PublishedFile(_Strict):
    """A paper's row."""

    system: str
    variant: str
    values: dict[str, float]
    source: str
    note: str


class HeadFile(_Strict):
    """`bench.json`."""

    suite: str
    title: str
    rows: list[RowFile]
    metrics: list[MetricFile]
    axis: str
    variants: list[str]
    published: list[PublishedFile]
    about: dict[str, str]
    missing: dict[str, str]


class MeasuredFile(_Strict):
    """`measured.json`."""

    row: Label
    case: str
    variant: str
    values: dict[str, Number | list[Number]]
    seconds: Number
    print: str
    seen: str
    failed: str


def checked(held: dict[str, Any], model: type[BaseModel], path: Path) -> dict[str, Any]:
    """What a file says, if it is as it has to be.

    Raises:
        EvaluationError: it is not; says where.
    """
    try:
        return model.model_validate(held).model_dump()
    except ValidationError as error:
        told = f"{one_line(error, held, str(path))}; delete it and run bench again"
        raise EvaluationError(told) from None

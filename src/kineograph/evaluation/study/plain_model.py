"""What a study's files are made of: strict models that say in one line what is wrong."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kineograph.core.errors import StudyError


class Plain(BaseModel):
    """A model that cannot be changed and knows all its fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


Kind = TypeVar("Kind", bound=Plain)


def checked(kind: type[Kind], held: Any, what: str) -> Kind:
    """A model made of plain data.

    Args:
        kind: the model.
        held: what JSON or YAML gave.
        what: for the message: the file.

    Raises:
        StudyError: a field is unknown or missing, or its value is not allowed.
    """
    try:
        return kind.model_validate(held)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        said = first["msg"].removeprefix("Value error, ")
        more = error.error_count() - 1
        told = f" (and {more} more)" if more else ""
        raise StudyError(f"{what}: {place}: {said}{told}; mend it and try again") from None

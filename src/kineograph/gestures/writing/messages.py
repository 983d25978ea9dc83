"""Errors of the document's models as one line: what was given, what is allowed, what to do."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

DOCUMENT = "the document"
"""What messages call the whole; a place in it needs no such name before it."""


def one_line(error: ValidationError, data: Any, what: str) -> str:
    """The first thing that is wrong with `data`.

    Args:
        error: what pydantic found.
        data: what was given, to leave out of the place whatever is no part of it.
        what: the name of the whole, such as "drag" or "the document".
    """
    details = error.errors(include_url=False)[0]
    place, told = _place(details, data), _told(details)
    where = f"{what}: {place}".removeprefix(f"{DOCUMENT}: ") if place else what
    return f"{where}{': ' if told.startswith('the ') else ' '}{told}"


def nearest(name: Any, known: Iterable[str]) -> str:
    """A hint at the known name that is most like `name`, or nothing: "did you mean path? "."""
    found = get_close_matches(str(name).lower(), list(known), n=1, cutoff=0.6)
    return f"did you mean {found[0]}? " if found else ""


def shown(value: Any, most: int = 60) -> str:
    """A given value as it can stand in a line of text, cut short where it is long."""
    if isinstance(value, float):
        return f"{value:g}"
    text = " ".join(repr(value).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _place(details: ErrorDetails, data: Any) -> str:
    """Where it is, as a person would write it: gestures[1].path[0].

    Pydantic also names the branches of unions that it went through; they are not in the data.
    """
    place, last = "", len(details["loc"]) - 1
    for position, step in enumerate(details["loc"]):
        inner = _field(data, step)
        if inner is not _NOT_THERE:
            data = inner
        elif position != last or details["type"] != "missing":
            continue
        place += f"[{step}]" if isinstance(step, int) else f".{step}"
    return place.removeprefix(".")


_NOT_THERE = object()


def _field(data: Any, step: int | str) -> Any:
    """What `step` leads to."""
    if isinstance(data, Mapping):
        return data.get(step, _NOT_THERE)
    if isinstance(step, int) and isinstance(data, Sequence) and not isinstance(data, str):
        return data[step] if step < len(data) else _NOT_THERE
    return getattr(data, step, _NOT_THERE) if isinstance(step, str) else _NOT_THERE


def _told(details: ErrorDetails) -> str:
    """What is wrong there."""
    context = details.get("ctx", {})
    given = shown(details["input"])
    match details["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            return "is missing; give it"
        case "finite_number":
            return f"is {given}; give a finite number"
        case "union_tag_not_found":
            return 'has no kind; say what it is, such as "kind": "drag"'
        case "union_tag_invalid":
            return _not_known("kind", context["tag"], context["expected_tags"])
        case "literal_error":
            return _not_known("", details["input"], context["expected"])
        case "too_short":
            return f"has {context['actual_length']} entries; give {context['min_length']} or more"
        case "too_long":
            return f"has {context['actual_length']} entries; give {context['max_length']}"
        case "tuple_type" | "list_type":
            return f"is {given}; give a list"
        case "string_pattern_mismatch":
            return f"is {given}; it has to match {context['pattern']}"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"is {given}; give an object with fields"
        case _:
            wanted = details["msg"].removeprefix("Input should ").removeprefix("have ")
            return f"is {given}; it should {wanted}"


def _not_known(what: str, given: Any, expected: str) -> str:
    """One of a few names was wanted, and another was given."""
    names = re.findall(r"'([^']*)'", expected) or [expected]
    has = f"is of the unknown {what}" if what else "is"
    return f"{has} {shown(given)}; {nearest(given, names)}known: {', '.join(names)}"

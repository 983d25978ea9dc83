"""Renaming: a table of pairs of names that is read both ways."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

Value = TypeVar("Value")
Table = list[tuple[re.Pattern[str], str]]

_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Renaming:
    """Names of tensors in two layouts, pair by pair.

    A template is a name in which `{field}` stands for whatever the field's pattern matches; both
    templates of a pair have the same fields, so that each name follows from the other.
    """

    fields: Mapping[str, str]
    """The regular expression of each field."""

    pairs: tuple[tuple[str, str], ...]
    """(Template in the original layout, template in ours)."""

    @cached_property
    def _compiled(self) -> tuple[Table, Table]:
        return (
            [(self._pattern(original), ours) for original, ours in self.pairs],
            [(self._pattern(ours), original) for original, ours in self.pairs],
        )

    def _pattern(self, template: str) -> re.Pattern[str]:
        pieces = _FIELD.split(template)  # text, field, text, field, ..., text
        pieces[0::2] = [re.escape(text) for text in pieces[0::2]]
        pieces[1::2] = [f"(?P<{field}>{self.fields[field]})" for field in pieces[1::2]]
        return re.compile("".join(pieces))

    def ours(self, original: str) -> str | None:
        """Our name of what the original layout calls `original`; None if it is not in the table."""
        return _translated(original, self._compiled[0])

    def original(self, ours: str) -> str | None:
        """The original layout's name of what we call `ours`; None if it is not in the table."""
        return _translated(ours, self._compiled[1])

    def read(self, tensors: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        """What the original layout holds under our names, and the names not in the table."""
        return _renamed(tensors, self.ours)

    def write(self, tensors: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        """What we hold under the original names, and the names not in the table."""
        return _renamed(tensors, self.original)


def _renamed(
    tensors: Mapping[str, Value], rename: Callable[[str], str | None]
) -> tuple[dict[str, Value], list[str]]:
    names = {name: rename(name) for name in tensors}
    known = {new: tensors[name] for name, new in names.items() if new is not None}
    return known, [name for name, new in names.items() if new is None]


def _translated(name: str, table: Table) -> str | None:
    for pattern, template in table:
        if match := pattern.fullmatch(name):
            return template.format(**match.groupdict())
    return None

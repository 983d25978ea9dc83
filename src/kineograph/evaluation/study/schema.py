"""The tables of a study's database, and their rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kineograph.evaluation.study.design import Task

SCHEMA = """
create table if not exists raters (
    id integer primary key,
    token text not null unique,
    outside text unique,
    code text not null,
    started real not null,
    seen real not null,
    finished real,
    failed integer not null default 0
) strict;
create table if not exists tasks (
    rater integer not null references raters (id),
    position integer not null,
    item text not null,
    is_test integer not null,
    swapped integer not null,
    shown real,
    watched_first real,
    watched_second real,
    answered real,
    passed integer,
    primary key (rater, position),
    unique (rater, item)
) strict;
create table if not exists votes (
    rater integer not null,
    position integer not null,
    question text not null,
    chosen text not null,
    primary key (rater, position, question),
    foreign key (rater, position) references tasks (rater, position)
) strict;
create index if not exists tasks_by_item on tasks (item, is_test);
"""

SIDES = ("first", "second")
"""The two videos of a pair, as raters see them."""

Answers = Mapping[str, Sequence[str]]
"""Question to the side that was chosen, alone, or the aspects that were ticked."""


@dataclass(frozen=True)
class Rater:
    """One rater. Times are seconds since 1970; None has not happened.

    Args:
        id: number, from 1 in the order of coming.
        token: the secret of the rater's link.
        outside: what a recruiting platform calls them.
        code: shown at the end.
        started: when they came.
        seen: when they were last heard of.
        finished: when they answered the last task.
        failed: 1 if more test questions were failed than are allowed.
    """

    id: int
    token: str
    outside: str | None
    code: str
    started: float
    seen: float
    finished: float | None
    failed: int


@dataclass(frozen=True)
class Row:
    """One task of a rater, and what has become of it.

    Args:
        rater: the rater's number.
        position: from 0.
        task: what is shown.
        shown: when it was first shown.
        watched: when each video was first played to its end.
        answered: when it was answered.
        passed: of a test question that was answered, whether rightly.
    """

    rater: int
    position: int
    task: Task
    shown: float | None
    watched: tuple[float | None, float | None]
    answered: float | None
    passed: bool | None


def row_of(found: Sequence[Any]) -> Row:
    """A row as the database has it."""
    rater, position, item, is_test, swapped, shown, first, second, answered, passed = found
    return Row(
        rater,
        position,
        Task(item, bool(is_test), bool(swapped)),
        shown,
        (first, second),
        answered,
        None if passed is None else bool(passed),
    )

"""Raters, tasks and votes in SQLite: a vote is there for good once `answer` returns.

Write-ahead log, synchronous=FULL: what was committed survives a kill and a power cut. Each change
is one short transaction; unique keys make a double vote impossible, whatever the code above does.
"""

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kineograph.core.errors import StudyError
from kineograph.evaluation.study.design import Load, Task
from kineograph.evaluation.study.schema import SCHEMA, Answers, Rater, Row, row_of


class Store:
    """The database of one study.

    Args:
        path: of the file; made if it is not there.

    Raises:
        StudyError: it cannot be opened, or is no such database.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            path.touch(mode=0o600)  # it holds the secrets of the raters' links
            self._held = sqlite3.connect(
                path, timeout=30, isolation_level=None, check_same_thread=False
            )
            for setting in ("journal_mode=wal", "synchronous=full", "foreign_keys=on"):
                self._held.execute(f"pragma {setting}")
            self._held.executescript(SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise StudyError(
                f"{path} cannot be used: {error}; is the folder writable and the file whole?"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._held.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction; what it did is on the disk when the block has ended."""
        with self._lock:
            self._held.execute("begin immediate")
            try:
                yield self._held
                self._held.execute("commit")
            except BaseException:
                self._held.execute("rollback")
                raise

    def _all(self, query: str, *given: Any) -> list[Any]:
        with self._lock:
            return self._held.execute(query, given).fetchall()

    def begin(
        self,
        now: float | int,
        outside: str | None,
        code: str | None,
        patience: float | int,
        design: Callable[[int, Mapping[str, Load]], Sequence[Task]],
    ) -> Rater | None:
        """A new rater with tasks of their own; None if there is nothing left to do.

        Who has which pairs is read and written in one transaction, so that raters who come at
        once do not get the same ones.

        Args:
            now: the time.
            outside: what a recruiting platform calls them; must not have begun before.
            code: for the end; None makes one.
            patience: seconds after which a rater who has not been heard of holds no pair.
            design: rater's number from 0 and loads to tasks.

        Raises:
            StudyError: a rater of that name has begun before.
        """
        token, code = secrets.token_urlsafe(18), code or secrets.token_hex(4).upper()
        with self._change() as held:
            number = held.execute("select count(*) from raters").fetchone()[0]
            tasks = design(number, self._loads(now - patience))
            if not tasks:
                return None
            try:
                held.execute(
                    "insert into raters (id, token, outside, code, started, seen)"
                    " values (?, ?, ?, ?, ?, ?)",
                    (number + 1, token, outside, code, now, now),
                )
            except sqlite3.IntegrityError:
                raise StudyError(f"{outside} has begun before; use the link of that time") from None
            held.executemany(
                "insert into tasks (rater, position, item, is_test, swapped)"
                " values (?, ?, ?, ?, ?)",
                [
                    (number + 1, place, task.item, task.is_test, task.swapped)
                    for place, task in enumerate(tasks)
                ],
            )
        return self.rater(token)

    def _loads(self, heard_since: float) -> dict[str, Load]:
        """What has been given out: answered, or in the hands of someone who is still there."""
        found = self._all(
            "select item, count(*), sum(swapped) from tasks join raters on raters.id = rater"
            " where not is_test and not failed and (answered is not null or seen >= ?)"
            " group by item",
            heard_since,
        )
        return {item: Load(count, swapped) for item, count, swapped in found}

    def rater(self, token: str) -> Rater | None:
        """The rater with a token."""
        found = self._all("select * from raters where token = ?", token)
        return Rater(*found[0]) if found else None

    def raters(self) -> tuple[Rater, ...]:
        """All, in the order of coming."""
        return tuple(Rater(*row) for row in self._all("select * from raters order by id"))

    def rows(self, rater: int | None = None) -> tuple[Row, ...]:
        """The tasks of a rater, or of all, in order."""
        where = "" if rater is None else " where rater = ?"
        given = () if rater is None else (rater,)
        query = f"select * from tasks{where} order by rater, position"
        return tuple(row_of(found) for found in self._all(query, *given))

    def current(self, rater: int) -> Row | None:
        """The first task that has not been answered; None at the end."""
        found = self._all(
            "select * from tasks where rater = ? and answered is null order by position limit 1",
            rater,
        )
        return row_of(found[0]) if found else None

    def at(self, rater: int, position: int) -> Row | None:
        """The task at a position."""
        found = self._all("select * from tasks where rater = ? and position = ?", rater, position)
        return row_of(found[0]) if found else None

    def count(self, rater: int) -> int:
        """How many tasks a rater has."""
        return int(self._all("select count(*) from tasks where rater = ?", rater)[0][0])

    def show(self, rater: int, position: int, now: float) -> None:
        """Note that a task is shown; only the first time counts."""
        with self._change() as held:
            held.execute(
                "update tasks set shown = coalesce(shown, ?) where rater = ? and position = ?",
                (now, rater, position),
            )
            held.execute("update raters set seen = ? where id = ?", (now, rater))

    def watch(self, rater: int, position: int, side: int, now: float) -> None:
        """Note that a video, 0 or 1, was played to its end; only the first time counts."""
        column = ("watched_first", "watched_second")[side]
        with self._change() as held:
            held.execute(
                f"update tasks set {column} = coalesce({column}, ?)"
                " where rater = ? and position = ?",
                (now, rater, position),
            )
            held.execute("update raters set seen = ? where id = ?", (now, rater))

    def answer(
        self, row: Row, answers: Answers, passed: bool | None, failures_allowed: int, now: float
    ) -> bool:
        """Keep the answers to a task; False if it has been answered before, which then stands.

        Args:
            row: the task.
            answers: to all its questions.
            passed: of a test question, whether rightly.
            failures_allowed: test questions that may be failed before the rater counts as failed.
            now: the time.
        """
        key = (row.rater, row.position)
        with self._change() as held:
            done = held.execute(
                "update tasks set answered = ?, passed = ?"
                " where rater = ? and position = ? and answered is null",
                (now, passed, *key),
            )
            if not done.rowcount:
                return False
            held.executemany(
                "insert into votes (rater, position, question, chosen) values (?, ?, ?, ?)",
                [(*key, question, json.dumps(list(said))) for question, said in answers.items()],
            )
            held.execute(
                "update raters set seen = ?1, failed = (select count(*) from tasks"
                " where rater = ?2 and passed = 0) > ?3, finished = case when exists (select 1"
                " from tasks where rater = ?2 and answered is null) then null else ?1 end"
                " where id = ?2",
                (now, row.rater, failures_allowed),
            )
        return True

    def answers(self) -> dict[tuple[int, int], dict[str, tuple[str, ...]]]:
        """(rater, position) to question to what was answered."""
        found: dict[tuple[int, int], dict[str, tuple[str, ...]]] = {}
        rows = self._all("select rater, position, question, chosen from votes order by rowid")
        for rater, position, question, chosen in rows:
            found.setdefault((rater, position), {})[question] = tuple(json.loads(chosen))
        return found

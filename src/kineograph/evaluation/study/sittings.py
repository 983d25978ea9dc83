"""What a rater may see and do: own tasks only, in their order, watched and not too fast."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kineograph.core.errors import StudyError
from kineograph.evaluation.study.design import tasks_for
from kineograph.evaluation.study.hidden import checks_of
from kineograph.evaluation.study.protocols import Protocol, Question
from kineograph.evaluation.study.schema import SIDES, Answers, Rater, Row
from kineograph.evaluation.study.store import Store
from kineograph.evaluation.study.study_folder import Pair, Study, StudyFolder, Test

PATIENCE = 3 * 3600.0
"""Seconds after which a rater who has gone away holds no pair; their link still works."""

HURRY = 0.9
"""A video counts as watched no earlier than this part of its length after the pair was shown."""

OUTSIDE = re.compile(r"[\w.@:-]{1,128}")
"""What a recruiting platform may call a rater."""


class RefusedError(StudyError):
    """A rater asked for what may not be; `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Sittings:
    """The rules of a study over its store.

    Args:
        folder: of the study.
        study: its setup.
        store: its raters, tasks and votes.
        clock: seconds since 1970.
        patience: see `PATIENCE`.
    """

    folder: StudyFolder
    study: Study
    store: Store
    clock: Callable[[], float] = time.time
    patience: float = PATIENCE

    @cached_property
    def _items(self) -> dict[str, Pair | Test]:
        tests: dict[str, Pair | Test] = {test.id: test for test in self.study.tests}
        return tests | {pair.id: pair for pair in self.study.pairs}

    def _item(self, row: Row) -> Pair | Test:
        return self._items[row.task.item]

    def join(self, outside: str | None) -> Rater:
        """A new rater.

        Args:
            outside: `id` of the link, as recruiting platforms add it.

        Raises:
            RefusedError: the name is missing, odd or has begun before; or nothing is left to do.
        """
        if outside is None and self.study.require_id:
            raise RefusedError(
                403, "this study needs the link of your platform, which ends in ?id=..."
            )
        if outside is not None and not OUTSIDE.fullmatch(outside):
            raise RefusedError(
                400, "the id in the link is none; open the link of your platform again"
            )
        try:
            rater = self.store.begin(
                self.clock(),
                outside,
                self.study.completion_code or None,
                self.patience,
                lambda number, loads: tasks_for(self.study, number, loads),
            )
        except StudyError:
            raise RefusedError(
                409, "you have begun before; go on with the link that you were given then"
            ) from None
        if rater is None:
            raise RefusedError(410, "the study has all the answers it needs; thank you for coming")
        return rater

    def rater(self, token: str) -> Rater:
        """The rater with a token.

        Raises:
            RefusedError: there is none.
        """
        found = self.store.rater(token)
        if found is None:
            raise RefusedError(404, "there is nothing here; check the link")
        return found

    def look(self, token: str) -> dict[str, Any]:
        """What the page shows now; from the first look on, the time of the task runs.

        Raises:
            RefusedError: there is no such rater.
        """
        rater = self.rater(token)
        total = self.store.count(rater.id)
        row = self.store.current(rater.id)
        if row is None:
            return {"done": True, "total": total, "code": rater.code}
        if row.shown is None:
            self.store.show(rater.id, row.position, self.clock())
            row = self.store.at(rater.id, row.position) or row
        shown = self._item(row).shown
        return {
            "done": False,
            "position": row.position,
            "total": total,
            "text": shown.text,
            "picture": shown.picture is not None,
            "motion": shown.motion is not None,
            "watched": [time is not None for time in row.watched],
            "wait": round(self._wait(row), 1),
        }

    def watched(self, token: str, position: int, side: str) -> dict[str, Any]:
        """A video was played to its end.

        Raises:
            RefusedError: it is another task's turn, or it cannot have been watched already.
        """
        row = self._turn(token, position)
        if side not in SIDES:
            raise RefusedError(422, f"{side} is no video; there are {' and '.join(SIDES)}")
        since = self.clock() - (row.shown or self.clock())
        if since < HURRY * self._item(row).seconds:
            raise RefusedError(409, "the video is longer than that; watch it to its end")
        self.store.watch(row.rater, row.position, SIDES.index(side), self.clock())
        return {"watched": side}

    def answer(self, token: str, position: int, answers: Answers) -> dict[str, Any]:
        """Keep the answers to a task; given again, the first ones stand.

        Raises:
            RefusedError: it is another task's turn, it comes too early, or an answer is no answer.
        """
        rater = self.rater(token)
        row = self.store.at(rater.id, position)
        if row is not None and row.answered is not None:
            return {"kept": True, "again": True}
        row = self._turn(token, position)
        check_answers(self.study.protocol, answers)
        if self.study.protocol.watched and None in row.watched:
            raise RefusedError(409, "watch both videos to their ends first")
        if self._wait(row) > 0:
            raise RefusedError(409, f"that was quick; look again for {self._wait(row):.0f} seconds")
        allowed = self.study.protocol.failures_allowed
        kept = self.store.answer(row, answers, self._passed(row, answers), allowed, self.clock())
        return {"kept": True, "again": not kept}

    def file(self, token: str, position: int, name: str) -> Path:
        """A file of the current task or, so that it can be loaded ahead, the next.

        Args:
            token: the rater's.
            position: the task's.
            name: "first", "second", "motion" or "picture".

        Raises:
            RefusedError: it is none of theirs, or not yet.
        """
        rater = self.rater(token)
        current = self.store.current(rater.id)
        row = self.store.at(rater.id, position)
        if current is None or row is None or position > current.position + 1:
            raise RefusedError(404, "there is nothing here; go on with your own task")
        found = self._files(row).get(name)
        if found is None:
            raise RefusedError(404, "there is nothing here; go on with your own task")
        return self.folder.media / found

    def _files(self, row: Row) -> dict[str, str | None]:
        item = self._item(row)
        both = item.videos if isinstance(item, Pair) else (item.good, item.bad)
        first, second = both[::-1] if row.task.swapped else both
        shown = item.shown
        return {"first": first, "second": second, "motion": shown.motion, "picture": shown.picture}

    def _turn(self, token: str, position: int) -> Row:
        """The current task, if it is at that position and has been shown."""
        row = self.store.current(self.rater(token).id)
        if row is None or row.position != position or row.shown is None:
            raise RefusedError(409, "another pair is next; load the page again")
        return row

    def _wait(self, row: Row) -> float:
        """Seconds until answers are accepted."""
        since = self.clock() - (row.shown or self.clock())
        return max(0.0, self.study.protocol.opens_after - max(0.0, since))

    def _passed(self, row: Row, answers: Answers) -> bool | None:
        if not row.task.is_test:
            return None
        test = self._item(row)
        assert isinstance(test, Test)
        return checks_of(test, answers, SIDES[row.task.swapped])


def check_answers(protocol: Protocol, answers: Mapping[str, Any]) -> None:
    """Refuse answers that are not exactly one to each question.

    Raises:
        RefusedError: says which is missing or none.
    """
    known = {question.id: question for question in protocol.questions}
    missing = [name for name in known if name not in answers]
    surplus = [name for name in answers if name not in known]
    if missing or surplus:
        raise RefusedError(422, f"answer every question once: {', '.join(missing or surplus)}")
    for name, said in answers.items():
        _check_answer(known[name], said)


def _check_answer(question: Question, said: Any) -> None:
    if question.kind == "choice":
        allowed: tuple[str, ...] = SIDES
        fits = len(said) == 1
    else:
        allowed = tuple(aspect.id for aspect in question.aspects)
        fits = len(said) >= question.least
    if not fits or len(set(said)) < len(said) or not set(said) <= set(allowed):
        raise RefusedError(422, f"{question.id}: choose from {', '.join(allowed)}")

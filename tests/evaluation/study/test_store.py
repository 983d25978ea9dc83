"""What was kept stays kept, once: double votes, many at once, broken files."""

import sqlite3
import threading
from collections import Counter
from pathlib import Path

import pytest
from small_studies import Clock, answered, bare_study, quick, sittings_of

from kineograph.core.errors import StudyError
from kineograph.evaluation.study.design import Task
from kineograph.evaluation.study.store import Store

SAY = {"overall": ["first"], "why": ["motion"]}


def begin(store: Store, now: float = 0.0, outside: str | None = None) -> int:
    tasks = [Task("p1", False, False), Task("p2", False, True)]
    rater = store.begin(now, outside, None, 10, lambda number, loads: tasks)
    assert rater is not None
    return rater.id


def test_a_vote_given_twice_is_kept_once_and_the_first_stands(tmp_path: Path) -> None:
    store = Store(tmp_path / "votes.sqlite")
    rater = begin(store)
    store.show(rater, 0, 1.0)
    row = store.current(rater)
    assert row is not None
    assert store.answer(row, {"q": ["first"]}, None, 0, 2.0)
    assert not store.answer(row, {"q": ["second"]}, None, 0, 3.0)
    assert store.answers() == {(1, 0): {"q": ("first",)}}
    assert store.rows()[0].answered == 2.0


def test_the_database_itself_refuses_a_double_vote(tmp_path: Path) -> None:
    store = Store(tmp_path / "votes.sqlite")
    rater = begin(store)
    row = store.current(rater)
    assert row is not None
    store.answer(row, {"q": ["first"]}, None, 0, 2.0)
    other = sqlite3.connect(tmp_path / "votes.sqlite")
    for statement in (
        "insert into votes values (1, 0, 'q', '[]')",
        "insert into tasks (rater, position, item, is_test, swapped) values (1, 9, 'p1', 0, 0)",
        "insert into tasks (rater, position, item, is_test, swapped) values (1, 0, 'p9', 0, 0)",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
            other.execute(statement)


def test_everything_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    clock = Clock()
    study = bare_study(quick("motif"))
    sittings = sittings_of(study, tmp_path, clock)
    token = sittings.join("worker-7").token
    answered(sittings, clock, token, SAY)
    before = (sittings.store.raters(), sittings.store.rows(), sittings.store.answers())
    # not closed: as if the process had ended here
    again = Store(tmp_path / "votes.sqlite")
    assert (again.raters(), again.rows(), again.answers()) == before
    assert (tmp_path / "votes.sqlite").stat().st_mode & 0o077 == 0


def test_a_failure_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path / "votes.sqlite")

    def design(number: int, loads: object) -> list[Task]:
        return [Task("p1", False, False), Task("p1", False, False)]  # the key refuses the second

    with pytest.raises(sqlite3.IntegrityError):
        store.begin(0.0, None, None, 10, design)
    assert store.raters() == () and store.rows() == ()


def test_raters_who_come_at_once_share_the_pairs_evenly(tmp_path: Path) -> None:
    study = bare_study(quick("motif", raters=4, tasks=3, tests=0), 6)
    sittings = sittings_of(study, tmp_path)
    threads = [threading.Thread(target=sittings.join, args=(None,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = Counter(row.task.item for row in sittings.store.rows())
    assert set(counts.values()) == {4} and len(counts) == 6
    swapped = Counter(row.task.item for row in sittings.store.rows() if row.task.swapped)
    assert set(swapped.values()) == {2}


def test_answers_at_once_are_one_vote(tmp_path: Path) -> None:
    clock = Clock()
    sittings = sittings_of(bare_study(quick("motif", tests=0), 1), tmp_path, clock)
    token = sittings.join(None).token
    sittings.look(token)
    clock.now += 100
    for side in ("first", "second"):
        sittings.watched(token, 0, side)
    told = []

    def answer(side: str) -> None:
        told.append(sittings.answer(token, 0, {"overall": [side], "why": ["motion"]})["again"])

    threads = [
        threading.Thread(target=answer, args=(("first", "second")[i % 2],)) for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False] + [True] * 7
    assert len(sittings.store.answers()) == 1


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "votes.sqlite").write_text("no database, but long enough to be looked at " * 40)
    with pytest.raises(StudyError, match=r"votes.sqlite cannot be used: file is not a database"):
        Store(tmp_path / "votes.sqlite")

"""Votes out of the database: as records for the analysis, as CSV, as JSON, and as progress."""

import csv
import io
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from kineograph.evaluation.study.schema import SIDES, Rater, Row
from kineograph.evaluation.study.store import Store
from kineograph.evaluation.study.study_folder import Pair, Study, StudyFolder
from kineograph.evaluation.study.votes import Vote, Votes

COLUMNS = (
    "rater",
    "outside",
    "valid",
    "position",
    "pair",
    "case",
    "question",
    "chosen",
    "system_a",
    "system_b",
    "first",
    "seconds",
)
"""Of the CSV; `chosen` is a system or aspects joined by `|`."""


def votes_of(study: Study, store: Store) -> Votes:
    """All votes, hidden test questions taken out and those who failed them left out."""
    raters, answers = store.raters(), store.answers()
    failed = {rater.id for rater in raters if rater.failed}
    pairs = {pair.id: pair for pair in study.pairs}
    votes = []
    for row in store.rows():
        if row.answered is not None and not row.task.is_test and row.rater not in failed:
            votes += _votes(row, pairs[row.task.item], answers[row.rater, row.position])
    return Votes(
        votes=tuple(votes),
        discarded=tuple(_name(rater) for rater in raters if rater.failed),
        unfinished=tuple(
            _name(rater) for rater in raters if rater.finished is None and not rater.failed
        ),
    )


def _votes(row: Row, pair: Pair, answers: dict[str, tuple[str, ...]]) -> list[Vote]:
    first, second = pair.systems[::-1] if row.task.swapped else pair.systems
    systems = dict(zip(SIDES, (first, second), strict=True))
    assert row.answered is not None and row.shown is not None
    return [
        Vote(
            rater=f"r{row.rater:04d}",
            pair=pair.id,
            case=pair.case,
            systems=pair.systems,
            question=question,
            chosen=tuple(systems.get(said, said) for said in chosen),
            first=first,
            seconds=round(row.answered - row.shown, 3),
        )
        for question, chosen in answers.items()
    ]


def _name(rater: Rater) -> str:
    return f"r{rater.id:04d}"


def records_of(study: Study, store: Store) -> list[dict[str, Any]]:
    """Every answer, also of those who failed and to test questions, one record each."""
    raters = {rater.id: rater for rater in store.raters()}
    answers = store.answers()
    pairs = {pair.id: pair for pair in study.pairs}
    found = []
    for row in store.rows():
        if row.answered is not None:
            said = answers[row.rater, row.position]
            found += _records(row, raters[row.rater], pairs.get(row.task.item), said)
    return found


def _records(
    row: Row, rater: Rater, pair: Pair | None, answers: dict[str, tuple[str, ...]]
) -> list[dict[str, Any]]:
    assert row.answered is not None and row.shown is not None
    systems = ("right", "wrong") if pair is None else pair.systems
    first, second = systems[::-1] if row.task.swapped else systems
    sides = dict(zip(SIDES, (first, second), strict=True))
    return [
        {
            "rater": _name(rater),
            "outside": rater.outside or "",
            "valid": not rater.failed,
            "position": row.position,
            "pair": row.task.item,
            "case": "" if pair is None else pair.case,
            "question": question,
            "chosen": "|".join(sides.get(one, one) for one in chosen),
            "system_a": "" if pair is None else pair.systems[0],
            "system_b": "" if pair is None else pair.systems[1],
            "first": first,
            "seconds": round(row.answered - row.shown, 3),
        }
        for question, chosen in answers.items()
    ]


def csv_of(study: Study, store: Store) -> str:
    """`records_of` as CSV with a head; what a spreadsheet would compute is told as text."""
    held = io.StringIO()
    writer = csv.DictWriter(held, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in records_of(study, store):
        writer.writerow({name: _inert(value) for name, value in record.items()})
    return held.getvalue()


def _inert(value: Any) -> Any:
    """Raters can choose what ?id= says, so a cell must not begin as a formula does."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t" and value else value


def raters_of(store: Store) -> list[dict[str, Any]]:
    """Who came, how far they are, and whether they passed; without the secrets of their links."""
    rows: dict[int, list[Row]] = {}
    for row in store.rows():
        rows.setdefault(row.rater, []).append(row)
    return [
        {
            "rater": _name(rater),
            "outside": rater.outside or "",
            "code": rater.code,
            "started": round(rater.started, 1),
            "finished": None if rater.finished is None else round(rater.finished, 1),
            "tasks": len(rows[rater.id]),
            "answered": sum(row.answered is not None for row in rows[rater.id]),
            "tests_passed": sum(row.passed is True for row in rows[rater.id]),
            "tests_failed": sum(row.passed is False for row in rows[rater.id]),
            "valid": not rater.failed,
        }
        for rater in store.raters()
    ]


def json_of(study: Study, store: Store) -> dict[str, Any]:
    """Everything but secrets: protocol, systems, raters and answers."""
    return {
        "format": 1,
        "protocol": study.protocol.model_dump(mode="json"),
        "systems": list(study.systems),
        "about": study.about,
        "raters": raters_of(store),
        "answers": records_of(study, store),
    }


def progress_of(study: Study, store: Store) -> dict[str, Any]:
    """How far the study is, in numbers."""
    raters, rows = store.raters(), store.rows()
    valid = {rater.id for rater in raters if not rater.failed}
    answered = [row for row in rows if row.answered is not None]
    counted = Counter(
        row.task.item for row in answered if not row.task.is_test and row.rater in valid
    )
    wanted = study.protocol.raters
    took = [row.answered - row.shown for row in answered if row.answered and row.shown]
    return {
        "title": study.protocol.title,
        "protocol": study.protocol.name,
        "systems": list(study.systems),
        "raters": len(raters),
        "finished": sum(rater.finished is not None for rater in raters),
        "discarded": sum(bool(rater.failed) for rater in raters),
        "pairs": len(study.pairs),
        "pairs_complete": sum(counted[pair.id] >= wanted for pair in study.pairs),
        "answers": sum(min(counted[pair.id], wanted) for pair in study.pairs),
        "answers_wanted": wanted * len(study.pairs),
        "median_seconds": round(median(took), 1) if took else None,
        "people": raters_of(store),
    }


def read_votes(where: Path | str) -> tuple[Study, Votes]:
    """The setup and the votes of a study's folder.

    Raises:
        StudyError: it is no study, or is broken.
    """
    folder = StudyFolder(where)
    study = folder.read()
    store = Store(folder.votes)
    try:
        return study, votes_of(study, store)
    finally:
        store.close()

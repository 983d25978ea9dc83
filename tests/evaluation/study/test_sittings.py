"""The rules: own tasks only, in order, watched, not too fast, and tests that discard."""

from pathlib import Path

import pytest
from small_studies import Clock, answered, bare_study, quick, sittings_of

from kineograph.evaluation.study.exporting import progress_of, votes_of
from kineograph.evaluation.study.protocols import MOTIF
from kineograph.evaluation.study.sittings import RefusedError, Sittings

SAY = {"overall": ["first"], "why": ["motion", "quality"]}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sittings(tmp_path: Path, clock: Clock) -> Sittings:
    return sittings_of(bare_study(MOTIF, tests=2), tmp_path, clock)


def refused(status: int, message: str) -> object:
    return pytest.raises(RefusedError, match=message, check=lambda error: error.status == status)


def watch(sittings: Sittings, token: str, position: int = 0) -> None:
    for side in ("first", "second"):
        sittings.watched(token, position, side)


def test_a_vote_comes_after_watching_and_a_minute(sittings: Sittings, clock: Clock) -> None:
    token = sittings.join(None).token
    assert sittings.look(token)["wait"] == 60
    with refused(409, "longer than that"):
        sittings.watched(token, 0, "first")
    clock.now += 30
    sittings.watched(token, 0, "first")
    with refused(409, "watch both videos"):
        sittings.answer(token, 0, SAY)
    sittings.watched(token, 0, "second")
    with refused(409, "look again for 30 seconds"):
        sittings.answer(token, 0, SAY)
    clock.now += 29.5
    with refused(409, "look again"):
        sittings.answer(token, 0, SAY)
    clock.now += 0.5
    assert sittings.answer(token, 0, SAY) == {"kept": True, "again": False}


def test_loading_again_resumes_and_does_not_restart_the_time(
    sittings: Sittings, clock: Clock
) -> None:
    token = sittings.join(None).token
    sittings.look(token)
    clock.now += 40
    sittings.watched(token, 0, "second")
    seen = sittings.look(token)
    assert (seen["position"], seen["wait"], seen["watched"]) == (0, 20, [False, True])
    clock.now -= 1000  # the machine's clock was put back
    assert sittings.look(token)["wait"] == 60


def test_tasks_come_in_order_and_none_is_skipped(sittings: Sittings, clock: Clock) -> None:
    token = sittings.join(None).token
    with refused(409, "another pair is next"):
        sittings.answer(token, 0, SAY)  # it has not been shown
    sittings.look(token)
    clock.now += 100
    for position in (1, 5, 99):
        with refused(409, "another pair is next"):
            sittings.watched(token, position, "first")
        with refused(409, "another pair is next"):
            sittings.answer(token, position, SAY)
    answered(sittings, clock, token, SAY)
    assert sittings.look(token)["position"] == 1


def test_an_answer_given_again_changes_nothing(sittings: Sittings, clock: Clock) -> None:
    token = sittings.join(None).token
    answered(sittings, clock, token, SAY)
    other = {"overall": ["second"], "why": ["text"]}
    assert sittings.answer(token, 0, other) == {"kept": True, "again": True}
    assert sittings.store.answers()[1, 0] == {"overall": ("first",), "why": ("motion", "quality")}


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"overall": ["first"]},
        {"overall": ["first"], "why": []},
        {"overall": [], "why": ["motion"]},
        {"overall": ["first", "second"], "why": ["motion"]},
        {"overall": ["tie"], "why": ["motion"]},
        {"overall": ["first"], "why": ["motion", "motion"]},
        {"overall": ["first"], "why": ["beauty"]},
        {"overall": ["first"], "why": ["motion"], "more": ["first"]},
    ],
)
def test_what_is_no_answer_is_refused(sittings: Sittings, clock: Clock, answers: dict) -> None:
    token = sittings.join(None).token
    sittings.look(token)
    clock.now += 100
    watch(sittings, token)
    with refused(422, "answer every question once|choose from"):
        sittings.answer(token, 0, answers)
    assert sittings.look(token)["position"] == 0


def test_files_are_those_of_the_own_task_and_the_next(sittings: Sittings) -> None:
    token = sittings.join(None).token
    row, after = sittings.store.rows(1)[:2]
    for held in (row, after):
        first = sittings.file(token, held.position, "first").name
        second = sittings.file(token, held.position, "second").name
        assert (first > second) == held.task.swapped  # the system that is first by name
    for position, name in ((2, "first"), (99, "first"), (-1, "first"), (0, "motion"), (0, "x")):
        with refused(404, "there is nothing here"):
            sittings.file(token, position, name)
    with refused(404, "check the link"):
        sittings.file("somebody", 0, "first")


def done(sittings: Sittings, clock: Clock, token: str, *, attentive: bool) -> None:
    """Go through all tasks; to test questions say the right or the wrong."""
    rater = sittings.rater(token)
    while not (seen := sittings.look(token))["done"]:
        row = sittings.store.at(rater.id, seen["position"])
        assert row is not None
        right = "second" if row.task.swapped else "first"
        wrong = "first" if row.task.swapped else "second"
        side = right if attentive or not row.task.is_test else wrong
        answered(sittings, clock, token, {"overall": [side], "why": ["motion"]})


def test_failing_a_hidden_test_discards_the_rater(sittings: Sittings, clock: Clock) -> None:
    good, bad, under_way = (sittings.join(name) for name in ("good", "bad", "away"))
    done(sittings, clock, good.token, attentive=True)
    done(sittings, clock, bad.token, attentive=False)
    answered(sittings, clock, under_way.token, SAY)
    votes = votes_of(sittings.study, sittings.store)
    assert (votes.discarded, votes.unfinished) == (("r0002",), ("r0003",))
    assert {vote.rater for vote in votes.votes} == {"r0001", "r0003"}
    assert all(
        vote.chosen == ("a",)
        for vote in votes.votes
        if vote.rater == "r0001" and vote.question == "overall"
    )
    assert not any("test" in vote.pair for vote in votes.votes)
    # they are not told: both see the same end
    assert sittings.look(good.token).keys() == sittings.look(bad.token).keys()
    told = progress_of(sittings.study, sittings.store)
    assert (told["raters"], told["finished"], told["discarded"]) == (3, 2, 1)


def test_failures_can_be_allowed(tmp_path: Path, clock: Clock) -> None:
    protocol = quick("motif", failures_allowed=1, tests=1)
    sittings = sittings_of(bare_study(protocol), tmp_path, clock)
    token = sittings.join(None).token
    done(sittings, clock, token, attentive=False)
    assert votes_of(sittings.study, sittings.store).discarded == ()


def test_pairs_of_who_failed_or_went_away_are_given_out_again(tmp_path: Path) -> None:
    clock = Clock()
    sittings = sittings_of(bare_study(quick("motif", raters=1)), tmp_path, clock)
    failing = sittings.join(None).token
    with refused(410, "all the answers it needs"):
        sittings.join(None)
    done(sittings, clock, failing, attentive=False)
    away = sittings.join(None).token
    answered(sittings, clock, away, SAY)
    with refused(410, "all the answers it needs"):
        sittings.join(None)
    clock.now += sittings.patience + 1
    rest = sittings.join(None)
    items = {row.task.item for row in sittings.store.rows(rest.id) if not row.task.is_test}
    gone = sittings.store.rows(2)
    assert items == {row.task.item for row in gone if row.answered is None and not row.task.is_test}
    answered(sittings, clock, away, SAY)  # their link still works


def test_a_platform_id_begins_once(sittings: Sittings) -> None:
    sittings.join("worker-7")
    with refused(409, "you have begun before"):
        sittings.join("worker-7")
    for odd in ("", "a b", "x" * 129, "<script>"):
        with refused(400, "the id in the link is none"):
            sittings.join(odd)
    strict = Sittings(
        sittings.folder, sittings.study.model_copy(update={"require_id": True}), sittings.store
    )
    with refused(403, "needs the link of your platform"):
        strict.join(None)


def test_completion_codes(sittings: Sittings, tmp_path: Path) -> None:
    codes = {sittings.join(None).code for _ in range(5)}
    assert len(codes) == 5 and all(len(code) == 8 for code in codes)
    one = sittings.study.model_copy(update={"completion_code": "C0FFEE"})
    assert Sittings(sittings.folder, one, sittings.store).join(None).code == "C0FFEE"


def test_tokens_are_long_and_differ(sittings: Sittings) -> None:
    tokens = {sittings.join(None).token for _ in range(5)}
    assert len(tokens) == 5 and all(len(token) >= 24 for token in tokens)
    assert len(sittings.study.invite) >= 16 and len(sittings.study.admin) >= 32

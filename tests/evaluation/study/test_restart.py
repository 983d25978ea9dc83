"""The real server, killed while raters vote: every vote that was acknowledged is there."""

import signal
import socket
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from served import served
from small_studies import bare_study, quick

from kineograph.core.errors import StudyError
from kineograph.evaluation.study import serving
from kineograph.evaluation.study.exporting import read_votes
from kineograph.evaluation.study.serving import Address
from kineograph.evaluation.study.store import Store
from kineograph.evaluation.study.study_folder import StudyFolder, files_of


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A study of many pairs without waiting; its videos are not looked at."""
    held = bare_study(quick("motif", raters=1000, watched=False, tasks=None), 60)
    folder = StudyFolder(tmp_path / "study")
    folder.write(held)
    folder.media.mkdir()
    for name in files_of(held):
        (folder.media / name).write_bytes(b"0" * 100)
    return folder.where


@dataclass
class Voter(threading.Thread):
    """Votes until the server goes away; remembers what was acknowledged."""

    invite: str
    kept: dict[int, str] = field(default_factory=dict)
    tried: dict[int, str] = field(default_factory=dict)
    page: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        base = self.invite.split("/join/")[0]
        with httpx.Client(base_url=base, timeout=30) as client:
            try:
                self.page = client.post(self.invite).headers["location"]
                told = client.post(f"{self.page}/look").json()
                while not told["done"]:
                    at = told["position"]
                    side = ("first", "second")[(at * 7 + len(self.page)) % 2]
                    self.tried[at] = side
                    say = {"overall": [side], "why": ["motion"]}
                    body = {"position": at, "answers": say}
                    answer = client.post(f"{self.page}/answers", json=body)
                    if answer.status_code == 429:
                        time.sleep(0.05)
                        continue
                    assert answer.status_code == 200, answer.text
                    self.kept[at] = side
                    told = answer.json()["next"]
            except httpx.TransportError:
                return


@pytest.mark.slow
def test_a_kill_loses_no_acknowledged_vote(place: Path) -> None:
    with served(place) as (process, invite):
        voters = [Voter(invite) for _ in range(20)]
        for voter in voters:
            voter.start()
        time.sleep(2.0)
        process.send_signal(signal.SIGKILL)
        for voter in voters:
            voter.join(30)
    kept = sum(len(voter.kept) for voter in voters)
    assert kept > 50  # it was in the middle of things
    assert any(len(voter.tried) < 62 for voter in voters)

    store = Store(StudyFolder(place).votes)
    answers = store.answers()
    tokens = {rater.token: rater.id for rater in store.raters()}
    with served(place) as (again, invite):
        for voter in voters:
            rater = tokens[voter.page.removeprefix("/r/")]
            for position, side in voter.kept.items():
                assert answers[rater, position]["overall"] == (side,)
            # nothing is there that was not sent, and one in flight is there once or not at all
            there = {p for (r, p) in answers if r == rater}
            assert set(voter.kept) <= there <= set(voter.tried)
            page = f"{invite.split('/join/')[0]}{voter.page}"
            told = httpx.post(f"{page}/look", timeout=30).json()
            assert told["done"] or told["position"] == len(there)
        again.send_signal(signal.SIGINT)
        said, _ = again.communicate(timeout=20)
        assert again.returncode == 0 and "stopped; all votes are in" in said
    store.close()


@pytest.mark.slow
def test_many_at_once_lose_and_double_nothing(place: Path) -> None:
    with served(place) as (_, invite):
        voters = [Voter(invite) for _ in range(20)]
        for voter in voters:
            voter.start()
        for voter in voters:
            voter.join(120)
    store = Store(StudyFolder(place).votes)
    answers = store.answers()
    assert len(answers) == 20 * 62 and all(len(voter.kept) == 62 for voter in voters)
    tokens = {rater.token: rater.id for rater in store.raters()}
    for voter in voters:
        rater = tokens[voter.page.removeprefix("/r/")]
        assert {p: answers[rater, p]["overall"][0] for p in voter.kept} == voter.kept
    _, votes = read_votes(place)
    keys = [(vote.rater, vote.pair, vote.question) for vote in votes.votes]
    assert len(set(keys)) == len(keys)
    lead: Counter[str] = Counter()
    for row in store.rows():
        lead[row.task.item] += 0 if row.task.is_test else 1 if row.task.swapped else -1
    assert set(lead.values()) == {0}  # sides are balanced although all came at once
    store.close()


def test_a_port_that_is_taken_is_told(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(port=taken.getsockname()[1])
        with pytest.raises(StudyError, match=r"cannot listen at 127.0.0.1:\d+: .*another --port"):
            serving.serve(StudyFolder(place), address, lambda study, links: None)


def test_missing_packages_are_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(StudyError, match=r"pip install 'kineograph\[study\]' \(uvicorn is missing"):
        serving.serve(StudyFolder(place), Address(), lambda study, links: None)


@pytest.mark.slow
def test_small_answers_are_not_held_back(place: Path) -> None:
    """Without TCP_NODELAY every answer takes 40 ms, in which nothing happens."""
    with served(place) as (_, invite), httpx.Client() as client:
        page = invite.split("/join/")[0] + client.post(invite).headers["location"]
        times = []
        for _ in range(20):
            begun = time.perf_counter()
            client.get(f"{page}/setup")
            times.append(time.perf_counter() - begun)
    assert sorted(times)[5] < 0.03

"""The server over HTTP: a whole sitting, what is refused, and that nothing tells systems apart."""

import csv
import io
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from shutil import copytree, rmtree

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from small_studies import SYSTEMS, Clock, made_study, quick

from kineograph.evaluation.study.guard import LARGEST
from kineograph.evaluation.study.limits import Limit
from kineograph.evaluation.study.server import Limits, make_app
from kineograph.evaluation.study.sittings import Sittings
from kineograph.evaluation.study.store import Store
from kineograph.evaluation.study.study_folder import StudyFolder

MEDIA = ("first.mp4", "second.mp4", "motion.mp4", "picture.jpg")
SAY = {"overall": ["first"], "why": ["motion"]}


@cache
def made_once(protocol: str) -> Path:
    """A study that the tests copy."""
    return made_study(Path(tempfile.mkdtemp()), quick(protocol), 2).where


@pytest.fixture(scope="module", autouse=True)
def forget() -> Iterator[None]:
    """Takes the studies away that the tests copied."""
    yield
    for protocol in ("motif", "motion-prompting"):
        rmtree(made_once(protocol).parent)
    made_once.cache_clear()


class Server:
    """A study that is served, and everything that it said to raters."""

    def __init__(self, folder: Path, protocol: str = "motif", **changed: object) -> None:
        self.folder = StudyFolder(copytree(made_once(protocol), folder / "study"))
        held = self.folder.read()
        changed_protocol = held.protocol.model_copy(update=changed)
        self.folder.write(held.model_copy(update={"protocol": changed_protocol}))
        self.study = self.folder.read()
        self.clock = Clock()
        self.store = Store(self.folder.votes)
        sittings = Sittings(self.folder, self.study, self.store, self.clock)
        limits = Limits(Limit(0, 8, self.clock), Limit(10, 60, self.clock))
        self.app = make_app(sittings, limits=limits)
        self.said: list[Response] = []

    def client(self) -> TestClient:
        """A browser of its own."""
        client = TestClient(self.app, base_url="http://study.example", follow_redirects=False)
        client.event_hooks = {"response": [self._heard]}
        return client

    def _heard(self, response: Response) -> None:
        if "/admin/" not in response.request.url.path:
            response.read()
            self.said.append(response)

    def join(self, client: TestClient, query: str = "") -> str:
        """Begin; returns the address of the rater's page."""
        answer = client.post(f"/join/{self.study.invite}{query}")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def go_through(self, client: TestClient, here: str, say: dict[str, list[str]] = SAY) -> dict:
        """Do every task; returns what is shown at the end."""
        told = client.post(f"{here}/look").json()
        while not told["done"]:
            at = {"position": told["position"]}
            for name in MEDIA:
                client.get(f"{here}/{told['position']}/{name}")
            self.clock.now += 100
            for side in ("first", "second"):
                assert client.post(f"{here}/watched", json={**at, "side": side}).is_success
            answer = client.post(f"{here}/answers", json={**at, "answers": say})
            assert answer.is_success, answer.text
            told = answer.json()["next"]
        return told


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    held = Server(tmp_path, raters=20)
    yield held
    held.store.close()


def test_a_sitting_from_the_invitation_to_the_code(server: Server) -> None:
    client = server.client()
    page = client.get(f"/join/{server.study.invite}")
    assert page.status_code == 200 and "8 pairs of videos" in page.text  # 2 x 3 and 2 tests
    assert server.store.raters() == ()  # looking, as previews of links do, begins nothing
    here = server.join(client)
    assert "rater.js" in client.get(here).text
    setup = client.get(f"{here}/setup").json()
    assert [question["id"] for question in setup["questions"]] == ["overall", "why"]
    told = server.go_through(client, here)
    assert told["done"] and re.fullmatch("[0-9A-F]{8}", told["code"])
    assert len(server.store.answers()) == 8


@pytest.mark.parametrize("protocol", ["motif", "motion-prompting"])
def test_no_answer_tells_which_system_is_which(tmp_path: Path, protocol: str) -> None:
    server = Server(tmp_path, protocol)
    client = server.client()
    here = server.join(client, "?id=worker-1")
    client.get(here)
    client.get(f"{here}/setup")
    asked = server.study.protocol.questions
    say = {q.id: ["motion" if q.kind == "aspects" else "first"] for q in asked}
    server.go_through(client, here, say)
    client.get(f"{here}/0/votes.sqlite")
    for name in ("study.css", "rater.js", "admin.js"):
        client.get(f"/page/{name}")
    assert len(server.said) > 30
    tests = {test.id for test in server.study.tests}
    hidden = {*SYSTEMS, "case0", "case1", *tests, "degraded", "swapped", server.study.admin}
    hidden |= {path.name for path in server.folder.media.iterdir()}
    for response in server.said:
        told = f"{response.request.url} {dict(response.headers)}".encode() + response.content
        found = [word for word in hidden if word.encode() in told]
        assert not found, (response.request.url, found)
        assert not {"etag", "last-modified", "server"} & set(response.headers)
    server.store.close()


def test_both_videos_of_a_pair_answer_alike(server: Server) -> None:
    client = server.client()
    here = server.join(client)
    client.post(f"{here}/look")
    one, other = (client.get(f"{here}/0/{name}") for name in MEDIA[:2])
    assert dict(one.headers) == dict(other.headers)
    assert one.content != other.content and len(one.content) == len(other.content)


def test_sides_are_those_of_the_votes(server: Server) -> None:
    client = server.client()
    here = server.join(client)
    server.go_through(client, here)
    pairs = {pair.id: pair for pair in server.study.pairs}
    for record in csv.DictReader(io.StringIO(admin(server, "votes.csv").text)):
        if record["case"] and record["question"] == "overall":
            assert record["chosen"] == record["first"]  # the first was always chosen
            pair = pairs[record["pair"]]
            name = pair.videos[pair.systems.index(record["first"])]
            end = f"/{record['position']}/first.mp4"
            shown = next(r for r in server.said if r.request.url.path.endswith(end))
            assert shown.content == (server.folder.media / name).read_bytes()


def admin(server: Server, what: str) -> Response:
    answer = server.client().get(f"/admin/{server.study.admin}/{what}")
    assert answer.status_code == 200
    return answer


def test_every_answer_has_the_headers_of_security(server: Server) -> None:
    client = server.client()
    here = server.join(client)
    paths = ["/", "/nothing", here, f"{here}/setup", "/page/rater.js", f"{here}/0/first.mp4"]
    paths += [f"/admin/{server.study.admin}", "/admin/wrong", "/docs", "/openapi.json"]
    for path in paths:
        held = client.get(path).headers
        assert "default-src 'none'" in held["content-security-policy"]
        assert "unsafe" not in held["content-security-policy"]
        assert held["x-content-type-options"] == "nosniff"
        assert held["referrer-policy"] == "no-referrer"
        assert held["x-frame-options"] == "DENY"
        assert held["cache-control"]
    assert client.get(here).headers["cache-control"] == "no-store"


def test_pages_load_nothing_from_elsewhere(server: Server) -> None:
    client = server.client()
    here = server.join(client)
    pages = [f"/join/{server.study.invite}", here, f"/admin/{server.study.admin}", "/x"]
    for page in pages:
        text = client.get(page, headers={"accept": "text/html"}).text
        assert not re.search(r"https?://|//[a-z]|<script>|style=|onclick", text)


@pytest.mark.parametrize(
    "path",
    [
        "/", "/docs", "/redoc", "/openapi.json", "/join/wrong", "/r/wrong", "/r/wrong/setup",
        "/admin/wrong", "/admin/wrong/votes.csv", "/media/", "/page/", "/page/../study.json",
        "/page/%2e%2e%2fserver.py", "/page/rater.html", "/votes.sqlite", "/study.json",
    ],
)  # fmt: skip
def test_there_is_nothing_else(server: Server, path: str) -> None:
    answer = server.client().get(path)
    assert answer.status_code == 404
    assert b"Traceback" not in answer.content


def test_others_tasks_are_out_of_reach(server: Server) -> None:
    one, other = server.client(), server.client()
    mine, theirs = server.join(one), server.join(other)
    assert mine != theirs
    one.post(f"{mine}/look")
    assert one.get(f"{mine}/0/first.mp4").status_code == 200
    assert one.get(f"{mine}/1/first.mp4").status_code == 200  # loaded ahead
    for path in ("2/first.mp4", "99/first.mp4", "0/study.json", "-1/first.mp4"):
        assert one.get(f"{mine}/{path}").status_code == 404
    at = {"position": 0, "side": "first"}
    assert one.post("/r/guessed-token/watched", json=at).status_code == 404


@pytest.mark.parametrize(
    ("header", "status", "told"),
    [
        ("bytes=0-1", 206, "bytes 0-1/{n}"),
        ("bytes=10-", 206, "bytes 10-{last}/{n}"),
        ("bytes=-5", 206, "bytes {five}-{last}/{n}"),
        ("bytes=0-99999999", 206, "bytes 0-{last}/{n}"),
        ("bytes=99999999-", 416, "bytes */{n}"),
        ("bytes=-0", 416, "bytes */{n}"),
        ("bytes=5-2", 200, None),
        ("lines=1-2", 200, None),
        ("bytes=0-1,4-5", 200, None),
    ],
)
def test_ranges_as_phones_ask_for_them(
    server: Server, header: str, status: int, told: str | None
) -> None:
    client = server.client()
    here = server.join(client)
    client.post(f"{here}/look")
    whole = client.get(f"{here}/0/second.mp4")
    n = len(whole.content)
    answer = client.get(f"{here}/0/second.mp4", headers={"range": header})
    assert answer.status_code == status and whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    if told is None:
        assert answer.content == whole.content
        return
    told = told.format(n=n, last=n - 1, five=n - 5)
    assert answer.headers["content-range"] == told
    if status == 206:
        first, last = (int(x) for x in re.findall(r"\d+", told)[:2])
        assert answer.content == whole.content[first : last + 1]
        assert answer.headers["content-length"] == str(last + 1 - first)


def test_a_browser_begins_once_and_comes_back(server: Server) -> None:
    client = server.client()
    here = server.join(client)
    assert server.join(client) == here
    back = client.get(f"/join/{server.study.invite}")
    assert (back.status_code, back.headers["location"]) == (303, here)
    cookie = next(r.headers["set-cookie"] for r in server.said if "set-cookie" in r.headers).lower()
    assert "httponly" in cookie and "samesite=lax" in cookie
    assert server.join(server.client()) != here


def test_a_platform_id_is_kept_and_begins_once(server: Server) -> None:
    client = server.client()
    here = server.join(client, "?id=worker-7")
    assert server.join(client, "?id=worker-7") == here
    assert server.store.raters()[0].outside == "worker-7"
    again = server.client().post(f"/join/{server.study.invite}?id=worker-7")
    assert again.status_code == 409 and "begun before" in again.json()["error"]
    assert server.join(client, "?id=worker-8") != here  # somebody else at the same machine


def test_a_rater_cannot_overwrite_or_hurry(server: Server) -> None:
    client = server.client()
    here = server.join(client)
    client.post(f"{here}/look")
    body = {"position": 0, "answers": SAY}
    assert client.post(f"{here}/answers", json=body).status_code == 409
    server.clock.now += 100
    for side in ("first", "second"):
        client.post(f"{here}/watched", json={"position": 0, "side": side})
    assert client.post(f"{here}/answers", json=body).json()["again"] is False
    other = {"position": 0, "answers": {"overall": ["second"], "why": ["text"]}}
    again = client.post(f"{here}/answers", json=other).json()
    assert again["again"] is True and again["next"]["position"] == 1
    assert len(server.store.answers()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'{"position": 0}', b'{"position": -1, "answers": {}}',
        b'{"position": "0; drop table votes", "answers": {}}',
        b'{"position": 0, "answers": {"overall": "first"}}',
        b'{"position": 0, "answers": {}, "more": 1}',
    ],
)  # fmt: skip
def test_broken_requests_are_refused(server: Server, body: bytes) -> None:
    client = server.client()
    here = server.join(client)
    client.post(f"{here}/look")
    answer = client.post(
        f"{here}/answers", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422


def test_too_much_is_refused(server: Server) -> None:
    client = server.client()
    here = server.join(client)
    assert client.post(f"{here}/answers", content=b"x" * (LARGEST + 1)).status_code == 413
    for _ in range(60):
        last = client.post(f"{here}/look")
    assert last.status_code == 200
    assert client.post(f"{here}/look").status_code == 429
    server.clock.now += 1
    assert client.post(f"{here}/look").status_code == 200
    codes = [server.client().post(f"/join/{server.study.invite}").status_code for _ in range(8)]
    assert codes == [303] * 7 + [429]


def test_people_read_pages_and_programs_json(server: Server) -> None:
    client = server.client()
    page = client.get("/r/wrong", headers={"accept": "text/html,*/*"})
    assert page.status_code == 404 and "there is nothing here; check the link" in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert client.get("/r/wrong").json() == {"error": "there is nothing here; check the link"}


def test_the_admin_sees_progress_and_exports(server: Server) -> None:
    here = server.join(client := server.client(), "?id=worker-1")
    server.go_through(client, here)
    told = admin(server, "progress").json()
    assert (told["raters"], told["pairs"], told["answers_wanted"]) == (1, 6, 120)
    person = told["people"][0]
    assert (person["outside"], person["answered"], person["tasks"]) == ("worker-1", 8, 8)
    assert here.removeprefix("/r/") not in admin(server, "progress").text
    rows = list(csv.DictReader(io.StringIO(admin(server, "votes.csv").text)))
    assert len(rows) == 16 and {row["outside"] for row in rows} == {"worker-1"}
    whole = admin(server, "votes.json").json()
    assert len(whole["answers"]) == 16
    for secret in (server.study.invite, server.study.admin, here.removeprefix("/r/")):
        assert secret not in admin(server, "votes.json").text


def test_an_id_cannot_put_a_formula_into_a_spreadsheet(server: Server) -> None:
    here = server.join(client := server.client(), "?id=-1.5")
    server.go_through(client, here)
    rows = list(csv.DictReader(io.StringIO(admin(server, "votes.csv").text)))
    assert {row["outside"] for row in rows} == {"'-1.5"}

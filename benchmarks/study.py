"""Do 200 raters at once get quick answers, and is every vote there exactly once?

A real server in a process of its own, on the same machine as the raters. Each rater is a connection
of their own that begins, looks, loads both videos, says that they were watched and answers, pair
after pair; every fifth answer is sent twice, the second time another one, as an impatient click or
a lost connection would. Afterwards the database is compared with what was acknowledged.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kineograph.evaluation.study.creating import Order, create
from kineograph.evaluation.study.exporting import read_votes
from kineograph.evaluation.study.given import Given, videos_in
from kineograph.evaluation.study.protocols import PROTOCOLS
from kineograph.evaluation.study.store import Store
from kineograph.evaluation.study.study_folder import StudyFolder

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from conftest import made_texture
from kineograph.core.video import Video

RATERS, PAIRS, TESTS = 200, 8, 2
SIZE, FRAMES, FPS = (320, 320), 16, 16
SERVE = "import sys; from kineograph.cli.study import study; study(sys.argv[1:])"


@dataclass
class Connection:
    """One rater's HTTP connection, kept open; every request is timed."""

    port: int
    address: str
    times: dict[str, list[float]]

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, what: str, method: str, path: str, body: object = None) -> tuple:
        """Status, headers and body; `what` is under which name the time is kept."""
        held = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: study\r\nx-forwarded-for: {self.address}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(held)}\r\n\r\n"
        begun = time.perf_counter()
        self.writer.write(head.encode() + held)
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        told = await self.reader.readexactly(int(headers.get("content-length", 0)))
        self.times[what].append(time.perf_counter() - begun)
        return int(lines[0].split()[1]), headers, told


@dataclass
class Voter:
    """A rater; `pause` is how many seconds they look at a pair."""

    number: int
    invite: str
    pause: float
    times: dict[str, list[float]]
    kept: dict[int, str] = field(default_factory=dict)
    page: str = ""

    async def run(self, port: int) -> None:
        rng = np.random.default_rng(self.number)
        line = Connection(port, f"10.0.{self.number // 250}.{self.number % 250}", self.times)
        await asyncio.sleep(self.pause * rng.uniform())
        await line.open()
        _, headers, _ = await line.ask("begin", "POST", self.invite)
        self.page = headers["location"]
        told = json.loads((await line.ask("look", "POST", f"{self.page}/look", {}))[2])
        while not told["done"]:
            told = await self.one(line, told["position"], rng)
        line.writer.close()

    async def one(self, line: Connection, position: int, rng: np.random.Generator) -> dict:
        """One pair."""
        for side in ("first", "second"):
            status, _, _ = await line.ask("video", "GET", f"{self.page}/{position}/{side}.mp4")
            assert status == 200
        if self.pause:
            await asyncio.sleep(self.pause * rng.uniform(1.0, 1.5))
            for side in ("first", "second"):
                at = {"position": position, "side": side}
                assert (await line.ask("watched", "POST", f"{self.page}/watched", at))[0] == 200
        chosen, other = rng.permutation(["first", "second"]).tolist()
        told = await self.vote(line, position, chosen)
        self.kept[position] = chosen
        if rng.uniform() < 0.2:
            assert (await self.vote(line, position, other))["again"]
        return dict(told["next"])

    async def vote(self, line: Connection, position: int, side: str) -> dict:
        say = {"position": position, "answers": {"overall": [side], "why": ["motion"]}}
        for _ in range(100):
            status, _, told = await line.ask("vote", "POST", f"{self.page}/answers", say)
            if status == 200:
                return dict(json.loads(told))
            assert status == 429, told
            await asyncio.sleep(0.2)
        raise AssertionError("the server took no vote")


def made(root: Path, watched: bool) -> StudyFolder:
    """A study of `PAIRS` cases and two systems, without waiting times."""
    for system, step in (("one", 1), ("two", 2)):
        (root / "videos" / system).mkdir(parents=True, exist_ok=True)
        for case in range(PAIRS):
            wide = made_texture((SIZE[0] + 40, SIZE[1]), case)
            frames = np.stack([wide[:, step * i : step * i + SIZE[0]] for i in range(FRAMES)])
            Video(frames, FPS).save(root / "videos" / system / f"case{case}.mp4")
    changed = {
        "shows_text": False,
        "shows_picture": False,
        "least_seconds": 0.0,
        "submit_after": 0.0,
    }
    changed |= {"watched": watched, "raters": RATERS, "tests": TESTS}
    protocol = PROTOCOLS["motif"].model_copy(update=changed)
    given = Given({name: videos_in(root / "videos" / name) for name in ("one", "two")})
    create(given, Order(protocol), root / "study")
    return StudyFolder(root / "study")


def measured(
    root: Path, pause: float
) -> tuple[dict[str, list[float]], list[Voter], StudyFolder, float]:
    """Let all raters vote at once; seconds is from the first request to the last."""
    folder = made(root, watched=pause > 0)
    words = ["serve", str(folder.where), "--port", "0", "--proxied"]
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, *words], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    server.stdout.readline()
    match = re.search(r":(\d+)(/join/\S+)", server.stdout.readline())
    assert match is not None
    port, invite = int(match[1]), match[2]
    times: dict[str, list[float]] = defaultdict(list)
    voters = [Voter(number, invite, pause, times) for number in range(RATERS)]

    async def all_at_once() -> None:
        await asyncio.gather(*(voter.run(port) for voter in voters))

    try:
        begun = time.perf_counter()
        asyncio.run(all_at_once())
        return times, voters, folder, time.perf_counter() - begun
    finally:
        server.terminate()
        server.wait()


def checked(voters: list[Voter], folder: StudyFolder) -> tuple[int, int, int]:
    """Votes acknowledged, lost or changed, and double."""
    store = Store(folder.votes)
    answers = store.answers()
    tokens = {rater.token: rater.id for rater in store.raters()}
    store.close()
    lost = kept = 0
    for voter in voters:
        rater = tokens[voter.page.removeprefix("/r/")]
        for position, side in voter.kept.items():
            kept += 1
            lost += answers.get((rater, position), {}).get("overall") != (side,)
    _, votes = read_votes(folder.where)
    keys = [(vote.rater, vote.pair, vote.question) for vote in votes.votes]
    return kept, lost, len(answers) - kept + len(keys) - len(set(keys))


def run() -> list[str]:
    """The section of docs/results.md."""
    lines = [
        f"{' '.join(__doc__.split(chr(10) * 2)[1].split())} {RATERS} raters, {PAIRS} pairs and "
        f"{TESTS} test questions each, videos of {SIZE[0]}x{SIZE[1]}, {FRAMES} frames. Times as "
        "the raters see them, in milliseconds; the raters' side of the work is on the same cores.",
    ]
    for title, pause in (("a pair every 2 to 3 s", 2.0), ("as fast as the server answers", 0.0)):
        with tempfile.TemporaryDirectory() as root:
            times, voters, folder, seconds = measured(Path(root), pause)
            kept, lost, double = checked(voters, folder)
        asked = sum(map(len, times.values()))
        lines += [
            "",
            f"**{title}**: {kept:,} votes acknowledged, {lost} lost or changed, {double} double; "
            f"{asked:,} requests in {seconds:.1f} s ({asked / seconds:,.0f} a second)",
            "",
            "| request | count | p50 | p95 | p99 | longest |",
            "|---|---|---|---|---|---|",
        ]
        for what, held in times.items():
            found = [1000 * x for x in (*np.quantile(held, [0.5, 0.95, 0.99]), max(held))]
            figures = " | ".join(f"{x:.1f}" for x in found)
            lines.append(f"| {what} | {len(held):,} | {figures} |")
    return lines


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print("\n".join(run()))

"""`kineograph study`: a study from folders, and what its votes say."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cli.conftest import Run
from kineograph.core.picture import write_picture
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.core.video_writer import VideoWriter
from kineograph.evaluation.bench.report_folder import Head, ReportFolder, RowHead
from kineograph.evaluation.study.sittings import Sittings
from kineograph.evaluation.study.store import Store
from kineograph.evaluation.study.study_folder import StudyFolder

CREATE = ("study", "create", "--videos", "ours=ours", "--videos", "base=base", "-o", "study")
SHOWN = ("--texts", "texts.json", "--pictures", "pictures")


@pytest.fixture
def videos(folder: Path, texture: np.ndarray) -> Path:
    """Two systems with three cases, and what goes with them, in the working folder."""
    for system, step in (("ours", 2), ("base", 1)):
        (folder / system).mkdir()
        for case in range(3):
            frames = [texture[:48, step * i + case : step * i + case + 64] for i in range(6)]
            Video(np.stack(frames), 12).save(folder / system / f"c{case}.mp4")
    (folder / "pictures").mkdir()
    (folder / "motion").mkdir()
    for case in range(3):
        write_picture(folder / "pictures" / f"c{case}.png", texture[:48, :64].copy())
        points = np.linspace([40, 20], [20, 20], 6)[None].astype(np.float32)
        tracks = Tracks.of(points=points, size=(64, 48), fps=12)
        tracks.save(folder / "motion" / f"c{case}.tracks.npz")
    (folder / "texts.json").write_text(json.dumps({f"c{i}": "it moves" for i in range(3)}))
    return folder


def vote(place: Path, raters: int) -> None:
    """Raters who know the tests and otherwise prefer `ours`."""
    folder = StudyFolder(place)
    study, now = folder.read(), [1_000_000.0]
    store = Store(folder.votes)
    sittings = Sittings(folder, study, store, lambda: now[0])
    for _ in range(raters):
        token = sittings.join(None).token
        rater = sittings.rater(token).id
        while not (seen := sittings.look(token))["done"]:
            row = store.at(rater, seen["position"])
            assert row is not None
            # systems are sorted, so `ours` is the second of a pair, and a test's good the first
            side = ("first", "second")[row.task.is_test == row.task.swapped]
            now[0] += 70
            for name in ("first", "second"):
                sittings.watched(token, seen["position"], name)
            say = {q.id: [side] for q in study.protocol.choices}
            say |= {q.id: ["motion"] for q in study.protocol.questions if q.kind == "aspects"}
            sittings.answer(token, seen["position"], say)
    store.close()


def test_from_folders_to_win_rates(run: Run, videos: Path) -> None:
    done = run(*CREATE, "--protocol", "motif", *SHOWN, "--raters", 4)
    assert (
        "wrote study: 3 pairs of 2 systems, 4 raters a pair; a rater sees 3 of them and 2 test"
        in (done.stdout)
    )
    assert "videos: 64x48, 6 frames at 12 fps" in done.stderr
    vote(videos / "study", 4)
    done = run("study", "analyze", "study", "--system", "ours", "-o", "said")
    assert "100.0" in done.stdout and "ours over base" in done.stdout
    held = json.loads((videos / "said" / "analysis.json").read_text())
    (row,) = held["comparisons"]
    assert (row["system"], row["against"], row["win_rate"]["value"]) == ("ours", "base", 1.0)
    assert (row["win_rate"]["count"], held["raters"], held["seconds"]["median"]) == (12, 4, 70)
    names = {path.name for path in (videos / "said").iterdir()}
    assert names == {
        "index.html", "analysis.json", "wins.csv", "wins.svg", "reasons.csv", "reasons.svg",
        "votes.csv", "votes.json",
    }  # fmt: skip
    page = (videos / "said" / "index.html").read_text()
    assert "<svg" in page and not re.search(r"(src|href)=.https?:|url\(.?http", page)
    run("study", "analyze", "study", "-o", "said")  # its own output is replaced
    (videos / "other").mkdir()
    (videos / "other" / "thesis.txt").write_text("x")
    assert (
        "the folder is not empty" in run("study", "analyze", "study", "-o", "other", code=2).stderr
    )


def test_motion_prompting_one_question(run: Run, videos: Path) -> None:
    words = ("--protocol", "motion-prompting", "--motion", "motion", "--questions", "follows")
    run(*CREATE, *words, "--completion-code", "C0DE", "--seed", 7, "--raters", 2)
    study = StudyFolder(videos / "study").read()
    assert [question.id for question in study.protocol.questions] == ["follows"]
    assert (study.seed, study.completion_code, study.protocol.raters) == (7, "C0DE", 2)
    assert {test.kind for test in study.tests} == {"degraded", "moving"}


def test_rows_of_a_report(run: Run, videos: Path) -> None:
    report = ReportFolder(videos / "report")
    rows = (RowHead("warp", "warp"), RowHead("unet", "unet"), RowHead("truth", "truth"))
    report.write_head(Head("procedural", "T", rows, ()))
    for row in ("warp", "unet"):
        for case in range(2):
            frames = Video(np.full((4, 48, 64, 3), 40 * case + 20, np.uint8), 8).frames.copy()
            frames[:, :, 30:] = np.arange(4, dtype=np.uint8)[:, None, None, None] * 50
            place = report.of(row, f"scene{case}@N1") / "video.mkv"
            with VideoWriter(place, (64, 48), 8, lossless=True) as writer:
                for frame in frames:
                    writer.write(frame)
    words = ("study", "create", "--protocol", "own.json", "--report", "report", "-o", "study")
    (videos / "own.json").write_text(
        json.dumps({"title": "Choose", "tests": 1, "questions": [{"id": "q", "text": "Which?"}]})
    )
    run(*words, "--rows", "warp,unet")
    study = StudyFolder(videos / "study").read()
    assert study.systems == ("warp", "unet")
    assert [pair.case for pair in study.pairs] == ["scene0@N1", "scene1@N1"]
    said = run(*words, "--rows", "warp,truth", code=2).stderr
    assert "row truth of report has no videos" in said
    said = run(*words, "--rows", "warp,tapir", code=2).stderr
    assert "--rows warp,tapir was given; give two or more of warp, unet, truth" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--protocol", "vbench"), "there is no protocol vbench; give one of motion-prompting"),
        (("--protocol", "motif"), "the protocol shows the text, and there is none for c0, c1, c2"),
        (
            ("--protocol", "motif", *SHOWN, "--align", "size=squeeze"),
            "choose one of refuse, stretch",
        ),
        (
            ("--protocol", "motif", *SHOWN, "--size", "32x32"),
            "(32x32 asked for), and these are not",
        ),
        (("--protocol", "motif", *SHOWN, "--ours", "theirs"), "it is none of ours, base"),
        (("--protocol", "motif", *SHOWN, "--questions", "beauty"), "motif has overall, why"),
        (("--protocol", "motif", *SHOWN, "--rows", "a,b"), "--report and --rows belong together"),
        (("--protocol", "motif", *SHOWN, "--report", "r", "--rows", "a"), "give either --videos"),
    ],
)
def test_what_cannot_be_is_told(run: Run, videos: Path, words: tuple, message: str) -> None:
    said = run(*CREATE, *words, code=2).stderr
    assert message in said and said.count("\n") == 1
    assert not (videos / "study").exists()


def test_a_study_without_votes_and_a_folder_that_is_none(run: Run, videos: Path) -> None:
    run(*CREATE, "--protocol", "motif", *SHOWN)
    said = run("study", "analyze", "study", "-o", "said", code=2).stderr
    assert "there is no vote to analyse" in said and not (videos / "said").exists()
    assert "is no study; make one with" in run("study", "serve", "ours", code=2).stderr
    said = run("study", "serve", "study", "--admin-token", "short", code=2).stderr
    assert "too easy to guess" in said

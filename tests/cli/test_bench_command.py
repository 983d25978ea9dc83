"""`kineograph bench` and `compare`: a report from one command, and two held together."""

import json
from pathlib import Path

import pytest

from cli.conftest import Run
from kineograph.cli.bench import row_of
from kineograph.cli.options import UsageError
from kineograph.core.errors import EngineError

SMALL = ("--count", "2", "--variants", "4", "--size", "96x96", "--frames", "4", "-q")


def test_suites_and_metrics_are_listed(run: Run) -> None:
    told = run("bench", "--list").stdout.splitlines()
    for name in ("procedural", "davis", "epe", "psnr", "lpips", "fvd"):
        assert any(line.split()[:1] == [name] for line in told)


def test_cases_are_listed(run: Run) -> None:
    told = run("bench", "procedural", "--count", "2", "--cases").stdout.split()
    assert len(told) == 12 and len({name.partition("@")[0] for name in told}) == 2


@pytest.mark.slow
def test_a_report_from_nothing_goes_on_and_is_compared(folder: Path, run: Run) -> None:
    words = ("bench", "procedural", *SMALL, "--metrics", "psnr,epe")
    run(*words, "-o", "one")
    head = json.loads((folder / "one" / "bench.json").read_text())
    assert [row["label"] for row in head["rows"]] == ["truth", "still", "warp"]
    for name in ("index.html", "report.md", "report.tex", "report.csv"):
        assert (folder / "one" / name).stat().st_size > 0
    kept = next((folder / "one" / "clips" / "warp").glob("*/video.mkv"))
    stamp = kept.stat().st_mtime_ns
    run(*words, "-o", "one", "--engine", "again=warp")
    assert kept.stat().st_mtime_ns == stamp
    told = run("compare", "one", "one", "--rows", "warp=again", "-o", "both.md").stdout
    assert "equal" in told and "warp, again" in (folder / "both.md").read_text()


def test_rows_and_their_settings(folder: Path, run: Run) -> None:
    assert row_of("warp").label == "warp"
    (folder / "a model").mkdir()
    row = row_of("ours=unet 'model=a model' steps=25 adapters=one,two")
    assert (row.label, row.engine) == ("ours", "unet")
    assert row.settings == {
        "model": str(folder / "a model"),
        "steps": 25,
        "adapters": ["one", "two"],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a/b=warp", "a row is called 'a/b'"),
        ("..=warp", r"a row is called '\.\.'"),
        ("warp 'x", "cannot be read"),
        ("x=warp y", "name=value"),
    ],
)
def test_rows_that_are_not_written_so(folder: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        row_of(text)


def test_an_unknown_engine(folder: Path) -> None:
    with pytest.raises(EngineError, match="there is no engine 'wrap'"):
        row_of("wrap")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing",), "there is no suite 'nothing'; there are: procedural"),
        (("davis",), "suite davis needs its data (--data)"),
        (("--variants", "5"), "the suite has no variant 5; it has 1, 4, 16"),
        (("--videos", "x"), "write --videos NAME=FOLDER"),
        (("--videos", "x=nowhere", "--count", "1"), "there is no folder"),
    ],
)
def test_one_line_for_what_is_wrong(run: Run, words: tuple[str, ...], message: str) -> None:
    assert message in run("bench", *words, "-o", "out", code=2).stderr


def test_a_broken_report_is_named(folder: Path, run: Run) -> None:
    (folder / "report").mkdir()
    assert "give the folder of a report" in run("compare", "report", "report", code=2).stderr
    (folder / "report" / "bench.json").write_text("{")
    assert "bench.json is not a report's head" in run("compare", "report", "report", code=2).stderr
    assert "ends in .html or .md" in run("compare", "a", "b", "-o", "x.pdf", code=2).stderr

"""The table of suites: names, options, protocols, and figures of papers in our units."""

import subprocess
import sys
from pathlib import Path

import pytest

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.metrics import METRICS
from kineograph.evaluation.suites import SUITES, options_of, suite_class, suite_named
from kineograph.evaluation.suites.naming import LONGEST, plain_names, seed_of

CLASSES = {name: suite_class(name) for name in SUITES}


@pytest.mark.parametrize("name", SUITES)
def test_each_suite_says_what_it_is(name: str) -> None:
    kind = CLASSES[name]
    assert kind.name == name and kind.title and kind.source and kind.metrics
    assert bool(kind.layout) == (not name.startswith("procedural"))
    assert (len(kind.variants) > 1) == bool(kind.axis)
    assert len(kind.layout) < 400 and "\n" not in kind.layout


@pytest.mark.parametrize("name", SUITES)
def test_what_is_measured_and_what_papers_say_is_in_the_table(name: str) -> None:
    kind = CLASSES[name]
    for metric in (*kind.metrics, *(key for row in kind.published for key in row.values)):
        assert metric in METRICS, metric
    for row in kind.published:
        assert row.variant in kind.variants and row.system and row.source
        for metric, value in row.values.items():
            low, high = METRICS[metric].range
            assert low <= value <= high, (row.system, metric)


def test_the_default_suites_need_no_network() -> None:
    for name in ("procedural", "procedural-boxes", "procedural-text"):
        assert all(not METRICS[metric].backbones for metric in CLASSES[name].metrics)


def test_motion_promptings_table_is_whole() -> None:
    rows = [row for row in CLASSES["davis"].published if row.system == "Motion Prompting"]
    assert [row.variant for row in rows] == ["1", "4", "16", "64", "512", "2048"]
    assert rows[1].values == {
        "psnr": 15.82,
        "ssim": 0.319,
        "lpips": 0.353,
        "fvd": 1207.7,
        "epe": 12.985,
    }
    others = [row for row in CLASSES["davis"].published if "MotionStream" in row.source]
    assert len(others) == 7 and all("epe" not in row.values and row.note for row in others)


def test_a_suite_of_no_name_or_with_no_such_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="there is no suite 'davi'; there are: procedural"):
        suite_named("davi")
    with pytest.raises(EvaluationError, match=r"suite folder cannot be made so: .*'tracks'"):
        suite_named("folder", tmp_path, tracks=5)
    with pytest.raises(EvaluationError, match=r"there is no folder .*nowhere; suite folder reads"):
        suite_named("folder", tmp_path / "nowhere")
    assert suite_named("procedural", count=3, size=None, frames=None, seed=2).count == 3


def test_options_are_told_by_name() -> None:
    plain = {"size", "frames", "count", "seed"}
    assert options_of("procedural") == options_of("got10k") == plain
    assert options_of("davis") == options_of("folder") == plain | {"tracker", "weights"}
    assert suite_named("procedural").said == {}


def test_names_are_plain_and_each_once() -> None:
    texts = ["a b", "a  b", "A_b", "../x", "", "long " * 40, "long " * 41]
    names = plain_names(texts)
    assert len({name.lower() for name in names}) == len(texts)
    assert all(name and len(name) <= LONGEST for name in names)
    assert all(c.isascii() and (c.isalnum() or c in "._-") for name in names for c in name)
    assert names == plain_names(texts) and names[3] == "x"
    assert plain_names(["dog", "cat"]) == ["dog", "cat"]


def test_seeds_follow_from_names() -> None:
    assert seed_of(0, "a") == seed_of(0, "a") != seed_of(1, "a")
    assert 0 <= seed_of("x") < 2**63


def test_importing_every_suite_loads_no_torch() -> None:
    code = (
        "import sys\nfrom kineograph.evaluation.suites import SUITES, suite_class\n"
        "[suite_class(name) for name in SUITES]\nassert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)

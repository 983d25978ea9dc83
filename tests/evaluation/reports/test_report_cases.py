"""Cases in the order of how bad they are, and their previews within and beside the page."""

from base64 import b64decode
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
from report_maker import FPS, FRAMES, SIDE, made_report, write_preview

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.report_folder import PREVIEW, Measured
from kineograph.evaluation.metrics import METRICS
from kineograph.evaluation.reports.cases import (
    Shown,
    Worst,
    rounded,
    shown_of,
    single,
    value_of,
    worst_by,
)
from kineograph.evaluation.reports.films import Films, safe_json
from kineograph.evaluation.reports.videos import (
    BEFORE,
    Film,
    address_of,
    embedded,
    film_of,
    preview_of,
)


def shown(name: str, value: float, failed: str = "") -> Shown:
    held = Measured("ours", name, "", {"epe": value, "psnr": value}, failed=failed)
    return Shown("", name, name, {"ours": held}, {})


CASES = [
    shown("best", 1.0),
    shown("none", nan),
    shown("broken", nan, "no memory"),
    shown("b-worst", 9.0),
    shown("a-worst", 9.0),
    shown("middle", 4.0),
]


@pytest.mark.parametrize(
    ("metric", "row", "order"),
    [
        ("epe", "ours", ["broken", "a-worst", "b-worst", "middle", "best", "none"]),
        ("psnr", "ours", ["broken", "best", "middle", "a-worst", "b-worst", "none"]),
        ("epe", "theirs", ["a-worst", "b-worst", "best", "broken", "middle", "none"]),
    ],
)
def test_the_worst_are_first(metric: str, row: str, order: list[str]) -> None:
    found = Worst(METRICS[metric].plain(), row).order(CASES)
    assert [one.name for one in found] == order


def test_a_curve_is_worth_its_mean() -> None:
    held = Measured("a", "b", "", {"curve": [1.0, nan, 3.0], "none": [nan], "empty": []})
    assert value_of(held, "curve") == 2.0
    assert all(value_of(held, name) != value_of(held, name) for name in ("none", "empty", "other"))


def test_at_first_it_is_the_first_metric_of_motion_and_the_first_engine(tmp_path: Path) -> None:
    results = made_report(tmp_path, clips=1, previews=False)
    found = worst_by(results)
    assert found is not None and (found.metric["name"], found.row) == ("epe", "unet")
    found = worst_by(results, "psnr")
    assert found is not None and found.metric["name"] == "psnr"


def test_without_engines_it_is_the_first_baseline(tmp_path: Path) -> None:
    results = made_report(tmp_path, rows=("truth", "still"), clips=1, metrics=("psnr",))
    found = worst_by(results)
    assert found is not None and (found.metric["name"], found.row) == ("psnr", "still")


def test_sets_have_no_worst_clip(tmp_path: Path) -> None:
    results = made_report(tmp_path, clips=2, previews=False, metrics=("fid",))
    assert worst_by(results) is None and single(results) == ()
    with pytest.raises(EvaluationError, match=r"put in order by fid; take one of none"):
        worst_by(results, "fid")


def test_an_unknown_metric_is_named(tmp_path: Path) -> None:
    results = made_report(tmp_path, clips=1, previews=False, metrics=("psnr", "epe"))
    with pytest.raises(EvaluationError, match=r"put in order by lpips; take one of psnr, epe$"):
        worst_by(results, "lpips")


def test_values_of_the_page_are_short_and_plain() -> None:
    assert rounded(1 / 3) == 0.33333 and rounded(nan) is None and rounded(123456.7) == 123460.0


def test_previews_are_found_and_described(tmp_path: Path) -> None:
    results = made_report(tmp_path, variants=("1", "16"), clips=2, fails=[("mini", "clip-01")])
    held = shown_of(results)
    assert {name: [one.key for one in cases] for name, cases in held.items()} == {
        "1": ["clip-00@1", "clip-01@1"],
        "16": ["clip-00@16", "clip-01@16"],
    }
    assert list(held["16"][0].previews) == ["truth", "still", "warp", "unet", "mini"]
    assert list(held["16"][1].previews) == ["truth", "still", "warp", "unet"]
    assert held["16"][1].rows["mini"].failed
    assert film_of(held["1"][0].previews.values()) == Film((SIDE, SIDE), FRAMES, float(FPS))


def test_a_broken_preview_is_passed_over(tmp_path: Path) -> None:
    broken, sound = tmp_path / "a.mp4", tmp_path / "b.mp4"
    broken.write_bytes(b"no video")
    assert film_of([broken]) is None
    write_preview(sound, 0, 0)
    assert film_of([broken, sound]) == Film((SIDE, SIDE), FRAMES, float(FPS))


def test_no_file_from_outside_comes_into_the_page(tmp_path: Path) -> None:
    results = made_report(tmp_path / "report", clips=1, rows=("truth", "unet"), variants=("1",))
    folder = results.folder
    outside = tmp_path / "secret" / "x"
    write_preview(outside / PREVIEW, 0, 0)
    assert preview_of(folder, "../../secret", "x") is None
    place = folder.of("unet", "clip-00@1") / PREVIEW
    place.unlink()
    place.symlink_to(outside / PREVIEW)
    assert preview_of(folder, "unet", "clip-00@1") is None
    assert preview_of(folder, "truth", "clip-00@1") is not None
    assert preview_of(folder, "truth", "clip-01@1") is None


def test_addresses_are_escaped() -> None:
    assert address_of("a b?#%", "c&d'e@16") == ("clips/a%20b%3F%23%25/c%26d%27e%4016/preview.mp4")
    assert address_of("..\\x", "y/z") == "clips/..%5Cx/y%2Fz/preview.mp4"


def test_whole_cases_come_into_the_page_within_its_budget(tmp_path: Path) -> None:
    paths = []
    for index, size in enumerate((10, 11, 12, 3)):
        paths.append(tmp_path / str(index))
        paths[-1].write_bytes(bytes(range(size)))
    cases = [{"a": paths[0], "b": paths[1]}, {"a": paths[2], "b": paths[2]}, {"a": paths[3]}]
    whole = embedded(cases, 10_000)
    assert [set(held) for held in whole] == [{"a", "b"}, {"a", "b"}, {"a"}]
    assert b64decode(whole[0]["b"].removeprefix(BEFORE)) == bytes(range(11))
    lengths = [sum(map(len, held.values())) for held in whole]
    assert embedded(cases, sum(lengths)) == whole
    assert embedded(cases, sum(lengths) - 1) == whole[:2]
    assert embedded(cases, lengths[0]) == whole[:1]
    assert embedded(cases, lengths[0] - 1) == (), "what comes later must not slip in"


def test_each_variant_has_its_worst_in_the_page(tmp_path: Path) -> None:
    results = made_report(tmp_path, variants=("1", "16"), clips=3, rows=("truth", "unet"))
    films = Films(results, worst_by(results), 10_000_000)
    variants = [case.variant for case in films.cases]
    assert variants == ["1", "16"] * 3
    for variant in ("1", "16"):
        found = [case.value("unet", "epe") for case in films.cases if case.variant == variant]
        assert found == sorted(found, reverse=True)
    assert [set(held) for held in films.media] == [{"0", "1"}] * 6
    assert replace(films, budget=0).media == ()


def test_json_cannot_end_its_script() -> None:
    told = safe_json({"a": "</script><!-- & \u2028"})
    assert not set("<>&\u2028") & set(told)
    assert safe_json({"b": "é"}) == '{"b":"\\u00e9"}'
    with pytest.raises(ValueError, match="JSON"):
        safe_json(nan)

"""Plots: where values are drawn, in whose colours, and that they can stand in any page."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from report_maker import made_report

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.intervals import draws
from kineograph.evaluation.reports.drawing import Across, Series, draw
from kineograph.evaluation.reports.inks import COLOURS, inks_of
from kineograph.evaluation.reports.plots import (
    SAMPLES,
    Plot,
    along_curves,
    mean_curve,
    numbers_of,
    over_variants,
)
from kineograph.evaluation.reports.table import Table, tables_of

pytest.importorskip("matplotlib")

STYLE = Path(sys.modules[draw.__module__].__file__ or "").parent / "page" / "report.css"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return made_report(tmp_path_factory.mktemp("report"), previews=False)


@pytest.fixture(scope="module")
def tables(results: Results) -> tuple[Table, ...]:
    return tables_of(results)


@pytest.fixture(scope="module")
def plots(results: Results, tables: tuple[Table, ...]) -> tuple[Plot, ...]:
    return over_variants(results, tables)


def marks(svg: str, row: str) -> list[tuple[float, float]]:
    """Where a row's values are drawn, from left to right."""
    line = next(x for x in ElementTree.fromstring(svg).iter() if x.get("data-row") == row
                and not x.get("id", "").endswith("-band"))  # fmt: skip
    return [(float(use.get("x", "")), float(use.get("y", ""))) for use in line.iter("use")]


def ticks(svg: str, axis: int) -> dict[str, float]:
    """What is written along an axis, and where."""
    held = [x for x in ElementTree.fromstring(svg).iter() if f"axis_{axis}" in x.get("id", "")]
    along = "x" if axis == 1 else "y"
    return {text.text or "": float(text.get(along, "")) for text in held[0].iter("text")}


@pytest.mark.parametrize(
    ("variants", "found"),
    [
        (("1", "16", "2048"), (1.0, 16.0, 2048.0)),
        (("16", "1"), (16.0, 1.0)),
        (("1",), None),
        (("",), None),
        (("text", "16"), None),
        (("1", "1.0"), None),
        (("1", "nan"), None),
        (("1", "inf"), None),
    ],
)
def test_variants_are_numbers_or_not(
    variants: tuple[str, ...], found: tuple[float, ...] | None
) -> None:
    assert numbers_of(variants) == found


def test_one_plot_a_metric_that_is_no_curve(results: Results, plots: tuple[Plot, ...]) -> None:
    assert [plot.metric["name"] for plot in plots] == [
        "psnr",
        "ssim",
        "epe",
        "delta-average",
        "fid",
    ]
    assert [plot.metric["name"] for plot in along_curves(results, 0)] == ["epe-horizon"]


def test_values_stand_where_they_belong(tables: tuple[Table, ...], plots: tuple[Plot, ...]) -> None:
    plot = next(x for x in plots if x.metric["name"] == "epe")
    across = ticks(plot.svg, 1)
    assert [across[x] - across["1"] for x in ("16", "256")] == pytest.approx(
        [(across["256"] - across["1"]) / 2, across["256"] - across["1"]], abs=0.01
    ), "the axis is not logarithmic"
    up = {float(text.replace("\N{MINUS SIGN}", "-")): at for text, at in ticks(plot.svg, 2).items()}
    low, high = min(up), max(up)
    for row in ("truth", "still", "warp", "unet", "mini"):
        found = marks(plot.svg, row)
        wanted = [
            line.cells["epe"].interval.value
            for table in tables
            for line in table.lines
            if line.label == row
        ]
        if row == "truth":
            assert not found, "the noise floor is a line without marks"
            continue
        drawn = [low + (y - up[low]) / (up[high] - up[low]) * (high - low) for _, y in found]
        assert [x for x, _ in found] == pytest.approx([across[x] for x in ("1", "16", "256")])
        # texts stand a little below their line: the same shift for all
        shifts = np.array(drawn) - wanted
        assert np.ptp(shifts) < 0.01 * (high - low) and abs(shifts[0]) < 0.06 * (high - low)


def test_every_row_has_its_band(results: Results, plots: tuple[Plot, ...]) -> None:
    for plot in (*plots, *along_curves(results, 2)):
        held = re.findall(r'id="[^"]*-row-(\d)-band"', plot.svg)
        assert sorted(held) == ["0", "1", "2", "3", "4"], plot.metric["name"]


def test_variants_that_are_words_have_no_plot(tmp_path: Path) -> None:
    results = made_report(tmp_path, variants=("text", "box"), clips=2, previews=False)
    assert over_variants(results, tables_of(results)) == ()
    assert len(along_curves(results, 1)) == 1


def test_drawings_can_stand_in_one_page(results: Results, plots: tuple[Plot, ...]) -> None:
    ids: list[str] = []
    for plot in (*plots, *along_curves(results, 0), *along_curves(results, 1)):
        root = ElementTree.fromstring(plot.svg)
        assert root.tag == "svg" and "width" not in root.attrib
        own = [x.attrib["id"] for x in root.iter() if "id" in x.attrib]
        ids += own
        asked = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', plot.svg)
        assert asked and all((one or other) in own for one, other in asked)
        for element in root.iter():
            assert "style" not in element.attrib and element.tag not in ("style", "metadata")
            for name in ("fill", "stroke"):
                said = element.get(name, "none")
                assert said in ("none", "currentColor") or said.startswith("var(--"), said
        assert "http" not in plot.svg
    assert len(ids) == len(set(ids))


def test_the_same_report_is_drawn_the_same(results: Results) -> None:
    assert along_curves(results, 0) == along_curves(results, 0)


def test_names_are_text_and_no_formula() -> None:
    row = "$x_1$ <b>\"&'"
    x = np.arange(3.0)
    none = np.full(3, np.nan)
    drawn = draw([Series(row, inks_of([row])[row], x, x, none, none)], Across("$y^2$ <i>"), "a")
    root = ElementTree.fromstring(drawn)
    assert {e.get("data-row") for e in root.iter() if e.get("data-row")} == {row}
    assert "$y^2$ <i>" in [e.text for e in root.iter("text")]
    assert "<b>" not in drawn and "<i>" not in drawn


def test_a_mean_curve_is_what_a_slow_loop_finds() -> None:
    rng = np.random.default_rng(3)
    curves = rng.normal(size=(7, 5)) + np.arange(5)
    curves[4:, 3] = curves[1:, 4] = np.nan
    mean, low, high = mean_curve(curves, np.random.default_rng(5))
    np.testing.assert_allclose(mean, np.nanmean(curves, axis=0))
    drawn = draws(7, np.random.default_rng(5), SAMPLES)
    for index in range(4):
        means = []
        for row in drawn:
            held = [curves[clip, index] for clip in row if not np.isnan(curves[clip, index])]
            if held:
                means.append(sum(held) / len(held))
        ends = np.quantile(means, [0.025, 0.975])
        np.testing.assert_allclose([low[index], high[index]], ends)
    assert mean[4] == curves[0, 4] and np.isnan([low[4], high[4]]).all()


def test_a_mean_curve_without_values_is_none() -> None:
    mean, low, high = mean_curve(np.full((3, 2), np.nan), np.random.default_rng(0))
    assert np.isnan([*mean, *low, *high]).all()


def test_no_two_rows_look_alike() -> None:
    inks = inks_of(["truth", "still", "warp", *(f"engine {n}" for n in range(40))])
    assert len(inks) == 43
    looks = {(ink.variable, ink.dash, ink.mark) for ink in inks.values()}
    assert len(looks) == 43
    assert len({inks[f"engine {n}"].variable for n in range(COLOURS)}) == COLOURS


def colours(block: str) -> dict[str, np.ndarray]:
    return {
        name: np.array([int(told[i : i + 2], 16) / 255 for i in (0, 2, 4)])
        for name, told in re.findall(r"(--[\w-]+): #([0-9a-f]{6});", block)
    }


def luminance(colour: np.ndarray) -> float:
    """WCAG 2.2's relative luminance."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("place", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_from_the_ground(place: int) -> None:
    """WCAG 2.2: 3 for lines (1.4.11), 4.5 for text (1.4.3)."""
    held = colours(re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)[place])
    rows = [f"--row-{n}" for n in range(COLOURS)] + ["--truth", "--still", "--warp"]
    for row in rows:
        assert contrast(held[row], held["--card"]) >= 3, row
    for ground in ("--card", "--ground", "--wash"):
        for text in ("--ink", "--pale", "--strong"):
            assert contrast(held[text], held[ground]) >= 4.5, (text, ground)
    assert contrast(held["--warn"], held["--warn-wash"]) >= 4.5
    assert contrast(held["--ink"], held["--warn-wash"]) >= 4.5
    assert contrast(held["--strong"], held["--strong-ink"]) >= 4.5


def test_without_matplotlib_it_says_so(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(EvaluationError, match=r"matplotlib; pip install 'kineograph\[bench\]'"):
        along_curves(results, 0)

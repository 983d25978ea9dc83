"""The report's page: its figures are the tables', its names are text, it asks for nothing."""

import json
import re
import sys
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from report_maker import PAPER, made_report

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.report_folder import PREVIEW
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.metrics import METRICS
from kineograph.evaluation.reports.html import html_page, meaning_of, range_of
from kineograph.evaluation.reports.table import notes_of, tables_of
from kineograph.evaluation.reports.writing import ends, number

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

BAD = "</script><img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}"
WHOLE = {"meta", "link", "path", "input", "br", "use", "img"}


class Parsed(HTMLParser):
    """What a page holds: its elements with their attributes and texts, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))
        if tag not in WHOLE:
            self.open.append(len(self.found) - 1)

    def handle_endtag(self, tag: str) -> None:
        if tag not in WHOLE:
            assert self.found[self.open[-1]][0] == tag, f"{tag} ends another element"
            self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))

    def handle_data(self, data: str) -> None:
        for place in self.open:
            self.found[place][2].append(data)

    def texts(self, tag: str, kind: str = "") -> list[str]:
        return [
            " ".join("".join(held).split())
            for name, told, held in self.found
            if name == tag and kind in [*(told.get("class") or "").split(), ""]
        ]

    def json(self, name: str) -> object:
        held = [text for tag, told, text in self.found if told.get("id") == name]
        return json.loads("".join(held[0])) if held else None


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    where = tmp_path_factory.mktemp("report")
    return made_report(where, clips=3, variants=("1", "16"), fails=[("mini", "clip-01")])


@pytest.fixture(scope="module")
def page(results: Results) -> str:
    return html_page(results)


@pytest.fixture(scope="module")
def parsed(page: str) -> Parsed:
    return Parsed(page)


def test_the_page_is_whole(parsed: Parsed) -> None:
    assert not parsed.open
    ids = [told["id"] for _, told, _ in parsed.found if "id" in told]
    assert len(ids) == len(set(ids))
    for _, told, _ in parsed.found:
        for name in ("aria-controls", "aria-labelledby", "for"):
            assert told.get(name) is None or told[name] in ids, told[name]


def test_the_head_says_what_was_run(results: Results, parsed: Parsed) -> None:
    assert parsed.texts("h1") == parsed.texts("title")[:1] == [results.head.title]
    assert results.head.about["command"] in parsed.texts("code")
    said = parsed.texts("dd")
    assert all(text in said for text in results.head.about.values())
    assert "unet, steps 25" in said
    told = parsed.texts("section", "notes")[0]
    assert notes_of(results) and all(note in told for note in notes_of(results))


def test_every_figure_of_the_tables_is_there(results: Results, parsed: Parsed) -> None:
    cells = [told for tag, told, _ in parsed.found if tag == "td"]
    texts = parsed.texts("td")
    place = 0
    for table in tables_of(results):
        for line in table.lines:
            for metric in table.metrics:
                cell, told, text = line.cells.get(metric["name"]), cells[place], texts[place]
                place += 1
                if cell is None:
                    assert text == "\N{EN DASH}" and "data-value" not in told
                    continue
                assert float(told["data-value"] or "") == cell.interval.value
                assert text.startswith(number(cell.interval.value)) and ends(cell.interval) in text
                assert ("best" in (told.get("class") or "")) == cell.best == ("best" in text)
    assert place == len(cells)


def test_rows_stand_in_their_groups(parsed: Parsed) -> None:
    kinds = [told.get("class") for tag, told, _ in parsed.found if tag == "tbody"]
    assert kinds == ["truth", "baseline", "engine", "truth", "baseline", "engine", "paper"]
    groups = parsed.texts("tr", "group")
    assert "noise floor" in groups[0] and "From the papers" in groups[-1]
    paper = parsed.texts("tbody", "paper")[0]
    assert PAPER["system"] in paper and PAPER["source"] in paper and PAPER["note"] in paper
    assert "best" not in paper
    assert "1 of 3 clips failed" in parsed.texts("tbody", "engine")[0]


def test_counts_that_differ_are_said(parsed: Parsed) -> None:
    warp = next(x for x in parsed.texts("tr", "line") if x.startswith("warp"))
    assert warp.startswith("warp 3") and warp.count("2 clips") == 1, "of psnr one clip is missing"
    assert next(x for x in parsed.texts("tr", "line") if x.startswith("mini")).startswith("mini 2")


def test_columns_are_explained(parsed: Parsed) -> None:
    heads = [told for tag, told, _ in parsed.found if told.get("class") == "sort"]
    metric = METRICS["epe"].plain()
    assert meaning_of(metric) in [told["title"] for told in heads]
    for part in (metric["what"], "0 and up", "lower is better", metric["source"]):
        assert part in meaning_of(metric)
        assert any(part in text for text in parsed.texts("dd"))
    names = parsed.texts("button", "sort")
    assert "EPE \N{DOWNWARDS ARROW}px at 256x256" in names and "SSIM \N{UPWARDS ARROW}" in names


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ([0.0, None], "0 and up"),
        ([-1.0, 1.0], "-1 to 1"),
        ([None, 5.0], "up to 5"),
        ([None, None], "any number"),
    ],
)
def test_ranges_in_words(held: list[float | None], told: str) -> None:
    assert range_of({"range": held}) == told


def test_there_is_no_address_but_its_own(page: str, parsed: Parsed) -> None:
    asks = ("src", "href", "poster", "data", "srcset", "action", "xlink:href", "background")
    for tag, told, _ in parsed.found:
        for name in asks:
            assert (told.get(name) or "#").startswith(("#", "data:,")), (tag, told)
        assert not any(name.startswith("on") or name == "style" for name in told), (tag, told)
        assert tag not in ("iframe", "object", "embed", "base", "form", "img")
    rest = re.sub(r"base64,[A-Za-z0-9+/=]*", "", page)
    assert not re.findall(r"https?:|//[a-z]|@import|url\((?!#)", rest)


def test_its_policy_allows_what_is_in_it_and_nothing_else(parsed: Parsed) -> None:
    policy = next(
        told["content"] or ""
        for _, told, _ in parsed.found
        if told.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules["default-src"] == "'none'" and "unsafe" not in policy
    run = [text for tag, told, text in parsed.found if tag == "script" and "type" not in told]
    assert rules["script-src"].split() == [digest("".join(text)) for text in run]
    style = [text for tag, _, text in parsed.found if tag == "style"]
    assert rules["style-src"].split() == [digest("".join(text)) for text in style]


def digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def test_the_videos_are_in_it(results: Results, parsed: Parsed) -> None:
    told = parsed.json("told")
    assert isinstance(told, dict)
    assert (told["metric"], told["row"], told["variants"]) == (2, 3, ["1", "16"])
    assert [row["label"] for row in told["rows"]] == [row.label for row in results.head.rows]
    assert len(told["cases"]) == 6
    for place, case in enumerate(told["cases"]):
        media = parsed.json(f"media-{place}")
        assert isinstance(media, dict)
        assert case["film"] == [64, 64, 12, 8.0]
        for row, held in case["rows"].items():
            label, variant = told["rows"][int(row)]["label"], told["variants"][case["variant"]]
            found = results.at(label, variant, case["name"])
            assert found is not None
            if found.failed:
                assert held["failed"] == found.failed and row not in media
                continue
            assert held["values"][2] == pytest.approx(found.values["epe"], rel=1e-4)
            path = results.folder.where / unquote(held["video"])
            assert path == results.folder.of(label, found.key) / PREVIEW
            head, _, data = media[row].partition(",")
            assert head == "data:video/mp4;base64" and b64decode(data) == path.read_bytes()


def test_what_does_not_fit_is_linked(results: Results) -> None:
    held = Parsed(html_page(results, budget=0))
    assert held.json("media-0") is None
    told = held.json("told")
    assert isinstance(told, dict)
    assert all(row["video"] for case in told["cases"] for row in case["rows"].values()
               if "failed" not in row)  # fmt: skip


def test_the_worst_by_another_metric(results: Results) -> None:
    told = Parsed(html_page(results, worst="ssim")).json("told")
    assert isinstance(told, dict)
    found = [case["rows"]["3"]["values"][1] for case in told["cases"] if case["variant"] == 1]
    assert told["metric"] == 1 and found == sorted(found)
    with pytest.raises(EvaluationError, match="put in order by fid; take one of psnr, ssim, epe"):
        html_page(results, worst="fid")


def test_the_same_report_is_the_same_page(results: Results, page: str) -> None:
    assert html_page(Results.load(results.folder.where)) == page


def test_names_stay_text(tmp_path: Path) -> None:
    variants = (BAD.replace("/", "|"), "2")
    results = made_report(
        tmp_path,
        title=BAD,
        suite=BAD,
        axis=BAD,
        rows=("truth", "still", "ours"),
        variants=variants,
        clips=1,
        about={BAD: BAD, "command": BAD},
        missing={BAD: BAD},
        metrics=("epe", "epe-horizon"),
        published=({**PAPER, "variant": "2", "system": BAD, "source": BAD, "note": BAD},),
    )
    held = Parsed(html_page(results))
    assert not held.open and held.texts("h1") == [BAD] and held.texts("p", "eyebrow") == [BAD]
    assert held.texts("dt").count(BAD) == 1 and held.texts("code") == [BAD]
    assert f"{BAD}{BAD}: {BAD}" in held.texts("tbody", "paper")[0]
    assert not {"img", "i"} & {tag for tag, _, _ in held.found}
    scripts = [told for tag, told, _ in held.found if tag == "script"]
    assert len([told for told in scripts if "type" not in told]) == 3
    assert len(scripts) == 3 + 1 + 2
    told = held.json("told")
    assert isinstance(told, dict) and told["variants"] == list(variants)


def test_one_variant_has_no_tabs(tmp_path: Path) -> None:
    held = Parsed(html_page(made_report(tmp_path, variants=("",), clips=1, previews=False)))
    assert not [told for _, told, _ in held.found if told.get("role") in ("tab", "tabpanel")]
    told = held.json("told")
    assert isinstance(told, dict) and told["cases"][0]["film"] is None


def test_without_jinja_it_says_so(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(EvaluationError, match=r"jinja2; pip install 'kineograph\[bench\]'"):
        html_page(results)

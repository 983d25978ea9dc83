"""The report's page in a real browser: it sorts, changes variants, and plays all videos in step."""

from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from report_maker import FPS, FRAMES, made_report

from kineograph.evaluation.bench.report_folder import PREVIEW
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.reports.html import html_page

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, expect  # noqa: E402

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
TIMES = "() => [...document.querySelectorAll('.film video')].map((video) => video.currentTime)"
STILL = (
    "() => [...document.querySelectorAll('.film video')]"
    ".every((video) => video.paused && !video.seeking && video.readyState >= 2)"
)
BAD = "<img src=x onerror=document.title='no'>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Results:
    where = tmp_path_factory.mktemp("a report #1")
    results = made_report(
        where,
        rows=("truth", "still", "warp", "unet", "mini", "a-rather-long.name_of-an-engine"),
        variants=("1", "16"),
        clips=3,
        fails=[("mini", "clip-01")],
        suite=BAD,
        axis=BAD,
    )
    (where / "index.html").write_text(html_page(results))
    (where / "linked.html").write_text(html_page(results, budget=0))
    return results


class Opened:
    """The page, and what went wrong in it."""

    def __init__(self, browser: Browser, path: Path, how: Any) -> None:
        self.context = browser.new_context(**how)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_function(STILL)

    def column(self, index: int) -> list[str]:
        """The rows' labels of a table's group, from the top."""
        return self.page.locator(f"#panel-{index} tbody.engine .who").all_text_contents()

    def stand(self, frame: int) -> None:
        """All videos come to stand at a frame; a browser may take the last one for the end."""
        at = f"Math.min(Math.floor(time * {FPS}), {FRAMES - 1})"
        self.page.wait_for_function(
            f"() => ({STILL})() && ({TIMES})().every((time) => {at} === {frame})"
        )
        assert int(self.page.get_by_label("frame", exact=True).input_value()) == frame

    def close(self) -> None:
        """Nothing was said, and nothing asked for but files of the report."""
        self.context.close()
        assert self.wrong == []
        assert all(url.startswith(("file:", "data:")) for url in self.asked), self.asked


@pytest.fixture
def opened(browser: Browser, report: Results) -> Iterator[Opened]:
    held = Opened(browser, report.folder.where / "index.html", DESKTOP)
    yield held
    held.close()


def test_columns_sort_within_their_groups(opened: Opened) -> None:
    first = opened.column(0)
    head = opened.page.locator("#panel-0 thead th").nth(3)
    expect(head).to_contain_text("EPE")
    cells = opened.page.locator("#panel-0 tbody.engine td:nth-child(4)")

    def values() -> list[float]:
        return cells.evaluate_all("(all) => all.map((cell) => Number(cell.dataset.value))")

    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert values() == sorted(values()) and opened.column(0) != sorted(first)
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert values() == sorted(values(), reverse=True)
    other = opened.page.locator("#panel-0 thead th").nth(1)
    other.get_by_role("button").click()
    expect(other).to_have_attribute("aria-sort", "descending")  # of PSNR the largest is best
    assert opened.page.locator("#panel-0 [aria-sort]").count() == 1
    other.get_by_role("button").click()
    other.get_by_role("button").click()
    assert opened.page.locator("#panel-0 [aria-sort]").count() == 0
    assert opened.column(0) == first
    kinds = opened.page.locator("#panel-1 tbody").evaluate_all(
        "(all) => all.map((x) => x.className)"
    )
    assert kinds == ["truth", "baseline", "engine", "paper"]


def test_variants_change_table_and_videos(opened: Opened) -> None:
    page = opened.page
    assert page.locator(".panel:visible").count() == 1
    before = page.locator("#cases").inner_text()
    page.get_by_role("tab", name="16").click()
    expect(page.locator("#panel-1")).to_be_visible()
    expect(page.locator("#panel-0")).to_be_hidden()
    expect(page.locator("#videos-variant")).to_have_text("16")
    assert page.locator("#cases").inner_text() != before
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="1", exact=True)).to_be_focused()
    expect(page.locator("#panel-0")).to_be_visible()
    assert page.locator("#cases").inner_text() == before


def test_the_worst_case_is_first(opened: Opened) -> None:
    page = opened.page

    def listed() -> list[str]:
        return page.locator("#cases button span:last-child").all_text_contents()

    found = [float(text) for text in listed()]
    assert len(found) == 3 and found == sorted(found, reverse=True)
    page.locator("#by-way").select_option("best")
    assert [float(text) for text in listed()] == sorted(found)
    page.locator("#by-way").select_option("worst")
    page.locator("#by-metric").select_option(label="SSIM")
    found = [float(text) for text in listed()]
    assert found == sorted(found)
    page.locator("#by-row").select_option(label="mini")
    assert listed()[0] == "failed"
    expect(page.locator("#case-name")).to_have_text("clip-01")
    expect(page.locator(".picture p")).to_contain_text("failed: the engine ran out of memory")
    by = page.locator(".film dl .by dt").all_text_contents()
    assert by == ["SSIM"] * 5


def test_videos_step_together(opened: Opened) -> None:
    page = opened.page
    opened.stand(0)
    assert len(page.evaluate(TIMES)) in (5, 6)
    page.get_by_label("one frame on").click()
    page.get_by_label("one frame on").click()
    opened.stand(2)
    page.get_by_label("one frame back").click()
    opened.stand(1)
    page.get_by_label("frame", exact=True).fill("9")
    opened.stand(9)
    expect(page.locator("#frame")).to_have_text(f"frame 10 of {FRAMES}")
    page.locator("#case-name").click()
    page.locator("#cases button").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    opened.stand(FRAMES - 1)
    page.keyboard.press("n")
    expect(page.locator("#cases button").nth(1)).to_have_attribute("aria-current", "true")
    opened.stand(0)


def test_videos_play_in_step(opened: Opened) -> None:
    page = opened.page
    page.get_by_label("speed").select_option("0.5")
    page.get_by_role("button", name="play").click()
    expect(page.get_by_role("button", name="pause")).to_be_visible()
    apart, seen = [], set()
    for _ in range(12):
        page.wait_for_timeout(100)
        times = page.evaluate(TIMES)
        apart.append(max(times) - min(times))
        seen.add(int(min(times) * FPS))
    assert sorted(apart)[len(apart) // 2] <= 1 / FPS and len(seen) > 2
    page.locator("#cases button").nth(1).click()
    expect(page.get_by_role("button", name="pause")).to_be_visible()
    page.wait_for_function(f"() => ({TIMES})().every((time) => time > 0.2)")
    page.get_by_role("button", name="pause").click()
    opened.stand(int(page.get_by_label("frame", exact=True).input_value()))
    expect(page.get_by_role("button", name="play")).to_be_visible()


def test_they_begin_again_at_the_end(opened: Opened) -> None:
    page = opened.page
    page.get_by_label("speed").select_option("2")
    page.get_by_label("frame", exact=True).fill(str(FRAMES - 3))
    page.get_by_role("button", name="play").click()
    page.wait_for_function(f"() => ({TIMES})().every((time) => time < 0.8)")
    expect(page.get_by_role("button", name="pause")).to_be_visible()


def test_rows_are_hidden_in_all_plots(opened: Opened) -> None:
    page = opened.page
    drawn = page.locator("[data-row=still]")
    assert drawn.count() > 10 and page.locator("[data-row=still].off").count() == 0
    page.locator("[data-shows=still]:visible").first.click()
    assert page.locator("[data-row=still].off").count() == drawn.count()
    assert page.locator("[data-row=unet].off").count() == 0
    assert page.locator("[data-shows=still][aria-pressed=false]").count() == 3
    page.locator("[data-shows=still]:visible").last.click()
    assert page.locator("[data-row=still].off").count() == 0


def test_linked_videos_play_from_their_files(browser: Browser, report: Results) -> None:
    held = Opened(browser, report.folder.where / "linked.html", DESKTOP)
    held.stand(0)
    assert len(held.page.evaluate(TIMES)) >= 5
    assert any(url.endswith(PREVIEW) for url in held.asked)
    held.page.get_by_label("one frame on").click()
    held.stand(1)
    held.close()


def test_a_page_without_its_files_says_so(
    browser: Browser, report: Results, tmp_path: Path
) -> None:
    (tmp_path / "alone.html").write_text((report.folder.where / "linked.html").read_text())
    held = Opened(browser, tmp_path / "alone.html", DESKTOP)
    expect(held.page.locator(".picture p").first).to_contain_text("cannot play clips/truth/clip-")
    held.wrong = [text for text in held.wrong if "ERR_FILE_NOT_FOUND" not in text]
    held.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_has_room_for_it(browser: Browser, report: Results, theme: str) -> None:
    held = Opened(browser, report.folder.where / "index.html", {**PHONE, "color_scheme": theme})
    page = held.page
    wide = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide == [390, 390]
    table = page.locator(".scroll:visible")
    inner, outer = table.evaluate("(box) => [box.scrollWidth, box.clientWidth]")
    assert inner > outer, "the table scrolls in its own box"
    sizes = "(all) => all.map((x) => Math.min(x.offsetWidth, x.offsetHeight))"
    touched = page.locator("button:visible, select:visible").evaluate_all(sizes)
    assert len(touched) > 20 and min(touched) >= 24, "WCAG 2.2, 2.5.8"
    held.close()


def test_nothing_jumps(browser: Browser, report: Results) -> None:
    watch = """
      window.moved = [];
      new PerformanceObserver((list) => list.getEntries().forEach((one) => {
        if (!one.hadRecentInput) window.moved.push(one.value);
      })).observe({ type: "layout-shift", buffered: true });
    """
    context = browser.new_context(**DESKTOP)
    page = context.new_page()
    page.add_init_script(watch)
    page.goto((report.folder.where / "index.html").as_uri())
    page.wait_for_function(STILL)
    heights = set()
    for place in range(3):
        page.locator("#cases button").nth(place).click()
        page.wait_for_function(STILL)
        heights.add(page.evaluate("() => document.querySelector('.picture').offsetHeight"))
    assert len(heights) == 1
    assert sum(page.evaluate("() => window.moved")) < 0.02
    context.close()


def test_names_are_no_markup(opened: Opened) -> None:
    page = opened.page
    expect(page.locator("#axis")).to_have_text(BAD)
    expect(page.locator(".eyebrow")).to_have_text(BAD)
    assert page.locator("figure text").get_by_text(BAD).count() == 5
    assert page.title() == "Drawn scenes, tracks given" and page.locator("img").count() == 0

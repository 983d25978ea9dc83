"""A real browser, as raters have one: whole sittings by clicks, taps and keys."""

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from served import served
from small_studies import made_study, quick

from kineograph.evaluation.study.protocols import Protocol
from kineograph.evaluation.study.store import Store
from kineograph.evaluation.study.study_folder import StudyFolder

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import BrowserContext, Page, Route, expect  # noqa: E402

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
MOTIF = quick("motif", tests=1, least_seconds=2.5)
MOTION_PROMPTING = quick("motion-prompting", tests=1)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Sitting:
    """A page of a served study, and what went wrong in it."""

    def __init__(self, context: BrowserContext, invite: str, folder: StudyFolder) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.invite, self.folder = invite, folder
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)

    def _heard(self, message: object) -> None:
        if message.type in ("error", "warning") and "ERR_FAILED" not in message.text:
            self.wrong.append(message.text)

    def _asked(self, request: object) -> None:
        base = self.invite.split("/join/")[0]
        if not request.url.startswith((base, "data:")):
            self.wrong.append(f"asked {request.url}")

    def begin(self, query: str = "") -> None:
        """From the invitation to the first pair."""
        self.page.goto(self.invite + query)
        self.page.get_by_role("button", name="Begin").click()
        expect(self.where).to_have_text(re.compile(r"Pair 1 of \d"))

    @property
    def where(self) -> object:
        return self.page.locator("#where")

    @property
    def submit(self) -> object:
        return self.page.get_by_role("button", name="Submit")

    def watch(self) -> None:
        """Play both videos to the end."""
        self.page.get_by_role("button", name="Play both").click()
        expect(self.page.locator(".mark", has_text="watched")).to_have_count(2)

    def choose(self, name: str) -> None:
        """The same answer to every choice, and one reason."""
        for option in self.page.get_by_role("radio", name=name).all():
            option.check()
        for reason in self.page.get_by_role("checkbox", name="Object motion").all():
            reason.check()

    def next(self) -> None:
        """Submit, and wait for what comes."""
        said = self.where.inner_text()
        expect(self.submit).to_be_enabled()
        self.submit.click()
        expect(self.where).not_to_have_text(said)

    def votes(self) -> dict:
        """What is in the database."""
        store = Store(self.folder.votes)
        try:
            return store.answers()
        finally:
            store.close()


@pytest.fixture
def sitting(request: pytest.FixtureRequest, browser: object, tmp_path: Path) -> Iterator[Sitting]:
    """A sitting of the protocol and in the browser that the test names."""
    protocol, kind = getattr(request, "param", (MOTIF, DESKTOP))
    assert isinstance(protocol, Protocol)
    folder = made_study(tmp_path, protocol.model_copy(update={"tasks": 2}), 1)
    with served(folder.where) as (_, invite):
        context = browser.new_context(**kind)
        held = Sitting(context, invite, folder)
        yield held
        context.close()
        assert held.wrong == []


BOTH = pytest.mark.parametrize("sitting", [(MOTIF, DESKTOP), (MOTIF, PHONE)], indirect=True)


@BOTH
def test_motif_from_the_invitation_to_the_code(sitting: Sitting) -> None:
    sitting.begin()
    page = sitting.page
    expect(page.get_by_text("the texture of number 0 moves to the left")).to_be_visible()
    expect(page.get_by_alt_text("The starting picture")).to_be_visible()
    assert page.locator("#picture").evaluate("image => image.naturalWidth") == 64
    for number in range(1, 4):
        expect(sitting.where).to_have_text(f"Pair {number} of 3")
        expect(sitting.submit).to_be_disabled()
        for option in page.get_by_role("radio").all():
            expect(option).to_be_disabled()
        sitting.watch()
        expect(page.get_by_role("checkbox").first).to_be_disabled()  # why comes after what
        sitting.choose("Video 2")
        if number == 1:
            expect(page.locator("#opens")).to_have_text(re.compile(r"opens in 0:0\d"))
        expect(sitting.submit).to_be_disabled()  # all is answered, but it was too quick
        sitting.next()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert re.fullmatch("[0-9A-F]{8}", page.locator("#code").inner_text())
    found = sitting.votes()
    assert len(found) == 3
    assert all(v == {"overall": ("second",), "why": ("motion",)} for v in found.values())


@pytest.mark.parametrize(
    "sitting", [(MOTION_PROMPTING, DESKTOP), (MOTION_PROMPTING, PHONE)], indirect=True
)
def test_motion_prompting_from_the_invitation_to_the_code(sitting: Sitting) -> None:
    sitting.begin("?id=worker-1")
    page = sitting.page
    clips = page.locator(".clip:visible")
    expect(clips).to_have_count(3)
    places = {clip.get_attribute("data-side"): clip.bounding_box() for clip in clips.all()}
    if page.viewport_size["width"] > 1000:  # the motion is in the middle
        assert places["first"]["x"] < places["motion"]["x"] < places["second"]["x"]
    for _ in range(3):
        expect(sitting.submit).to_be_disabled()
        sitting.watch()
        sitting.choose("Video 1")
        sitting.next()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    held = sitting.votes()
    assert all(
        vote == {"follows": ("first",), "motion": ("first",), "quality": ("first",)}
        for vote in held.values()
    )


@BOTH
def test_loading_again_resumes(sitting: Sitting) -> None:
    sitting.begin()
    sitting.watch()
    sitting.choose("Video 1")
    sitting.next()
    expect(sitting.where).to_have_text("Pair 2 of 3")
    sitting.watch()
    sitting.page.reload()
    expect(sitting.where).to_have_text("Pair 2 of 3")
    expect(sitting.page.locator(".mark", has_text="watched")).to_have_count(2)
    sitting.choose("Video 1")  # it need not be watched again
    sitting.next()
    sitting.page.goto(sitting.invite)  # the invitation leads back too
    expect(sitting.where).to_have_text("Pair 3 of 3")
    assert len(sitting.votes()) == 2


def test_keys_are_enough(sitting: Sitting) -> None:
    page = sitting.page
    page.goto(sitting.invite)
    press(page, "Begin", "Enter")
    expect(sitting.where).to_have_text("Pair 1 of 3")
    press(page, "Play video 1", "Enter")
    expect(page.locator(".mark", has_text="watched")).to_have_count(1)
    press(page, "Play video 2", "Space")
    expect(page.locator(".mark", has_text="watched")).to_have_count(2)
    press(page, "Video 1", "Space")
    page.keyboard.press("ArrowRight")
    press(page, "Overall quality", "Space")
    expect(sitting.submit).to_be_enabled()
    press(page, "Submit", "Enter")
    expect(sitting.where).to_have_text("Pair 2 of 3")
    assert list(sitting.votes().values()) == [{"overall": ("second",), "why": ("quality",)}]


FOCUS = """() => {
  const at = document.activeElement;
  const said = at.getAttribute("aria-label") || at.closest("label")?.textContent || at.textContent;
  return said.trim();
}"""


def press(page: Page, name: str, key: str) -> None:
    """Go to something with the tabulator alone, see that it shows that it is there, press a key."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUS) == name:
            break
    else:
        raise AssertionError(f"the tabulator does not reach {name}")
    page.keyboard.press(key)


def test_jumping_to_the_end_is_not_watching(sitting: Sitting) -> None:
    sitting.begin()
    page = sitting.page
    for video in page.locator(".clip video:visible").all():
        video.evaluate("video => { video.currentTime = video.duration - 0.05; video.play(); }")
    page.wait_for_timeout(1500)
    expect(page.locator(".mark", has_text="watched")).to_have_count(0)
    expect(page.get_by_role("radio").first).to_be_disabled()
    sitting.watch()
    expect(page.get_by_role("radio").first).to_be_enabled()


def test_a_lost_connection_loses_no_answer(sitting: Sitting) -> None:
    sitting.begin()
    sitting.watch()
    sitting.choose("Video 2")
    tries = []

    def broken(route: Route) -> None:
        tries.append(route.request.url)
        if len(tries) == 1:
            route.abort()  # it did not arrive
        elif len(tries) == 2:
            route.fetch()  # it arrived, but the answer was lost
            route.abort()
        else:
            route.continue_()

    sitting.page.route("**/answers", broken)
    expect(sitting.submit).to_be_enabled()
    sitting.submit.click()
    expect(sitting.page.get_by_role("alert")).to_contain_text("trying again")
    expect(sitting.where).to_have_text("Pair 2 of 3")
    expect(sitting.page.locator("#trouble")).to_be_hidden()
    assert len(tries) == 3
    assert list(sitting.votes().values()) == [{"overall": ("second",), "why": ("motion",)}]


@pytest.mark.parametrize("sitting", [(MOTIF, PHONE), (MOTION_PROMPTING, PHONE)], indirect=True)
def test_a_phone_shows_all_of_it_large_enough(sitting: Sitting) -> None:
    sitting.begin()
    page = sitting.page
    sitting.watch()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390  # nothing to scroll sideways
    for target in page.locator("button:visible, .option:visible").all():
        box = target.bounding_box()
        assert box["height"] >= 44 and box["width"] >= 44, target.inner_text()
    for video in page.locator(".clip:not(.wanted) video").all():
        assert video.bounding_box()["width"] > 330


def test_two_tabs_make_one_vote(sitting: Sitting) -> None:
    sitting.begin()
    other = sitting.page.context.new_page()
    other.goto(sitting.page.url)
    expect(other.locator("#where")).to_have_text("Pair 1 of 3")
    sitting.watch()
    sitting.choose("Video 1")
    sitting.next()
    other.get_by_role("button", name="Play both").click()
    expect(other.locator("#where")).to_have_text("Pair 2 of 3")  # it finds out by itself
    assert len(sitting.votes()) == 1


def test_the_admin_page(sitting: Sitting) -> None:
    sitting.begin("?id=worker-9")
    sitting.watch()
    sitting.choose("Video 1")
    sitting.next()
    base = sitting.invite.split("/join/")[0]
    sitting.page.goto(f"{base}/admin/{sitting.folder.read().admin}")
    expect(sitting.page.get_by_role("cell", name="worker-9")).to_be_visible()
    expect(sitting.page.get_by_text("1 of 3", exact=True)).to_be_visible()
    with sitting.page.expect_download() as held:
        sitting.page.get_by_role("link", name="votes.csv").click()
    assert held.value.path().read_text().startswith("rater,outside,valid,position,pair")

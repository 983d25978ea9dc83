"""Makes the gallery of docs/mini.md: `python docs/mini_pictures.py`, after `benchmarks/mini.py`.

Successes and failures are chosen by the figures, not by hand: of every measured part the clips in
which `mini` gains most and loses most. `docs/mini/notes.json` holds, by name of a picture, what
somebody saw who looked at it; it is put below the picture.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

import kineograph as kg
from kineograph.core.video import read_video
from kineograph.evaluation.bench.report_folder import STILL, VIDEO, WARP
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.suites.suite import Loaded, Suite
from kineograph.render.overlay import draw_boxes, draw_tracks

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

from mini_plan import MINI, Plan  # noqa: E402
from mini_questions import QUESTIONS  # noqa: E402
from mini_suites import OPPOSITE, TOLD, Untold  # noqa: E402

PAGE, FOLDER, NOTES = HERE / "mini.md", HERE / "mini", HERE / "mini" / "notes.json"
BEGIN, END = "<!-- gallery: written by mini_pictures.py -->", "<!-- end of the gallery -->"
HEIGHT, GAP = 128, 4
SHOWN = 48
"""So many of the given tracks are drawn."""
QUALITY = 70
SENTENCES = ("the camera zooms in", "the camera pans left", "a rocket moves up")
SETTLED = 4
"""The last frame is held as long as so many."""

Frames = np.ndarray
Chosen = tuple[str, str, float]
"""A variant, a clip's name, and by how much `mini` gains in it."""


@dataclass(frozen=True)
class Shown:
    """A picture of the gallery.

    Args:
        name: of its file.
        title: what is seen, from left to right.
        said: the figures.
        frames: (T, H, W, 3), the columns side by side.
        fps: frames a second.
    """

    name: str
    title: str
    said: str
    frames: Frames
    fps: float


def beside(*columns: Frames) -> Frames:
    """Videos of one length and height side by side, with a gap."""
    frames, height = columns[0].shape[:2]
    gap = np.full((frames, height, GAP, 3), 255, np.uint8)
    parts = [part for column in columns for part in (gap, column)][1:]
    return np.concatenate(parts, axis=2)


def asked_over(frames: Frames, loaded: Loaded) -> Frames:
    """Frames with what was asked drawn over them."""
    asked, drawn = loaded.request, []
    tracks = asked.tracks
    if tracks is not None:
        tracks = tracks.select(np.arange(min(tracks.count, SHOWN)))
    for number, image in enumerate(frames):
        if tracks is not None:
            image = draw_tracks(image, tracks, number, trail=8)
        if asked.boxes is not None:
            image = draw_boxes(image, asked.boxes, number, ids=False)
        drawn.append(image)
    return np.stack(drawn)


@dataclass(frozen=True)
class Part:
    """A measured part, its clips and videos at hand.

    Args:
        results: of its report.
        suite: that it was measured on.
    """

    results: Results
    suite: Suite

    @staticmethod
    def of(plan: Plan, name: str, suite: Callable[[Plan], Suite]) -> "Part | None":
        """The part, if it has been measured with `mini`."""
        folder = plan.reports / name
        if not (folder / "bench.json").is_file():
            return None
        results = Results.load(folder)
        has_mini = any(row.label == MINI for row in results.head.rows)
        return Part(results, suite(plan)) if has_mini else None

    def gains(self, metric: str, over: str, variant: str) -> list[Chosen]:
        """The clips by how much `mini` gains in a metric over another row, the best first."""
        mine = self.results.numbers(metric, MINI, variant)
        its = self.results.numbers(metric, over, variant)
        held = zip(self.results.names, mine - its, strict=True)
        found = [(variant, name, float(gain)) for name, gain in held if not np.isnan(gain)]
        return sorted(found, key=lambda one: -one[2])

    def loaded(self, variant: str, name: str) -> Loaded:
        """A clip with its truth."""
        cases = self.suite.cases()
        return self.suite.load(next(x for x in cases if (x.variant, x.name) == (variant, name)))

    def video(self, row: str, variant: str, name: str) -> Frames:
        """What a row made of a clip."""
        key = f"{name}@{variant}" if variant else name
        return read_video(self.results.folder.of(row, key) / VIDEO).frames

    def value(self, metric: str, row: str, variant: str, name: str) -> float:
        """What a row's video is worth."""
        place = self.results.names.index(name)
        return float(self.results.numbers(metric, row, variant)[place])


def with_tracks(part: Part, count: str, best: int, worst: int) -> Iterator[tuple[bool, Shown]]:
    """The clips in which `mini` gains and loses most over `warp`, with N tracks given."""
    order = part.gains("psnr", WARP, count)
    for good, (variant, name, _) in ends(order, best, worst):
        loaded = part.loaded(variant, name)
        assert loaded.truth is not None
        columns = [asked_over(loaded.truth.video, loaded)]
        columns += [part.video(row, variant, name) for row in (WARP, MINI)]
        values = [
            f"{row} {part.value('psnr', row, variant, name):.1f} dB" for row in (STILL, WARP, MINI)
        ]
        yield (
            good,
            Shown(
                f"tracks-{count}-{name}",
                f"{int(count):,} track{'s' if count != '1' else ''} given, no text: truth, `warp`, "
                "`mini`",
                f"PSNR: {', '.join(values)}.",
                beside(*columns),
                float(loaded.request.fps),
            ),
        )


def with_words(part: Part, best: int, worst: int) -> Iterator[tuple[bool, Shown]]:
    """What two opposite texts do to one picture."""
    metric = "text-direction-cosine"
    sums = {name: gain for _, name, gain in part.gains(metric, STILL, TOLD)}
    for _, name, gain in part.gains(metric, STILL, OPPOSITE):
        sums[name] = sums.get(name, 0.0) + gain
    order = sorted(((TOLD, name, gain) for name, gain in sums.items()), key=lambda x: -x[2])
    for good, (_, name, _) in ends(order, best, worst):
        loaded = [part.loaded(variant, name) for variant in (TOLD, OPPOSITE)]
        values = [part.value(metric, MINI, variant, name) for variant in (TOLD, OPPOSITE)]
        assert loaded[0].truth is not None
        videos = [part.video(MINI, variant, name) for variant in (TOLD, OPPOSITE)]
        yield (
            good,
            Shown(
                f"words-{name}",
                "No tracks; truth of the first text, `mini` with the first text, `mini` with the "
                "second",
                f"“{loaded[0].request.text}” (cosine {values[0]:+.2f}); "
                f"“{loaded[1].request.text}” ({values[1]:+.2f}).",
                beside(loaded[0].truth.video, *videos),
                float(loaded[0].request.fps),
            ),
        )


def with_boxes(part: Part, best: int, worst: int) -> Iterator[tuple[bool, Shown]]:
    """The clips in which boxes are filled best and worst, beside a picture that stands still."""
    for good, (variant, name, _) in ends(part.gains("ao", STILL, ""), best, worst):
        loaded = part.loaded(variant, name)
        assert loaded.truth is not None
        video = part.video(MINI, variant, name)
        values = [
            f"{row} {part.value('ao', row, variant, name):.2f}" for row in (STILL, WARP, MINI)
        ]
        yield (
            good,
            Shown(
                f"boxes-{name}",
                "Boxes and caption given: truth with the boxes, `mini` with the boxes, `mini`",
                f"Mean overlap: {', '.join(values)}.",
                beside(asked_over(loaded.truth.video, loaded), asked_over(video, loaded), video),
                float(loaded.request.fps),
            ),
        )


def ends(order: Sequence[Chosen], best: int, worst: int) -> list[tuple[bool, Chosen]]:
    """The first of an order as good, the last as bad; none is both."""
    good = list(order[:best])
    rest = [one for one in order if one not in good]
    bad = rest[len(rest) - worst :] if worst else []
    return [(True, one) for one in good] + [(False, one) for one in reversed(bad)]


def on_photograph(plan: Plan) -> Iterator[Shown]:
    """A photograph with a gesture, with a camera move, and with nothing asked."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        kg.write_picture(photo, data.astronaut())
        plain = kg.Document.for_picture(photo, frames=16, fps=16)
        drag = plain.add(
            kg.Drag(path=[(225, 110), (262, 120)], radius=45), kg.Pin(region=(0, 300, 512, 512))
        )
        zoom = plain.add(kg.Camera(move="zoom", amount=1.3))
        worded = [
            (f"photo-words-{text.split()[-1]}", f"The words “{text}” alone", _worded(plain, text))
            for text in SENTENCES
        ]
        for name, said, document in (
            ("photo-drag", "A drag to the right and a pin below", drag),
            ("photo-zoom", "The camera zooms in", zoom),
            *worded,
            ("photo-nothing", "Nothing is asked: it is to be calm", plain),
        ):
            yield photographed(plan, name, said, document)


def _worded(document: kg.Document, text: str) -> kg.Document:
    return document.model_copy(update={"text": text})


def photographed(plan: Plan, name: str, said: str, document: kg.Document) -> Shown:
    """What `warp` and `mini` make of a photograph."""
    size = (192, 192)
    settings = plan.row()[0].settings
    told = document.model_copy(
        update={"engine": document.engine.model_copy(update={"name": MINI, "settings": settings})}
    )
    mini = kg.animate(told, size=size)
    videos = [np.stack(list(held)) for held in (kg.animate(document, size=size, engine=WARP), mini)]
    first = np.repeat(videos[0][:1], len(videos[0]), axis=0)
    asked = asked_over(first, Loaded(mini.asked))
    apart = np.abs(videos[1].astype(np.int16) - videos[1][:1]).mean()
    title = f"{said}: asked, `warp`, `mini`"
    figures = f"`mini` differs from its first frame by {apart:.1f} grey levels of 255 on average."
    return Shown(name, title, figures, beside(asked, *videos), float(document.fps))


def gathered(plan: Plan) -> tuple[list[Shown], list[Shown], list[Shown]]:
    """Successes, failures, and photographs."""
    found: list[tuple[bool, Shown]] = []
    tracks = Part.of(plan, "procedural", lambda held: Untold(count=held.scenes))
    if tracks is not None:
        for count, best, worst in (("1", 2, 2), ("16", 2, 2), ("2048", 1, 1)):
            found += with_tracks(tracks, count, best, worst)
    words, boxes = (Part.of(plan, held.name, held.suite) for held in QUESTIONS[:2])
    found += [] if words is None else with_words(words, 2, 2)
    found += [] if boxes is None else with_boxes(boxes, 2, 2)
    good, bad = ([shown for is_good, shown in found if is_good is kind] for kind in (True, False))
    return good, bad, list(on_photograph(plan)) if plan.row() else []


def write(shown: Shown) -> None:
    """The moving picture, small."""
    frames = [*shown.frames, *[shown.frames[-1]] * SETTLED]
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(
        FOLDER / f"{shown.name}.webp",
        save_all=True,
        append_images=pictures[1:],
        duration=round(1000 / shown.fps),
        loop=0,
        quality=QUALITY,
        method=4,
    )


def described(shown: Sequence[Shown]) -> Iterator[str]:
    """Markdown of some pictures."""
    notes = json.loads(NOTES.read_text(encoding="utf-8")) if NOTES.is_file() else {}
    for one in shown:
        note = notes.get(one.name, "")
        yield from (f"![{one.title}](mini/{one.name}.webp)", "", f"*{one.title}.* {one.said}")
        yield from (f"{note}", "") if note else ("",)


def filled(page: str, lines: Sequence[str]) -> str:
    """A page with the gallery between its marks."""
    if BEGIN not in page or END not in page:
        sys.exit(f"{PAGE} lacks the lines {BEGIN} and {END}")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    return "\n".join([before + BEGIN, "", *lines, END]) + after


def main() -> None:
    """All pictures anew, and the page."""
    plan = replace(Plan(), **({"model": Path(sys.argv[1])} if len(sys.argv) > 1 else {}))
    good, bad, photographs = gathered(plan)
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.webp"):
        path.unlink()
    for shown in (*good, *bad, *photographs):
        write(shown)
    lines = ["### Where it does well", "", *described(good)]
    lines += ["### Where it fails", "", *described(bad)]
    lines += ["### A photograph", "", *described(photographs)]
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), lines), encoding="utf-8")


if __name__ == "__main__":
    main()

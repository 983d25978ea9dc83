"""Is `mini` any good? Likeness to the truth, words, boxes, ways of training, and time.

Everything is measured on clips that training has not seen; every video stays in `reports/mini`,
with a page for each part (`index.html`) to look at them. `python benchmarks/mini.py --help` says
how to measure a part alone, more clips, or another model.

    KINEOGRAPH_CLIPS   a folder of real videos
    KINEOGRAPH_ARMS    a folder of models to compare, ARMS/QUESTION/ARM/SEED (see `mini_arms`)
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from functools import partial
from pathlib import Path

import run as page
from mini_likeness import PROCEDURAL, REAL, likeness
from mini_plan import Plan
from mini_questions import QUESTIONS, answer
from mini_speed import speed

PARTS: dict[str, tuple[str, Callable[[Plan], list[str]]]] = {
    PROCEDURAL: (
        "Procedural clips: first frame and tracks",
        partial(likeness, part=PROCEDURAL),
    ),
    REAL: ("Real clips: first frame and tracks", partial(likeness, part=REAL)),
    "text": ("Words without tracks", partial(answer, question=QUESTIONS[0])),
    "boxes": ("Boxes", partial(answer, question=QUESTIONS[1])),
    "tracks": ("Dense or sparse tracks in training", partial(answer, question=QUESTIONS[2])),
    "encodings": ("Ways to read tracks", partial(answer, question=QUESTIONS[3])),
    "speed": ("Seconds a clip", speed),
}
"""Part to its heading and what measures it."""


def section(name: str, plan: Plan) -> list[str]:
    """A part's heading and its tables, with when, at which commit and in what time."""
    title, measure = PARTS[name]
    begun = time.perf_counter()
    lines = measure(plan)
    minutes = (time.perf_counter() - begun) / 60
    how = f"`python benchmarks/mini.py {name}`; {date.today()}, commit {page.commit()}"
    return [f"### {title}", "", f"{how}, {minutes:.1f} min.", "", *lines, ""]


def run(plan: Plan | None = None) -> list[str]:
    """Lines of Markdown: all parts."""
    plan = plan or Plan()
    return [line for name in PARTS for line in section(name, plan)]


def merged(old: str, found: dict[str, list[str]]) -> str:
    """A section of the page in which some parts are new, in the order of `PARTS`."""
    head, *bodies = old.split("\n### ")
    held = {body.split("\n", 1)[0]: f"### {body.strip()}" for body in bodies}
    held |= {PARTS[name][0]: "\n".join(lines).strip() for name, lines in found.items()}
    order = [held[title] for title, _ in PARTS.values() if title in held]
    return "\n\n".join([head.strip(), *order])


def main() -> None:
    """Measure some parts and put them into docs/results.md."""
    plan, names, dry = asked()
    found = {}
    for name in names:
        print(PARTS[name][0], flush=True)
        found[name] = section(name, plan)
        print("\n".join(found[name]), flush=True)
    if dry:
        return
    title = page.BENCHMARKS["mini"]
    old = page.sections(page.RESULTS.read_text(encoding="utf-8"))
    head = f"`python benchmarks/run.py mini`, or a part alone; {page.machine()}."
    old[title] = merged("\n".join([head, *old.get(title, "").splitlines()[1:]]), found)
    page.write(old)


def asked() -> tuple[Plan, list[str], bool]:
    """What the command line says: the plan, the parts, and whether the page is left as it is."""
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--dry", action="store_true", help="print only, leave docs/results.md")
    parser.add_argument("--baselines", action="store_true", help="without the rows of mini")
    parser.add_argument("--set", action="append", default=[], help="name=value of engine mini")
    for held in fields(Plan):
        if held.name != "settings":
            default = getattr(plan, held.name)
            kind = int if isinstance(default, int) else Path
            parser.add_argument(f"--{held.name}", type=kind, default=default)
    told = vars(parser.parse_args())
    names = told.pop("parts") or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]}; there are: {', '.join(PARTS)}")
    dry, baselines = told.pop("dry"), told.pop("baselines")
    settings = dict(_setting(pair) for pair in told.pop("set"))
    plan = replace(plan, **told, settings=settings)
    return (replace(plan, model=None) if baselines else plan), names, dry


def _setting(pair: str) -> tuple[str, object]:
    name, _, value = pair.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    main()

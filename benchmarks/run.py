"""Runs every benchmark, or the named ones, and writes docs/results.md.

`make bench`, or `python benchmarks/run.py warp startup`.
"""

import importlib
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "docs" / "results.md"

BENCHMARKS = {
    "following": "Following: does the picture go where it was told?",
    "warp": "Speed of the `warp` engine",
    "startup": "Waiting for the command line",
    "tracker": "The default tracker",
    "camera": "Camera moves: are the tracks where geometry says?",
    "magnify": "Magnified motion: is it as large as was asked?",
    "conditioning": "Tracks to tensors",
    "control": "A denoising step with the track ControlNet",
    "training": "The training loop beside one written by hand",
    "scenes": "Procedural scenes: clips a second, and is the truth true?",
    "motion_metrics": "Motion metrics: what do they say of a perfect video?",
    "measuring": "Measuring: the same values as others', sooner, in flat memory",
    "study": "The study server: 200 raters at once",
    "mini": "`mini`: Kineograph's own model",
}
"""Module to heading, in the order of the page."""


def machine() -> str:
    """Processor, cores and versions, in a line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            x.split(":")[1].strip() for x in info.read_text().splitlines() if "model name" in x
        ]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, no GPU used"


def commit() -> str:
    """The commit that is measured, marked where the tree has changes on top."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() or "unknown"


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all, and put their sections into the page."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    old = sections(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in names or BENCHMARKS:
        print(f"measuring: {BENCHMARKS[name]}", flush=True)
        lines = importlib.import_module(name).run()
        print("\n".join(lines), flush=True)
        how = f"`python benchmarks/run.py {name}`; {date.today()}, commit {commit()}, {machine()}."
        old[BENCHMARKS[name]] = "\n".join([how, "", *lines])
    write(old)


def sections(text: str) -> dict[str, str]:
    """Heading to body of a page."""
    parts = text.split("\n## ")[1:]
    return {part.split("\n", 1)[0]: part.split("\n", 1)[1].strip() for part in parts}


def write(found: dict[str, str]) -> None:
    """The whole page, sections in the order of `BENCHMARKS`."""
    head = (
        "# Results\n\nMeasured figures, each with the command that made it. Timings depend on the "
        "machine; the ratios, taken within one run, travel better."
    )
    bodies = [f"## {title}\n{found[title]}" for title in BENCHMARKS.values() if title in found]
    temporary = RESULTS.with_suffix(".tmp")
    temporary.write_text("\n\n".join([head, *bodies]) + "\n")
    temporary.replace(RESULTS)


if __name__ == "__main__":
    main(sys.argv[1:])

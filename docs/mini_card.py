"""Writes the model card of `mini` from its run: `python docs/mini_card.py RUN`.

Stages, clips, hours and curves are read from the run's records, parameters and sizes from the
shipped folder, figures from docs/results.md (`python benchmarks/mini.py`). RUN is the folder that
`kineograph train mini --out RUN` made.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kineograph.training.recipe import Recipe
from kineograph.training.record import read_record
from kineograph.training.stage import Stage

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

import run as page  # noqa: E402
from mini import PARTS  # noqa: E402
from mini_plan import SHIPPED  # noqa: E402

CARD, CURVES = "README.md", "curves.png"

FRONT = """\
---
license: apache-2.0
library_name: kineograph
pipeline_tag: image-to-video
---
"""

ABOUT = """\
Kineograph's own small model: a picture, a sentence, tracks and boxes become a video. It comes with
the package and needs no other model and no network:
`kineograph animate photo.jpg --engine mini --drag "225,110 > 260,118" -o out.mp4`.
"""

DATA = """\
Procedural scenes only, drawn anew for every step: shapes with textures, glyphs of the font Noto
Color Emoji, and pieces of the photographs that come with scikit-image, which move, turn, grow and
pass before one another on textures and photographs, under a moving camera. Captions, tracks, boxes
and what is hidden when are exact, for the scenes are drawn from them. No video was used, and no
picture or text from the web. The clips it is measured on have seeds that training does not use, but
shapes, glyphs and textures are of the same kinds: figures on them say how well it does what it was
trained for, those on real clips how far that carries.
"""

LIMITS = (
    "Made to be small and to be trained from nothing. It is no rival of models with a thousand "
    "times its parameters: what it imagines behind things is blurred.",
    "It knows the words of its captions: things, colours, directions, what the camera does. Other "
    "words are spelt in pieces it has hardly seen.",
    "Trained on clips of 4 to 16 frames, 64x64 to 128x128; it works at 64 pixels along the shorter "
    "side, and its motion is carried to larger and longer ones.",
    "Of several things that a sentence names it may move the wrong one, and by another way than "
    "was meant; what it does with photographs was looked at, not measured.",
    "Faces, hands and animals move as flat pieces of a picture do: it has never seen one move.",
    "Like every tool that animates a photograph it can show a person doing what they never did. "
    "Say that a video is made; the request that made it is kept inside the file.",
)


@dataclass(frozen=True)
class Trained:
    """A stage and what its record says.

    Args:
        stage: of the recipe.
        folder: of the run, where `record.jsonl` is.
    """

    stage: Stage
    folder: Path

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """Of the record."""
        return list(read_record(self.folder))

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The lines of steps that have a loss."""
        return [x for x in self.lines if x["kind"] == "step" and x["loss"] is not None]

    @property
    def clips(self) -> int:
        """How many were seen."""
        return max((line["step"] for line in self.steps), default=0) * self._batch

    @property
    def hours(self) -> float:
        """Of training: what its steps took."""
        speeds = [line["clips_per_s"] for line in self.steps if line.get("clips_per_s")]
        return sum(self._batch / speed for speed in speeds) / 3600

    @property
    def _batch(self) -> int:
        return self.stage.batch * self.stage.accumulate

    def loss(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps and losses, each the mean of a fiftieth of the stage."""
        steps = np.array([line["step"] for line in self.steps], np.float64)
        losses = np.array([line["loss"] for line in self.steps], np.float64)
        parts = [x for x in np.array_split(np.arange(len(steps)), 50) if len(x)]
        return tuple(np.array([held[part].mean() for part in parts]) for held in (steps, losses))

    def probes(self) -> dict[str, list[dict[str, Any]]]:
        """Measure to what was measured, in order."""
        found: dict[str, list[dict[str, Any]]] = {}
        for line in self.lines:
            if line["kind"] == "probe" and line["value"] is not None:
                found.setdefault(line["measure"], []).append(line)
        return found


def stages_of(run: Path) -> list[Trained]:
    """The stages of a run that have a record, in order."""
    recipe = Recipe.load(run / "recipe.yaml")
    held = [Trained(stage, run / stage.name) for stage in recipe.stages]
    return [one for one in held if (one.folder / "record.jsonl").is_file()]


def stage_rows(stages: Sequence[Trained]) -> Iterator[str]:
    """A table: what each stage learned, from how much, in what time, to what loss."""
    yield "| stage | trains | clips | frames, size | hours | loss | measured |"
    yield "|-|-|-|-|-|-|-|"
    for one in stages:
        sampling, (_, losses) = one.stage.sampling, one.loss()
        size = f"{sampling.frames} of {sampling.size[0]}x{sampling.size[1]}"
        measured = "; ".join(
            f"{name} {held[0]['value']:.3g} to {held[-1]['value']:.3g} {held[-1]['unit']}".strip()
            for name, held in one.probes().items()
        )
        loss = f"{losses[0]:.3g} to {losses[-1]:.3g}" if len(losses) else ""
        yield (
            f"| {one.stage.name} | {', '.join(one.stage.trains)} | {one.clips:,} | {size} | "
            f"{one.hours:.2f} | {loss} | {measured} |"
        )


def draw(stages: Sequence[Trained], path: Path) -> None:
    """Every stage's loss, one small plot each."""
    from matplotlib.figure import Figure

    across = min(4, len(stages))
    down = -(-len(stages) // across)
    figure = Figure(figsize=(2.4 * across, 1.8 * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes, one in zip(grid, stages, strict=False):
        axes.plot(*one.loss(), linewidth=1.2, color="#20639b")
        axes.set_title(one.stage.name, fontsize=8)
        axes.tick_params(labelsize=6, length=2)
        axes.grid(linewidth=0.3)
    for axes in grid[len(stages) :]:
        axes.axis("off")
    figure.supxlabel("step", fontsize=7)
    figure.supylabel("loss", fontsize=7)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def facts(folder: Path, stages: Sequence[Trained]) -> Iterator[str]:
    """Size, compute and licence, a line each."""
    counts = dict(parameters(folder))
    unet = json.loads((folder / "unet" / "config.json").read_text(encoding="utf-8"))
    size = sum(path.stat().st_size for path in folder.rglob("*.safetensors")) / 1e6
    yield f"- parameters: {sum(counts.values()):,} ({listed(counts)})"
    yield f"- weights: {size:.1f} MB of safetensors"
    yield f"- U-Net: widths {', '.join(map(str, unet['block_out_channels']))}, a latent is 8 pixels"
    yield f"- compute: {sum(one.hours for one in stages):.1f} hours of training in all; {machine()}"
    yield "- licence: Apache-2.0"


def machine() -> str:
    """What it was trained on: `trained_on.txt` beside the run's recipe, or else this machine."""
    path = Path(sys.argv[1]) / "trained_on.txt" if len(sys.argv) > 1 else Path()
    return path.read_text(encoding="utf-8").strip() if path.is_file() else page.machine()


def history() -> str:
    """How the run differs from the recipe, if `notes.md` beside the run's recipe says so."""
    path = Path(sys.argv[1]) / "notes.md" if len(sys.argv) > 1 else Path()
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def parameters(folder: Path) -> Iterator[tuple[str, int]]:
    """Part of the model to its number of parameters."""
    from safetensors import safe_open

    for path in sorted(folder.rglob("*.safetensors")):
        with safe_open(path, "np") as held:
            shapes = [held.get_slice(name).get_shape() for name in held.keys()]  # noqa: SIM118
        yield path.parent.name, sum(int(np.prod(shape)) for shape in shapes)


def listed(counts: dict[str, int]) -> str:
    """Parts and their parameters in words."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def figures() -> list[str]:
    """The measured parts of docs/results.md, a level further down."""
    held = page.sections(page.RESULTS.read_text(encoding="utf-8"))
    body = held.get(page.BENCHMARKS["mini"], "")
    parts = [f"### {part.strip()}" for part in body.split("\n### ")[1:]]
    titles = [title for title, _ in PARTS.values()]
    known = [part for part in parts if part[4:].split("\n", 1)[0] in titles]
    return known or ["Not measured yet: `python benchmarks/mini.py`."]


def card(run: Path, folder: Path) -> str:
    """The card."""
    stages = stages_of(run)
    parts = [
        f"{FRONT}\n# Kineograph mini\n\n{ABOUT}",
        "\n".join(facts(folder, stages)),
        f"## Data\n\n{DATA}",
        "## Training\n\n`kineograph train mini`, stage by stage, each from the one before it.",
        "\n".join(stage_rows(stages)),
        f"![Loss of every stage over its steps]({CURVES})",
        history(),
        "## Figures",
        *figures(),
        "## Limits",
        "\n".join(f"- {held}" for held in LIMITS),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def main() -> None:
    """Card and curves into the shipped folder, or the folder that is named."""
    if len(sys.argv) < 2:
        sys.exit("give the folder of the run: python docs/mini_card.py RUN [MODEL_FOLDER]")
    run, folder = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else SHIPPED
    draw(stages_of(run), folder / CURVES)
    (folder / CARD).write_text(card(run, folder), encoding="utf-8")


if __name__ == "__main__":
    main()

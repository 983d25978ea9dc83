"""A report as a benchmark leaves it, made up: real folders, real previews, invented values."""

from collections.abc import Sequence
from dataclasses import replace
from math import nan, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from kineograph.core.video_writer import VideoWriter
from kineograph.evaluation.bench.report_folder import (
    PREVIEW,
    STILL,
    TRUTH,
    WARP,
    Head,
    Measured,
    ReportFolder,
    RowHead,
)
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.metrics import METRICS

ROWS = (TRUTH, STILL, WARP, "unet", "mini")
VARIANTS = ("1", "16", "256")
NAMES = ("psnr", "ssim", "epe", "delta-average", "epe-horizon", "fid")
FRAMES, SIDE, FPS = 12, 64, 8
ERRORS = {TRUTH: 0.4, STILL: 19.0, WARP: 3.2}
"""Of the rows that every report has, in pixels; of others it goes with their place."""


def made_report(
    where: Path,
    *,
    rows: Sequence[str] = ROWS,
    variants: Sequence[str] = VARIANTS,
    clips: int = 4,
    previews: bool = True,
    metrics: Sequence[str] = NAMES,
    title: str = "Drawn scenes, tracks given",
    fails: Sequence[tuple[str, str]] = (),
    **head: Any,
) -> Results:
    """A report in `where`, read.

    Args:
        where: the report's folder.
        rows: labels; truth, still and warp are what they are called, others are engines.
        variants: numbers of tracks, or any texts.
        clips: how many.
        previews: whether each case has its preview.
        metrics: of the table of metrics.
        title: of the report.
        fails: (row, clip) that failed in every variant.
        head: what else its head says otherwise.
    """
    folder = ReportFolder(where)
    folder.write_head(replace(_head(rows, variants, metrics, title), **head))
    for variant in variants:
        for index in range(clips):
            for place, row in enumerate(rows):
                name = f"clip-{index:02d}"
                if (row, name) in fails:
                    told = "the engine ran out of memory; make --size smaller"
                    folder.write(Measured(row, name, variant, {}, failed=told), {})
                    continue
                _write(folder, (row, place), (name, index), variant, metrics)
                if previews:
                    key = f"{name}@{variant}" if variant else name
                    write_preview(folder.of(row, key) / PREVIEW, place, index)
    return Results(folder)


def write_preview(path: Path, place: int, index: int) -> None:
    """A small video: a square that goes right, its colour the row's, its height the clip's."""
    with VideoWriter(path, (SIDE, SIDE), FPS) as writer:
        for frame in range(FRAMES):
            image = np.full((SIDE, SIDE, 3), 40 + 25 * (index % 6), np.uint8)
            left = 2 + frame * (SIDE - 20) // FRAMES
            top = 4 + 9 * (index % 5)
            image[top : top + 14, left : left + 14] = (
                60 * place % 256,
                220,
                (255 - 40 * place) % 256,
            )
            writer.write(image)


def _head(rows: Sequence[str], variants: Sequence[str], metrics: Sequence[str], title: str) -> Head:
    always = (TRUTH, STILL, WARP)
    return Head(
        suite="procedural-tracks",
        title=title,
        rows=tuple(
            RowHead(row, row if row in always else "unet", {} if row in always else {"steps": 25})
            for row in rows
        ),
        metrics=tuple(METRICS[name].plain() for name in metrics),
        axis="tracks" if len(variants) > 1 else "",
        variants=tuple(variants),
        published=({**PAPER, "variant": variants[min(1, len(variants) - 1)]},),
        about={
            "command": "kineograph bench procedural-tracks --engine unet --out report",
            "protocol": "Motion Prompting (arXiv 2412.02700), section 4.5",
            "size": "256x256",
            "frames": "16",
            "seed": "0",
            "tracker": "flow (default)",
            "date": "2026-11-21",
        },
        missing={"lpips": "it needs alexnet.pth; name its folder with --backbones"},
    )


PAPER = {
    "system": "Motion Prompting",
    "values": {"psnr": 20.1, "epe": 5.62},
    "source": "arXiv 2412.02700, Table 1",
    "note": "other clips and another tracker",
}


def _write(
    folder: ReportFolder,
    row: tuple[str, int],
    clip: tuple[str, int],
    variant: str,
    metrics: Sequence[str],
) -> None:
    (label, place), (name, index) = row, clip
    rng = np.random.default_rng([place, index, *variant.encode()])
    given = float(variant) if variant.replace(".", "", 1).isdigit() else 4.0
    error = ERRORS.get(label, 6.0 + 2 * place)
    error = error if label in (TRUTH, STILL) else error / (1 + given) ** 0.15
    values = _values(error, rng.uniform(0.6, 1.6), rng)
    if label == WARP and index == 0:
        values["psnr"] = nan
    features = {
        f"fid.{part}": rng.normal(shift, 1, (6, 4)).astype(np.float32)
        for part, shift in (("generated", sqrt(error)), ("reference", 0))
    }
    kept = {key: value for key, value in values.items() if key in metrics}
    seconds = None if label == TRUTH else 0.5 + place
    measured = Measured(label, name, variant, kept, seconds, print="made", seen="up")
    folder.write(measured, features if "fid" in metrics else {})


def _values(error: float, luck: float, rng: np.random.Generator) -> dict[str, Any]:
    grows = np.linspace(0.1, 1.9, FRAMES)
    return {
        "psnr": float(min(60, 34 - 4 * np.log1p(error) + rng.normal())),
        "ssim": float(np.clip(0.97 - 0.02 * error * luck, -1, 1)),
        "epe": float(error * luck),
        "delta-average": float(np.exp(-error * luck / 6)),
        "epe-horizon": [float(x) for x in error * luck * grows],
    }

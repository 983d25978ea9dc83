"""Report folders with made-up values, written the way a benchmark writes them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kineograph.evaluation.bench.report_folder import Head, Measured, ReportFolder, RowHead
from kineograph.evaluation.bench.results import Results

EPE = {
    "name": "epe",
    "title": "EPE",
    "what": "mean distance",
    "better": "lower",
    "unit": "px at 256x256",
    "range": [0.0, None],
    "kind": "clip",
    "axis": "",
    "motion": True,
    "least": 1,
    "source": "A paper",
}
PSNR = {**EPE, "name": "psnr", "title": "PSNR", "better": "higher", "unit": "dB", "motion": False}
HORIZON = {**EPE, "name": "epe-horizon", "title": "By horizon", "kind": "curve", "axis": "frame"}
CLIPS = ("bear", "camel", "dog", "goat")
ROWS = (RowHead("truth", "truth"), RowHead("still", "still"), RowHead("warp", "warp"))

Value = Callable[[str, str, str, int], Mapping[str, Any]]


def values(row: str, variant: str, clip: str, index: int) -> Mapping[str, Any]:
    """Still is worst, warp better, ours best; the truth is the floor."""
    epe = {"truth": 0.5, "still": 9.0, "warp": 4.0, "ours": 2.0}[row] + 0.1 * index
    return {"epe": epe, "psnr": 30 - epe, "epe-horizon": [0.0, epe, 2 * epe]}


def report(
    where: Path,
    value: Value = values,
    *,
    clips: Sequence[str] = CLIPS,
    rows: Sequence[RowHead] = (*ROWS, RowHead("ours", "unet", {"steps": 5})),
    variants: Sequence[str] = ("4", "16"),
    **head: Any,
) -> Results:
    """A report of some clips, rows and variants."""
    folder = ReportFolder(where)
    told = Head(
        suite="made-up",
        title="Made up",
        rows=tuple(rows),
        metrics=(EPE, PSNR, HORIZON),
        axis="tracks",
        variants=tuple(variants),
        published=(
            {
                "system": "Theirs",
                "variant": "4",
                "values": {"epe": 1.25},
                "source": "Their paper, Table 1",
                "note": "another tracker",
            },
        ),
        about={"seed": "0", "size": "64x64", "frames": "8", "tracker": "flow", "command": "bench"},
    )
    folder.write_head(replace(told, **head))
    for row in rows:
        for variant in variants:
            for index, clip in enumerate(clips):
                held = value(row.label, variant, clip, index)
                failed = str(held.get("failed", ""))
                held = {} if failed else held
                folder.write(Measured(row.label, clip, variant, held, 1.5, failed=failed), {})
    return Results(folder)


def noisy(shift: float, seed: int, spread: float = 1.0) -> Value:
    """Values in which the row "ours" is better by so much, beside noise of this spread."""

    def value(row: str, variant: str, clip: str, index: int) -> Mapping[str, Any]:
        rng = np.random.default_rng([seed, index, len(variant)])
        base = 10 + np.random.default_rng(index).normal()
        epe = base - (shift if row == "ours" else 0) + spread * rng.normal()
        return {"epe": epe, "psnr": 20.0, "epe-horizon": [epe]}

    return value

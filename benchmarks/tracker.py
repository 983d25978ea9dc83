"""Does the default tracker follow points? TAP-Vid's measures on scenes with exact truth."""

import os
import sys
import time
from pathlib import Path

import numpy as np

from kineograph.core.picture import fit
from kineograph.core.video import Video, open_video
from kineograph.evaluation.metrics.tapvid import TapVid, make_queries, mean_of, tapvid
from kineograph.vision.flow_tracker import FlowTracker
from kineograph.vision.tracker import grid_queries

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from named_scenes import SCENES, scene

POINTS, FRAMES, LONG = 400, 48, 101

CLIPS = ("friday", "car_overhead", "juggle", "dashcam_drive", "stream_of_water")
"""Real videos, from the folder that KINEOGRAPH_CLIPS names."""


def measured(name: str, mode: str, seed: int = 0) -> tuple[TapVid, float]:
    """The measures of one scene, and seconds."""
    made = scene(name, FRAMES, seed)
    truth = made.tracks(POINTS)
    queries = make_queries(truth, mode)
    keep = np.arange(0, len(queries.queries), 1 if mode == "first" else 4)
    asked, true = queries.queries[keep], truth.select(queries.which[keep])
    video = made.video()
    begun = time.perf_counter()
    found = FlowTracker()(video, asked)
    spent = time.perf_counter() - begun
    return tapvid(true, found, asked[:, 0].astype(np.int64), mode), spent


def table(mode: str, seed: int = 0) -> list[str]:
    """One row a scene, and their mean."""
    seen = "textures that its constants were not chosen on" if seed else "development textures"
    lines = [
        f"TAP-Vid `{mode}` queries, {POINTS} points, {FRAMES} frames of 256x256, in percent; "
        f"{seen}.",
        "",
        "| scene | average Jaccard | delta average | within 1 px | occlusion accuracy |",
        "|---|---|---|---|---|",
    ]
    results = []
    for name in SCENES:
        result, _ = measured(name, mode, seed)
        results.append(result)
        lines.append(row(name, result))
    return [*lines, row("**mean**", mean_of(results)), ""]


def row(name: str, result: TapVid) -> str:
    figures = (
        result.average_jaccard,
        result.delta_average,
        result.within[0],
        result.occlusion_accuracy,
    )
    return f"| {name} | " + " | ".join(f"{100 * value:.1f}" for value in figures) + " |"


def drift() -> list[str]:
    """Error after 100 frames of points that are asked for in the first and seen in the last."""
    lines = ["| scene, 101 frames | median error at 25 | at 50 | at 100 | within 1 px at 100 |"]
    lines.append("|---|---|---|---|---|")
    for name in ("pan", "turn", "zoom", "light", "cloth"):
        made = scene(name, LONG)
        start = grid_queries(made.size, 16)
        truth = made.follow(start[:, 1:].astype(np.float64), 0)
        found = FlowTracker()(made.video(), start)
        error = np.linalg.norm(found.points - truth.points, axis=-1)
        told = [f"{np.median(error[truth.visible[:, t], t]):.3f} px" for t in (25, 50, 100)]
        near = (error[truth.visible[:, 100], 100] < 1).mean()
        lines.append(f"| {name} | {' | '.join(told)} | {100 * near:.0f} % |")
    return [*lines, ""]


def speed() -> list[str]:
    """Points a second, over all frames, at two numbers of points."""
    made = scene("pan", FRAMES)
    lines = []
    for across in (16, 32, 64):
        asked = grid_queries(made.size, across)
        begun = time.perf_counter()
        FlowTracker()(made.video(), asked)
        spent = time.perf_counter() - begun
        rate = len(asked) * FRAMES / spent
        lines.append(
            f"- {len(asked)} points, {FRAMES} frames of 256x256: {spent:.1f} s, "
            f"{FRAMES / spent:.1f} frames/s, {rate:,.0f} points/s"
        )
    return [*lines, ""]


def consistency() -> list[str]:
    """On real videos: points tracked to the last frame and back from there, where do they land?"""
    folder = os.environ.get("KINEOGRAPH_CLIPS")
    if not folder:
        return ["Real clips were not measured: KINEOGRAPH_CLIPS is not set."]
    lines = ["| clip, 49 frames | seen in the last | returned: median | within 1 px | 4 px |"]
    lines.append("|---|---|---|---|---|")
    for name in CLIPS:
        found = sorted(Path(folder).glob(f"{name}.*"))
        if found:
            lines.append(f"| {name} | " + " | ".join(there_and_back(found[0])) + " |")
    return lines


def there_and_back(path: Path, frames: int = 49) -> list[str]:
    video = reduced(path, frames)
    asked = grid_queries(video.size, 24)
    there = FlowTracker()(video, asked)
    last = there.visible[:, -1]
    at = np.full((int(last.sum()), 1), frames - 1)
    back = FlowTracker()(video, np.concatenate([at, there.points[last, -1]], axis=1))
    known = back.visible[:, 0]
    missed = np.linalg.norm(back.points[:, 0] - asked[last][:, 1:], axis=1)
    return [
        f"{100 * last.mean():.0f} %",
        f"{np.median(missed):.2f} px",
        f"{100 * (known & (missed < 1)).mean():.0f} %",
        f"{100 * (known & (missed < 4)).mean():.0f} %",
    ]


def reduced(path: Path, frames: int) -> Video:
    """The first frames, at most 512 pixels a side."""
    with open_video(path) as reader:
        factor = min(1.0, 512 / max(reader.size))
        size = (round(reader.size[0] * factor), round(reader.size[1] * factor))
        held = [fit(image, size) for image, _ in zip(reader, range(frames), strict=False)]
        return Video(np.stack(held), reader.fps)


def run() -> list[str]:
    """The section of docs/results.md."""
    scores = [*table("first"), *table("first", seed=1000), *table("strided")]
    return [*scores, *drift(), *speed(), *consistency()]


if __name__ == "__main__":
    print("\n".join(run()))

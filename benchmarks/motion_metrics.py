"""What do the motion metrics say of a perfect video, of a still one and of `warp`?

Procedural scenes of 256x256 with 16 frames, 16 tracks of each asked for, half of the scenes under a
moving camera; for small motions 16 tracks that have one. `truth` is the true video: what the
tracker makes of a perfect answer. `still` is the picture repeated. `warp` is the engine of that
name, which is given the picture and the tracks.
"""

import time
from collections.abc import Mapping

import numpy as np

from kineograph.data.clip import Clip
from kineograph.data.procedural.scene import scene
from kineograph.engines.base import Request
from kineograph.engines.warp import WarpEngine
from kineograph.evaluation.following import Following
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics import camera, epe, horizon, leakage, objmc, subpixel, tapvid
from kineograph.evaluation.sample import Frames, Sample

GENERAL = tuple(m for family in (epe, objmc, tapvid, leakage, camera) for m in family.METRICS)
METRICS: tuple[Metric, ...] = (*GENERAL, *subpixel.METRICS)

CLIPS, SIZE, FRAMES, TRACKS = 8, (256, 256), 16, 16
SEED = 40_000

ROWS = ("truth", "still", "warp")


def case(number: int, *, small: bool) -> tuple[Clip, Request] | None:
    """A scene and what is asked of it; every other one has a moving camera.

    Args:
        number: of the scene.
        small: whether only tracks with a small motion are asked for; None if there are too few.
    """
    truth = scene(SEED + number, size=SIZE, frames=FRAMES, camera=float(number % 2), flow=False)
    assert truth.tracks is not None
    tracks = truth.tracks.select(truth.tracks.visible[:, 0])
    if small:
        begun = Following(tracks, tracks, np.zeros(tracks.count, np.int64))
        tracks = tracks.select(subpixel.small(begun))
    if tracks.count < TRACKS:
        return None
    tracks = tracks.subsample(TRACKS, np.random.default_rng(number))
    picture = truth.video[0]
    return truth, Request(SIZE, FRAMES, truth.fps, picture=picture, tracks=tracks)


def videos(truth: Clip, request: Request) -> Mapping[str, Frames]:
    """The video of each row."""
    return {
        "truth": truth.video,
        "still": np.repeat(truth.video[:1], FRAMES, axis=0),
        "warp": np.stack([frame.image for frame in WarpEngine().generate(request)]),
    }


def run() -> list[str]:
    """The section of docs/results.md."""
    values: dict[str, dict[str, list[float]]] = {m.name: {row: [] for row in ROWS} for m in METRICS}
    curves: dict[str, list[np.ndarray]] = {row: [] for row in ROWS}
    spent = []
    for number, small in ((number, small) for small in (False, True) for number in range(CLIPS)):
        made = case(number, small=small)
        if made is None:
            continue
        for row, frames in videos(*made).items():
            look = Look(Sample(frames, made[1], made[0], f"scene {number}"))
            begun = time.perf_counter()
            for metric in subpixel.METRICS if small else GENERAL:
                values[metric.name][row].append(metric.measure(look))
            if not small:
                spent.append(time.perf_counter() - begun)
                curves[row].append(horizon.epe_horizon(look))
    return [
        *(__doc__ or "").split("\n\n")[1].splitlines(),
        "",
        "| metric | unit | " + " | ".join(ROWS) + " | scenes |",
        "|---" * (len(ROWS) + 3) + "|",
        *[line(metric, values[metric.name]) for metric in METRICS],
        *[at(frame, curves) for frame in (1, 4, 8, FRAMES - 1)],
        "",
        f"All of them on one video, one thread: {np.median(spent):.1f} s (median).",
    ]


def line(metric: Metric, values: Mapping[str, list[float]]) -> str:
    """One metric: the mean over the scenes to which it applies, and how many these are."""
    columns = {row: np.array(values[row]) for row in ROWS}
    counts = {int(np.isfinite(column).sum()) for column in columns.values()}
    said = [mean(column) for column in columns.values()]
    many = " to ".join(str(count) for count in sorted(counts))
    return f"| {metric.name} | {metric.unit} | {' | '.join(said)} | {many} |"


def at(frame: int, curves: Mapping[str, list[np.ndarray]]) -> str:
    """One entry of the curve of EPE."""
    said = [mean(np.array([curve[frame] for curve in curves[row]])) for row in ROWS]
    unit = horizon.METRICS[0].unit
    return f"| epe-horizon, {frame} frames on | {unit} | {' | '.join(said)} | {CLIPS} |"


def mean(column: np.ndarray) -> str:
    """The mean of what was measured; a dash if nothing was."""
    held = column[np.isfinite(column)]
    return f"{held.mean():.3f}" if len(held) else "-"


if __name__ == "__main__":
    print("\n".join(run()))

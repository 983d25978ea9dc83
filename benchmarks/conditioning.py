"""How fast do tracks become what a network reads? Time and memory, against plain loops.

Each row is one clip. "Copies" is the time in units of copying a tensor of the output's size, which
nothing that writes the output can undercut by much; the loop is the plain one that the tests hold
the code to (that of `kineograph` latent propagation on a sixteenth of the tracks, times sixteen).
All on one thread. Memory is the peak above what was held before, output included.
"""

import ctypes
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from kineograph.conditioning.gaussian_propagation import propagate_gaussian
from kineograph.conditioning.identity_volume import draw_ids, identity_embedding, identity_volume
from kineograph.conditioning.latent_propagation import propagate_latent
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.tracks import Tracks

sys.path.append(str(Path(__file__).parents[1] / "tests" / "conditioning"))
from plain_loops import covering_loop, identity_loop, replacing_loop, spots_loop

PART = 16
"""The slowest loop runs on one in so many tracks."""

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Figures(NamedTuple):
    """What was measured of one call."""

    seconds: float
    copy_seconds: float
    output: int
    """Bytes."""
    peak: int | None
    """Bytes; None where the system does not say."""


class Case(NamedTuple):
    """A row: the call, and the same in a loop."""

    name: str
    call: Callable[[], Tensor]
    loop: Callable[[], object] | None
    """None where it would take an hour."""
    share: int = 1
    """The loop has one in so many tracks."""


def drifting(count: int, frames: int, size: tuple[int, int]) -> TrackBatch:
    """Random smooth paths, one in ten points hidden, all seen in the first frame."""
    rng = np.random.default_rng(0)
    start, speed = rng.uniform(0, size, (count, 1, 2)), rng.normal(0, 0.3, (count, 1, 2))
    points = np.clip(start + speed * np.arange(frames)[:, None], 0, np.array(size) - 0.01)
    visible = rng.random((count, frames)) < 0.9
    visible[:, 0] = True
    depth = rng.random(count)[:, None]
    tracks = Tracks.of(points, visible, size=size, fps=16, depth=depth)
    return TrackBatch.of([tracks], frames=frames, size=size)


def fewer(tracks: TrackBatch) -> TrackBatch:
    """Every `PART`-th track."""
    some = slice(None, None, PART)
    depth = None if tracks.depth is None else tracks.depth[:, some]
    return TrackBatch(
        tracks.points[:, some], tracks.state[:, some], tracks.strength[:, some], depth, tracks.size
    )


def held(field: str) -> int:
    """A figure of this process in bytes: VmRSS now, VmHWM at most."""
    line = next(x for x in STATUS.read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) * 1024


def give_back() -> None:
    """Free memory that the allocator keeps goes back to the system, else it would hide a peak."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def measure(call: Callable[[], Tensor], runs: int = 5) -> Figures:
    """Peak memory of a first call, best time of the next, and of copies of what they give."""
    peak = None
    if STATUS.exists() and CLEAR.exists():
        give_back()
        before = held("VmRSS")
        CLEAR.write_text("5")
        call()
        peak = held("VmHWM") - before
    output = call()
    times, copies = [], []
    for _ in range(runs):
        begun = time.perf_counter()
        output = call()
        times.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        output.clone()
        copies.append(time.perf_counter() - begun)
    return Figures(min(times), min(copies), output.nbytes, peak)


def volumes(count: int) -> list[Case]:
    """Motion Prompting's volume and MotionStream's."""
    tracks = drifting(count, 80, (128, 128))
    ids = draw_ids(1, count, generator=torch.Generator().manual_seed(0))
    codes = identity_embedding(ids[0])
    longer = drifting(count, 81, (832, 480))
    name = f"{count:,} tracks"
    return [
        Case(
            f"identity volume, {name}, 80 frames, 128x128x64",
            lambda: identity_volume(tracks, ids=ids),
            lambda: identity_loop(tracks, 0, codes),
        ),
        Case(
            f"the same, folded by 4, {name}, 81 frames, 104x60",
            lambda: identity_volume(longer, ids=ids, stride=8, frames_per_latent=4),
            lambda: identity_loop(longer, 0, codes, 8),
        ),
    ]


def propagations(per_latent: int) -> list[Case]:
    """A latent of 16 channels along 2,500 tracks, four ways."""
    tracks, first = drifting(2500, 81, (832, 480)), torch.randn(1, 16, 60, 104)
    part = fewer(tracks)
    name = f"2,500 tracks, 81 frames, 104x60x16, {per_latent} a latent"
    how = {"frames_per_latent": per_latent}
    latents = [
        Case(
            f"latent propagation, `kineograph`, {name}",
            lambda: propagate_latent(first, tracks, **how).latents,
            lambda: covering_loop(first[0], part, 0, 8, per_latent, None),
            PART,
        ),
        Case(
            f"latent propagation, `wan-move`, {name}",
            lambda: propagate_latent(first, tracks, like="wan-move", **how).latents,
            lambda: replacing_loop(first[0], tracks, 0, 8, per_latent, list(range(2500))),
        ),
    ]
    gaussians = [
        Case(
            f"Gaussian propagation, `{like}`, {name}",
            lambda like=like: propagate_gaussian(first, tracks, like=like, **how).latents,
            None,
        )
        for like in ("kineograph", "ati")
    ]
    return latents + gaussians


def small_spots() -> Case:
    """Gaussian propagation small enough for its loop."""
    tracks, first = drifting(160, 9, (256, 128)), torch.randn(1, 16, 16, 32)
    base = torch.zeros(1, 16, 9, 16, 32)
    return Case(
        "Gaussian propagation, `ati`, 160 tracks, 9 frames, 32x16x16, 1 a latent",
        lambda: propagate_gaussian(first, tracks, like="ati").latents,
        lambda: spots_loop(first[0], tracks, 0, 8, 1, base[0], "ati"),
    )


def row(case: Case) -> str:
    """A line of the table."""
    found = measure(case.call)
    slower = "-"
    if case.loop is not None:
        begun = time.perf_counter()
        case.loop()
        slower = f"{(time.perf_counter() - begun) * case.share / found.seconds:,.0f}x"
    peak = "-" if found.peak is None else f"{found.peak / 1e6:,.0f} MB"
    cells = [
        case.name,
        f"{found.seconds * 1e3:,.0f} ms",
        f"{found.seconds / found.copy_seconds:.1f}",
    ]
    cells += [f"{found.output / found.seconds / 1e9:.2f} GB/s", f"{found.output / 1e6:,.0f} MB"]
    return f"| {' | '.join([*cells, peak, slower])} |"


def run() -> list[str]:
    """The section of docs/results.md."""
    torch.set_num_threads(1)
    cases = [*volumes(16384), *volumes(2000), *propagations(1), *propagations(4), small_spots()]
    head = ["", "time", "copies", "written", "output", "peak memory", "the loop takes"]
    return [
        __doc__.split("\n\n")[1].strip(),
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(row(case) for case in cases),
    ]


if __name__ == "__main__":
    print("\n".join(run()))

"""How many procedural clips a second are there, and how exact is their truth?

Clips of 16 frames of 128x128 with a track at every second pixel; every process has one thread, and
there are as many processes as cores. The first scenes draw the sprites and backgrounds that later
ones find in memory: the same scenes a second time show what a long run comes to.
"""

import multiprocessing
import os
import time

import numpy as np
import torch

from kineograph.data.procedural.scene import Scenes, clips_of
from kineograph.data.procedural.settings import settings_of

CLIPS = 60
"""Clips of each process and case."""

CASES = {
    "tracks, boxes, captions": {"flow": False, "depth": False, "masks": False},
    "all truth": {},
}


def made(job: tuple[int, int, dict, int, str]) -> float:
    """Seconds of one process for its clips, from the number `begin` on."""
    rank, ranks, fields, begin, device = job
    torch.set_num_threads(1)
    scenes = Scenes(settings_of(**fields), seed=1, device=device, rank=rank, ranks=ranks)
    scenes.position = begin
    begun = time.perf_counter()
    for _, clip in zip(range(CLIPS), scenes, strict=False):
        assert clip.tracks is not None
    return time.perf_counter() - begun


def filled(device: str) -> None:
    """What a process does first: torch is loaded, and so is the stock."""
    torch.set_num_threads(1)
    Scenes(device=device)[10**6]


def rates(fields: dict, processes: int) -> tuple[float, float]:
    """Clips a second of all processes together: at first, and once the sprites are in memory."""
    context = multiprocessing.get_context("spawn")
    pools = [context.Pool(1, filled, ("cpu",)) for _ in range(processes)]
    try:
        found = []
        for begin in (0, 0):
            jobs = [(rank, processes, fields, begin, "cpu") for rank in range(processes)]
            running = [
                pool.apply_async(made, (job,)) for pool, job in zip(pools, jobs, strict=True)
            ]
            spent = [each.get() for each in running]
            found.append(processes * CLIPS / max(spent))
        return found[0], found[-1]
    finally:
        for pool in pools:
            pool.terminate()


def batched(batch: int, rounds: int = 4) -> tuple[float, float]:
    """Clips a second on a GPU: with the drawing of worlds, and rendering with all truth alone."""
    scenes = Scenes(seed=1, device="cuda")
    worlds = [scenes.world(i) for i in range(batch)]
    clips_of(worlds, scenes.settings)
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(rounds):
        clips_of([scenes.world(i) for i in range(batch)], scenes.settings)
    whole = time.perf_counter() - begun
    begun = time.perf_counter()
    for _ in range(rounds):
        clips_of(worlds, scenes.settings)
    return rounds * batch / whole, rounds * batch / (time.perf_counter() - begun)


def colour_error(count: int = 40) -> tuple[float, float]:
    """Median and mean change of colour along visible tracks, in levels of 255, without light."""
    scenes = Scenes(settings_of(light=0, shadows=0), seed=2)
    changes = []
    for index in range(count):
        clip = scenes[index]
        assert clip.tracks is not None
        tracks = clip.tracks
        picture = [
            np.pad(x.astype(np.float32), ((1, 1), (1, 1), (0, 0)), "edge") for x in clip.video
        ]
        source = looked(picture[0], tracks.points[:, 0])
        for frame in range(1, clip.frames):
            seen = tracks.visible[:, frame]
            there = looked(picture[frame], tracks.points[seen, frame])
            changes.append(np.abs(there - source[seen]).mean(axis=1))
    every = np.concatenate(changes)
    return float(np.median(every)), float(every.mean())


def looked(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Colours at raster points of a picture that is padded by a pixel, linear between pixels."""
    at = points + 0.5
    corner = np.clip(np.floor(at).astype(int), 0, np.array(picture.shape[1::-1]) - 2)
    part = np.clip(at - corner, 0, 1)
    total = np.zeros((len(points), 3), np.float32)
    for i in (0, 1):
        for j in (0, 1):
            share = np.abs(1 - i - part[:, 0]) * np.abs(1 - j - part[:, 1])
            total += share[:, None] * picture[corner[:, 1] + j, corner[:, 0] + i]
    return total


def run() -> list[str]:
    """The section of docs/results.md."""
    cores = os.cpu_count() or 1
    rows = []
    for name, fields in CASES.items():
        for processes in sorted({1, cores}):
            first, later = rates(fields, processes)
            rows.append(f"| {name} | {processes} | {first:.0f} | {later:.0f} |")
    median, mean = colour_error()
    lines = [
        " ".join(__doc__.split("\n\n")[1].split()),
        "",
        f"| clips with | processes | first {CLIPS}, clips a second | all sprites in memory |",
        "|---|---|---|---|",
        *rows,
        "",
        f"Colour along visible tracks, light off: it changes by {median:.1f} levels of 255 in the "
        f"median and {mean:.1f} in the mean (linear interpolation, edges included).",
    ]
    if torch.cuda.is_available():
        whole, rendering = batched(64)
        lines += [
            "",
            f"On {torch.cuda.get_device_name()}, batches of 64 with all truth, copied to memory: "
            f"{whole:.0f} clips a second, {rendering:.0f} where the worlds are drawn beforehand.",
        ]
    return lines


if __name__ == "__main__":
    print("\n".join(run()))

"""How fast the warp engine is, from a document to a finished file, and what it grows with.

Every row is also given as a ratio to a baseline of the same run: decoding nothing, moving nothing,
only resampling the picture once a frame by a ready-made map and encoding it with the same writer.
No renderer of whole frames can be faster than that.
"""

import resource
import tempfile
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from skimage import data

import kineograph as kg

SIZE = (832, 480)
FRAMES = 49


def picture(size: tuple[int, int]) -> np.ndarray:
    """The demo photograph, stretched to a size."""
    return cv2.resize(data.astronaut(), size, interpolation=cv2.INTER_CUBIC)


def tracks(count: int, size: tuple[int, int], frames: int) -> kg.Tracks:
    """A whole picture that turns, grows and bends, with one object that moves on its own."""
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 1, (count, 2)) * size
    time = np.linspace(0, 1, frames)[None, :, None]
    offset = (start - np.array(size) / 2)[:, None]
    turn = 0.1 * time[..., 0] * np.exp(-(offset**2).sum(axis=2) / (0.3 * size[0]) ** 2)
    cosine, sine = np.cos(turn)[..., None], np.sin(turn)[..., None]
    turned = cosine * offset + sine * offset[..., ::-1] * (-1, 1)
    points = np.array(size) / 2 + turned * (1 + 0.1 * time)
    own = ((start / size - (0.4, 0.4)) ** 2).sum(axis=1) < 0.12**2
    points[own] += time * (0.1 * size[0], -0.04 * size[1])
    return kg.Tracks.of(points, size=size, fps=16).hide_outside()


def seconds(count: int, size: tuple[int, int], frames: int) -> float:
    """Wall time of one document with `count` tracks, expansion and encoding included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kg.write_picture(folder / "photo.png", picture(size))
        tracks(count, size, frames).save(folder / "tracks.npz")
        document = kg.Document.for_picture(folder / "photo.png", frames=frames, fps=16)
        document = document.add(kg.TracksFile(path=str(folder / "tracks.npz")))
        began = perf_counter()
        kg.animate(document).save(folder / "out.mp4")
        return perf_counter() - began


def baseline(size: tuple[int, int], frames: int) -> float:
    """Wall time of resampling and encoding alone."""
    image = picture(size)
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    with tempfile.TemporaryDirectory() as name:
        began = perf_counter()
        with kg.VideoWriter(Path(name) / "out.mp4", size, 16) as writer:
            for frame in range(frames):
                writer.write(cv2.remap(image, x + 0.5 * frame, y, cv2.INTER_CUBIC))
        return perf_counter() - began


def best(measure: Callable[..., float], *arguments: Any, times: int = 3) -> float:
    """The fastest of a few runs: what the machine can do when nothing else disturbs it."""
    return min(measure(*arguments) for _ in range(times))


def peak_memory(frames: int) -> float:
    """Peak resident memory, in MiB, of a process that makes one clip of that many frames."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (frames,))


def _peak(frames: int) -> float:
    seconds(256, (416, 240), frames)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run() -> list[str]:
    """Lines of Markdown."""
    width, height = SIZE
    base, main = best(baseline, SIZE, FRAMES), best(seconds, 2048, SIZE, FRAMES)
    lines = [
        f"`warp` at {width}x{height}, {FRAMES} frames, 2,048 tracks, from document to file: "
        f"**{FRAMES / main:.1f} frames a second** ({main / base:.2f} times the baseline of only "
        f"resampling and encoding, {FRAMES / base:.1f} frames a second).",
        "",
        "| tracks | frames a second | time, of that with 2,048 |",
        "|-|-|-|",
    ]
    for count in (16, 128, 1024, 2048, 4096, 16384):
        took = best(seconds, count, SIZE, FRAMES, times=2)
        lines.append(f"| {count:,} | {FRAMES / took:.1f} | {took / main:.2f} |")
    lines += ["", "| size | frames a second | time a pixel, of that at 832x480 |", "|-|-|-|"]
    for size in ((256, 256), (512, 512), (832, 480), (1280, 720), (1920, 1080)):
        took = best(seconds, 2048, size, FRAMES, times=2)
        pixel = took / (size[0] * size[1]) / (main / (width * height))
        lines.append(f"| {size[0]}x{size[1]} | {FRAMES / took:.1f} | {pixel:.2f} |")
    few, many = peak_memory(49), peak_memory(490)
    lines += [
        "",
        f"Peak memory at 416x240: {few:.0f} MiB for 49 frames, {many:.0f} MiB for 490 "
        f"({many / few:.2f} times).",
    ]
    return lines


if __name__ == "__main__":
    print("\n".join(run()))

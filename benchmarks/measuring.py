"""Are the metrics the same as the usual public ones, and what do they cost beside them?

Everybody is given the same and has to find the same; the largest difference is told. Processor
time of one thread, the best of some rounds in which all take turns, so that whatever else the
machine does falls on all.

SSIM is of one pair of frames in RGB, against scikit-image with its arguments set to Wang et al.'s,
and torchmetrics cut to the windows inside the picture. The Fréchet distance goes from the features
of 2,048 clips, of I3D's and Inception's widths, to the number, against the definition with scipy's
root of a matrix, and torchmetrics. EPE is of 2,048 tracks over 80 frames that have been followed,
against a loop over tracks and frames.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.linalg import sqrtm
from skimage.metrics import structural_similarity
from torch import Tensor, nn
from torchmetrics.functional.image import structural_similarity_index_measure
from torchmetrics.image.fid import FrechetInceptionDistance

from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.data.clip import Clip
from kineograph.engines.base import Request
from kineograph.evaluation.look import Look
from kineograph.evaluation.measuring import measure, metrics_named
from kineograph.evaluation.metrics.epe import epe
from kineograph.evaluation.metrics.frechet import Moments, frechet, frechet_of
from kineograph.evaluation.metrics.ssim import ssim
from kineograph.evaluation.sample import Sample

Ways = Mapping[str, Callable[[], float]]
"""Who measures, ourselves first, and how."""

CLIPS = 2048
COUNTS = (100, 1000)
"""Clips that are scored when memory is measured."""


def run() -> list[str]:
    """The section of docs/results.md."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rows = [
        row("SSIM, 256x256", of_pictures((256, 256)), 10),
        row("SSIM, 1280x720", of_pictures((1280, 720)), 4),
        row(f"Fréchet distance, {CLIPS:,} x 400", of_features(400), 5),
        row(f"Fréchet distance, {CLIPS:,} x 2,048", of_features(2048), 1),
        row("EPE, 2,048 tracks x 80", of_tracks(2048, 80), 5),
    ]
    return [
        *(__doc__ or "").split("\n\n", 1)[1].strip().splitlines(),
        "",
        "| what | Kineograph | others | largest difference |",
        "|---|---|---|---|",
        *rows,
        "",
        *memory(),
    ]


def row(what: str, ways: Ways, rounds: int) -> str:
    """One measure: everybody's time, and how far they are from ours."""
    values = {who: way() for who, way in ways.items()}  # also warms up
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for who, way in ways.items():
            begun = time.process_time()
            way()
            best[who] = min(best[who], time.process_time() - begun)
    (_, ours), *others = best.items()
    found, *theirs = values.values()
    said = ", ".join(f"{who} {length(t)} ({t / ours:.1f}x)" for who, t in others)
    apart = max(abs(value - found) / max(1, abs(found)) for value in theirs)
    return f"| {what} | {length(ours)} | {said} | {apart:.0e} |"


def length(seconds: float) -> str:
    """Seconds, or thousandths of them."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.2f} ms"


def of_pictures(size: tuple[int, int]) -> Ways:
    """SSIM of a picture and the same with noise."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    one = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    other = np.clip(one + rng.normal(0, 12, one.shape), 0, 255).astype(np.uint8)

    def skimage() -> float:
        return structural_similarity(
            one,
            other,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=2,
        )

    def torchmetrics() -> float:
        pair = (torch.from_numpy(x).float().permute(2, 0, 1)[None] for x in (one, other))
        _, places = structural_similarity_index_measure(
            *pair, data_range=255.0, return_full_image=True
        )
        return float(places[..., 5:-5, 5:-5].mean())

    return {"": lambda: ssim(one, other), "scikit-image": skimage, "torchmetrics": torchmetrics}


class AsTheyAre(nn.Module):
    """A network that gives back its features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: Tensor) -> Tensor:
        return features


def of_features(width: int) -> Ways:
    """The Fréchet distance of two sets of features that hang together."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(width, width)) / np.sqrt(width) * np.linspace(2, 0.05, width)
    one, other = (
        (rng.normal(size=(CLIPS, width)) @ x + off).astype(np.float32)
        for x, off in ((mixing, 0), (0.9 * mixing.T, 0.1))
    )

    def scipy() -> float:
        first, second = (np.cov(x.astype(np.float64).T) for x in (one, other))
        apart = one.astype(np.float64).mean(axis=0) - other.astype(np.float64).mean(axis=0)
        root = sqrtm(first @ second).real
        return float(apart @ apart + np.trace(first + second - 2 * root))

    def torchmetrics() -> float:
        theirs = FrechetInceptionDistance(AsTheyAre(width)).set_dtype(torch.float64)
        for features, real in ((one, True), (other, False)):
            theirs.update(torch.from_numpy(features.astype(np.float64)), real=real)
        return float(theirs.compute())

    return {"": lambda: frechet(one, other), "scipy": scipy, "torchmetrics": torchmetrics}


def of_tracks(count: int, frames: int) -> Ways:
    """EPE of tracks and the same with noise."""
    rng, size = np.random.default_rng(0), (256, 256)
    steps = rng.normal(0, 2, (count, frames, 2)).cumsum(axis=1)
    points = (rng.uniform(0, 256, (count, 1, 2)) + steps).astype(np.float32)
    asked = Tracks.of(points, rng.random((count, frames)) < 0.8, size=size, fps=8)

    def shaken(video: Video, queries: np.ndarray) -> Tracks:
        _, which = look.queries
        noise = np.random.default_rng(1).normal(0, 3, (len(which), frames, 2))
        return Tracks.of((points[which] + noise).astype(np.float32), size=size, fps=8)

    black = np.zeros((frames, *size, 3), np.uint8)
    look = Look(Sample(black, Request(size, frames, 8, tracks=asked)), shaken)
    found = look.followed

    def loop() -> float:
        total, held = 0.0, 0
        inside = asked.hide_outside().visible
        for at, (query, track) in enumerate(zip(*look.queries, strict=True)):
            for frame in range(int(query[0]) + 1, frames):
                if inside[track, frame]:
                    apart = found.points[at, frame] - points[track, frame]
                    total += float(np.linalg.norm(apart))
                    held += 1
        return total / held

    return {"": lambda: epe(look), "loop": loop}


def memory() -> list[str]:
    """What scoring some clips and many clips takes at most."""
    peaks = []
    for count in COUNTS:
        told = subprocess.run(
            [sys.executable, __file__, "--score", str(count)],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(told.stdout.split()[-1]))
    few, many = (f"{peak / 1024:.1f} MiB" for peak in peaks)
    return [
        "Memory: clips of 16 frames of 64x64 scored by PSNR and SSIM, each reading, and 400 "
        "features of either video gathered for a Fréchet distance, one after the other in a "
        f"process of its own. Peak with {COUNTS[0]} clips {few}, with {COUNTS[1]:,} {many}: "
        f"{100 * (peaks[1] / peaks[0] - 1):+.1f} %.",
    ]


def score(count: int) -> int:
    """Score so many clips.

    Returns:
        The most memory that this process ever held, in KiB.
    """
    metrics = metrics_named([f"{name}{way}" for name in ("psnr", "ssim") for way in WAYS])
    reading = np.random.default_rng(0).normal(size=(16 * 3, 400)).astype(np.float32)
    gathered: dict[str, Moments] = {}
    for number in range(count):
        rng = np.random.default_rng(number)
        true, made = (rng.integers(0, 256, (16, 64, 64, 3), dtype=np.uint8) for _ in range(2))
        measure(Look(Sample(made, Request((64, 64), 16, 8), Clip(true, 8))), metrics)
        for name, video in (("true", true), ("made", made)):
            part = Moments.of(video.mean(axis=(1, 2)).reshape(1, -1) @ reading)
            gathered[name] = gathered[name].merged(part) if name in gathered else part
    frechet_of(gathered["true"], gathered["made"])
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


WAYS = ("", "-all", "-by-frame")

if __name__ == "__main__":
    if "--score" in sys.argv:
        print(score(int(sys.argv[-1])))
    else:
        print("\n".join(run()))

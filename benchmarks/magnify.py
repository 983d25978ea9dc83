"""How exactly are small motions magnified, and what appears where nothing moves?

A photograph whose left half swings by a known fraction of a pixel at 2 Hz while the right half
stands still, with noise, 8 bits a channel, 30 frames a second.
"""

import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import fourier_shift

import kineograph as kg
from kineograph.engines.magnify import magnify_video
from kineograph.vision.small_motion import SmallMotion, reference_of, small_motion

SIZE, FPS, FRAMES, HZ = (320, 240), 30, 60, 2.0
AMPLITUDES = (0.05, 0.1, 0.2, 0.5)
FACTOR = 16
EDGE = 32
"""Pixels beside the border of the halves and of the picture that are left out of the figures."""


def photograph() -> np.ndarray:
    from skimage import data

    return cv2.resize(data.astronaut(), (320, 320), interpolation=cv2.INTER_AREA)[:240]


def shifted(image: np.ndarray, dx: float) -> np.ndarray:
    """The image moved by `dx` pixels, exactly (in the frequency domain, mirrored around)."""
    wide = np.pad(image.astype(np.float64), ((32, 32), (32, 32), (0, 0)), mode="symmetric")
    moved = [
        np.fft.ifft2(fourier_shift(np.fft.fft2(wide[..., c]), (0.0, dx))).real for c in range(3)
    ]
    return np.stack(moved, axis=2)[32:-32, 32:-32]


def swing(amplitude: float) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * HZ * np.arange(FRAMES) / FPS)


def scene(amplitude: float, noise: float, seed: int = 0) -> np.ndarray:
    """The frames of the video, uint8."""
    rng, still = np.random.default_rng(seed), photograph()
    half = SIZE[0] // 2
    frames = []
    for dx in swing(amplitude):
        frame = still.astype(np.float64)
        frame[:, :half] = shifted(still, dx)[:, :half]
        frame += noise * rng.standard_normal(frame.shape)
        frames.append(np.clip(np.rint(frame), 0, 255).astype(np.uint8))
    return np.stack(frames)


def followed(motion: SmallMotion, amplitude: float) -> tuple[float, float]:
    """The slope of the moving half's motion against the known one; px rms in the still half."""
    moved = motion.displacement - motion.displacement.mean(axis=0)
    x, y = motion.anchors[..., 0], motion.anchors[..., 1]
    inner = (y > EDGE) & (y < SIZE[1] - EDGE)
    left = inner & (x > EDGE) & (x < SIZE[0] / 2 - EDGE)
    right = inner & (x > SIZE[0] / 2 + EDGE) & (x < SIZE[0] - EDGE)
    weight = motion.weight.mean(axis=0)[left]
    mean = (moved[:, left, 0] * weight).sum(axis=1) / weight.sum()
    known = swing(amplitude)
    return float(mean @ known / (known @ known)), rms(moved[:, right])


def rms(vectors: np.ndarray) -> float:
    return float(np.sqrt((vectors**2).sum(axis=-1).mean()))


def psnr(frames: np.ndarray, amplitude: float) -> float:
    """Against the photograph really moved `FACTOR` times as far, within the moving half."""
    still = photograph()
    window = np.s_[EDGE:-EDGE, EDGE : SIZE[0] // 2 - EDGE]
    truth = np.stack([shifted(still, FACTOR * dx)[window] for dx in swing(amplitude)])
    error = np.stack([frame[window] for frame in frames]) - truth
    return float(10 * np.log10(255**2 / (error**2).mean()))


def measure(amplitude: float, noise: float, place: Path, **settings: object) -> list[str]:
    video = kg.Video(scene(amplitude, noise), FPS)
    video.save(place)
    video = kg.read_video(place)
    made = magnify_video(place, factor=FACTOR, **settings)
    frames = np.stack(list(made))
    after = small_motion(kg.Video(frames, FPS), reference=made.reference)
    gain, still = followed(after, amplitude)
    before = small_motion(video, reference=made.reference)
    held, idle = followed(before, amplitude)
    paper = magnify_video(place, factor=FACTOR, engine="warp", **settings)
    return [
        f"{amplitude:g} px",
        f"{noise:g}",
        " ".join(f"{k}={v}" for k, v in settings.items()) or "-",
        f"{made.motion.gain:.2f}",
        f"**{gain:.2f}**",
        f"{gain / held:.2f}",
        f"{idle:.3f}",
        f"{still:.3f}",
        f"{psnr(frames, amplitude):.1f} dB",
        f"{psnr(np.stack(list(paper)), amplitude):.1f} dB",
    ]


def run() -> list[str]:
    """The section of docs/results.md."""
    head = [
        "motion",
        "noise (of 255)",
        "options",
        "gain told",
        "gain against the truth",
        "against the file",
    ]
    head += ["still half before, px rms", "after, px rms", "PSNR", "PSNR, first frame warped"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for noise in (0, 2):
            for amplitude in AMPLITUDES:
                rows.append(measure(amplitude, noise, Path(folder) / f"frames{len(rows)}"))
        rows.append(measure(0.1, 2, Path(folder) / "band", band=(1, 4)))
        rows.append(measure(0.1, 2, Path(folder) / "compensated", compensate=True))
        rows.append(measure(0.1, 2, Path(folder) / "restless", calm=False))
        for amplitude in AMPLITUDES[1:]:
            rows.append(measure(amplitude, 2, Path(folder) / f"coded{len(rows)}.mp4"))
            rows[-1][2] = "H.264"
    table = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return [
        f"{__doc__.split(chr(10) * 2)[1].strip()} It is magnified {FACTOR} times. The gain "
        "is the slope of the output's motion, registered anew, against the known one, and against "
        "what is left of it in the file: 8 bits and H.264 swallow some. "
        "PSNR is against the photograph really moved so far, noise included, and beside it that of "
        "the first frame moved by the `warp` engine.",
        "",
        *table,
        "",
        *speed(),
    ]


def speed() -> list[str]:
    frames = scene(0.1, 2)
    video = kg.Video(np.stack([cv2.resize(frame, (640, 480)) for frame in frames[:20]]), FPS)
    begun = time.perf_counter()
    reference = reference_of(video)
    small_motion(video, reference=reference)
    took = time.perf_counter() - begun
    return [f"Measuring 640x480: {len(video) / took:.1f} frames a second."]


if __name__ == "__main__":
    print("\n".join(run()))

"""How long a clip of `mini` takes, from the command to the file."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mini_plan import MINI, Plan
from skimage import data

import kineograph as kg

STEPS, SIZES = (1, 2, 4, 8), (128, 256, 512)
FRAMES, RATE = 16, 16
CORES = 2
ROUNDS = 2


def seconds(photo: Path, folder: Path, model: Path, *options: str) -> float:
    """The shorter time of two runs of the command, in seconds."""
    command = [
        sys.executable, "-m", "kineograph", "animate", str(photo), "--engine", MINI,
        "--set", f"model={model}", "--frames", str(FRAMES), "--fps", str(RATE),
        "--drag", "44%,21% > 50%,23% radius=45", "-o", str(folder / "out.mp4"), "-q", *options,
    ]  # fmt: skip
    threads = {"OMP_NUM_THREADS": str(CORES)}
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        subprocess.run(command, check=True, env={**os.environ, **threads})
        taken.append(time.perf_counter() - begun)
    return min(taken)


def devices() -> tuple[str, ...]:
    """The processor, and a GPU if there is one."""
    import torch

    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def speed(plan: Plan) -> list[str]:
    """The section."""
    if plan.model is None:
        return ["Not measured: there is no model of `mini`."]
    lines = [
        f"`kineograph animate --engine mini`, {FRAMES} frames, from the command to the file, model "
        f"loaded anew each time; the best of {ROUNDS}, {CORES} threads.",
        "",
        "| computed on | size | steps | seconds a clip |",
        "|-|-|-|-|",
    ]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        kg.write_picture(folder / "photo.png", data.astronaut())
        for device in devices():
            for size, steps in cases():
                options = ["--size", f"{size}x{size}", "--set", f"device={device}"]
                options += [] if steps is None else ["--set", f"steps={steps}"]
                taken = seconds(folder / "photo.png", folder, plan.model, *options)
                said = "as shipped" if steps is None else str(steps)
                lines.append(f"| {device} | {size}x{size} | {said} | {taken:.1f} |")
    return lines


def cases() -> list[tuple[int, int | None]]:
    """(size, steps): all steps at the middle size, what is shipped at the other sizes."""
    return [(256, steps) for steps in STEPS] + [(size, None) for size in SIZES]

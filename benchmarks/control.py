"""What does the track ControlNet cost, against the nearest thing that diffusers has?

A denoising step with classifier-free guidance (two clips at once) of a motion U-Net with the track
ControlNet, against a step of diffusers' `AnimateDiffSparseControlNetPipeline`: the same base, the
same sizes, the same scheduler, random weights, in turns within one run.

`python benchmarks/control.py --full` measures Stable Diffusion 1.5's widths at 16x512x512 on a GPU,
in half precision, plain and with the repeated blocks compiled.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from diffusers import (
    AnimateDiffSparseControlNetPipeline,
    AutoencoderKL,
    DDIMScheduler,
    SparseControlNetModel,
    UNetMotionModel,
)
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.resnet import ResnetBlock2D
from diffusers.utils import logging
from PIL import Image
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.tracks import Tracks
from kineograph.models.condition import Condition
from kineograph.models.control.sparse_network import network_for
from kineograph.models.control.track_control import TrackControl
from kineograph.models.denoiser import Denoiser
from kineograph.models.given import Given

GUIDANCE, TRACKS = 7.5, 1024


@dataclass(frozen=True)
class Case:
    """What is measured, and where."""

    widths: tuple[int, ...]
    text: tuple[int, int]
    """Tokens, and their width."""
    pixels: int
    frames: int = 16
    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    steps: int = 3
    """Steps a run; the first is left out."""
    runs: int = 4

    @property
    def cells(self) -> int:
        return self.pixels // 8

    def put(self, network: nn.Module) -> nn.Module:
        return network.to(self.device, self.dtype).eval().requires_grad_(False)


SMALL = Case((64, 128), (77, 128), 128)
FULL = Case((320, 640, 1280, 1280), (77, 768), 512, device="cuda", dtype=torch.float16, steps=8)


def motion_unet(case: Case) -> UNetMotionModel:
    """A motion U-Net of version 3's make: no motion layer in the middle."""
    crossed = len(case.widths) - 1
    return case.put(
        UNetMotionModel(
            sample_size=case.cells,
            block_out_channels=case.widths,
            down_block_types=("CrossAttnDownBlockMotion",) * crossed + ("DownBlockMotion",),
            up_block_types=("UpBlockMotion",) + ("CrossAttnUpBlockMotion",) * crossed,
            cross_attention_dim=case.text[1],
            use_motion_mid_block=False,
        )
    )


def autoencoder(case: Case) -> AutoencoderKL:
    """Small, of stride 8; it is used once, before the steps."""
    return case.put(
        AutoencoderKL(
            block_out_channels=(32,) * 4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=1,
        )
    )


def scheduler() -> DDIMScheduler:
    return DDIMScheduler(beta_schedule="linear", clip_sample=False, steps_offset=1)


def clip(case: Case) -> Given:
    """A clip with random walks as tracks."""
    size, random = (case.pixels, case.pixels), np.random.default_rng(0)
    steps = random.normal(0, 2, (TRACKS, case.frames, 2)).cumsum(axis=1)
    points = (random.uniform(0, case.pixels, (TRACKS, 1, 2)) + steps).astype(np.float32)
    walks = Tracks.of(points, size=size, fps=8.0)
    return Given(
        batch=1,
        frames=case.frames,
        size=size,
        tracks=TrackBatch.of([walks], frames=case.frames, size=size),
        generator=torch.Generator().manual_seed(0),
    )


def stamp(case: Case) -> float:
    """Seconds; on a processor its own time, which other programs do not lengthen."""
    if case.device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


Run = Callable[[], list[float]]
"""Denoises once and gives the time of each step but the first, in seconds."""


def theirs(case: Case, base: UNetMotionModel, latents: Tensor, words: Tensor) -> Run:
    """The pipeline of diffusers, its SparseCtrl for pictures; frame 0 is given."""
    network = SparseControlNetModel(**network_for(base.config, "rgb"))
    pipeline = AnimateDiffSparseControlNetPipeline(
        autoencoder(case), None, None, base, None, case.put(network), scheduler()
    )
    pipeline.set_progress_bar_config(disable=True)
    picture = Image.new("RGB", (case.pixels, case.pixels), "gray")

    def run() -> list[float]:
        stamps: list[float] = []

        def note(_pipe: object, _step: int, _time: object, held: dict) -> dict:
            stamps.append(stamp(case))
            return held

        pipeline(
            prompt_embeds=words[1:],
            negative_prompt_embeds=words[:1],
            latents=latents,
            num_frames=case.frames,
            height=case.pixels,
            width=case.pixels,
            num_inference_steps=case.steps,
            guidance_scale=GUIDANCE,
            conditioning_frames=[picture],
            controlnet_frame_indices=[0],
            output_type="latent",
            callback_on_step_end=note,
        )
        return np.diff(stamps).tolist()

    run.network = network  # type: ignore[attr-defined]
    return run


def ours(case: Case, base: UNetMotionModel, latents: Tensor, words: Tensor, each: bool) -> Run:
    """The same loop with the track ControlNet: at each step, or once a clip."""
    adapter = TrackControl.for_base(base, reads_time=each, reads_text=each)
    network = Denoiser(base, {"tracks": case.put(adapter)})
    given, plan = clip(case), scheduler()

    @torch.no_grad()
    def run() -> list[float]:
        x, stamps = latents, []
        conditions: dict[str, Condition] = {"tracks": adapter.condition(given).repeat(2)}
        plan.set_timesteps(case.steps, device=case.device)
        for step in plan.timesteps:
            both = plan.scale_model_input(torch.cat([x, x]), step)
            without, told = network(both, step, words, conditions).chunk(2)
            x = plan.step(without + GUIDANCE * (told - without), step, x).prev_sample
            stamps.append(stamp(case))
        return np.diff(stamps).tolist()

    run.network = adapter  # type: ignore[attr-defined]
    return run


def bare(case: Case, base: UNetMotionModel, latents: Tensor, words: Tensor) -> Run:
    """The base alone, for what the ControlNets add to."""
    network, plan = Denoiser(base), scheduler()

    @torch.no_grad()
    def run() -> list[float]:
        x, stamps = latents, []
        plan.set_timesteps(case.steps, device=case.device)
        for step in plan.timesteps:
            without, told = network(torch.cat([x, x]), step, words).chunk(2)
            x = plan.step(without + GUIDANCE * (told - without), step, x).prev_sample
            stamps.append(stamp(case))
        return np.diff(stamps).tolist()

    return run


def measured(case: Case, compiled: bool = False) -> dict[str, list[float]]:
    """Seconds a step of each, in turns, after one run to warm up."""
    logging.set_verbosity_error()
    if case.device == "cpu":
        torch.set_num_threads(1)
    drawn = torch.Generator().manual_seed(0)
    base = motion_unet(case)
    shape = (1, 4, case.frames, case.cells, case.cells)
    latents = torch.randn(shape, generator=drawn).to(case.device, case.dtype)
    words = torch.randn(2, *case.text, generator=drawn).to(case.device, case.dtype)
    runs = {
        "diffusers: motion U-Net and SparseCtrl": theirs(case, base, latents, words),
        "Kineograph: motion U-Net and track ControlNet": ours(case, base, latents, words, True),
        "Kineograph, residuals once a clip": ours(case, base, latents, words, False),
        "motion U-Net alone": bare(case, base, latents, words),
    }
    if compiled:
        for network in (base, *(run.network for run in runs.values() if hasattr(run, "network"))):
            compile_blocks(network)
    found: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(case.runs + 1):
        for name, run in runs.items():
            spent = run()
            found[name] += spent if turn else []
    return found


def arithmetic(case: Case) -> list[str]:
    """Multiplications and additions of a step by shapes alone, in TFLOP."""
    rows, first = [], 0.0
    with torch.device("meta"):
        base = motion_unet(replace(case, device="meta", dtype=torch.float32))
        network = SparseControlNetModel(**network_for(base.config, "rgb"))
        adapter = TrackControl.for_base(base)
        grid = (case.frames, case.cells, case.cells)
        x, words, time_ = torch.empty(2, 4, *grid), torch.empty(2, *case.text), torch.empty(2)
        hint = {"tracks": Condition(hint=torch.empty(2, case.widths[0], *grid))}
        each = words.repeat_interleave(case.frames, 0)
        picture, mask = torch.empty(2, 4, *grid), torch.empty(2, 1, *grid)
        steps: dict[str, Callable[[], object]] = {
            "motion U-Net": lambda: Denoiser(base)(x, time_, words),
            "SparseCtrl": lambda: network(x, time_, each, picture, conditioning_mask=mask),
            "track ControlNet": lambda: adapter.residuals(hint["tracks"], time_, words),
        }
        for name, step in steps.items():
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                step()
            total = counter.get_total_flops() / 1e12
            first = first or total
            rows.append(f"| {name} | {total:.3f} | {total / first:.3f} |")
    return ["| by shapes alone | TFLOP | of the U-Net's |", "|---|---|---|", *rows]


def compile_blocks(network: nn.Module) -> None:
    """Compile what is repeated: attention blocks and residual blocks, not the whole."""
    # each width at each level is a shape of its own, and beyond the limit nothing is compiled
    torch._dynamo.config.recompile_limit = 128
    for module in network.modules():
        if isinstance(module, BasicTransformerBlock | ResnetBlock2D):
            module.compile(dynamic=False)


def table(found: dict[str, list[float]]) -> list[str]:
    """Times and what they are of the first row's."""
    first = next(iter(found.values()))
    rows = [
        f"| {name} | {min(spent) * 1000:.1f} | {np.median(spent) * 1000:.1f} | "
        f"{min(spent) / min(first):.3f} | {np.median(spent) / np.median(first):.3f} |"
        for name, spent in found.items()
    ]
    head = "| a step of | best, ms | median, ms | ratio of the best | ratio of the medians |"
    return [head, "|---|---|---|---|---|", *rows]


def said(case: Case) -> str:
    kind = str(case.dtype).removeprefix("torch.")
    return (
        f"channels {list(case.widths)}, {case.frames} frames of {case.pixels}x{case.pixels}, "
        f"two clips at once, {TRACKS} tracks, {kind}, {case.runs} runs of {case.steps - 1} steps "
        "each, in turns"
    )


def run(case: Case = SMALL) -> list[str]:
    """The section of docs/results.md."""
    return [
        " ".join(__doc__.split("\n\n")[1].split()),
        "",
        f"Sizes: {said(case)}; processor time of one thread.",
        "",
        *table(measured(case)),
        "",
        f"The same sizes, and Stable Diffusion 1.5's at {FULL.frames}x{FULL.pixels}x{FULL.pixels}:",
        "",
        *arithmetic(case),
        "",
        *arithmetic(FULL),
    ]


def full() -> list[str]:
    """Both tables of a GPU."""
    if not torch.cuda.is_available():
        sys.exit("--full needs a CUDA device; without it the small sizes are measured")
    lines = [f"Sizes: {said(FULL)}; {torch.cuda.get_device_name()}.", ""]
    for compiled in (False, True):
        title = "repeated blocks compiled" if compiled else "not compiled"
        lines += [f"{title}:", "", *table(measured(FULL, compiled)), ""]
    return lines


if __name__ == "__main__":
    print("\n".join(full() if "--full" in sys.argv[1:] else run()))

"""Videos by the network as it is now, made as engine `unet` makes them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from kineograph.data.clip import Clip
from kineograph.engines.base import Request
from kineograph.engines.diffusion.device import Place
from kineograph.engines.diffusion.generation import Generation
from kineograph.engines.diffusion.model import Model
from kineograph.engines.unet import UnetSettings
from kineograph.evaluation.tracking import Frames
from kineograph.models.denoiser import Denoiser
from kineograph.models.text import TextEncoder
from kineograph.training.chance import chance_kept
from kineograph.training.stage import Probe, Stage
from kineograph.training.subject import Subject

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(eq=False)
class Live(Model):
    """A model of engine `unet` around networks that are being trained."""

    live: Denoiser | None = None
    """The denoiser that is used as it is; a new one would take its gates away."""

    def __post_init__(self) -> None:
        assert self.live is not None
        self.denoiser = self.live

    @staticmethod
    def around(subject: Subject) -> "Live":
        """The model of a subject, predicting what its stage trains; nothing is copied."""
        base = subject.trained_base
        place = Place(base.device, base.dtype, "")
        adapters = {**base.adapters, **subject.adapters}
        settings = UnetSettings(model=base.name)
        return Live(base, adapters, place, settings, subject.denoiser)


def request_of(clip: Clip, subject: Subject, seed: int) -> Request:
    """What a clip's truth asks of the networks: all that they read, and the caption.

    The picture is given only if the stage gives it in training. A caption longer than the text
    encoder reads loses its last words.
    """
    sampling, adapters = subject.stage.sampling, {**subject.base.adapters, **subject.adapters}
    reads = frozenset[str]().union(*(held.reads for held in adapters.values()))
    pictured = is_pictured(subject.stage)
    return Request(
        size=clip.size,
        frames=clip.frames,
        fps=clip.fps,
        picture=clip.video[0] if pictured else None,
        text=_cut(clip.caption, subject.base.text),
        seed=seed,
        tracks=clip.tracks if "tracks" in reads and sampling.tracks != "none" else None,
        boxes=clip.boxes if "boxes" in reads else None,
    )


def is_pictured(stage: Stage) -> bool:
    """Whether a stage's videos begin with the picture that is given."""
    return stage.sampling.picture == "first" and stage.temporal


def generate(subject: Subject, request: Request, probe: Probe) -> Frames:
    """The video that the networks make of a request.

    As the engine would, with the noise schedule that the stage trains with and in its numbers. The
    request's seed decides the noise; torch's own chance is left as it was.

    Args:
        subject: what is trained.
        request: what is asked.
        probe: says how many steps, and what guidance.

    Raises:
        EngineError: the guidance is none.
    """
    with torch.no_grad(), chance_kept(), precision(subject):
        settings = UnetSettings(
            model=subject.base.name,
            steps=probe.steps,
            guidance=probe.guidance,
            # Without motion layers the folder's own schedule is trained with.
            noise_schedule="auto" if subject.stage.temporal else "model",
            window=None if subject.stage.temporal else max(2, request.frames),
        )
        made = Generation(Live.around(subject), request, settings)
        return np.stack([frame.image for frame in made.frames()])


def precision(subject: Subject) -> AbstractContextManager[object]:
    """The mixed precision that a stage trains in."""
    half = HALVES.get(subject.stage.precision)
    return nullcontext() if half is None else torch.autocast(subject.base.device.type, half)


@contextmanager
def evaluating(subject: Subject) -> Iterator[None]:
    """Inside, no layer drops anything; afterwards every network is in the mode it was in."""
    networks = [*subject.base.networks.values(), subject.denoiser]
    before = {module: module.training for network in networks for module in network.modules()}
    for network in networks:
        network.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


def _cut(text: str, encoder: TextEncoder) -> str:
    words = text.split()
    while words and encoder.count(" ".join(words)) > encoder.length - 2:
        words.pop()
    return " ".join(words)

"""Running the probes of a stage: a fixed set of clips, generated and measured."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kineograph.core.errors import TrainingError
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip
from kineograph.engines.base import Request
from kineograph.evaluation.followable import endpoint_error, followable, still_error
from kineograph.evaluation.metrics.boxes import box_overlap, still_overlap
from kineograph.evaluation.metrics.direction import agreement
from kineograph.evaluation.metrics.psnr import psnr
from kineograph.evaluation.scale import UNIT
from kineograph.evaluation.tracking import Frames
from kineograph.models import vae
from kineograph.training.probes.generating import evaluating, generate, is_pictured, request_of
from kineograph.training.probes.measured import Measured
from kineograph.training.probes.measuring_loss import fixed_loss
from kineograph.training.probes.measuring_loss_ratio import loss_ratios
from kineograph.training.probes.probe_clips import SEED, probe_clips
from kineograph.training.samples import FOLDER, Sample, write_samples
from kineograph.training.stage import Probe
from kineograph.training.subject import Subject

UNITS: Mapping[str, str] = {
    "epe": UNIT,
    "picture": "dB",
}
"""Of the measures that are no pure numbers."""

TRUE, STILL, CODED = "true video", "still", "autoencoder"
"""What stands beside a measurement; see `Measured`."""


class Probing:
    """Measures networks on the same clips every time, and keeps what they made.

    Args:
        data: a recipe's data; where it is procedural scenes, probes use scenes of the same kind.
        folder: of the stage, for sample videos; None writes none.
    """

    def __init__(
        self, data: Mapping[str, Any] | None = None, folder: Path | str | None = None
    ) -> None:
        self.data = dict(data or {})
        self.folder = None if folder is None else Path(folder)
        self._clips: dict[str, tuple[Clip, ...]] = {}
        self._beside: dict[str, dict[str, float]] = {}

    def __call__(
        self, probes: Sequence[Probe], subject: Subject, step: int
    ) -> tuple[Measured, ...]:
        """Measure each of some probes. Weights, modes and chance are as they were afterwards.

        Probes that generate the same videos share them.

        Args:
            probes: what is measured.
            subject: what is trained, at the weights to measure: its averages, if there are any.
            step: how many steps have been trained.

        Raises:
            TrainingError: there is nothing to measure in the clips, or the networks cannot be
                sampled.
        """
        made: dict[str, list[tuple[Clip, Request, Frames]]] = {}
        said: dict[str, list[tuple[Probe, Measured]]] = {}
        found = []
        with evaluating(subject):
            for probe in probes:
                if probe.measure in ("loss", "loss-ratio"):
                    of = self._loss if probe.measure == "loss" else self._loss_ratio
                    found.append(of(probe, subject, step))
                    continue
                key = self._key(probe, subject)
                if key not in made:
                    made[key] = self._made(probe, subject)
                found.append(self._measured(probe, subject, step, made[key]))
                said.setdefault(key, []).append((probe, found[-1]))
        for key, results in said.items():
            self._write(step, made[key], results)
        return tuple(found)

    def clips(self, probe: Probe, subject: Subject) -> tuple[Clip, ...]:
        """The clips of a probe; always the same."""
        key = self._key(probe, subject)
        if key not in self._clips:
            self._clips[key] = probe_clips(subject.stage, probe.clips, self.data)
        return self._clips[key]

    def _key(self, probe: Probe, subject: Subject) -> str:
        """What decides the videos of a probe."""
        same = [probe.clips, probe.steps, probe.guidance, subject.stage.name]
        return json.dumps(same, default=str)

    def _made(self, probe: Probe, subject: Subject) -> list[tuple[Clip, Request, Frames]]:
        if subject.stage.trains == ("vae",):
            return [_coded(clip, subject) for clip in self.clips(probe, subject)]
        made = []
        for index, clip in enumerate(self.clips(probe, subject)):
            request = request_of(clip, subject, SEED + index)
            made.append((clip, request, generate(subject, request, probe)))
        return made

    def _loss(self, probe: Probe, subject: Subject, step: int) -> Measured:
        values = [
            fixed_loss(subject, clip, probe.steps, SEED + index)
            for index, clip in enumerate(self.clips(probe, subject))
        ]
        return Measured("loss", step, tuple(values), probe.better)

    def _loss_ratio(self, probe: Probe, subject: Subject, step: int) -> Measured:
        curves = [
            loss_ratios(subject, clip, probe.steps, SEED + index)
            for index, clip in enumerate(self.clips(probe, subject))
        ]
        means = [_mean(list(curve.values())) for curve in curves]
        beside = {f"at {place:.3g}": _mean([c[place] for c in curves]) for place in curves[0]}
        values = tuple(value for value in means if not np.isnan(value))
        return Measured("loss-ratio", step, values, probe.better, beside=beside)

    def _measured(
        self,
        probe: Probe,
        subject: Subject,
        step: int,
        made: Sequence[tuple[Clip, Request, Frames]],
    ) -> Measured:
        pictured = is_pictured(subject.stage)
        values = [_value(probe.measure, frames, clip, pictured) for clip, _, frames in made]
        key = f"{probe.measure} {self._key(probe, subject)}"
        if key not in self._beside:
            clips = [clip for clip, _, _ in made]
            self._beside[key] = _beside(probe.measure, clips, subject, pictured)
        return Measured(
            measure=probe.measure,
            step=step,
            clips=tuple(value for value in values if not np.isnan(value)),
            better=probe.better,
            unit=UNITS.get(probe.measure, ""),
            beside=self._beside[key],
        )

    def _write(
        self,
        step: int,
        made: Sequence[tuple[Clip, Request, Frames]],
        results: Sequence[tuple[Probe, Measured]],
    ) -> None:
        if self.folder is None or not _is_main():
            return
        measures = [measured for _, measured in results]
        samples = [
            Sample(clip, request, frames, _said(measures, index, len(made)))
            for index, (clip, request, frames) in enumerate(made)
        ]
        name = "-".join(measured.measure for measured in measures)
        write_samples(self.folder / FOLDER / f"{step:06d}-{name}.mp4", samples)


def run_probes(probes: Sequence[Probe], subject: Subject, step: int) -> tuple[Measured, ...]:
    """What some probes find now, on general procedural scenes; nothing is written. See `Probing`.

    Raises:
        TrainingError: see `Probing`.
    """
    return Probing()(probes, subject, step)


@lru_cache(64)
def points_of(clip: Clip) -> Tracks:
    """The tracks of a clip that are measured.

    Raises:
        TrainingError: it has none.
    """
    if clip.tracks is None:
        raise TrainingError("the probe epe needs tracks; choose another measure, or other data")
    return followable(clip.video, clip.tracks)


def _value(measure: str, frames: Frames, clip: Clip, pictured: bool) -> float:
    if measure == "epe":
        return endpoint_error(frames, points_of(clip))
    if measure == "box-iou":
        known = clip.boxes is not None
        return box_overlap(frames, clip, pictured=pictured) if known else float("nan")
    if measure == "direction":
        return agreement(frames, clip, pictured=pictured)
    return psnr(frames[0], clip.video[0])


def _beside(
    measure: str, clips: Sequence[Clip], subject: Subject, pictured: bool
) -> dict[str, float]:
    """What a measurement is held against: the measure's own floor, and a video that rests."""
    if measure == "picture":
        coded = [psnr(_back(clip.video[:1], subject)[0], clip.video[0]) for clip in clips]
        return {CODED: _mean(coded)}
    beside = {TRUE: _mean([_value(measure, clip.video, clip, pictured) for clip in clips])}
    if measure == "epe":
        beside[STILL] = _mean([still_error(points_of(clip)) for clip in clips])
    elif measure == "box-iou":
        beside[STILL] = _mean(
            [still_overlap(clip, pictured=pictured) for clip in clips if clip.boxes]
        )
    return beside


def _coded(clip: Clip, subject: Subject) -> tuple[Clip, Request, Frames]:
    """A clip that went through the autoencoder, where that is what trains."""
    request = Request(size=clip.size, frames=clip.frames, fps=clip.fps, text=clip.caption)
    return clip, request, _back(clip.video, subject)


@torch.no_grad()
def _back(video: Frames, subject: Subject) -> Frames:
    """Frames to latents and back."""
    coder = subject.base.vae
    pictures = vae.to_pictures(torch.from_numpy(video.copy())).to(coder.device)
    latents = vae.encode(coder, pictures)
    parts = vae.decode(coder, latents.transpose(0, 1)[None])
    return np.asarray(torch.cat([part[0] for part in parts]).numpy())


def _mean(values: Sequence[float]) -> float:
    held = [value for value in values if not np.isnan(value)]
    return float(np.mean(held)) if held else float("nan")


def _said(measures: Sequence[Measured], index: int, count: int) -> str:
    """What was measured of one clip."""
    held = [
        f"{measured.measure} {measured.clips[index]:.3g} {measured.unit}".rstrip()
        for measured in measures
        if len(measured.clips) == count
    ]
    return ", ".join(held)


def _is_main() -> bool:
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0

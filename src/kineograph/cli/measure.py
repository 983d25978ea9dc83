"""`kineograph measure`: one video against what was asked of it, and against the true one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kineograph.cli.looking import (
    Align,
    Backbone,
    Device,
    Metrics,
    Tracker,
    Weights,
    alignment,
    eyes,
    names,
)
from kineograph.cli.options import AllowOutside, Quiet, UsageError
from kineograph.cli.talk import Talk

if TYPE_CHECKING:
    from kineograph.core.video import Video
    from kineograph.engines.base import Request
    from kineograph.evaluation.eyes import Eyes
    from kineograph.evaluation.metric import Metric
    from kineograph.evaluation.sample import Sample

ASKED = "What was asked"


def measure(
    video: Annotated[
        Path, typer.Argument(metavar="VIDEO", help="What is measured.", show_default=False)
    ],
    truth: Annotated[
        Path | None,
        typer.Option(metavar="VIDEO", help="The true video, to hold it against."),
    ] = None,
    motion: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The motion document it was asked by (default: the one that the video carries).",
            rich_help_panel=ASKED,
        ),
    ] = None,
    tracks: Annotated[
        Path | None,
        typer.Option(
            metavar="NPZ", help="The tracks it was asked to follow.", rich_help_panel=ASKED
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(metavar="NPZ", help="The boxes it was asked to fill.", rich_help_panel=ASKED),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The text it was asked to show.", rich_help_panel=ASKED),
    ] = None,
    metrics: Metrics = None,
    align: Align = None,
    weights: Weights = None,
    backbone: Backbone = None,
    tracker: Tracker = None,
    device: Device = "cpu",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="JSON", help="Write the values as JSON."),
    ] = None,
    allow_outside: AllowOutside = False,
    quiet: Quiet = False,
) -> None:
    """Measure a video: does it do what it was asked to, and how like is it to the true one?

    Beside its values stand those of the true video itself, which are the measure's own noise floor,
    and of a video in which nothing moves. Left to itself, every metric is measured that there is
    enough for.

    [dim]kineograph measure out.mp4[/dim] measures a video of Kineograph against its own request.
    """
    from kineograph.core.video import read_video
    from kineograph.evaluation.measuring import metrics_named, unmeasurable

    talk, looks = Talk(quiet), eyes(weights, backbone, tracker, device)
    held = read_video(video)
    asked = _asked(video, held, motion, allow_outside)
    asked = _told(asked, tracks, boxes, text)
    samples = _samples(video, held, asked, truth, align)
    if metrics:
        chosen = metrics_named(names(metrics))
        _refuse_sets(chosen)
    else:
        chosen = _measurable(samples["video"])
    absent = unmeasurable(chosen, looks.store)
    chosen = tuple(metric for metric in chosen if metric.name not in absent)
    found = {name: _values(sample, chosen, looks) for name, sample in samples.items()}
    _show(chosen, found)
    for name, why in absent.items():
        if metrics:
            talk.note(f"{name} was not measured: {why}")
    if metrics:
        for name, why in _blank(chosen, samples["video"], found["video"]).items():
            talk.note(f"{name} was not measured: {why}")
    if absent and not metrics:
        talk.note(f"not measured for want of weights (--weights): {', '.join(absent)}")
    if output is not None:
        _write(output, found)
        talk.wrote(output, "the values")


def _asked(path: Path, video: "Video", motion: Path | None, allow_outside: bool) -> "Request":
    """What was asked of a video, at its size and length; nothing if that is not known."""
    from kineograph.cli import sources
    from kineograph.core.request_record import find_request
    from kineograph.engines.base import Request

    record = find_request(path) or {}
    if motion is None and "document" not in record:
        return Request(size=video.size, frames=len(video), fps=video.fps)
    place = motion or path
    source = sources.from_file(place) if motion else sources.from_output(place)
    document = source.document({}, allow_outside=allow_outside)
    asked = Request.of(document, video.size)
    if asked.frames != len(video):
        raise UsageError(
            f"{place} asks for {asked.frames} frames and {path} has {len(video)}; give --motion "
            "or --tracks of this very video"
        )
    return asked


def _told(asked: "Request", tracks: Path | None, boxes: Path | None, text: str | None) -> "Request":
    """A request with what options say instead."""
    from kineograph.core.boxes import Boxes
    from kineograph.core.tracks import Tracks

    changes: dict[str, Any] = {}
    if tracks is not None:
        changes["tracks"] = Tracks.load(tracks).resize(asked.size)
    if boxes is not None:
        changes["boxes"] = Boxes.load(boxes).resize(asked.size)
    if text is not None:
        changes["text"] = text
    return replace(asked, **changes)


def _samples(
    path: Path, video: "Video", asked: "Request", truth: Path | None, align: list[str] | None
) -> Mapping[str, "Sample"]:
    """The video, the true one if there is one, and one in which nothing moves."""
    import numpy as np

    from kineograph.core.video import read_video
    from kineograph.data.clip import Clip
    from kineograph.evaluation.align import aligned
    from kineograph.evaluation.sample import Sample

    held = None
    if truth is not None:
        how, true = alignment(align), read_video(truth)
        frames = aligned(true, video.size, len(video), video.fps, how, str(truth))
        held = Clip(frames, asked.fps, asked.text, name=str(truth))
        if asked.picture is None:
            asked = replace(asked, picture=frames[0])
    elif asked.picture is None:
        asked = replace(asked, picture=video.frames[0])
    assert asked.picture is not None
    still = np.repeat(asked.picture[None], len(video), axis=0)
    found = {"video": Sample(video.frames, asked, held, str(path))}
    if held is not None:
        found["truth"] = Sample(held.video, asked, held, str(truth))
    return {**found, "still": Sample(still, asked, held, "a still picture")}


def _measurable(sample: "Sample") -> tuple["Metric", ...]:
    """The metrics of single clips that there is enough for."""
    from kineograph.evaluation.metrics import METRICS

    holds = sample.holds
    return tuple(m for m in METRICS.values() if m.kind == "clip" and m.needs <= holds)


def _refuse_sets(metrics: tuple["Metric", ...]) -> None:
    """A distance of two sets of videos cannot be told from one of each."""
    for metric in metrics:
        if metric.kind == "set":
            raise UsageError(
                f"{metric.name} holds a set of videos against another, and here is one; measure it "
                "with `kineograph bench`"
            )


GIVEN_BY = {"truth": "--truth", "tracks": "--tracks", "boxes": "--boxes", "text": "--text"}
"""The options that give what metrics need; the rest is known of a benchmark's clips alone."""


def _blank(
    metrics: tuple["Metric", ...], sample: "Sample", found: Mapping[str, float | None]
) -> dict[str, str]:
    """Why metrics that were named have no value."""
    told = {}
    for metric in metrics:
        lacking = sorted(metric.needs - sample.holds)
        if lacking:
            named = [f"{x} ({GIVEN_BY[x]})" if x in GIVEN_BY else x for x in lacking]
            told[metric.name] = f"it needs {', '.join(named)}"
        elif metric.kind == "curve":
            told[metric.name] = "it is a curve; a report of `kineograph bench` draws it"
        elif found[metric.name] is None:
            told[metric.name] = "it does not apply to this video"
    return told


def _values(
    sample: "Sample", metrics: tuple["Metric", ...], looks: "Eyes"
) -> Mapping[str, float | None]:
    from math import isnan

    from kineograph.evaluation.measuring import measure as measured

    values = measured(looks.look(sample), metrics).values
    return {
        name: None if isinstance(held, list) or isnan(held) else held
        for name, held in values.items()
    }


def _show(metrics: tuple["Metric", ...], found: Mapping[str, Mapping[str, float | None]]) -> None:
    """A line a metric; what does not apply to this video is left out."""
    from rich.table import Table

    from kineograph.cli.tables import show

    table = Table(box=None)
    table.add_column("metric", style="cyan", no_wrap=True)
    for name in found:
        table.add_column(name, justify="right")
    table.add_column("unit")
    arrows = {"lower": "lower is better", "higher": "higher is better", "neither": ""}
    for metric in metrics:
        values = [held.get(metric.name) for held in found.values()]
        if values[0] is not None:
            cells = ["" if value is None else f"{value:.4g}" for value in values]
            unit = ", ".join(x for x in (metric.unit, arrows[metric.better]) if x)
            table.add_row(metric.name, *cells, unit)
    show(table)


def _write(path: Path, found: Mapping[str, Mapping[str, float | None]]) -> None:
    from kineograph.core.files import whole_file

    with whole_file(path) as partial:
        partial.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

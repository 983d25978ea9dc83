"""Cutting a video into clips to train on, with tracks and flow measured on each."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from pydantic import BaseModel, ConfigDict, Field

from kineograph.core.boxes import Boxes
from kineograph.core.errors import DataError
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video, open_video
from kineograph.data.clip import Clip
from kineograph.data.files import caption_of
from kineograph.data.folders import beside
from kineograph.data.sampling import Window, fit, taken
from kineograph.vision.dis import DisFlow
from kineograph.vision.flow_tracker import FlowTracker
from kineograph.vision.tracker import grid_queries


class Cut(BaseModel):
    """How videos become clips; a prepared folder holds clips of one such way only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = Field(16, ge=1)
    """Frames of a clip."""
    stride: int = Field(1, ge=1)
    """Take every so many-th frame of the video."""
    fps: float | None = Field(None, gt=0)
    """Choose the stride that comes closest to so many frames a second, instead of `stride`."""
    step: int | None = Field(None, ge=1)
    """Frames taken between the beginnings of two clips; None lets them follow one another."""
    size: tuple[int, int] | None = None
    """(width, height) of the clips; None leaves the video's."""
    fitting: Literal["crop", "stretch"] = "crop"
    """How another aspect is brought to `size`: the middle cut out, or stretched."""
    tracks: int | None = Field(None, ge=1)
    """Track a grid of so many points along the longer side, from the first frame; None does not."""
    flow: bool = False
    """Measure optical flow from each frame to the next."""
    captions: Literal["empty", "refuse"] = "empty"
    """What becomes of a video without a caption."""


def cut(
    path: Path, folder: Path, how: Cut, *, check: Callable[[], None] = lambda: None
) -> Iterator[Clip]:
    """The clips of a video, in order; what is left at its end is too short for one.

    Tracks and boxes in files beside the video are cut with it; tracks are measured where there is
    no such file. Memory holds one clip.

    Args:
        path: the video.
        folder: what its caption and its name are looked up from.
        how: see there.
        check: called between the frames; what it raises ends the work.

    Raises:
        DataError: it has no caption and that is refused; or no clip's length; or what lies beside
            it does not fit.
        VideoError: it cannot be read, maybe only after some clips.
    """
    caption = caption_of(path, folder)
    name = path.relative_to(folder).as_posix()
    if how.captions == "refuse" and not caption:
        raise DataError(f"{name}: it has no caption")
    with open_video(path) as reader:
        stride = how.stride if how.fps is None else max(1, round(reader.fps / how.fps))
        whole = (reader.frames, reader.size, reader.fps)
        tracks = beside(path, "tracks", Tracks, whole)
        boxes = beside(path, "boxes", Boxes, whole)
        begun = -1
        for begun, video in _windows(iter(reader), how.frames, how.step or how.frames, stride):
            check()
            chosen, fps = Window(begun, how.frames, stride), reader.fps / stride
            clip = Clip(
                video,
                fps,
                caption,
                name=f"{name}#{begun}",
                tracks=taken("tracks", tracks, chosen, fps),
                boxes=taken("boxes", boxes, chosen, fps),
            )
            yield measured(clip if how.size is None else fit(clip, how.size, how.fitting), how)
    if begun < 0:
        raise DataError(
            f"{name}: it has {whole[0]} frames, too few for {how.frames} at a stride of {stride}"
        )


def measured(clip: Clip, how: Cut) -> Clip:
    """The clip with the tracks and the flow that are asked for and that it does not have."""
    if how.tracks is not None and clip.tracks is None:
        queries = grid_queries(clip.size, how.tracks)
        clip = replace(clip, tracks=FlowTracker()(Video(clip.video, clip.fps), queries))
    if how.flow and clip.flow is None and clip.frames > 1:
        dis = DisFlow()
        clip = replace(clip, flow=np.stack([dis(a, b) for a, b in pairwise(clip.video)]))
    return clip


def _windows(
    frames: Iterator[UInt8[np.ndarray, "height width 3"]], length: int, step: int, stride: int
) -> Iterator[tuple[int, UInt8[np.ndarray, "frames height width 3"]]]:
    """Windows of every `stride`-th frame, `step` of these apart, each with its first frame."""
    held: list[np.ndarray] = []
    wait = 0
    for number, frame in enumerate(frames):
        if number % stride:
            continue
        if wait:  # a step longer than the window
            wait -= 1
            continue
        held.append(frame)
        if len(held) == length:
            yield number - (length - 1) * stride, np.stack(held)
            wait = max(0, step - length)
            held = held[step:]

"""Average precision of boxes, COCO's way: whether objects are found where boxes were asked for.

Boximator (arXiv:2402.01566) gives boxes of the first and the last frame, lets a detector look for
the objects in the generated video, and reports COCO's mAP, AP50 and AP75; where the first frame is
given, the last one alone counts. Here frames are looked at one by one: nothing follows what was
found through the video, as the paper's DEVA does.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, UInt8

from kineograph.core.boxes import Boxes
from kineograph.core.state import State
from kineograph.data.clip import Clip
from kineograph.evaluation.locating import first_seen
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric, Part
from kineograph.evaluation.metrics.coco import THRESHOLDS, average_precision
from kineograph.evaluation.metrics.located import boxed_clip, located, pixels_in

LEAST = 50
"""Clips below which a value is not to be trusted."""

GDINO = "grounding-dino"
"""The backbone that detects by words."""

Found = tuple[Float64[np.ndarray, "found 4"], Float64[np.ndarray, " found"]]
"""Boxes x0, y0, x1, y1 in raster pixels, and their scores."""


@runtime_checkable
class Detector(Protocol):
    """Finds things by words in a picture."""

    def __call__(
        self, picture: UInt8[np.ndarray, "height width 3"], labels: Sequence[str]
    ) -> Mapping[str, Found]:
        """What is found of each label: boxes in raster pixels with scores from 0 to 1.

        Raises:
            EvaluationError: it cannot look.
        """
        ...


def part_of(look: Look, detector: Detector | None = None) -> Part | None:
    """What a sample adds: its detections and the boxes that were asked for, as rows.

    A group is one label in one frame of one clip, so that a detection can only be of what it was
    looked for as. Precision is not averaged over labels, of which an open vocabulary has as many as
    clips.

    Args:
        look: at the sample.
        detector: finds things by words; None looks for the objects themselves (`located`), the
            score being how alike their colours are to the first sight of them.
    """
    clip = boxed_clip(look)
    if clip is None or clip.boxes is None:
        return None
    frames = measured_frames(look, clip.boxes)
    found, true = [np.zeros((0, 8))], [np.zeros((0, 8))]
    for frame in frames:
        present = np.flatnonzero(clip.boxes.state[:, frame] == State.VISIBLE)
        labels = [clip.boxes.labels[item] for item in present]
        for item, label in zip(present, labels, strict=True):
            key = _key(look.sample.name, frame, label)
            true.append(_rows(key, _clipped(clip.boxes.boxes[item, frame][None], clip), np.ones(1)))
            if detector is None:
                found += [_rows(key, *held) for held in _own(look, clip, int(item), frame)]
        if detector is not None and labels:
            told = detector(look.sample.frames[frame], list(dict.fromkeys(labels)))
            found += [
                _rows(_key(look.sample.name, frame, label), *held) for label, held in told.items()
            ]
    return Part(np.concatenate(found), np.concatenate(true))


def measured_frames(look: Look, boxes: Boxes) -> list[int]:
    """The first and the last frame in which any box is asked for; the first not if it is given."""
    said = np.flatnonzero((boxes.state == State.VISIBLE).any(axis=0))
    ends = sorted({int(said[0]), int(said[-1])}) if len(said) else []
    given = look.sample.request.picture is not None
    return [frame for frame in ends if frame > 0 or not given]


def _own(look: Look, clip: Clip, item: int, frame: int) -> list[Found]:
    """Where the object itself is, and how sure that is."""
    place, first = located(look, clip, item), first_seen(clip, item)
    if place is None or first is None:
        return []
    assert clip.boxes is not None
    asked = clip.boxes.boxes[item].astype(np.float64)
    source = look.sample.frames if look.sample.truth is None else clip.video
    score = likeness(
        pixels_in(source, asked, first), pixels_in(look.sample.frames, place.boxes, frame)
    )
    return [(_clipped(place.boxes[frame][None], clip), np.array([score]))]


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """How alike the colours of some pixels are: the intersection of their histograms, 0 to 1."""
    if not len(one) or not len(other):
        return 0.0
    held = [
        np.histogramdd(pixels, bins=8, range=[(0, 256)] * 3)[0] / len(pixels)
        for pixels in (one, other)
    ]
    return float(np.minimum(*held).sum())


def _clipped(boxes: np.ndarray, clip: Clip) -> Float64[np.ndarray, "boxes 4"]:
    return np.clip(boxes.astype(np.float64), 0, np.array(clip.size * 2, np.float64))


def _key(name: str, frame: int, label: str) -> tuple[int, int, int]:
    """A group as three numbers that float32 holds exactly."""
    digest = sha256(f"{name}\0{frame}\0{label}".encode()).digest()
    first, second, third = (int.from_bytes(digest[i : i + 3], "big") for i in (0, 3, 6))
    return first, second, third


def _rows(
    key: tuple[int, int, int],
    boxes: Float64[np.ndarray, "boxes 4"],
    scores: Float64[np.ndarray, " boxes"],
) -> Float64[np.ndarray, "boxes 8"]:
    groups = np.repeat(np.array([key], np.float64), len(boxes), axis=0)
    return np.concatenate([groups, boxes, scores[:, None]], axis=1)


def _by_words(look: Look) -> Part | None:
    found: Part | None = look.once(
        "boxes by words", lambda: part_of(look, look.backbones.get(GDINO))
    )
    return found


def _by_itself(look: Look) -> Part | None:
    found: Part | None = look.once("boxes by themselves", lambda: part_of(look))
    return found


def _metric(name: str, title: str, overlaps: Sequence[float] | np.ndarray, words: bool) -> Metric:
    said = "overlaps of 50% to 95%" if len(overlaps) > 1 else f"an overlap of {overlaps[0]:.0%}"
    return Metric(
        name=f"{name}-gdino" if words else name,
        title=f"{title} (Grounding DINO)" if words else title,
        what=f"average precision of objects in their boxes of the last frame at {said}",
        measure=_by_words if words else _by_itself,
        better="higher",
        range=(0.0, 1.0),
        backbones=(GDINO,) if words else (),
        kind="set",
        motion=True,
        settle=partial(average_precision, thresholds=overlaps),
        least=LEAST,
        source="COCO (Lin et al. 2014), as Boximator uses it (arXiv:2402.01566, section 4)",
    )


METRICS: tuple[Metric, ...] = tuple(
    _metric(name, title, overlaps, words)
    for words in (False, True)
    for name, title, overlaps in (
        ("map", "mAP", THRESHOLDS),
        ("ap50", "AP50", (0.5,)),
        ("ap75", "AP75", (0.75,)),
    )
)

"""TAP-Vid's measures of point trackers, by their published definition (Doersch et al. 2022)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from kineograph.core.errors import TracksError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.evaluation.following import following
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.scale import measured

THRESHOLDS = (1, 2, 4, 8, 16)
"""Distances in pixels of a 256x256 picture, below which a position counts as right."""

MODES = ("first", "strided")

STRIDE = 5
"""Frames between queries of one track in `strided` mode."""


@dataclass(frozen=True, eq=False)
class TapVid:
    """The measures of one clip, each 0 to 1, more is better.

    Attributes:
        delta_average: the share of visible points nearer than the threshold, whatever the
            tracker says of their visibility, averaged over `THRESHOLDS`.
        occlusion_accuracy: the share of points whose visibility is right.
        average_jaccard: true positives / (visible points + false positives), averaged over
            `THRESHOLDS`: position and visibility in one.
        within: (5,) what `delta_average` averages.
        jaccard: (5,) what `average_jaccard` averages.
    """

    delta_average: float
    occlusion_accuracy: float
    average_jaccard: float
    within: Float64[np.ndarray, "5"]
    jaccard: Float64[np.ndarray, "5"]

    def __str__(self) -> str:
        return (
            f"AJ {100 * self.average_jaccard:.1f}  delta {100 * self.delta_average:.1f}  "
            f"OA {100 * self.occlusion_accuracy:.1f}"
        )


@dataclass(frozen=True, eq=False)
class Queries:
    """What a tracker is asked: (N, 3) of frame, x, y, and (N,) which true track each is of."""

    queries: Float32[np.ndarray, "queries 3"]
    which: Int64[np.ndarray, " queries"]


def make_queries(truth: Tracks, mode: str = "first", stride: int = STRIDE) -> Queries:
    """The queries of a clip: each track where it is first seen, or every `stride` frames.

    Args:
        truth: the true tracks, raster pixels.
        mode: `first`, or `strided`: every track that is visible at frame 0, stride, 2 stride, ...
        stride: frames.

    Raises:
        TracksError: the mode is unknown, or no point is ever visible.
    """
    _check_mode(mode)
    visible = truth.visible
    if mode == "first":
        which = np.flatnonzero(visible.any(axis=1))
        frame = visible[which].argmax(axis=1)
    else:
        frame, which = np.nonzero(visible[:, ::stride].T)
        frame = frame * stride
    if len(which) == 0:
        raise TracksError("no point of the true tracks is ever visible; there is nothing to ask")
    asked = np.concatenate([frame[:, None], truth.points[which, frame]], axis=1)
    return Queries(asked.astype(np.float32), which.astype(np.int64))


def tapvid(
    truth: Tracks, predicted: Tracks, frames: Int64[np.ndarray, " queries"], mode: str = "first"
) -> TapVid:
    """Measure predicted tracks against true ones, track by track.

    Both are scaled to 256x256, each from its own size. `first` measures the frames after the
    query, `strided` all but the query's own. Unspecified true points are left out; unspecified
    predicted points count as occluded.

    Args:
        truth: the true track of each query (`truth.select(queries.which)`).
        predicted: the tracker's answer to each query.
        frames: the frame of each query.
        mode: `first` or `strided`.

    Raises:
        TracksError: the tracks are not of the same clip, or nothing is left to measure.
    """
    _check_mode(mode)
    if truth.points.shape != predicted.points.shape or len(frames) != truth.count:
        raise TracksError(
            f"{predicted.count} tracks of {predicted.frames} frames were predicted for "
            f"{len(frames)} queries of {truth.count} tracks of {truth.frames} frames; give one for "
            "each"
        )
    counted = _measured_frames(frames, truth.frames, mode) & truth.specified
    true, said = truth.visible & counted, predicted.visible & counted
    if not true.any():
        raise TracksError("no visible point is left to measure; the clip is too short")
    near = _distances(truth, predicted)[None] < np.array(THRESHOLDS)[:, None, None]
    seen = int(true.sum())
    within = (near & true).sum(axis=(1, 2)) / seen
    hits = (near & true & said).sum(axis=(1, 2))
    false = (said & ~(near & true)).sum(axis=(1, 2))
    jaccard = hits / (seen + false)
    agree = (truth.visible == predicted.visible) & counted
    return TapVid(
        delta_average=float(within.mean()),
        occlusion_accuracy=float(agree.sum() / counted.sum()),
        average_jaccard=float(jaccard.mean()),
        within=within.astype(np.float64),
        jaccard=jaccard.astype(np.float64),
    )


def mean_of(results: list[TapVid]) -> TapVid:
    """The measures of several clips: the mean over clips, as the benchmark's tables have it.

    Raises:
        TracksError: there is none.
    """
    if not results:
        raise TracksError("no results were given to average; give at least one")
    return TapVid(
        delta_average=float(np.mean([result.delta_average for result in results])),
        occlusion_accuracy=float(np.mean([result.occlusion_accuracy for result in results])),
        average_jaccard=float(np.mean([result.average_jaccard for result in results])),
        within=np.mean([result.within for result in results], axis=0),
        jaccard=np.mean([result.jaccard for result in results], axis=0),
    )


def _check_mode(mode: str) -> None:
    if mode not in MODES:
        raise TracksError(f"query mode {mode!r} is unknown; choose one of {', '.join(MODES)}")


def _measured_frames(
    frames: Int64[np.ndarray, " queries"], count: int, mode: str
) -> Bool[np.ndarray, "queries frames"]:
    time = np.arange(count)[None]
    return time > frames[:, None] if mode == "first" else time != frames[:, None]


def _distances(truth: Tracks, predicted: Tracks) -> Float64[np.ndarray, "queries frames"]:
    ours, theirs = (measured(tracks.points, tracks.size) for tracks in (predicted, truth))
    apart = np.linalg.norm(ours - theirs, axis=-1)
    return np.where(predicted.state == State.UNSPECIFIED, np.inf, apart)


def _of(look: Look) -> TapVid | None:
    """The measures of the followed tracks against the asked ones; None if nothing is to be seen."""
    return look.once("tapvid", lambda: _measured(look))


def _measured(look: Look) -> TapVid | None:
    found = following(look)
    return tapvid(found.asked, found.found, found.starts) if found.seen.any() else None


def delta_average(look: Look) -> float:
    """The share of visible points near their asked places, the mean over `THRESHOLDS`.

    0 to 1, higher is better; see `TapVid`. NaN if no asked point is visible after its query.
    """
    return float("nan") if (held := _of(look)) is None else held.delta_average


def occlusion_accuracy(look: Look) -> float:
    """The share of points that are seen where they were asked to be seen, and else are not.

    0 to 1, higher is better; see `TapVid`. NaN as `delta_average`.
    """
    return float("nan") if (held := _of(look)) is None else held.occlusion_accuracy


def average_jaccard(look: Look) -> float:
    """Place and visibility in one, the mean over `THRESHOLDS`.

    0 to 1, higher is better; see `TapVid`. NaN as `delta_average`.
    """
    return float("nan") if (held := _of(look)) is None else held.average_jaccard


SOURCE = "TAP-Vid (Doersch et al. 2022), first queries"

METRICS = (
    Metric(
        name="delta-average",
        title="delta avg",
        what="share of the points asked to be visible that are within 1, 2, 4, 8 and 16 px of 256 "
        "of their asked places (mean over the five)",
        measure=delta_average,
        better="higher",
        range=(0.0, 1.0),
        needs=frozenset({"tracks"}),
        motion=True,
        source=SOURCE,
    ),
    Metric(
        name="occlusion-accuracy",
        title="OA",
        what="share of points that the tracker sees where they were asked to be visible, and does "
        "not see where not",
        measure=occlusion_accuracy,
        better="higher",
        range=(0.0, 1.0),
        needs=frozenset({"tracks"}),
        motion=True,
        source=SOURCE,
    ),
    Metric(
        name="average-jaccard",
        title="AJ",
        what="true positives over visible points and false positives, of place and visibility "
        "together, mean over 1, 2, 4, 8 and 16 px of 256",
        measure=average_jaccard,
        better="higher",
        range=(0.0, 1.0),
        needs=frozenset({"tracks"}),
        motion=True,
        source=SOURCE,
    ),
)
"""This family."""

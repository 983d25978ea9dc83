"""End-point errors: the distance of where points go from where they were asked to.

Papers differ in what they count and at which scale, and a figure of one is none of another, so each
variant has a name. In all of them a track is looked for in the video from where, and when, it is
first visible; the error is the mean over all tracks and frames that count, taken together; the
frame of the query does not count, for there the error is 0 by definition; and whether the tracker
believes to see a point does not matter.
"""

from math import hypot

import numpy as np

from kineograph.evaluation.following import following
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.scale import UNIT, distances, mean_where

TRACKS = frozenset({"tracks"})


def epe(look: Look) -> float:
    """The mean distance of visible points from their asked places, in pixels of 256x256.

    0 and up, lower is better. Only entries that were asked to be visible inside the picture count.
    Motion Prompting (Geng et al. 2025, section 4.5) measures its tracks so, with 256x256 as the
    consistent reading of its scale; it does not say whether hidden points count. NaN if nothing
    does.
    """
    found = following(look)
    return mean_where(found.distances, found.seen)


def epe_all(look: Look) -> float:
    """The same with hidden points: every entry for which a place was given.

    0 and up, lower is better; pixels of 256x256. A tracker can only guess at hidden points, so its
    own floor is higher than that of `epe`.
    """
    found = following(look)
    return mean_where(found.distances, found.given)


def epe_paired(look: Look) -> float:
    """The mean distance between the same points followed in the generated and in the true video.

    0 and up, lower is better; pixels of 256x256. Frame In-N-Out's trajectory error: one tracker
    answers the same queries in both videos, and all frames after the query count, so what the
    tracker does wrong in both is not held against the video, and the true video has exactly 0.
    The paper's mean also has the query's own frame in it, as a 0.
    """
    found, true = look.followed, look.truth_followed
    after = np.arange(found.frames)[None] > look.queries[0][:, :1]
    return mean_where(distances(found.points, true.points, found.size), after)


def epe_diagonal(look: Look) -> float:
    """As `epe`, in percent of the diagonal of the video's own size.

    0 and up, lower is better. The proportions of the picture are kept, so figures of videos of
    different sizes and shapes can be held against each other.
    """
    return 100 * epe_own(look) / hypot(*look.sample.size)


def epe_own(look: Look) -> float:
    """As `epe`, in pixels of the video's own size.

    0 and up, lower is better. MotionStream (2025, table 1) gives this at 832x480, over the input
    tracks that are visible; it grows with the size of the video.
    """
    found = following(look)
    apart = found.found.points.astype(np.float64) - found.asked.points
    return mean_where(np.asarray(np.linalg.norm(apart, axis=-1)), found.seen)


METRICS = (
    Metric(
        name="epe",
        title="EPE",
        what="mean distance of the followed points from their asked places, over the frames in "
        "which they were asked to be visible",
        measure=epe,
        better="lower",
        unit=UNIT,
        needs=TRACKS,
        motion=True,
        source="Motion Prompting (2412.02700), section 4.5, visible points",
    ),
    Metric(
        name="epe-all",
        title="EPE, hidden too",
        what="EPE over all frames for which a place was given, also where the point is hidden",
        measure=epe_all,
        better="lower",
        unit=UNIT,
        needs=TRACKS,
        motion=True,
        source="Motion Prompting (2412.02700), section 4.5, all points",
    ),
    Metric(
        name="epe-paired",
        title="EPE, paired",
        what="mean distance between the same queries followed in the generated and in the true "
        "video",
        measure=epe_paired,
        better="lower",
        unit=UNIT,
        needs=frozenset({"tracks", "truth"}),
        motion=True,
        source="Frame In-N-Out (2025), trajectory error",
    ),
    Metric(
        name="epe-diagonal",
        title="EPE, % of diagonal",
        what="EPE in percent of the diagonal of the video",
        measure=epe_diagonal,
        better="lower",
        unit="% of the diagonal",
        needs=TRACKS,
        motion=True,
        source="Kineograph",
    ),
    Metric(
        name="epe-own",
        title="EPE, own pixels",
        what="EPE in pixels of the video's own size",
        measure=epe_own,
        better="lower",
        unit="px of the video",
        needs=TRACKS,
        motion=True,
        source="MotionStream (2511.01266), table 1",
    ),
)
"""This family."""

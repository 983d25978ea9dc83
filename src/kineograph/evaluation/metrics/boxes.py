"""How well boxes are filled: the overlap of where objects are with where they were asked to be."""

from functools import partial

import numpy as np
from jaxtyping import Float64

from kineograph.core.state import State
from kineograph.data.clip import Clip
from kineograph.evaluation.locating import by_colours, by_points, first_seen
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics.located import boxed_clip, located, overlaps, seen_after
from kineograph.evaluation.tracking import Frames


def box_overlap(frames: Frames, clip: Clip, *, pictured: bool) -> float:
    """The mean intersection over union of objects with their boxes, 0 to 1.

    Over the objects of the clip and the frames in which each is visible; where objects are known
    from the picture, the frame they are known from does not count. NaN if nothing is left.

    Args:
        frames: the generated video.
        clip: the true one, with the boxes that were asked for.
        pictured: whether the video begins with the clip's picture: then objects are followed by
            their points, else found by their colours.
    """
    assert clip.boxes is not None
    shares = []
    for item in range(clip.boxes.count):
        found = (by_points if pictured else by_colours)(frames, clip, item)
        if found is not None:
            shares += _shares(clip, item, found.boxes, found.first if pictured else -1)
    return float(np.mean(shares)) if shares else float("nan")


def still_overlap(clip: Clip, *, pictured: bool) -> float:
    """The same for a video in which each object stays where it is first seen."""
    assert clip.boxes is not None
    shares = []
    for item in range(clip.boxes.count):
        first = first_seen(clip, item)
        if first is not None:
            rest = np.repeat(clip.boxes.boxes[item, first][None], clip.frames, axis=0)
            shares += _shares(clip, item, rest, first if pictured else -1)
    return float(np.mean(shares)) if shares else float("nan")


def _shares(clip: Clip, item: int, found: np.ndarray, after: int) -> list[float]:
    """The overlaps in the frames after one, within the picture."""
    assert clip.boxes is not None
    seen = clip.boxes.state[item] == State.VISIBLE
    seen &= np.arange(clip.frames) > after
    mine, its = (held[seen].astype(np.float64) for held in (found, clip.boxes.boxes[item]))
    return [float(value) for value in overlaps(mine, its, clip.size)]


def average_overlap(look: Look) -> float:
    """AO: the mean overlap of objects with the boxes that were asked for, 0 to 1, higher is better.

    Intersection over union in each frame in which a box is meant to be seen, of the parts within
    the picture, over the objects of a clip; the first frame does not count where it is given. As
    the GOT-10k toolkit's (Huang et al. 2019), but averaged clip by clip; SMCD (arXiv:2403.10179)
    holds what a tracker, begun on the first box, finds in the generated video against the boxes of
    the conditioning. Where no boxes were asked for the true ones count; NaN without these.
    """
    held = overlaps_of(look)
    return float(held.mean()) if len(held) else float("nan")


def success_rate(look: Look, threshold: float | int) -> float:
    """SR: the share of the frames of `average_overlap` whose overlap is above a threshold, 0 to 1.

    Higher is better; GOT-10k's SR50 and SR75 have 0.5 and 0.75.
    """
    held = overlaps_of(look)
    return float((held > threshold).mean()) if len(held) else float("nan")


def overlaps_of(look: Look) -> Float64[np.ndarray, " boxes"]:
    """The overlaps of all objects and frames that count, measured once."""
    found: Float64[np.ndarray, " boxes"] = look.once("overlaps of boxes", lambda: _overlaps(look))
    return found


def _overlaps(look: Look) -> Float64[np.ndarray, " boxes"]:
    clip, held = boxed_clip(look), [np.zeros(0)]
    for item in range(0 if clip is None or clip.boxes is None else clip.boxes.count):
        assert clip is not None and clip.boxes is not None
        found = located(look, clip, item)
        if found is not None:
            frames = seen_after(look, clip.boxes, item)
            asked = clip.boxes.boxes[item].astype(np.float64)
            held.append(overlaps(found.boxes[frames], asked[frames], clip.size))
    return np.concatenate(held)


_SOURCE = "GOT-10k (Huang et al. 2019), as SMCD uses it (arXiv:2403.10179, section 4)"

METRICS: tuple[Metric, ...] = (
    Metric(
        name="ao",
        title="AO",
        what="mean overlap (IoU) of objects with the boxes asked for, over frames",
        measure=average_overlap,
        better="higher",
        range=(0.0, 1.0),
        motion=True,
        source=_SOURCE,
    ),
    *(
        Metric(
            name=f"sr{percent}",
            title=f"SR{percent}",
            what=f"share of frames in which an object's overlap with its box is above {percent}%",
            measure=partial(success_rate, threshold=percent / 100),
            better="higher",
            range=(0.0, 1.0),
            motion=True,
            source=_SOURCE,
        )
        for percent in (50, 75)
    ),
)

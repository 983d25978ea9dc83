"""Metrics that compare a video with the true one frame by frame: three readings of each."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float64

from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.sample import Frames

Values = Float64[np.ndarray, " frames"]

PAPERS = "papers' tables do not say which frames they count"


def after_first(values: Values) -> float:
    """The mean over the frames after the first; NaN if there are none.

    The first frame is the picture that was given: an engine that hands it back would be praised
    for it, and one with a lossy code blamed.
    """
    return float(values[1:].mean()) if len(values) > 1 else float("nan")


def readings(
    name: str, title: str, what: str, each: Callable[[Look], Values], **said: Any
) -> tuple[Metric, Metric, Metric]:
    """The metrics NAME, NAME-all and NAME-by-frame of one measure of two pictures.

    NAME is the mean over the frames after the first, NAME-all over all of them, NAME-by-frame a
    curve of all of them. Frames are measured one by one, and the values averaged.

    Args:
        name: of the first.
        title: of the first, in tables.
        what: the measure, in a phrase.
        each: (T,) the measure of each frame and the true one.
        said: better, unit, range, backbones and source, as of a `Metric`.
    """
    said = {"needs": frozenset({"truth"}), **said}

    def kept(look: Look) -> Values:
        found: Values = look.once(f"{name} of each frame", lambda: each(look))
        return found

    return (
        Metric(
            name,
            title,
            f"{what}; mean over the frames after the first",
            lambda look: after_first(kept(look)),
            **said,
        ),
        Metric(
            f"{name}-all",
            f"{title} (all frames)",
            f"{what}; mean over all frames, the given first one too ({PAPERS})",
            lambda look: float(kept(look).mean()),
            **said,
        ),
        Metric(
            f"{name}-by-frame",
            f"{title} by frame",
            f"{what}; frame by frame",
            kept,
            kind="curve",
            axis="frame",
            **said,
        ),
    )


def of_pairs(measure: Callable[[Any, Any], float], one: Frames, other: Frames) -> Values:
    """(T,) a measure of each frame of a video and the same frame of another."""
    return np.array([measure(a, b) for a, b in zip(one, other, strict=True)], np.float64)

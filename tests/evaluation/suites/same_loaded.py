"""Whether two loaded cases are alike, byte by byte."""

import numpy as np

from kineograph.core.tracks import Tracks
from kineograph.evaluation.suites.suite import Case, Loaded, Suite


def check_repeats(suite: Suite, case: Case, again: Suite | None = None) -> Loaded:
    """Load a case twice, by another suite of the same kind if one is given, and compare."""
    one, two = suite.load(case), (again or suite).load(case)
    assert (one.request.text, one.request.seed) == (two.request.text, two.request.seed)
    for name in ("picture",):
        first, second = getattr(one.request, name), getattr(two.request, name)
        assert (first is None) == (second is None)
        assert first is None or np.array_equal(first, second)
    _check_points(one.request.tracks, two.request.tracks)
    if one.request.boxes is not None:
        assert two.request.boxes is not None
        assert np.array_equal(one.request.boxes.boxes, two.request.boxes.boxes)
        assert np.array_equal(one.request.boxes.state, two.request.boxes.state)
    if one.truth is not None:
        assert two.truth is not None and np.array_equal(one.truth.video, two.truth.video)
    return one


def _check_points(one: Tracks | None, two: Tracks | None) -> None:
    assert (one is None) == (two is None)
    if one is not None and two is not None:
        assert np.array_equal(one.points, two.points) and np.array_equal(one.state, two.state)

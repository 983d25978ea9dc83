"""Motion: tracks and boxes together."""

import numpy as np
import pytest

from kineograph.core.boxes import Boxes
from kineograph.core.errors import TracksError
from kineograph.core.motion import Motion
from kineograph.core.tracks import Tracks

TRACKS = Tracks.of(np.ones((2, 3, 2)), size=(64, 48), fps=16)
BOXES = Boxes.of(np.ones((1, 3, 4)), size=(64, 48), fps=16)


def test_merge_joins_what_there_is():
    made = Motion.merge(Motion(TRACKS), Motion(None, BOXES), Motion(), Motion(TRACKS, BOXES))
    assert (made.tracks.count, made.boxes.count) == (4, 2)
    assert Motion(TRACKS).merge(Motion(TRACKS)).tracks.count == 4


def test_merging_nothing_gives_nothing():
    for made in (Motion.merge(), Motion.merge(Motion(), Motion())):
        assert made.tracks is None and made.boxes is None


def test_resize_reaches_both():
    made = Motion(TRACKS, BOXES).resize((128, 48))
    assert made.tracks.size == made.boxes.size == (128, 48)
    assert made.tracks.points[0, 0].tolist() == [2, 1]
    assert made.boxes.boxes[0, 0].tolist() == [2, 1, 2, 1]
    assert Motion().resize((8, 8)).tracks is None


def test_tracks_and_boxes_of_different_clips_are_refused():
    with pytest.raises(TracksError) as caught:
        Motion(TRACKS, BOXES.resample(frames=2))
    assert str(caught.value) == (
        "the tracks and boxes of a motion differ: 2 frames of 64x48 at 16 fps and 3 frames of "
        "64x48 at 16 fps; resize and resample them to one first"
    )

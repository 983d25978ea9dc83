"""A clip holds only what fits it, and says in one line what does not."""

from dataclasses import replace

import numpy as np
import pytest
from made_clips import made_clip

from kineograph.core.errors import DataError
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip, Fact


def test_a_clip_knows_its_size_and_frames() -> None:
    clip = made_clip()
    assert (clip.size, clip.frames) == ((24, 16), 6)
    assert repr(clip) == (
        "Clip(made 0: 6 frames of 24x16 at 8 fps, tracks, boxes, flow, depth, masks, cameras)"
    )


def test_a_bare_clip_needs_nothing_but_pictures() -> None:
    clip = Clip(np.zeros((1, 2, 3, 3), np.uint8), 8)
    assert (clip.caption, clip.tracks, clip.facts) == ("", None, ())


@pytest.mark.parametrize("name", ["tracks", "boxes", "cameras"])
def test_what_is_of_another_size_or_length_is_refused(name: str) -> None:
    other = made_clip(frames=5)
    with pytest.raises(DataError, match=rf"clip made 0: its {name} are of 5 frames of 24x16, its"):
        replace(made_clip(), **{name: getattr(other, name)})


def test_tracks_at_another_rate_are_refused() -> None:
    clip = made_clip()
    assert clip.tracks is not None
    faster = replace(clip.tracks, fps=9.0)
    with pytest.raises(DataError, match=r"its tracks are at 9 frames a second, its video at 8"):
        replace(clip, tracks=faster)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("flow", "(5, 16, 24, 2)"), ("depth", "(6, 16, 24)"), ("masks", "(any, 6, 16, 24)")],
)
def test_arrays_of_another_shape_are_refused(name: str, wanted: str) -> None:
    clip = made_clip()
    with pytest.raises(DataError) as caught:
        replace(clip, **{name: getattr(clip, name)[..., :-1, :]})
    assert wanted in str(caught.value) and "\n" not in str(caught.value)


def test_flow_and_depth_hold_no_nan() -> None:
    clip = made_clip()
    flow = np.array(clip.flow)
    flow[0, 0, 0, 0] = np.inf
    with pytest.raises(DataError, match="flow holds a number that is not finite"):
        replace(clip, flow=flow)
    deep = np.full_like(clip.depth, np.inf)
    replace(clip, depth=deep)  # as far as can be is a depth
    deep[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="depth holds a number that is not finite"):
        replace(clip, depth=deep)


def test_a_rate_is_positive() -> None:
    with pytest.raises(DataError, match="0 frames a second; give a positive number"):
        Clip(np.zeros((1, 2, 3, 3), np.uint8), 0)


def test_facts_are_complete() -> None:
    with pytest.raises(DataError, match="lacks its subject or its verb"):
        Fact("", "moves")
    with pytest.raises(DataError, match="is nan; give a finite number"):
        Fact("fox", "moves", "left", float("nan"))


def test_tracks_without_any_track_fit() -> None:
    clip = made_clip()
    none = Tracks.of(np.zeros((0, 6, 2)), size=clip.size, fps=clip.fps)
    assert replace(clip, tracks=none).tracks is none

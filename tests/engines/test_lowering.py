"""What an engine cannot read becomes tracks, or is left out and named."""

from dataclasses import replace

import numpy as np
import pytest

from engines.test_base import BOXES, PICTURE, REQUEST, TRACKS
from kineograph.core.boxes import Boxes
from kineograph.core.errors import EngineError
from kineograph.engines.base import Capabilities, Input
from kineograph.engines.lowering import left_out, lower


def reads(*names: Input, needs: tuple[Input, ...] = (), size_step: int = 1) -> Capabilities:
    return Capabilities(frozenset(names), frozenset(needs), size_step)


def test_what_is_read_stays_as_it_is() -> None:
    lowered = lower(REQUEST, reads("picture", "tracks", "boxes", "text", "negative text"))
    assert lowered.picture is REQUEST.picture
    assert lowered.tracks is TRACKS
    assert lowered.boxes is BOXES


def test_boxes_become_tracks_that_move_with_them() -> None:
    path = np.array(
        [[[4, 4, 12, 12], [6, 4, 14, 12], [8, 4, 16, 12], [10, 4, 18, 12], [12, 4, 20, 12]]]
    )
    moving = Boxes.of(path.astype(float), size=(32, 24), fps=8)
    lowered = lower(replace(REQUEST, boxes=moving, tracks=None), reads("picture", "tracks"))
    assert lowered.boxes is None
    assert lowered.tracks is not None
    assert lowered.tracks.count > 0
    np.testing.assert_allclose(
        lowered.tracks.displacements(),
        np.broadcast_to(np.arange(5)[None, :, None] * [2.0, 0.0], lowered.tracks.points.shape),
        atol=1e-4,
    )
    start = lowered.tracks.points[:, 0]
    assert ((start >= 4) & (start <= 12)).all()


def test_lowered_boxes_join_the_tracks_there_are() -> None:
    lowered = lower(REQUEST, reads("picture", "tracks"))
    assert lowered.tracks is not None
    assert lowered.tracks.count > TRACKS.count
    np.testing.assert_array_equal(lowered.tracks.points[: TRACKS.count], TRACKS.points)


def test_what_is_not_read_is_taken_out_and_named() -> None:
    request = replace(REQUEST, text="a dog", negative_text="rain")
    capabilities = reads("picture", "tracks")
    lowered = lower(request, capabilities)
    assert (lowered.text, lowered.negative_text) == ("", "")
    assert left_out(request, capabilities) == ("negative text", "text")
    assert left_out(request, reads("text", "boxes")) == ("negative text", "picture", "tracks")
    assert left_out(REQUEST, capabilities) == ()  # boxes are not left out: they became tracks


@pytest.mark.parametrize(
    ("capabilities", "message"),
    [
        (
            reads("picture", "text", needs=("text",)),
            "engine mini needs text, and none is given; it reads picture, text",
        ),
        (
            reads("text", "negative text"),
            "engine mini can read nothing of this request (picture, tracks, boxes); it reads text, "
            "negative text",
        ),
        (
            reads("picture", size_step=16),
            "engine mini cannot make 32x24: sides have to be multiples of 16; ask for 32x32",
        ),
    ],
)
def test_a_request_the_engine_cannot_do(capabilities: Capabilities, message: str) -> None:
    with pytest.raises(EngineError) as caught:
        lower(REQUEST, capabilities, "mini")
    assert str(caught.value) == message


def test_needs_are_met_by_what_is_lowered() -> None:
    request = replace(REQUEST, tracks=None, picture=PICTURE)
    assert lower(request, reads("picture", "tracks", needs=("tracks",))).tracks is not None

"""Condition dropout: how often, for whom, and that it is what guidance drops."""

import pytest
import torch

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.boxes import Boxes
from kineograph.core.tracks import Tracks
from kineograph.models.given import Given
from kineograph.models.key_frames import NOWHERE, KeyFrames
from kineograph.training.dropout import (
    Dropped,
    without_boxes,
    without_picture,
    without_tracks,
)
from kineograph.training.stage import Dropout

SIZE, FRAMES = (16, 8), 2
SOME = torch.tensor([True, False])
NAMES = ("text", "picture", "tracks", "boxes", "tokens")


def test_each_condition_is_dropped_as_often_as_it_is_said() -> None:
    shares = Dropout(text=0.1, picture=0.25, picture_tokens=0.5, tracks=0.75, boxes=0.0)
    drawn = Dropped.draw(shares, 4000, torch.Generator().manual_seed(0))
    found = [getattr(drawn, name).float().mean().item() for name in NAMES]
    assert found == pytest.approx([0.1, 0.25, 0.75, 0.0, 0.5], abs=0.03)
    both = (drawn.tracks & drawn.picture).float().mean().item()
    assert both == pytest.approx(0.75 * 0.25, abs=0.03)  # on its own each


def test_a_whole_batch_is_dropped_at_once_if_the_paper_does_so() -> None:
    shares = Dropout(text=0.5, picture=0.5, tracks=0.5, boxes=0.5, per="batch")
    draw = torch.Generator().manual_seed(0)
    batches = [Dropped.draw(shares, 3, draw) for _ in range(400)]
    for name in NAMES:
        held = torch.stack([getattr(drawn, name) for drawn in batches])
        assert (held.all(dim=1) | ~held.any(dim=1)).all()
        assert held.float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_sure_and_never() -> None:
    drawn = Dropped.draw(Dropout(text=1.0, tracks=1.0), 8, torch.Generator().manual_seed(0))
    assert drawn.text.all() and drawn.tracks.all()
    assert not drawn.boxes.any() and not drawn.picture.any() and not drawn.apart


def test_the_same_numbers_are_drawn_whatever_the_shares_are() -> None:
    few, many = (
        Dropped.draw(Dropout(text=0.3, **more), 50, torch.Generator().manual_seed(1))
        for more in ({}, {"tracks": 0.5, "boxes": 0.9, "picture_tokens": 0.4})
    )
    assert torch.equal(few.text, many.text)
    assert many.apart and torch.equal(few.tokens, few.picture)


def test_texts() -> None:
    none = torch.zeros(2, dtype=torch.bool)
    assert Dropped(SOME, none, none, none, none).texts(("a dog", "a cat")) == ["", "a cat"]
    assert Dropped.nothing(2).texts(("a dog", "a cat")) == ["a dog", "a cat"]


def everything() -> Given:
    tracks = Tracks.of(torch.rand(3, FRAMES, 2).numpy() * 8, size=SIZE, fps=8)
    boxes = Boxes.of([[[1, 1, 5, 5]] * FRAMES], size=SIZE, fps=8, labels=("dog",))
    shape = {"frames": FRAMES, "size": SIZE}
    picture = torch.rand(2, 3, 8, 16)
    return Given(
        batch=2,
        stride=2,
        picture=picture,
        picture_latent=torch.rand(2, 4, 4, 8),
        tracks=TrackBatch.of([tracks, tracks], **shape),
        boxes=BoxBatch.of([boxes, boxes], **shape),
        key_frames=KeyFrames.first(picture),
        **shape,
    )


def test_a_dropped_clip_is_told_what_guidance_tells_it() -> None:
    given = everything()
    assert given.tracks is not None and given.boxes is not None and given.key_frames is not None
    nothing = given.without("picture", "tracks", "boxes")
    assert nothing.tracks is not None and nothing.boxes is not None
    tracks, boxes = without_tracks(given.tracks, SOME), without_boxes(given.boxes, SOME)
    pictured = without_picture(given, SOME)
    for made, gone, whole in (
        (tracks.state, nothing.tracks.state, given.tracks.state),
        (boxes.state, nothing.boxes.state, given.boxes.state),
        (pictured.has_picture(), nothing.has_picture(), given.has_picture()),
    ):
        assert torch.equal(made[0], gone[0]) and torch.equal(made[1], whole[1])
        assert not torch.equal(made[0], made[1])
    assert pictured.key_frames is not None
    assert pictured.key_frames.frames.tolist() == [[NOWHERE], [0]]
    both = without_picture(pictured, ~SOME)
    assert both.has_picture().tolist() == [0, 0]


def test_nobody_is_dropped_for_nothing() -> None:
    given = everything()
    nobody = torch.zeros(2, dtype=torch.bool)
    assert given.tracks is not None and given.boxes is not None
    assert without_tracks(given.tracks, nobody) is given.tracks
    assert without_boxes(given.boxes, nobody) is given.boxes
    assert without_picture(given, nobody) is given

"""Batches of boxes: shares of the picture, slots, padding, labels and refusals."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.core.boxes import Boxes
from kineograph.core.errors import ModelError
from kineograph.core.state import State

SIZE = (64, 32)
FRAMES = 5


def random_boxes(count: int, seed: int, *, group: list[int] | None = None) -> Boxes:
    """Boxes that reach far beyond the picture, in all states, hard and soft."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-40, 90, (count, FRAMES, 2, 2))
    corners.sort(axis=2)
    return Boxes.of(
        corners.reshape(count, FRAMES, 4),
        rng.integers(0, 3, (count, FRAMES)).astype(np.uint8),
        size=SIZE,
        fps=8,
        labels=[f"thing {index}" for index in range(count)],
        hard=rng.random((count, FRAMES)) < 0.5,
        group=group,
    )


def by_loops(clips: list[Boxes | None], slots: int) -> tuple[Tensor, Tensor, Tensor]:
    boxes = torch.zeros(len(clips), slots, FRAMES, 4)
    state = torch.zeros(len(clips), slots, FRAMES, dtype=torch.uint8)
    hard = torch.zeros(len(clips), slots, FRAMES, dtype=torch.bool)
    for b, clip in enumerate(clips):
        for o in range(0 if clip is None else clip.count):
            for t in range(FRAMES):
                assert clip is not None
                if clip.state[o, t] != State.UNSPECIFIED:
                    for side in range(4):
                        share = float(clip.boxes[o, t, side]) / SIZE[side % 2]
                        boxes[b, o, t, side] = min(max(share, 0.0), 1.0)
                state[b, o, t] = int(clip.state[o, t])
                hard[b, o, t] = bool(clip.hard[o, t])
    return boxes, state, hard


def batched(clips: list[Boxes | None], max_objects: int | None = 8) -> BoxBatch:
    return BoxBatch.of(clips, frames=FRAMES, size=SIZE, max_objects=max_objects)


@pytest.mark.parametrize(("max_objects", "slots"), [(8, 8), (None, 4)])
def test_a_batch_equals_its_loops(max_objects: int | None, slots: int) -> None:
    clips = [random_boxes(3, 0), None, random_boxes(4, 1)]
    batch = batched(clips, max_objects)
    boxes, state, hard = by_loops(clips, slots)
    torch.testing.assert_close(batch.boxes, boxes)
    assert torch.equal(batch.state, state) and torch.equal(batch.hard, hard)
    assert (batch.batch, batch.count, batch.frames) == (3, slots, FRAMES)
    assert batch.labels[0][:4] == ("thing 0", "thing 1", "thing 2", "")
    assert batch.labels[1] == ("",) * slots
    assert torch.equal(batch.given, state > 0)  # a hidden object's box is known, so given


def test_boxes_beside_the_picture_become_its_border() -> None:
    corners = [[[70, 4, 80, 8]], [[10, -9, 20, -1]], [[-8, -8, -1, -1]], [[-16, 8, 16, 40]]]
    batch = batched([Boxes.of(np.repeat(corners, FRAMES, axis=1), size=SIZE, fps=8)], None)
    assert batch.boxes[0, :, 0].tolist() == [
        [1, 0.125, 1, 0.25],
        [0.15625, 0, 0.3125, 0],
        [0, 0, 0, 0],
        [0, 0.25, 0.25, 1],
    ]
    assert batch.given.all()
    assert batch.in_picture[0, :, 0].tolist() == [False, False, False, True]


def test_a_slots_instance_is_its_group_or_itself() -> None:
    clips = [random_boxes(5, 0, group=[900, -1, 900, -1, 7]), random_boxes(2, 1), None]
    batch = batched(clips, 6)
    assert batch.instance.tolist() == [[0, 1, 0, 3, 4, 5], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]]


def test_no_boxes_at_all() -> None:
    batch = batched([None, None], None)
    assert batch.boxes.shape == (2, 0, FRAMES, 4)
    assert batch.repeat(2).cleared().batch == 4
    batch.require_labels()


def test_clearing_and_repeating() -> None:
    batch = batched([random_boxes(3, 0), random_boxes(2, 1)])
    batch = batch.with_labels(torch.rand(2, 8, 5))
    cleared = batch.cleared()
    assert batch.given.any() and not cleared.given.any() and not cleared.in_picture.any()
    assert cleared.boxes.shape == batch.boxes.shape and cleared.labels == batch.labels
    twice = batch.repeat(2)
    for name in ("boxes", "state", "hard", "instance", "label_embedding"):
        held = getattr(batch, name)
        assert torch.equal(getattr(twice, name), torch.cat([held, held]))
    assert twice.labels == batch.labels + batch.labels
    assert batch.to("meta").boxes.device.type == "meta"


def test_labels_are_asked_for_where_there_is_a_box() -> None:
    named = random_boxes(2, 0)
    batched([named, None]).require_labels()  # empty slots need none
    nameless = Boxes.of(
        np.tile([1.0, 1, 5, 5], (2, FRAMES, 1)), size=SIZE, fps=8, labels=("dog", " ")
    )
    batch = batched([named, nameless])
    with pytest.raises(ModelError, match=r"^box 2 of clip 2 of 2 has no label, and.*give every"):
        batch.require_labels()
    batch.cleared().require_labels()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match=r"^no clips were given"):
        batched([])
    with pytest.raises(
        ModelError, match=r"^3 boxed objects were given in clip 1 and the model reads 2 at most"
    ):
        batched([None, random_boxes(3, 0)], 2)
    with pytest.raises(ModelError, match=r"clip 0 have 5 frames and the clip has 8; resample"):
        BoxBatch.of([random_boxes(1, 0)], frames=8, size=SIZE)
    with pytest.raises(
        ModelError, match=r"picture of 64x32 and the clip is 32x32; resize the boxes"
    ):
        BoxBatch.of([random_boxes(1, 0)], frames=FRAMES, size=(32, 32))
    batch = batched([random_boxes(1, 0)])
    with pytest.raises(ModelError, match=r"^label features of \(1, 3, 5\).*give \(1, 8, width\)"):
        batch.with_labels(torch.zeros(1, 3, 5))
    with pytest.raises(ModelError, match=r"^labels is \(1, 1\) beside.*it has to be \(1, 8\)"):
        replace(batch, labels=(("dog",),))
